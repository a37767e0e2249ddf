/* Where constants lie in the weights section: in the order of values, aligned, equal ones once. */
#include "engine/graph_json.h"

#include <string.h>

#include "base/checksum.h"
#include "engine/engine_format.h"

/* Open addressing over the distinct constants, at most half full. */
typedef struct owners {
    int32_t *slots; /* value index + 1 */
    uint64_t *hashes;
    size_t mask;
} owners;

static yk__code make_table(const yk__graph *graph, yk__arena *arena, owners *out, yk__error *err) {
    size_t n = 64;
    while (n < 2 * (size_t)graph->n_values) n *= 2;
    out->slots = yk__arena_array(arena, n, sizeof *out->slots);
    out->hashes = yk__arena_array(arena, n, sizeof *out->hashes);
    out->mask = n - 1;
    return out->slots && out->hashes ? YK__OK : yk__arena_error(arena, "placing weights", err);
}

/* The first value with these bytes; itself when there is none before it. */
static int32_t find_owner(const yk__graph *graph, const yk__weights_place *places, owners *table, int32_t index, size_t bytes) {
    const void *data = graph->values[index].data;
    uint64_t hash = yk__xxh3(data, bytes);
    size_t slot = (size_t)hash & table->mask;
    for (; table->slots[slot]; slot = (slot + 1) & table->mask) {
        int32_t other = table->slots[slot] - 1;
        if (table->hashes[slot] == hash && places[other].bytes == bytes && !memcmp(graph->values[other].data, data, bytes))
            return other;
    }
    table->slots[slot] = index + 1;
    table->hashes[slot] = hash;
    return index;
}

yk__code yk__weights_plan_make(const yk__graph *graph, yk__arena *arena, yk__weights_plan *out, yk__error *err) {
    owners table;
    out->total = 0;
    out->places = yk__arena_array(arena, (size_t)graph->n_values, sizeof *out->places);
    if (!out->places) return yk__arena_error(arena, "placing weights", err);
    YK__TRY(make_table(graph, arena, &table, err));
    for (int32_t v = 0; v < graph->n_values; v++) {
        const yk__value *value = &graph->values[v];
        yk__weights_place *place = &out->places[v];
        if (!value->data) continue;
        if (!yk__tensor_bytes(value->dtype, &value->shape, &place->bytes))
            return yk__fail(err, YK__GRAPH, "constant %.120s has no known size", value->name);
        place->constant = true;
        place->owner = find_owner(graph, out->places, &table, v, place->bytes);
        if (place->owner != v) {
            place->at = out->places[place->owner].at;
            continue;
        }
        place->at = yk__round_up(out->total, YK__ENGINE_ALIGN);
        out->total = place->at + place->bytes; /* sizes of things that are in memory: no overflow */
    }
    return YK__OK;
}
