/* The thread pool. It must never allocate, lock or make a system call on the hot path of a loop, and never touch a loop's
 * data after yk__pool_for has returned.
 *
 *   gate   counts up at each opening (odd: a loop is open) and each closing (even). It is what workers spin on and, as a
 *          futex, what they sleep on.
 *   slot   one per thread: its share of the tasks, and whether it is inside the open loop.
 *
 * Caller: fill the shares and the job, gate to odd, wake sleepers that are needed, take tasks until none is left, gate to
 * even, wait until no worker is inside. Worker: see an odd gate, set its `inside`, look at the gate AGAIN and go on only if
 * it is the same, take tasks until none is left, clear `inside`. The second look is what allows the caller to leave without
 * waiting for workers that are late: both sides first write their own word and then read the other's, all sequentially
 * consistent, so either the worker sees the closed gate or the caller sees the worker inside. There is no fence: every
 * ordering hangs on an atomic variable, which ThreadSanitizer can follow.
 *
 * A loop costs the caller one exchange on `busy`, one store per share, two on the gate, a look at the clock and two loads per
 * slot.
 *
 * What another process takes. When it takes the processor of one of our threads for some milliseconds, the loop is held up by
 * the one task that this thread had begun; helping with the others is not enough, and the kernel's own balancing needs two
 * ticks to see that the processor beside is idle. Three things shorten it (docs/decisions/0005-late-threads.md has figures):
 *   - whoever waits inside an open loop sleeps in a few short naps first: each time a processor falls idle, the kernel
 *     looks for something to run there;
 *   - a worker that stays inside long after the caller has run out of tasks is moved to the caller's processor, which the
 *     caller then leaves;
 *   - a worker that has not come to several loops in a row, for instance because it waits behind the caller itself, is moved
 *     off the caller's processor. */
#include "base/pool.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/memory.h"
#include "base/placement.h"

#define MAX_THREADS 256
/* Spinning this long bridges the serial stretches inside one inference; a longer wait is worth the wake-up it costs (tens
 * of microseconds in a virtual machine). With more threads than processors, whoever spins keeps another from working, so
 * there it only covers the time in which the answer is already on its way between two caches. */
#define SPIN_NS         50000u
#define SPIN_CROWDED_NS 2000u
/* A nap is shorter than the half millisecond in which the kernel takes a waiting thread's caches for warm and leaves it where
 * it is. Longer without an answer than PATIENCE_NS, the other thread is not running: loops come every 50 to 500 us. */
#define NAP_NS      250000u
#define LAST_NAP_NS 4000000u
#define PATIENCE_NS 200000u
/* Pauses between two looks at the clock: about a microsecond. */
#define PAUSES_PER_LOOK 16
/* slot.inside */
enum { OUTSIDE, INSIDE, INSIDE_AND_AWAITED };

typedef struct slot {
    _Alignas(YK__CACHE_LINE) _Atomic uint64_t share; /* tasks left: first in the low half, end in the high half */
    _Atomic uint32_t inside;                         /* OUTSIDE, ...; a futex for the caller that waits */
    _Atomic uint32_t parked;                         /* this worker sleeps, or is about to */
    _Atomic uint32_t joined;                         /* gate of the last loop that this worker came to */
    _Atomic int32_t thread_id;                       /* 0 until it runs */
    uint64_t late_since; /* caller's: when this worker first did not come, or was moved; 0: it came */
    yk__pool *pool;
    int index; /* 0: the caller */
    pthread_t thread;
} slot;

typedef struct job {
    yk__task_fn fn;
    void *argument;
    uint32_t float_mode; /* rounding and denormal mode of the caller, so that results do not depend on who ran a task */
} job;

struct yk__pool {
    _Alignas(YK__CACHE_LINE) _Atomic uint32_t gate;
    _Atomic uint32_t n_active; /* threads with a share in this loop, caller included */
    job job;                   /* written while the gate is closed and nobody is inside */
    _Alignas(YK__CACHE_LINE) _Atomic uint32_t n_parked;
    atomic_bool stop;
    _Alignas(YK__CACHE_LINE) atomic_bool busy; /* some caller has the workers */
    int n_threads;
    int n_started; /* workers that run, for cleaning up half a pool */
    uint32_t spin_ns;
    uint32_t nap_ns; /* the first nap inside a loop; 0: none */
    bool roomy;      /* a processor for each thread: moving threads about makes sense */
    pid_t owner;     /* the workers live in this process only */
    slot slots[];
};

/* The loop this thread is inside, so that a nested loop keeps its worker index. */
static _Thread_local const yk__pool *current_pool;
static _Thread_local int current_worker;

