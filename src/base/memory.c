/* Every allocation of the library goes through this file: so tests can count them and make any one fail, and so arenas
 * can hold a reader of untrusted files to a budget. Nothing here reports errors or logs; NULL is the only bad news. */
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifndef WITH_ASAN
#define WITH_ASAN 0
#endif
#if WITH_ASAN
#include <sanitizer/asan_interface.h>
#endif

/* The huge page of x86-64 and of arm64 with 4 KiB pages: smaller blocks cannot hold one. */
#define HUGE_PAGE ((size_t)2 << 20)

static _Thread_local uint64_t n_allocations;
static _Thread_local uint64_t fail_countdown;

void yk__alloc_fail_after(uint64_t n) {
    fail_countdown = n;
}
uint64_t yk__alloc_count(void) {
    return n_allocations;
}

/* Counts one allocation; false when it is to fail. */
static bool admit(size_t size) {
    if (size == 0 || size > PTRDIFF_MAX) return false;
    n_allocations++;
    return fail_countdown == 0 || --fail_countdown != 0;
}

void *yk__alloc(size_t size) {
    return admit(size) ? calloc(1, size) : NULL;
}

void *yk__alloc_array(size_t count, size_t size) {
    size_t total;
    return yk__mul_size(count, size, &total) ? yk__alloc(total) : NULL;
}

void *yk__realloc_array(void *old, size_t count, size_t size) {
    size_t total;
    return yk__mul_size(count, size, &total) && admit(total) ? realloc(old, total) : NULL;
}

void yk__free(void *memory) {
    free(memory);
}

/* Under AddressSanitizer every block comes from its allocator, which sees reads past the end; a mapping would hide them. */
static bool is_mapped_size(size_t size) {
    return !WITH_ASAN && size >= HUGE_PAGE;
}

static size_t mapped_length(size_t size) {
    return yk__round_up(size, (size_t)sysconf(_SC_PAGESIZE));
}

/* Maps one huge page more than needed, so that an aligned block lies inside, and gives the ends back. */
static void *map_huge(size_t size) {
    const size_t length = mapped_length(size);
    const size_t spare = length + HUGE_PAGE;
    uint8_t *const map = mmap(NULL, spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) return NULL;
    const size_t front = (HUGE_PAGE - ((uintptr_t)map & (HUGE_PAGE - 1))) & (HUGE_PAGE - 1);
    uint8_t *const block = map + front;
    if (front > 0) munmap(map, front);
    munmap(block + length, spare - front - length);
#ifdef MADV_HUGEPAGE
    (void)madvise(block, length, MADV_HUGEPAGE); /* a kernel without huge pages refuses; small ones serve as well */
#endif
    return block;
}

void *yk__alloc_aligned(size_t size) {
    /* Half the address space is far beyond any machine and keeps the sums below from overflowing. */
    if (!admit(size) || size > PTRDIFF_MAX / 2) return NULL;
    return is_mapped_size(size) ? map_huge(size) : aligned_alloc(YK__CACHE_LINE, yk__round_up(size, YK__CACHE_LINE));
}

void yk__free_aligned(void *memory, size_t size) {
    if (memory == NULL) return;
    if (is_mapped_size(size))
        munmap(memory, mapped_length(size));
    else
        free(memory);
}

char *yk__strdup(const char *text) {
    return yk__strndup(text, strlen(text));
}

char *yk__strndup(const char *text, size_t n) {
    const size_t length = strnlen(text, n);
    char *const copy = yk__alloc(length + 1);
    if (copy != NULL) memcpy(copy, text, length);
    return copy;
}

/* ---- arenas ----
 * A list of blocks, newest first; each allocation is cut off the front of the newest one's free part. Blocks start small
 * and double, so that a small file costs little and a large one few blocks, and never reach past the budget. */
#define ARENA_ALIGN   ((size_t)16)
#define FIRST_BLOCK   ((size_t)4 << 10) /* one page: what a small recipe needs */
#define LARGEST_BLOCK ((size_t)1 << 20) /* beyond this, fewer blocks save nothing measurable */
/* Under AddressSanitizer unused bytes are poisoned and a gap follows each piece, so that overruns inside a block show. */
#define ARENA_GAP (WITH_ASAN ? ARENA_ALIGN : 0)

struct yk__arena_block {
    yk__arena_block *next;
    size_t size; /* of bytes[] */
    size_t used;
    _Alignas(16) uint8_t bytes[];
};

void yk__arena_init(yk__arena *arena, size_t budget) {
    *arena = (yk__arena){.budget = budget};
}

void yk__arena_free(yk__arena *arena) {
    for (yk__arena_block *block = arena->blocks; block != NULL;) {
        yk__arena_block *const next = block->next;
#if WITH_ASAN
        ASAN_UNPOISON_MEMORY_REGION(block->bytes, block->size);
#endif
        yk__free(block);
        block = next;
    }
    yk__arena_init(arena, arena->budget);
}

