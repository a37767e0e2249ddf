/* Packed weights, made once per engine and kernel and shared by its specialisations. */
#include <pthread.h>

#include "plan/plan_stages.h"

typedef struct pack pack;
struct pack {
    pack *next;
    int32_t node_index;
    uint32_t format;
    const yk__kernel *kernel;
    size_t bytes;
    void *data;
};

/* By node index; a YOLO has a few hundred nodes with weights. */
#define BUCKETS 256

struct yk__pack_cache {
    pthread_mutex_t lock; /* held while packing too: nobody packs the same weights twice */
    pack *buckets[BUCKETS];
};

yk__code yk__pack_cache_create(yk__pack_cache **out, yk__error *err) {
    yk__pack_cache *cache = yk__alloc(sizeof *cache);
    if (!cache || pthread_mutex_init(&cache->lock, NULL) != 0) {
        yk__free(cache);
        return yk__fail(err, YK__MEMORY, "out of memory for the cache of packed weights");
    }
    *out = cache;
    return YK__OK;
}

void yk__pack_cache_destroy(yk__pack_cache **cache) {
    if (!cache || !*cache) return;
    for (int i = 0; i < BUCKETS; i++) {
        for (pack *p = (*cache)->buckets[i], *next; p; p = next) {
            next = p->next;
            yk__free_aligned(p->data, p->bytes);
            yk__free(p);
        }
    }
    pthread_mutex_destroy(&(*cache)->lock);
    yk__free(*cache);
    *cache = NULL;
}

static yk__code make_pack(const yk__step *step, const yk__need *need, yk__pool *pool, pack **out, yk__error *err) {
    pack *made = yk__alloc(sizeof *made);
    void *data = yk__alloc_aligned(need->packed_bytes);
    yk__code code = YK__MEMORY;
    if (!made || !data) {
        yk__fail(err, YK__MEMORY, "out of memory for %zu bytes of packed weights", need->packed_bytes);
        goto fail;
    }
    code = step->kernel->pack(step->kernel, step, data, pool, err);
    if (code != YK__OK) goto fail;
    *made = (pack){.node_index = step->node_index,
                   .format = need->packed_format,
                   .kernel = step->kernel,
                   .bytes = need->packed_bytes,
                   .data = data};
    *out = made;
    return YK__OK;
fail:
    if (data) yk__free_aligned(data, need->packed_bytes);
    yk__free(made);
    return code;
}

yk__code yk__pack_cache_get(yk__pack_cache *cache, const yk__step *step, const yk__need *need, yk__pool *pool,
                            const void **packed, yk__error *err) {
    pack **bucket = &cache->buckets[(uint32_t)step->node_index % BUCKETS];
    pthread_mutex_lock(&cache->lock);
    yk__code code = YK__OK;
    pack *found = *bucket;
    while (found && !(found->node_index == step->node_index && found->kernel == step->kernel &&
                      found->bytes == need->packed_bytes && found->format == need->packed_format && found->format != 0)) {
        found = found->next;
    }
    if (!found) {
        code = make_pack(step, need, pool, &found, err);
        if (code == YK__OK) {
            found->next = *bucket;
            *bucket = found;
        }
    }
    if (code == YK__OK) *packed = found->data;
    pthread_mutex_unlock(&cache->lock);
    return code;
}