/* ---- small machine matters ---- */

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory"); /* "yield" does nothing on most Arm cores */
#endif
}

/* Control part of the floating-point unit: MXCSR without its sticky flags, FPCR. */
static uint32_t get_float_mode(void) {
#if defined(__x86_64__)
    return __builtin_ia32_stmxcsr() & ~0x3Fu;
#elif defined(__aarch64__)
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return (uint32_t)mode;
#else
    return 0;
#endif
}

static void set_float_mode(uint32_t mode) {
    if (mode == get_float_mode()) return;
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr(mode);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)mode));
#endif
}

/* Returns when woken, at once when *word is not `expected`, after ns (0: never), and now and then for no reason: callers look
 * again. */
static void futex_wait(_Atomic uint32_t *word, uint32_t expected, uint32_t mask, uint32_t ns) {
    const uint64_t end = ns ? yk__now_ns() + ns : 0;
    const struct timespec at = {.tv_sec = (time_t)(end / 1000000000u), .tv_nsec = (long)(end % 1000000000u)};
    syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected, ns ? &at : NULL, NULL, mask);
}

static void futex_wake(_Atomic uint32_t *word, uint32_t mask) {
    syscall(SYS_futex, word, FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, NULL, NULL, mask);
}

/* Workers share the 32 bits of a futex mask, so that a small loop need not wake the whole pool. */
static uint32_t wake_bit(int index) {
    return 1u << (index % 32);
}

/* Spins until *word differs from `value`; false when the time was up first. */
static bool spin_while(const _Atomic uint32_t *word, uint32_t value, uint32_t spin_ns) {
    uint64_t end = 0;
    for (;;) {
        for (int i = 0; i < PAUSES_PER_LOOK; i++) {
            if (atomic_load_explicit(word, memory_order_relaxed) != value) return true;
            pause_briefly();
        }
        const uint64_t now = yk__now_ns();
        if (end == 0) end = now + spin_ns;
        if (now >= end) return false;
    }
}

/* ---- tasks ----
 * The owner of a share takes from its front, helpers one at a time from its end, so that the owner's tasks stay
 * neighbours. The order among threads is made by gate and inside; here only each single task must go to one thread. */

static uint64_t pack_share(uint32_t first, uint32_t end) {
    return (uint64_t)end << 32 | first;
}

/* A task out of the share, or -1. */
static int take(slot *from, bool own) {
    uint64_t share = atomic_load_explicit(&from->share, memory_order_relaxed);
    for (;;) {
        const uint32_t first = (uint32_t)share, end = (uint32_t)(share >> 32);
        if (first >= end) return -1;
        const uint64_t rest = own ? pack_share(first + 1, end) : pack_share(first, end - 1);
        if (atomic_compare_exchange_weak_explicit(&from->share, &share, rest, memory_order_relaxed, memory_order_relaxed))
            return (int)(own ? first : end - 1);
    }
}

static void work(yk__pool *pool, int index, int n_active) {
    const job todo = pool->job;
    slot *const own = &pool->slots[index];
    for (int task; (task = take(own, true)) >= 0;) todo.fn(todo.argument, task, index);
    for (int i = 1; i < n_active; i++) {
        slot *const other = &pool->slots[(index + i) % n_active];
        for (int task; (task = take(other, false)) >= 0;) todo.fn(todo.argument, task, index);
    }
}

static void work_inside(yk__pool *pool, int index, int n_active) {
    const yk__pool *const outer_pool = current_pool;
    const int outer_worker = current_worker;
    current_pool = pool;
    current_worker = index;
    work(pool, index, n_active);
    current_pool = outer_pool;
    current_worker = outer_worker;
}

/* ---- workers ---- */

/* 0: sleep until woken. */
static uint32_t longer_nap(uint32_t nap_ns) {
    return nap_ns < LAST_NAP_NS ? 2 * nap_ns : 0;
}

static void park(slot *own, uint32_t seen, uint32_t nap_ns) {
    yk__pool *const pool = own->pool;
    atomic_store(&own->parked, 1);
    atomic_fetch_add(&pool->n_parked, 1);
    if (atomic_load(&pool->gate) == seen) futex_wait(&pool->gate, seen, wake_bit(own->index), nap_ns);
    atomic_fetch_sub(&pool->n_parked, 1);
    atomic_store(&own->parked, 0);
}

