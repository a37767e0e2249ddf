/* Packed weights, made once per engine and kernel and shared by its specialisations. They lie in slabs that huge pages can
 * back: a page fault costs microseconds in a virtual machine, and a small network's weights are thousands of small pages. */
#include <pthread.h>
#include <stdint.h>

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

/* A multiple of the huge page; what is not written to takes no memory. */
#define SLAB_BYTES ((size_t)8 << 20)

typedef struct slab slab;
struct slab {
    slab *next;
    size_t bytes, used;
    uint8_t *data;
};

/* By node index; a YOLO has a few hundred nodes with weights. */
#define BUCKETS 256

struct yk__pack_cache {
    pthread_mutex_t lock; /* held while packing too: nobody packs the same weights twice */
    pack *buckets[BUCKETS];
    slab *slabs; /* the newest first: only it is filled further */
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
            yk__free(p);
        }
    }
    for (slab *l = (*cache)->slabs, *next; l; l = next) {
        next = l->next;
        yk__free_aligned(l->data, l->bytes);
        yk__free(l);
    }
    pthread_mutex_destroy(&(*cache)->lock);
    yk__free(*cache);
    *cache = NULL;
}

/* The newest slab, or a new one, with that many bytes left; NULL when out of memory. */
static slab *slab_with(yk__pack_cache *cache, size_t bytes) {
    slab *newest = cache->slabs;
    if (newest && newest->bytes - newest->used >= bytes) return newest;
    slab *made = yk__alloc(sizeof *made);
    if (!made) return NULL;
    made->bytes = bytes > SLAB_BYTES ? bytes : SLAB_BYTES;
    made->data = yk__alloc_aligned(made->bytes);
    if (!made->data) {
        yk__free(made);
        return NULL;
    }
    made->next = newest;
    return cache->slabs = made;
}

static yk__code make_pack(yk__pack_cache *cache, const yk__step *step, const yk__need *need, yk__pool *pool, pack **out,
                          yk__error *err) {
    pack *made = yk__alloc(sizeof *made);
    slab *place = made ? slab_with(cache, need->packed_bytes) : NULL;
    yk__code code = YK__MEMORY;
    if (!place) {
        yk__fail(err, YK__MEMORY, "out of memory for %zu bytes of packed weights", need->packed_bytes);
        goto fail;
    }
    void *data = place->data + place->used;
    code = step->kernel->pack(step->kernel, step, data, pool, err);
    if (code != YK__OK) goto fail;
    place->used += yk__round_up(need->packed_bytes, YK__CACHE_LINE);
    if (place->used > place->bytes) place->used = place->bytes;
    *made = (pack){.node_index = step->node_index,
                   .format = need->packed_format,
                   .kernel = step->kernel,
                   .bytes = need->packed_bytes,
                   .data = data};
    *out = made;
    return YK__OK;
fail:
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
        code = make_pack(cache, step, need, pool, &found, err);
        if (code == YK__OK) {
            found->next = *bucket;
            *bucket = found;
        }
    }
    if (code == YK__OK) *packed = found->data;
    pthread_mutex_unlock(&cache->lock);
    return code;
}
