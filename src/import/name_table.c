/* Open addressing with linear probing, at most half full. XXH3 is not keyed, so a file could be made whose names all collide
 * and take quadratic time; a table with a run of MAX_PROBES full slots is therefore refused. */
#include "import/name_table.h"

#include <string.h>

#include "base/checksum.h"

/* At half load the longest run among 400,000 names is around 50 slots. */
#define MAX_PROBES 1024

static uint32_t first_slot(const yk__names *names, const char *name) {
    return (uint32_t)yk__xxh3(name, strlen(name)) & (names->capacity - 1);
}

int32_t yk__names_find_here(const yk__names *names, const char *name) {
    if (names->capacity == 0) return -1;
    for (uint32_t i = first_slot(names, name);; i = (i + 1) & (names->capacity - 1)) {
        if (!names->slots[i].name) return -1;
        if (strcmp(names->slots[i].name, name) == 0) return names->slots[i].index;
    }
}

int32_t yk__names_find(const yk__names *names, const char *name) {
    for (; names; names = names->parent) {
        const int32_t index = yk__names_find_here(names, name);
        if (index >= 0) return index;
    }
    return -1;
}

/* How many slots were full on the way. */
static uint32_t insert(yk__names *names, const char *name, int32_t index) {
    uint32_t i = first_slot(names, name), probes = 0;
    for (; names->slots[i].name; probes++) i = (i + 1) & (names->capacity - 1);
    names->slots[i] = (struct yk__names_slot){name, index};
    names->n++;
    return probes;
}

yk__code yk__names_add(yk__names *names, const char *name, int32_t index, yk__error *err) {
    if (2 * (names->n + 1) > names->capacity) {
        yk__names larger = {
            .arena = names->arena, .parent = names->parent, .capacity = names->capacity ? 2 * names->capacity : 16};
        larger.slots = yk__arena_array(names->arena, larger.capacity, sizeof *larger.slots);
        if (!larger.slots) return yk__arena_error(names->arena, "the table of names", err);
        for (uint32_t i = 0; i < names->capacity; i++) {
            if (names->slots[i].name) insert(&larger, names->slots[i].name, names->slots[i].index);
        }
        *names = larger;
    }
    if (insert(names, name, index) < MAX_PROBES) return YK__OK;
    return yk__fail(err, YK__LIMIT, "too many names with the same hash; the file was made to slow readers down");
}
