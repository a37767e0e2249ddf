/* The zip archive around a checkpoint: torch.save writes data.pkl, one entry per storage and a few small ones, all stored under
 * one folder whose name is free. Archives packed again by other tools (compressed, another order) read the same. */
#ifndef YK_IMPORT_PT_ZIP_H
#define YK_IMPORT_PT_ZIP_H

#include "base/memory.h"

/* Far above any checkpoint: the largest YOLO has some 1,500 storages, an optimiser's state three times that. */
#define YK__PT_MAX_ENTRIES 100000

typedef struct yk__pt_zip {
    void *handle; /* libzip's */
    struct yk__pt_entry {
        const char *name;
        uint64_t size;
        int64_t index;
    } * entries; /* sorted by name */
    int32_t n;
    char *prefix;       /* "yolov8n/": what stands in front of data.pkl, "" when nothing does */
    size_t limit, used; /* bytes that may be, and have been, unpacked: compressed entries must not blow up */
} yk__pt_zip;

/* The bytes must outlive the struct. FORMAT (not a zip, or a broken one), TRUNCATED (no directory at its end), LIMIT, MEMORY.
 * On failure the struct is empty. An archive without data.pkl opens; its prefix is NULL. */
yk__code yk__pt_zip_open(yk__pt_zip *zip, const uint8_t *bytes, size_t size, yk__error *err) YK__MUST_USE;
void yk__pt_zip_close(yk__pt_zip *zip);

/* The entry <prefix><name>, -1 when there is none. */
int32_t yk__pt_zip_find(const yk__pt_zip *zip, const char *name);
/* Whether any entry's name holds this part. */
bool yk__pt_zip_mentions(const yk__pt_zip *zip, const char *part);
uint64_t yk__pt_zip_size(const yk__pt_zip *zip, int32_t entry);
/* Unpacks an entry into memory of exactly its size (free with yk__free; never NULL on success) and checks its CRC. CHECKSUM,
 * FORMAT, TRUNCATED, LIMIT, MEMORY; the message names the entry. */
yk__code yk__pt_zip_read(yk__pt_zip *zip, int32_t entry, uint8_t **out, size_t *size, yk__error *err) YK__MUST_USE;

#endif
