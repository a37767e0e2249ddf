/* One function per kind of refusal; generations of the wording change at 6.0, 8.0, 8.6 and 10.0. */
#include "inspect/plan_messages.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *or_dots(const char *text) {
    return *text ? text : "...";
}

/* The first three parts of "8.2.3.1": what releases up to 8.4 print. */
static void three_parts(const char *version, char out[32]) {
    int dots = 0;
    size_t n = 0;
    for (; version[n] && n < 31; n++)
        if (version[n] == '.' && ++dots == 3) break;
    memcpy(out, version, n);
    out[n] = 0;
}

static void assertion(int release, const char *place, const char *words, const char *note, char *out, size_t size) {
    if (release >= 1000)
        snprintf(out, size,
                 "IRuntime::deserializeCudaEngine: Error Code 1: Serialization (Serialization assertion %s failed.%s)", words,
                 note);
    else
        snprintf(out, size, "1: [%s] Error Code 1: Serialization (Serialization assertion %s failed.%s)", place, words, note);
}

static void magic(int release, char *out, size_t size) {
    if (release >= 1000)
        assertion(release, "", "plan->header.magicTag == rt::kPLAN_MAGIC_TAG",
                  "Trying to load an engine created with incompatible serialization version. Check that the engine was not "
                  "created using safety runtime, same OS was used and version compatibility parameters were set accordingly.",
                  out, size);
    else if (release >= 806)
        assertion(release, "runtime.cpp::parsePlan::314", "plan->header.magicTag == rt::kPLAN_MAGIC_TAG", "", out, size);
    else if (release >= 800)
        assertion(release, "stdArchiveReader.cpp::StdArchiveReader::30", "magicTagRead == kMAGIC_TAG",
                  "Magic tag does not match", out, size);
    else if (release >= 600)
        snprintf(out, size, "coreReadArchive.cpp (31) - Serialization Error in verifyHeader: 0 (Magic tag does not match)");
    else
        snprintf(out, size, "The engine plan file is not compatible with this version of TensorRT, got 0.0.0, please rebuild.");
}

static void number(int release, bool safe, const char *machine, const char *file, char *out, size_t size) {
    char note[160];
    snprintf(note, sizeof note, "Version tag does not match. Note: Current Version: %s, Serialized Engine Version: %s",
             or_dots(machine), or_dots(file));
    if (release < 702)
        snprintf(out, size, "coreReadArchive.cpp (38) - Serialization Error in verifyHeader: 0 (Version tag does not match)");
    else if (release < 800)
        snprintf(out, size, "coreReadArchive.cpp (41) - Serialization Error in verifyHeader: 0 (%s)", note);
    else if (safe)
        assertion(release, "stdArchiveReader.cpp::StdArchiveReader::34", "safeVersionRead == safeSerializationVersion", note,
                  out, size);
    else
        assertion(release, "stdArchiveReader.cpp::StdArchiveReader::42",
                  release >= 1000 ? "stdVersionRead == kSERIALIZATION_VERSION" : "stdVersionRead == serializationVersion", note,
                  out, size);
}

static void length(int release, char *out, size_t size) {
    if (release >= 800)
        assertion(release, "stdArchiveReader.cpp::StdArchiveReader::53", "sizeRead == static_cast<uint64_t>(mEnd - mCurrent)",
                  "Size specified in header does not match archive size", out, size);
    else if (release >= 600)
        snprintf(out, size,
                 "coreReadArchive.cpp (55) - Serialization Error in verifyHeader: 0 (Length in header does not match "
                 "remaining archive length)");
    else
        snprintf(out, size,
                 "size >= bsize && \"Mismatch between allocated memory size and expected size of serialized engine.\"");
}

static const char *front(int release) {
    return release >= 1000  ? "IRuntime::deserializeCudaEngine: Error Code 6: API Usage Error ("
           : release >= 800 ? "6: "
                            : "INVALID_CONFIG: ";
}

void yk__refusal_message(yk__refusal what, int release, const char *machine, const char *file, char *out, size_t size) {
    char ours[32], theirs[32];
    const char *end = release >= 1000 ? ")" : "";
    *out = 0;
    switch (what) {
    case YK__REFUSAL_MAGIC: magic(release, out, size); return;
    case YK__REFUSAL_SAFE_NUMBER: number(release, true, machine, file, out, size); return;
    case YK__REFUSAL_SERIALIZATION: number(release, false, machine, file, out, size); return;
    case YK__REFUSAL_SIZE: length(release, out, size); return;
    case YK__REFUSAL_PLATFORM:
        if (release < 1000) return; /* earlier ones do not look */
        assertion(release, "", "plan->header.pad == expectedPlatformTag",
                  "Platform specific tag mismatch detected. TensorRT plan files are only supported on the target runtime "
                  "platform they were created on.",
                  out, size);
        return;
    case YK__REFUSAL_VERSION:
        snprintf(ours, sizeof ours, "%.31s", machine);
        snprintf(theirs, sizeof theirs, "%.31s", file);
        if (release < 805) {
            three_parts(machine, ours);
            three_parts(file, theirs);
        }
        snprintf(out, size,
                 "%sThe engine plan file is not compatible with this version of TensorRT, expecting library version %s got %s, "
                 "please rebuild.%s",
                 front(release), or_dots(ours), or_dots(theirs), end);
        return;
    case YK__REFUSAL_COMPUTE:
        snprintf(out, size,
                 "%sThe engine plan file is generated on an incompatible device, expecting compute %s got compute %s, please "
                 "rebuild.%s",
                 front(release), or_dots(machine), or_dots(file), end);
        return;
    }
}
