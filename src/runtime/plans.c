/* A small array under one lock: planning is rare and takes milliseconds, looking up compares a few integers. */
#include "runtime/plans.h"

#include <pthread.h>

typedef struct entry {
    yk__plan_key key;
    yk__specialisation *plan;
    int32_t users;
    uint64_t last_use;
} entry;

struct yk__plans {
    pthread_mutex_t lock;
    const yk__graph *graph;
    yk__plan_options options;
    yk__pack_cache *pack_cache;
    entry *entries;
    int32_t n_entries, capacity, max_plans;
    uint64_t clock;
};

yk__code yk__plans_create(yk__plans **out, const yk__graph *graph, const yk__plan_options *options, int32_t max_plans,
                          yk__error *err) {
    *out = NULL;
    yk__plans *plans = yk__alloc(sizeof *plans);
    if (!plans) return yk__fail(err, YK__MEMORY, "out of memory for an engine's plans");
    if (yk__pack_cache_create(&plans->pack_cache, err)) {
        yk__free(plans);
        return YK__MEMORY;
    }
    pthread_mutex_init(&plans->lock, NULL);
    plans->graph = graph;
    plans->options = *options;
    plans->options.pack_cache = plans->pack_cache;
    plans->max_plans = max_plans < 1 ? 1 : max_plans;
    *out = plans;
    return YK__OK;
}

void yk__plans_destroy(yk__plans **plans_at) {
    yk__plans *plans = *plans_at;
    if (!plans) return;
    for (int32_t i = 0; i < plans->n_entries; i++) yk__plan_destroy(&plans->entries[i].plan);
    yk__pack_cache_destroy(&plans->pack_cache);
    pthread_mutex_destroy(&plans->lock);
    yk__free(plans->entries);
    yk__free(plans);
    *plans_at = NULL;
}

static bool same_key(const yk__plan_key *a, const yk__plan_key *b) {
    return a->batch == b->batch && a->height == b->height && a->width == b->width && a->dense == b->dense &&
           a->keep_all == b->keep_all;
}

/* Gives up unused plans, oldest first, until fewer than max_plans are left (used ones stay, whatever their number). */
static void evict(yk__plans *plans) {
    while (plans->n_entries >= plans->max_plans) {
        int32_t oldest = -1;
        for (int32_t i = 0; i < plans->n_entries; i++)
            if (plans->entries[i].users == 0 && (oldest < 0 || plans->entries[i].last_use < plans->entries[oldest].last_use))
                oldest = i;
        if (oldest < 0) return;
        yk__plan_destroy(&plans->entries[oldest].plan);
        plans->entries[oldest] = plans->entries[--plans->n_entries];
    }
}

static yk__code make(yk__plans *plans, const yk__plan_key *key, entry **out, yk__error *err) {
    evict(plans);
    if (plans->n_entries == plans->capacity) {
        int32_t capacity = plans->capacity ? 2 * plans->capacity : 8;
        entry *grown = yk__realloc_array(plans->entries, (size_t)capacity, sizeof *grown);
        if (!grown) return yk__fail(err, YK__MEMORY, "out of memory for an engine's plans");
        plans->entries = grown;
        plans->capacity = capacity;
    }
    yk__plan_options options = plans->options;
    options.dense = key->dense;
    options.keep_all = key->keep_all;
    const yk__shape *declared = &plans->graph->values[plans->graph->inputs[0]].shape;
    int64_t channels = declared->rank == 4 && declared->dim[1] > 0 ? declared->dim[1] : 3;
    yk__shape shape = yk__shape_make(4, (int64_t[]){key->batch, channels, key->height, key->width});
    yk__specialisation *plan = NULL;
    YK__TRY(yk__plan_create(&plan, plans->graph, &shape, &options, err));
    plans->entries[plans->n_entries] = (entry){.key = *key, .plan = plan};
    *out = &plans->entries[plans->n_entries++];
    return YK__OK;
}

yk__code yk__plans_acquire(yk__plans *plans, const yk__plan_key *key, const yk__specialisation **out, yk__error *err) {
    *out = NULL;
    yk__code code = YK__OK;
    pthread_mutex_lock(&plans->lock);
    entry *found = NULL;
    for (int32_t i = 0; i < plans->n_entries && !found; i++)
        if (same_key(&plans->entries[i].key, key)) found = &plans->entries[i];
    if (!found) code = make(plans, key, &found, err);
    if (code == YK__OK) {
        found->users++;
        found->last_use = ++plans->clock;
        *out = found->plan;
    }
    pthread_mutex_unlock(&plans->lock);
    return code;
}

void yk__plans_release(yk__plans *plans, const yk__specialisation *plan) {
    if (!plan) return;
    pthread_mutex_lock(&plans->lock);
    for (int32_t i = 0; i < plans->n_entries; i++)
        if (plans->entries[i].plan == plan) plans->entries[i].users--;
    pthread_mutex_unlock(&plans->lock);
}
