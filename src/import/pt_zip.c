/* libzip does the reading and the checksums; this file bounds it and finds entries by their place under the archive's folder.
 */
#include "import/pt_zip.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "base/text.h"

/* What entries may unpack to altogether: torch stores them as they are; another packer may have squeezed weights, which do not
 * get much smaller, and text, which does. */
enum { UNPACKED_PER_BYTE = 8 };
static const size_t UNPACKED_FLOOR = (size_t)1 << 20;

static int by_name(const void *a, const void *b) {
    const struct yk__pt_entry *const x = a, *const y = b;
    return strcmp(x->name, y->name);
}

static yk__code open_failed(const zip_error_t *error, yk__error *err) {
    const int code = zip_error_code_zip(error);
    if (code == ZIP_ER_MEMORY) return yk__fail(err, YK__MEMORY, "out of memory for the archive");
    /* The directory stands at the end: without it the tail is gone. */
    if (code == ZIP_ER_NOZIP) return yk__fail(err, YK__TRUNCATED, "the archive has no directory at its end: the file is cut");
    zip_error_t copy = *error;
    return yk__fail(err, YK__FORMAT, "broken zip archive: %s", zip_error_strerror(&copy));
}

static yk__code open_handle(yk__pt_zip *zip, const uint8_t *bytes, size_t size, yk__error *err) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *const source = zip_source_buffer_create(bytes, size, 0, &error);
    zip_t *const handle = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    yk__code code = YK__OK;
    if (!handle) {
        code = open_failed(&error, err);
        zip_source_free(source);
    }
    zip->handle = handle;
    zip_error_fini(&error);
    return code;
}

static yk__code list_entries(yk__pt_zip *zip, yk__error *err) {
    const zip_int64_t n = zip_get_num_entries(zip->handle, 0);
    if (n > YK__PT_MAX_ENTRIES) {
        return yk__fail(err, YK__LIMIT, "the archive has %lld entries; a checkpoint has a few thousand at most", (long long)n);
    }
    zip->entries = yk__alloc_array((size_t)n + 1, sizeof *zip->entries);
    if (!zip->entries) return yk__fail(err, YK__MEMORY, "out of memory for the archive's %lld entries", (long long)n);
    for (zip_int64_t i = 0; i < n; i++) {
        zip_stat_t stat;
        const zip_uint64_t wanted = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_CRC;
        if (zip_stat_index(zip->handle, (zip_uint64_t)i, ZIP_FL_ENC_RAW, &stat) != 0 || (stat.valid & wanted) != wanted)
            return yk__fail(err, YK__FORMAT, "broken zip archive: entry %lld has no name, size or checksum", (long long)i);
        zip->entries[i] = (struct yk__pt_entry){stat.name, stat.size, i};
    }
    zip->n = (int32_t)n;
    qsort(zip->entries, (size_t)n, sizeof *zip->entries, by_name);
    for (int32_t i = 1; i < zip->n; i++) {
        if (strcmp(zip->entries[i - 1].name, zip->entries[i].name) == 0)
            return yk__fail(err, YK__FORMAT, "the archive holds two entries named \"%.120s\"", zip->entries[i].name);
    }
    return YK__OK;
}

/* The folder of data.pkl; of several the one that is highest, as a pickle deeper inside is somebody's luggage. */
static yk__code find_prefix(yk__pt_zip *zip, yk__error *err) {
    static const char pickle[] = "data.pkl";
    const size_t n = sizeof pickle - 1;
    const char *found = NULL;
    size_t depth = SIZE_MAX;
    for (int32_t i = 0; i < zip->n; i++) {
        const char *const name = zip->entries[i].name;
        if (!yk__ends_with(name, pickle) || (strlen(name) > n && name[strlen(name) - n - 1] != '/')) continue;
        size_t slashes = 0;
        for (const char *c = name; *c; c++) slashes += *c == '/';
        if (slashes < depth) {
            depth = slashes;
            found = name;
        }
    }
    if (!found) return YK__OK;
    zip->prefix = yk__strndup(found, strlen(found) - n);
    return zip->prefix ? YK__OK : yk__fail(err, YK__MEMORY, "out of memory");
}

