/* Reading the two places where a zip archive names its entries. Layouts: PKWARE's APPNOTE. */
#include "inspect/zip_list.h"

#include <string.h>

#include "base/memory.h"
#include "engine/engine_format.h"

enum {
    LOCAL_HEAD = 30,    /* "PK\3\4", in front of an entry */
    CENTRAL_HEAD = 46,  /* "PK\1\2", in the directory */
    END_HEAD = 22,      /* "PK\5\6", behind the directory */
    END64_LOCATOR = 20, /* "PK\6\7", in front of the end, in archives of more than 4 GiB */
    END64_HEAD = 56,    /* "PK\6\6" */
    MAX_COMMENT = 65535,
    ZIP64_EXTRA = 1,
    STREAMED = 8,            /* flag: sizes stand behind the data */
    DESCRIPTOR = 16,         /* "PK\7\10", checksum, sizes: behind the data of streamed entries */
    LOCAL_SEARCH = 32 << 20, /* bytes in which these are looked for, all in all */
};
#define UNKNOWN UINT64_MAX

static uint32_t u16(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

static yk__zip_entry *add(yk__zip_list *list) {
    if (list->n >= YK__ZIP_MAX_ENTRIES) return NULL;
    if (!list->entries) list->entries = yk__alloc_array(YK__ZIP_MAX_ENTRIES, sizeof *list->entries);
    return list->entries ? &list->entries[list->n++] : NULL;
}

/* Sizes and place of large entries stand in an extra field, those that are all ones in the head itself, in this order. */
static void read_zip64(const uint8_t *extra, size_t n, yk__zip_entry *entry, uint64_t *local) {
    for (size_t at = 0; n - at >= 4;) {
        size_t id = u16(extra + at), length = u16(extra + at + 2);
        at += 4;
        if (length > n - at) return;
        if (id != ZIP64_EXTRA) {
            at += length;
            continue;
        }
        uint64_t *const wanted[] = {&entry->size, &entry->packed, local};
        for (size_t i = 0, used = 0; i < 3; i++) {
            if (!wanted[i] || *wanted[i] != UINT32_MAX || length - used < 8) continue;
            *wanted[i] = yk__get_u64(extra + at + used);
            used += 8;
        }
        return;
    }
}

/* Where the data of the entry whose local header is at `local` begin. */
static uint64_t data_at(const yk__source *source, uint64_t local) {
    if (!yk__source_has(source, local, "PK\3\4", 4) || source->n - local < LOCAL_HEAD) return UNKNOWN;
    const uint8_t *head = source->bytes + local;
    return local + LOCAL_HEAD + u16(head + 26) + u16(head + 28);
}

static void read_central(const yk__source *source, uint64_t at, uint64_t stop, yk__zip_list *list) {
    while (stop - at >= CENTRAL_HEAD && !memcmp(source->bytes + at, "PK\1\2", 4)) {
        const uint8_t *head = source->bytes + at;
        size_t name_n = u16(head + 28), extra = u16(head + 30), comment = u16(head + 32);
        if (name_n + extra + comment > stop - at - CENTRAL_HEAD) return;
        yk__zip_entry *entry = add(list);
        if (!entry) return;
        uint64_t local = yk__get_u32(head + 42);
        *entry = (yk__zip_entry){.name = head + CENTRAL_HEAD,
                                 .name_n = (uint16_t)name_n,
                                 .method = (uint16_t)u16(head + 10),
                                 .encrypted = u16(head + 8) & 1,
                                 .packed = yk__get_u32(head + 20),
                                 .size = yk__get_u32(head + 24)};
        read_zip64(head + CENTRAL_HEAD + name_n, extra, entry, &local);
        entry->at = data_at(source, local);
        at += CENTRAL_HEAD + name_n + extra + comment;
    }
}

/* The end record, from the back: its comment may be as long as 64 KiB, and it says how long. */
static const uint8_t *find_end(const yk__source *source) {
    size_t n = source->n;
    for (size_t back = END_HEAD; back <= n && back <= END_HEAD + MAX_COMMENT; back++)
        if (!memcmp(source->bytes + n - back, "PK\5\6", 4)) return source->bytes + n - back;
    return NULL;
}

static bool read_directory(const yk__source *source, yk__zip_list *list) {
    const uint8_t *end = yk__source_whole(source) ? find_end(source) : NULL;
    if (!end) return false;
    uint64_t end_at = (uint64_t)(end - source->bytes), at = yk__get_u32(end + 16), length = yk__get_u32(end + 12);
    list->directory = true;
    list->needed = end_at + END_HEAD + u16(end + 20);
    if (end_at >= END64_LOCATOR && !memcmp(end - END64_LOCATOR, "PK\6\7", 4)) {
        uint64_t end64 = yk__get_u64(end - END64_LOCATOR + 8);
        if (yk__source_has(source, end64, "PK\6\6", 4) && source->n - end64 >= END64_HEAD) {
            length = yk__get_u64(source->bytes + end64 + 40);
            at = yk__get_u64(source->bytes + end64 + 48);
        }
    }
    if (at <= end_at && length <= end_at - at) read_central(source, at, at + length, list);
    return list->n > 0 || length == 0;
}

/* A directory that is not at the end, because something was appended: from its first head on. */
static void find_directory(const yk__source *source, uint64_t at, yk__zip_list *list) {
    while (yk__source_has(source, at, "PK\1\2", 4) && source->n - at >= CENTRAL_HEAD) {
        const uint8_t *head = source->bytes + at;
        at += CENTRAL_HEAD + u16(head + 28) + u16(head + 30) + u16(head + 32);
    }
    if (yk__source_has(source, at, "PK\6\6", 4) && source->n - at >= END64_HEAD) at += END64_HEAD;
    if (yk__source_has(source, at, "PK\6\7", 4)) at += END64_LOCATOR;
    if (!yk__source_has(source, at, "PK\5\6", 4) || source->n - at < END_HEAD) return;
    list->directory = true;
    list->needed = at + END_HEAD + u16(source->bytes + at + 20);
}

/* The sizes of an entry that was written before they were known: behind its data, where they agree with the place. */
static bool find_descriptor(const yk__source *source, uint64_t data, size_t *search, yk__zip_entry *entry) {
    for (uint64_t at = data; at<source->n && * search> 0;) {
        const size_t left = (size_t)(source->n - at), look = left < *search ? left : *search;
        const uint8_t *found = memmem(source->bytes + at, look, "PK\7\10", 4);
        *search -= found ? (size_t)(found - source->bytes) + 4 - (size_t)at : look;
        if (!found || (size_t)(source->bytes + source->n - found) < DESCRIPTOR) return false;
        at = (uint64_t)(found - source->bytes) + 4;
        if (yk__get_u32(found + 8) != at - 4 - data) continue;
        entry->packed = yk__get_u32(found + 8);
        entry->size = yk__get_u32(found + 12);
        return true;
    }
    return false;
}

/* From header to header, by their sizes. */
static void read_locals(const yk__source *source, yk__zip_list *list) {
    size_t search = LOCAL_SEARCH;
    for (uint64_t at = 0; source->n >= LOCAL_HEAD && at <= source->n - LOCAL_HEAD;) {
        const uint8_t *head = source->bytes + at;
        if (memcmp(head, "PK\3\4", 4) != 0) {
            find_directory(source, at, list);
            return;
        }
        size_t name_n = u16(head + 26), extra = u16(head + 28);
        uint64_t data = at + LOCAL_HEAD + name_n + extra;
        if (data > source->n) {
            list->needed = data;
            return;
        }
        yk__zip_entry *entry = add(list);
        if (!entry) return;
        bool streamed = u16(head + 6) & STREAMED;
        *entry = (yk__zip_entry){.name = head + LOCAL_HEAD,
                                 .name_n = (uint16_t)name_n,
                                 .method = (uint16_t)u16(head + 8),
                                 .encrypted = u16(head + 6) & 1,
                                 .at = data,
                                 .packed = yk__get_u32(head + 18),
                                 .size = yk__get_u32(head + 22)};
        read_zip64(head + LOCAL_HEAD + name_n, extra, entry, NULL);
        if (streamed && entry->packed == 0) entry->packed = entry->size = UNKNOWN;
        if (entry->packed == UNKNOWN && !find_descriptor(source, data, &search, entry)) return;
        if (entry->packed > UNKNOWN / 2) return;
        at = data + entry->packed;
        list->needed = at;
        if (streamed && yk__source_has(source, at, "PK\7\10", 4)) at += DESCRIPTOR;
    }
}

void yk__zip_list_read(const yk__source *source, yk__zip_list *list) {
    *list = (yk__zip_list){0};
    if (!read_directory(source, list)) read_locals(source, list);
}

void yk__zip_list_free(yk__zip_list *list) {
    yk__free(list->entries);
    *list = (yk__zip_list){0};
}

bool yk__zip_name_is(const yk__zip_entry *entry, const char *name) {
    size_t n = strlen(name);
    return entry->name_n == n && memcmp(entry->name, name, n) == 0;
}

bool yk__zip_name_ends(const yk__zip_entry *entry, const char *end) {
    size_t n = strlen(end);
    return entry->name_n >= n && memcmp(entry->name + entry->name_n - n, end, n) == 0;
}

bool yk__zip_name_has(const yk__zip_entry *entry, const char *part) {
    return memmem(entry->name, entry->name_n, part, strlen(part)) != NULL;
}

size_t yk__zip_at_hand(const yk__source *source, const yk__zip_entry *entry) {
    if (entry->at >= source->n) return 0;
    size_t left = source->n - (size_t)entry->at;
    return entry->packed < left ? (size_t)entry->packed : left;
}