static uint32_t wait_for_gate(slot *own, uint32_t seen) {
    yk__pool *const pool = own->pool;
    uint32_t nap_ns = seen & 1 ? pool->nap_ns : 0; /* odd: inside a loop, whose end is near */
    if (spin_while(&pool->gate, seen, pool->spin_ns)) return atomic_load(&pool->gate);
    for (; atomic_load(&pool->gate) == seen; nap_ns = longer_nap(nap_ns)) park(own, seen, nap_ns);
    return atomic_load(&pool->gate);
}

static void leave(slot *own) {
    if (atomic_exchange(&own->inside, OUTSIDE) == INSIDE_AND_AWAITED) futex_wake(&own->inside, FUTEX_BITSET_MATCH_ANY);
}

static void join_loop(slot *own, uint32_t gate) {
    yk__pool *const pool = own->pool;
    /* May belong to a later loop already; having acquired that, the second look at the gate cannot succeed. */
    const int n_active = (int)atomic_load_explicit(&pool->n_active, memory_order_acquire);
    if (own->index >= n_active) return;
    atomic_store(&own->inside, INSIDE);
    if (atomic_load(&pool->gate) == gate) {
        atomic_store_explicit(&own->joined, gate, memory_order_relaxed);
        set_float_mode(pool->job.float_mode);
        work_inside(pool, own->index, n_active);
    }
    leave(own);
}

static void *run_worker(void *argument) {
    slot *const own = argument;
    uint32_t seen = 0;
    atomic_store(&own->thread_id, yk__thread_id());
    for (;;) {
        seen = wait_for_gate(own, seen);
        if (atomic_load(&own->pool->stop)) return NULL;
        if (seen & 1) join_loop(own, seen);
    }
}

/* ---- loops ---- */

static void run_alone(yk__pool *pool, int n_tasks, yk__task_fn fn, void *argument) {
    const int worker = pool != NULL && current_pool == pool ? current_worker : 0;
    for (int task = 0; task < n_tasks; task++) fn(argument, task, worker);
}

static void wake_needed(yk__pool *pool, int n_active) {
    if (atomic_load(&pool->n_parked) == 0) return;
    uint32_t mask = 0;
    for (int i = 1; i < n_active; i++)
        if (atomic_load(&pool->slots[i].parked)) mask |= wake_bit(i);
    if (mask != 0) futex_wake(&pool->gate, mask);
}

/* After the loop whose gate was `gate`. */
static void move_the_late(yk__pool *pool, int n_active, uint32_t gate) {
    for (int i = 1; i < n_active; i++) {
        slot *const worker = &pool->slots[i];
        if (atomic_load_explicit(&worker->joined, memory_order_relaxed) == gate) {
            worker->late_since = 0;
            continue;
        }
        const uint64_t now = yk__now_ns();
        if (worker->late_since != 0 && now - worker->late_since < PATIENCE_NS) continue;
        if (worker->late_since != 0) yk__place_elsewhere(atomic_load(&worker->thread_id));
        worker->late_since = now;
    }
}

/* A worker's last task may take longer than the caller's, so long tasks get more patience. */
static void call_here(slot *worker, uint64_t opened_ns) {
    const uint64_t half = (yk__now_ns() - opened_ns) / 2;
    const uint32_t patience = half < PATIENCE_NS ? PATIENCE_NS : half < UINT32_MAX ? (uint32_t)half : UINT32_MAX;
    if (!spin_while(&worker->inside, INSIDE, patience)) yk__place_here(atomic_load(&worker->thread_id));
}

static void wait_until_outside(yk__pool *pool, slot *worker, uint64_t opened_ns) {
    if (atomic_load(&worker->inside) == OUTSIDE) return;
    if (pool->roomy) call_here(worker, opened_ns);
    for (uint32_t nap_ns = pool->nap_ns;; nap_ns = longer_nap(nap_ns)) {
        uint32_t state = atomic_load(&worker->inside);
        if (state == OUTSIDE) return;
        if (spin_while(&worker->inside, state, pool->spin_ns)) continue;
        if (state == INSIDE && !atomic_compare_exchange_strong(&worker->inside, &state, INSIDE_AND_AWAITED)) continue;
        futex_wait(&worker->inside, INSIDE_AND_AWAITED, FUTEX_BITSET_MATCH_ANY, nap_ns);
    }
}

