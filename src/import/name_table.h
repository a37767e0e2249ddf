/* Names to indices: a hash table with nested scopes, as ONNX has them (a subgraph sees the names around it). */
#ifndef YK_IMPORT_NAME_TABLE_H
#define YK_IMPORT_NAME_TABLE_H

#include "base/memory.h"

/* Zero-initialise, set arena and parent. Names are not copied and must outlive the table. */
typedef struct yk__names {
    yk__arena *arena;
    const struct yk__names *parent; /* where to look further; NULL: nowhere */
    struct yk__names_slot {
        const char *name;
        int32_t index;
    } * slots;
    uint32_t n, capacity; /* capacity is a power of two, or 0 */
} yk__names;

/* The index of the name in this table or its parents, -1 when unknown. */
int32_t yk__names_find(const yk__names *names, const char *name);
/* In this table alone. */
int32_t yk__names_find_here(const yk__names *names, const char *name);
/* Adds a name that is not in this table yet. MEMORY; LIMIT for names chosen to collide. */
yk__code yk__names_add(yk__names *names, const char *name, int32_t index, yk__error *err) YK__MUST_USE;

#endif
