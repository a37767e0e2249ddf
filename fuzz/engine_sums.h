/* Engine files for fuzzing: checksums put right, so that the fuzzer gets past them, and a mutator that keeps the file's frame
 * and changes one section. Included once by each target that reads engines. */
#ifndef YK_FUZZ_ENGINE_SUMS_H
#define YK_FUZZ_ENGINE_SUMS_H

#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "engine/engine_format.h"

/* Offset, length and entry of section i as the file states them; false when they do not lie in the file. */
static bool section_at(const uint8_t *bytes, size_t size, int i, size_t *at, size_t *length) {
    const uint8_t *entry = bytes + YK__HEAD_TABLE + (size_t)i * YK__ENTRY_BYTES;
    uint64_t from = yk__get_u64(entry + YK__ENTRY_AT), n = yk__get_u64(entry + YK__ENTRY_LENGTH);
    if (from > size || n > size - from) return false;
    *at = (size_t)from;
    *length = (size_t)n;
    return true;
}

static int n_sections(const uint8_t *bytes, size_t size) {
    if (size < YK__ENGINE_HEAD_BYTES) return 0;
    uint32_t n = yk__get_u32(bytes + YK__HEAD_N_SECTIONS);
    return n <= YK__ENGINE_MAX_SECTIONS ? (int)n : 0;
}

static void fix_sums(uint8_t *bytes, size_t size) {
    size_t at, length;
    if (size < YK__ENGINE_HEAD_BYTES) return;
    memcpy(bytes, YK__ENGINE_MAGIC, YK__ENGINE_MAGIC_BYTES);
    for (int i = 0; i < n_sections(bytes, size); i++)
        if (section_at(bytes, size, i, &at, &length))
            yk__put_u64(bytes + YK__HEAD_TABLE + (size_t)i * YK__ENTRY_BYTES + YK__ENTRY_CHECKSUM,
                        yk__xxh3(bytes + at, length));
    yk__put_u64(bytes + YK__HEAD_CHECKSUM, yk__xxh3_with_hole(bytes, YK__ENGINE_HEAD_BYTES, YK__HEAD_CHECKSUM, 8));
}

#if defined(YK__LIBFUZZER)
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* Replaces section `which` by other bytes of another length; the sections behind it move. */
static size_t replace_section(uint8_t *data, size_t size, size_t max_size, int which, const uint8_t *with, size_t n_with) {
    uint8_t *out = calloc(1, max_size);
    size_t to = YK__ENGINE_HEAD_BYTES, at, length;
    if (!out) return 0;
    memcpy(out, data, YK__ENGINE_HEAD_BYTES);
    for (int i = 0; i < n_sections(data, size); i++) {
        uint8_t *entry = out + YK__HEAD_TABLE + (size_t)i * YK__ENTRY_BYTES;
        bool in_file = section_at(data, size, i, &at, &length);
        const uint8_t *from = i == which ? with : data + at;
        size_t n = i == which ? n_with : length;
        to = (to + YK__ENGINE_ALIGN - 1) / YK__ENGINE_ALIGN * YK__ENGINE_ALIGN;
        if (!in_file || to > max_size || n > max_size - to) {
            free(out);
            return 0;
        }
        memcpy(out + to, from, n);
        yk__put_u64(entry + YK__ENTRY_AT, to);
        yk__put_u64(entry + YK__ENTRY_LENGTH, n);
        if (!memcmp(entry, "weights", 8)) yk__put_u64(out + YK__HEAD_SUMMARY + YK__SUMMARY_WEIGHTS, n);
        to += n;
    }
    yk__put_u64(out + YK__HEAD_FILE_BYTES, to);
    fix_sums(out, to);
    memcpy(data, out, to);
    free(out);
    return to;
}

/* In three of four cases the content of one section; otherwise any byte of the file. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed) {
    int n = n_sections(data, size);
    size_t at, length, made = 0;
    if (n == 0 || seed % 4 == 0) return LLVMFuzzerMutate(data, size, max_size);
    int which = (int)(seed / 4 % (unsigned)n);
    if (!section_at(data, size, which, &at, &length)) return LLVMFuzzerMutate(data, size, max_size);
    size_t room = length + 512;
    uint8_t *section = malloc(room);
    if (!section) return size;
    memcpy(section, data + at, length);
    length = LLVMFuzzerMutate(section, length, room);
    made = replace_section(data, size, max_size, which, section, length);
    free(section);
    return made ? made : LLVMFuzzerMutate(data, size, max_size);
}
#endif

#endif