static void run_together(yk__pool *pool, int n_tasks, yk__task_fn fn, void *argument) {
    const int n_active = n_tasks < pool->n_threads ? n_tasks : pool->n_threads;
    for (int i = 0; i < n_active; i++) {
        const uint32_t first = (uint32_t)((int64_t)n_tasks * i / n_active);
        const uint32_t end = (uint32_t)((int64_t)n_tasks * (i + 1) / n_active);
        atomic_store_explicit(&pool->slots[i].share, pack_share(first, end), memory_order_relaxed);
    }
    pool->job = (job){fn, argument, get_float_mode()};
    atomic_store_explicit(&pool->n_active, (uint32_t)n_active, memory_order_release);
    const uint64_t opened_ns = pool->roomy ? yk__now_ns() : 0;
    const uint32_t gate = atomic_fetch_add(&pool->gate, 1) + 1;
    wake_needed(pool, n_active);
    work_inside(pool, 0, n_active);
    atomic_fetch_add(&pool->gate, 1);
    if (pool->roomy) move_the_late(pool, n_active, gate);
    for (int i = 1; i < n_active; i++) wait_until_outside(pool, &pool->slots[i], opened_ns);
}

void yk__pool_for(yk__pool *pool, int n_tasks, yk__task_fn fn, void *argument) {
    /* A nested loop finds `busy` set by the loop around it. The process is asked for each time, because a child made by any
     * means has the flag and the slots as they were, but no workers. */
    if (pool == NULL || pool->n_threads == 1 || n_tasks < 2 || pool->owner != getpid() ||
        atomic_exchange_explicit(&pool->busy, true, memory_order_acquire)) {
        run_alone(pool, n_tasks, fn, argument);
        return;
    }
    run_together(pool, n_tasks, fn, argument);
    atomic_store_explicit(&pool->busy, false, memory_order_release);
}

int yk__pool_size(const yk__pool *pool) {
    return pool != NULL ? pool->n_threads : 1;
}

/* ---- creation ---- */

static size_t pool_bytes(int n_threads) {
    return sizeof(yk__pool) + (size_t)n_threads * sizeof(slot);
}

static yk__code start_workers(yk__pool *pool, yk__error *err) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* inherited: the host's handlers never run on a worker */
    int failure = 0;
    for (int i = 1; i < pool->n_threads && failure == 0; i++) {
        failure = pthread_create(&pool->slots[i].thread, NULL, run_worker, &pool->slots[i]);
        if (failure != 0) break;
        pool->n_started++;
#if defined(__linux__)
        pthread_setname_np(pool->slots[i].thread, "yolk-worker");
#endif
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure == 0) return YK__OK;
    return yk__fail(err, failure == ENOMEM ? YK__MEMORY : YK__LIMIT,
                    "thread pool: the system gave %d of %d threads (%s); ask for fewer threads", pool->n_started + 1,
                    pool->n_threads, strerror(failure));
}

yk__code yk__pool_create(yk__pool **out, int n_threads, yk__error *err) {
    *out = NULL;
    if (n_threads < 0 || n_threads > MAX_THREADS)
        return yk__fail(err, YK__ARGUMENT, "thread pool: %d threads asked for; 1 to %d are possible, 0 chooses", n_threads,
                        MAX_THREADS);
    const yk__cpu *const cpu = yk__cpu_get();
    if (n_threads == 0) n_threads = cpu->n_physical < MAX_THREADS ? cpu->n_physical : MAX_THREADS;
    yk__pool *pool = yk__alloc_aligned(pool_bytes(n_threads));
    if (pool == NULL) return yk__fail(err, YK__MEMORY, "thread pool: no memory for %d threads", n_threads);
    memset((void *)pool, 0, pool_bytes(n_threads));
    pool->n_threads = n_threads;
    pool->owner = getpid();
    pool->roomy = n_threads <= cpu->n_logical;
    pool->nap_ns = pool->roomy ? NAP_NS : 0;
    pool->spin_ns = pool->roomy ? SPIN_NS : SPIN_CROWDED_NS;
    for (int i = 0; i < n_threads; i++) {
        pool->slots[i].pool = pool;
        pool->slots[i].index = i;
    }
    const yk__code code = start_workers(pool, err);
    if (code != YK__OK) {
        yk__pool_destroy(&pool);
        return code;
    }
    *out = pool;
    return YK__OK;
}

void yk__pool_destroy(yk__pool **pool) {
    yk__pool *const p = *pool;
    *pool = NULL;
    if (p == NULL) return;
    if (p->owner == getpid()) {
        assert(!atomic_load(&p->busy));
        atomic_store(&p->stop, true);
        atomic_fetch_add(&p->gate, 2);
        futex_wake(&p->gate, FUTEX_BITSET_MATCH_ANY);
        for (int i = 1; i <= p->n_started; i++) pthread_join(p->slots[i].thread, NULL);
    }
    yk__free_aligned(p, pool_bytes(p->n_threads));
}
