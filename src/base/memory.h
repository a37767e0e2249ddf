/* All memory of the library comes from here: the allocator, overflow-checked sizes, arenas.
 *
 * Code that reads untrusted files allocates from an arena with a budget, so that no file makes yolk take more memory than
 * its size justifies. Plain allocations go through yk__alloc, which tests can make fail (yk__alloc_fail_after). */
#ifndef YK_BASE_MEMORY_H
#define YK_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define YK__CACHE_LINE 64

/* Zeroed memory, NULL when there is none (or size is 0). Free with yk__free. */
void *yk__alloc(size_t size);
/* Like yk__alloc for count * size, NULL on overflow. */
void *yk__alloc_array(size_t count, size_t size);
/* Grows an array; the old block stays valid when NULL comes back. New bytes are not zeroed. */
void *yk__realloc_array(void *old, size_t count, size_t size);
/* Memory aligned to YK__CACHE_LINE, not zeroed; large blocks ask for huge pages. Free with yk__free_aligned(p, size). */
void *yk__alloc_aligned(size_t size);
void yk__free(void *memory);
void yk__free_aligned(void *memory, size_t size);
char *yk__strdup(const char *text);
char *yk__strndup(const char *text, size_t n);

/* Tests only: the n-th allocation from now on this thread fails (1 = the next); 0 switches this off. The counter counts
 * every allocation of this thread, so that a test can show that a path allocates nothing. */
void yk__alloc_fail_after(uint64_t n);
uint64_t yk__alloc_count(void);

/* *out = a * b (a + b); false on overflow, and *out is then of no use. */
static inline bool yk__mul_size(size_t a, size_t b, size_t *out) {
    return !__builtin_mul_overflow(a, b, out);
}
static inline bool yk__add_size(size_t a, size_t b, size_t *out) {
    return !__builtin_add_overflow(a, b, out);
}
static inline bool yk__mul_i64(int64_t a, int64_t b, int64_t *out) {
    return !__builtin_mul_overflow(a, b, out);
}
static inline bool yk__add_i64(int64_t a, int64_t b, int64_t *out) {
    return !__builtin_add_overflow(a, b, out);
}
/* Rounds up to a power-of-two multiple; the caller has checked that this cannot overflow. */
static inline size_t yk__round_up(size_t n, size_t multiple) {
    return (n + multiple - 1) & ~(multiple - 1);
}

/* A bump allocator: everything in it dies together. Not thread-safe. */
typedef struct yk__arena_block yk__arena_block;
typedef struct yk__arena {
    yk__arena_block *blocks;
    size_t used;      /* bytes handed out */
    size_t budget;    /* most bytes it may hand out; 0 = no bound */
    bool over_budget; /* the last allocation failed because of its size, not for want of memory */
} yk__arena;

void yk__arena_init(yk__arena *arena, size_t budget);
void yk__arena_free(yk__arena *arena); /* and reset to empty */
/* Zeroed, aligned to 16 bytes; NULL when out of memory or over budget. A size of 0 gives a valid pointer. */
void *yk__arena_alloc(yk__arena *arena, size_t size);
void *yk__arena_array(yk__arena *arena, size_t count, size_t size);
void *yk__arena_aligned(yk__arena *arena, size_t size, size_t alignment);
void *yk__arena_copy(yk__arena *arena, const void *bytes, size_t size);
char *yk__arena_strdup(yk__arena *arena, const char *text);
char *yk__arena_strndup(yk__arena *arena, const char *text, size_t n);
char *yk__arena_printf(yk__arena *arena, const char *format, ...) YK__PRINTF(2, 3);
/* The error that a NULL from an arena means: over budget (YK__LIMIT) or no memory (YK__MEMORY). */
yk__code yk__arena_error(const yk__arena *arena, const char *what, yk__error *err);

#endif