static size_t block_room(size_t at_least, const yk__arena *arena) {
    size_t room = arena->blocks == NULL ? FIRST_BLOCK : arena->blocks->size * 2;
    if (room > LARGEST_BLOCK) room = LARGEST_BLOCK;
    if (arena->budget != 0 && room > arena->budget - arena->used) room = arena->budget - arena->used;
    return room > at_least ? room : at_least;
}

/* A block with at least that much room. One made for a single large piece goes behind the newest, whose rest stays in use. */
static yk__arena_block *add_block(yk__arena *arena, size_t at_least) {
    const size_t room = block_room(at_least, arena);
    yk__arena_block *const block = yk__alloc(sizeof(yk__arena_block) + room);
    if (block == NULL) return NULL;
    block->size = room;
    const bool single = room == at_least && arena->blocks != NULL;
    yk__arena_block **const place = single ? &arena->blocks->next : &arena->blocks;
    block->next = *place;
    *place = block;
#if WITH_ASAN
    ASAN_POISON_MEMORY_REGION(block->bytes, block->size);
#endif
    return block;
}

/* Bytes to skip so that the block's next piece is aligned. */
static size_t padding(const yk__arena_block *block, size_t alignment) {
    return (alignment - ((uintptr_t)(block->bytes + block->used) & (alignment - 1))) & (alignment - 1);
}

static bool fits(const yk__arena_block *block, size_t size, size_t alignment) {
    const size_t skip = padding(block, alignment), room = block->size - block->used;
    return skip <= room && size <= room - skip;
}

static void *over_budget(yk__arena *arena) {
    arena->over_budget = true;
    return NULL;
}

void *yk__arena_aligned(yk__arena *arena, size_t size, size_t alignment) {
    if (alignment < ARENA_ALIGN) alignment = ARENA_ALIGN;
    if (size > PTRDIFF_MAX - alignment - 2 * ARENA_ALIGN) return over_budget(arena); /* the sums below cannot overflow */
    const size_t charged = size == 0 ? ARENA_ALIGN : yk__round_up(size, ARENA_ALIGN);
    if (arena->budget != 0 && charged > arena->budget - arena->used) return over_budget(arena);
    const size_t taken = charged + ARENA_GAP;
    const size_t worst = taken + (alignment - ARENA_ALIGN); /* block bytes are aligned to ARENA_ALIGN already */
    yk__arena_block *block = arena->blocks;
    if (block == NULL || !fits(block, taken, alignment)) block = add_block(arena, worst);
    arena->over_budget = false;
    if (block == NULL) return NULL;
    uint8_t *const piece = block->bytes + block->used + padding(block, alignment);
    block->used = (size_t)(piece - block->bytes) + taken;
    arena->used += charged;
#if WITH_ASAN
    ASAN_UNPOISON_MEMORY_REGION(piece, size);
#endif
    return piece;
}

void *yk__arena_alloc(yk__arena *arena, size_t size) {
    return yk__arena_aligned(arena, size, ARENA_ALIGN);
}

void *yk__arena_array(yk__arena *arena, size_t count, size_t size) {
    size_t total;
    return yk__mul_size(count, size, &total) ? yk__arena_alloc(arena, total) : over_budget(arena);
}

void *yk__arena_copy(yk__arena *arena, const void *bytes, size_t size) {
    void *const copy = yk__arena_alloc(arena, size);
    if (copy != NULL && size > 0) memcpy(copy, bytes, size);
    return copy;
}

char *yk__arena_strdup(yk__arena *arena, const char *text) {
    return yk__arena_strndup(arena, text, strlen(text));
}

char *yk__arena_strndup(yk__arena *arena, const char *text, size_t n) {
    const size_t length = strnlen(text, n);
    char *const copy = yk__arena_alloc(arena, length + 1);
    if (copy != NULL) memcpy(copy, text, length);
    return copy;
}

char *yk__arena_printf(yk__arena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) return over_budget(arena); /* longer than INT_MAX: no text that yolk writes is */
    char *const text = yk__arena_alloc(arena, (size_t)length + 1);
    if (text == NULL) return NULL;
    va_start(args, format);
    vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    return text;
}

yk__code yk__arena_error(const yk__arena *arena, const char *what, yk__error *err) {
    if (!arena->over_budget) return yk__fail(err, YK__MEMORY, "%s: out of memory", what);
    if (arena->budget == 0) return yk__fail(err, YK__LIMIT, "%s: its size in bytes overflows", what);
    return yk__fail(err, YK__LIMIT, "%s: needs more than the %zu bytes this file may take (%zu taken)", what, arena->budget,
                    arena->used);
}