yk__code yk__pt_zip_open(yk__pt_zip *zip, const uint8_t *bytes, size_t size, yk__error *err) {
    *zip = (yk__pt_zip){0};
    if (!yk__mul_size(size, UNPACKED_PER_BYTE, &zip->limit) || !yk__add_size(zip->limit, UNPACKED_FLOOR, &zip->limit))
        zip->limit = PTRDIFF_MAX;
    yk__code code = open_handle(zip, bytes, size, err);
    if (code == YK__OK) code = list_entries(zip, err);
    if (code == YK__OK) code = find_prefix(zip, err);
    if (code != YK__OK) yk__pt_zip_close(zip);
    return code;
}

void yk__pt_zip_close(yk__pt_zip *zip) {
    if (zip->handle) zip_discard(zip->handle);
    yk__free(zip->entries);
    yk__free(zip->prefix);
    *zip = (yk__pt_zip){0};
}

int32_t yk__pt_zip_find(const yk__pt_zip *zip, const char *name) {
    const char *const prefix = zip->prefix ? zip->prefix : "";
    const size_t n = strlen(prefix);
    int32_t low = 0, high = zip->n;
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        const char *const here = zip->entries[middle].name;
        int order = strncmp(here, prefix, n);
        if (order == 0) order = strcmp(here + n, name);
        if (order == 0) return middle;
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return -1;
}

bool yk__pt_zip_mentions(const yk__pt_zip *zip, const char *part) {
    for (int32_t i = 0; i < zip->n; i++)
        if (strstr(zip->entries[i].name, part)) return true;
    return false;
}

uint64_t yk__pt_zip_size(const yk__pt_zip *zip, int32_t entry) {
    return zip->entries[entry].size;
}

static yk__code read_failed(const char *name, zip_error_t *error, yk__error *err) {
    switch (zip_error_code_zip(error)) {
    case ZIP_ER_CRC:
        return yk__fail(
            err, YK__CHECKSUM,
            "the entry \"%.120s\" of the archive is damaged: its checksum does not fit its content; copy the file again", name);
    case ZIP_ER_MEMORY: return yk__fail(err, YK__MEMORY, "out of memory for the entry \"%.120s\"", name);
    case ZIP_ER_EOF: return yk__fail(err, YK__TRUNCATED, "the entry \"%.120s\" of the archive is cut", name);
    case ZIP_ER_OK:
        return yk__fail(err, YK__FORMAT, "the entry \"%.120s\" of the archive does not have the length it says", name);
    default:
        return yk__fail(err, YK__FORMAT, "the entry \"%.120s\" of the archive cannot be read: %s", name,
                        zip_error_strerror(error));
    }
}

/* Reads to the entry's end and once more, which is when libzip compares the checksum. */
static bool read_all(zip_file_t *file, uint8_t *out, size_t size) {
    size_t have = 0;
    uint8_t beyond;
    while (have < size) {
        const zip_int64_t n = zip_fread(file, out + have, size - have);
        if (n <= 0) return false;
        have += (size_t)n;
    }
    return zip_fread(file, &beyond, 1) == 0;
}

yk__code yk__pt_zip_read(yk__pt_zip *zip, int32_t entry, uint8_t **out, size_t *size, yk__error *err) {
    const struct yk__pt_entry *const e = &zip->entries[entry];
    *out = NULL;
    if (e->size > zip->limit - zip->used) {
        return yk__fail(err, YK__LIMIT,
                        "the entry \"%.120s\" says it unpacks to %llu bytes: more than a checkpoint of this size holds",
                        e->name, (unsigned long long)e->size);
    }
    uint8_t *const bytes = yk__alloc((size_t)e->size + 1);
    zip_file_t *const file = bytes ? zip_fopen_index(zip->handle, (zip_uint64_t)e->index, 0) : NULL;
    yk__code code = YK__OK;
    if (!bytes) {
        code =
            yk__fail(err, YK__MEMORY, "out of memory for the %llu bytes of \"%.120s\"", (unsigned long long)e->size, e->name);
    } else if (!file) {
        code = read_failed(e->name, zip_get_error(zip->handle), err);
    } else if (!read_all(file, bytes, (size_t)e->size)) {
        code = read_failed(e->name, zip_file_get_error(file), err);
    }
    if (file) zip_fclose(file);
    if (code != YK__OK) {
        yk__free(bytes);
        return code;
    }
    zip->used += (size_t)e->size;
    *out = bytes;
    *size = (size_t)e->size;
    return YK__OK;
}
