/* src/base/pool.c: every task exactly once, whoever calls, however often, after whatever happened to the process.
 * "test_pool --bench" prints what an empty loop costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/memory.h"
#include "base/placement.h"
#include "base/pool.h"

#if defined(__SANITIZE_THREAD__)
#define WITH_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif
#ifndef WITH_TSAN
#define WITH_TSAN 0
#endif

/* Long enough for any machine under any load; only a deadlock reaches it. */
#define PATIENCE_NS  20000000000u
#define MOST_TASKS   1000
#define MOST_THREADS 16

/* What one loop observes. runs[] is plain on purpose: the pool orders each task before its return, and ThreadSanitizer
 * checks that it does. */
typedef struct record {
    int runs[MOST_TASKS];
    _Atomic int in_use[MOST_THREADS]; /* threads that carry this worker index now */
    _Atomic int clashes;
    int size;
} record;

static void note(void *argument, int task, int worker) {
    record *const r = argument;
    if (worker < 0 || worker >= r->size || atomic_fetch_add(&r->in_use[worker], 1) != 0) atomic_fetch_add(&r->clashes, 1);
    r->runs[task]++;
    if (worker >= 0 && worker < r->size) atomic_fetch_sub(&r->in_use[worker], 1);
}

static bool each_once(const record *r, int n_tasks) {
    for (int i = 0; i < MOST_TASKS; i++)
        if (r->runs[i] != (i < n_tasks)) return false;
    return atomic_load(&r->clashes) == 0;
}

static bool loop_is_right(yk__pool *pool, int n_tasks) {
    record r = {.size = yk__pool_size(pool)};
    yk__pool_for(pool, n_tasks, note, &r);
    return each_once(&r, n_tasks > 0 ? n_tasks : 0);
}

static yk__pool *make(int n_threads) {
    yk__pool *pool = NULL;
    yk__error err = {0};
    if (yk__pool_create(&pool, n_threads, &err) != YK__OK) fail_msg("%s", err.message);
    return pool;
}

static void every_task_runs_once(void **state) {
    (void)state;
    static const int tasks[] = {0, 1, 2, 7, 8, 9, 1000, -1, -1000};
    static const int sizes[] = {1, 2, 3, 8, MOST_THREADS};
    assert_true(loop_is_right(NULL, 7) && loop_is_right(NULL, 0));
    assert_int_equal(yk__pool_size(NULL), 1);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        yk__pool *pool = make(sizes[s]);
        assert_int_equal(yk__pool_size(pool), sizes[s]);
        for (int round = 0; round < 50; round++)
            for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) assert_true(loop_is_right(pool, tasks[i]));
        yk__pool_destroy(&pool);
        assert_null(pool);
        yk__pool_destroy(&pool);
    }
}

static void sizes_are_checked(void **state) {
    (void)state;
    yk__pool *pool = (yk__pool *)(uintptr_t)16;
    yk__error err = {0};
    assert_int_equal(yk__pool_create(&pool, -1, &err), YK__ARGUMENT);
    assert_null(pool);
    assert_non_null(strstr(err.message, "-1"));
    assert_int_equal(yk__pool_create(&pool, 257, NULL), YK__ARGUMENT);
    pool = make(0);
    assert_int_equal(yk__pool_size(pool), yk__cpu_get()->n_physical);
    yk__pool_destroy(&pool);
    yk__alloc_fail_after(1);
    assert_int_equal(yk__pool_create(&pool, 2, &err), YK__MEMORY);
    yk__alloc_fail_after(0);
    assert_null(pool);
}

static void largest_pool_works(void **state) {
    (void)state;
    yk__pool *pool = make(256);
    for (int round = 0; round < 20; round++) {
        record r = {.size = MOST_THREADS}; /* only runs[] is looked at: the indices go up to 255 */
        yk__pool_for(pool, MOST_TASKS, note, &r);
        for (int i = 0; i < MOST_TASKS; i++) assert_int_equal(r.runs[i], 1);
    }
    yk__pool_destroy(&pool);
}

/* ---- who takes part ---- */

typedef struct meeting {
    _Atomic int arrived;
    int expected;
    _Atomic int late;
} meeting;

static void meet(void *argument, int task, int worker) {
    meeting *const m = argument;
    (void)task, (void)worker;
    atomic_fetch_add(&m->arrived, 1);
    const uint64_t end = yk__now_ns() + PATIENCE_NS;
    while (atomic_load(&m->arrived) < m->expected) {
        sched_yield();
        if (yk__now_ns() > end) {
            atomic_fetch_add(&m->late, 1);
            return;
        }
    }
}

/* As many tasks as threads, each of which waits for all others: works only if every thread is inside at once, so it also
 * shows that no sleeping worker is forgotten. The naps let the workers go to sleep in between. */
static void all_threads_take_part(void **state) {
    (void)state;
    static const int sizes[] = {2, 8, 40}; /* 40: more workers than bits in a futex mask */
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        yk__pool *pool = make(sizes[s]);
        for (int round = 0; round < 20; round++) {
            meeting m = {.expected = round % 3 == 1 ? 2 : sizes[s]};
            yk__pool_for(pool, m.expected, meet, &m);
            assert_int_equal(atomic_load(&m.late), 0);
            if (round % 2 == 0) usleep(1000); /* many times the spin */
        }
        yk__pool_destroy(&pool);
    }
}

typedef struct shares {
    int worker_of[MOST_TASKS];
    meeting begin;
} shares;

static void note_share(void *argument, int task, int worker) {
    shares *const s = argument;
    s->worker_of[task] = worker;
    if (task % 250 == 0) meet(&s->begin, task, worker); /* the first of each share */
}

/* With all four threads inside, each begins with its own contiguous quarter. */
static void shares_are_contiguous(void **state) {
    (void)state;
    yk__pool *pool = make(4);
    shares s = {.begin = {.expected = 4}};
    yk__pool_for(pool, 1000, note_share, &s);
    assert_int_equal(atomic_load(&s.begin.late), 0);
    for (int i = 0; i < 4; i++) assert_int_equal(s.worker_of[250 * i], i);
    yk__pool_destroy(&pool);
}

/* Sleeps in the tasks of worker 1's share, so that its tail has to be taken by others and the caller has to wait for it. */
static void sleep_in_second_half(void *argument, int task, int worker) {
    note(argument, task, worker);
    if (task >= 4) usleep(3000);
}

static void slow_tasks_are_helped_with_and_waited_for(void **state) {
    (void)state;
    yk__pool *pool = make(2);
    for (int round = 0; round < 10; round++) {
        record r = {.size = 2};
        yk__pool_for(pool, 8, sleep_in_second_half, &r);
        assert_true(each_once(&r, 8));
    }
    yk__pool_destroy(&pool);
}

typedef struct allowed {
    meeting begin;
    cpu_set_t sets[2];
} allowed;

static void note_allowed(void *argument, int task, int worker) {
    allowed *const a = argument;
    meet(&a->begin, task, worker);
    if (worker == 1) usleep(3000); /* long enough to be called to the caller's processor */
    if (sched_getaffinity(0, sizeof a->sets[worker], &a->sets[worker]) != 0) CPU_ZERO(&a->sets[worker]);
}

/* Workers that are late are moved; afterwards they may run wherever they might before. */
static void moving_leaves_the_allowed_processors(void **state) {
    (void)state;
    cpu_set_t here;
    assert_int_equal(sched_getaffinity(0, sizeof here, &here), 0);
    yk__pool *pool = make(2);
    for (int round = 0; round < 20; round++) {
        allowed a = {.begin = {.expected = 2}};
        yk__pool_for(pool, 2, note_allowed, &a);
        assert_int_equal(atomic_load(&a.begin.late), 0);
        assert_true(CPU_EQUAL(&a.sets[0], &here) && CPU_EQUAL(&a.sets[1], &here));
    }
    yk__place_here(yk__thread_id());
    yk__place_elsewhere(yk__thread_id());
    cpu_set_t after;
    assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
    assert_true(CPU_EQUAL(&here, &after));
    yk__place_here(0); /* nobody */
    yk__place_elsewhere(INT32_MAX);
    yk__pool_destroy(&pool);
}

static void loops_allocate_nothing(void **state) {
    (void)state;
    yk__pool *pool = make(2);
    const uint64_t before = yk__alloc_count();
    for (int i = 0; i < 100; i++) assert_true(loop_is_right(pool, 100));
    assert_int_equal(yk__alloc_count(), before);
    yk__pool_destroy(&pool);
}

/* ---- nested and concurrent loops ---- */

typedef struct nest {
    yk__pool *pool;
    _Atomic int runs, strayed;
} nest;

typedef struct inner {
    nest *nest;
    int worker;
    pthread_t thread;
    int next;
} inner;

static void run_inner(void *argument, int task, int worker) {
    inner *const in = argument;
    if (worker != in->worker || !pthread_equal(pthread_self(), in->thread) || task != in->next++)
        atomic_fetch_add(&in->nest->strayed, 1);
    atomic_fetch_add(&in->nest->runs, 1);
}

static void run_outer(void *argument, int task, int worker) {
    nest *const n = argument;
    (void)task;
    inner in = {n, worker, pthread_self(), 0};
    yk__pool_for(n->pool, 10, run_inner, &in);
}

/* A loop inside a task stays on its thread, in order, under the index the thread has. */
static void nested_loops_run_inline(void **state) {
    (void)state;
    for (int size = 1; size <= 8; size *= 2) {
        nest n = {.pool = make(size)};
        for (int round = 0; round < 100; round++) yk__pool_for(n.pool, 20, run_outer, &n);
        assert_int_equal(atomic_load(&n.runs), 100 * 20 * 10);
        assert_int_equal(atomic_load(&n.strayed), 0);
        yk__pool_destroy(&n.pool);
    }
}

typedef struct caller {
    yk__pool *pool;
    int n_loops, wrong;
} caller;

static void *call_often(void *argument) {
    caller *const c = argument;
    for (int i = 0; i < c->n_loops; i++) c->wrong += !loop_is_right(c->pool, i % 37);
    return NULL;
}

static void call_from_threads(yk__pool *pool, int n_loops) {
    pthread_t threads[8];
    caller callers[8];
    for (int i = 0; i < 8; i++) {
        callers[i] = (caller){pool, n_loops, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(callers[i].wrong, 0);
    }
}

static void many_callers_share_a_pool(void **state) {
    (void)state;
    for (int size = 1; size <= 8; size *= 2) {
        yk__pool *pool = make(size);
        call_from_threads(pool, 1500);
        yk__pool_destroy(&pool);
    }
}

static void pools_come_and_go(void **state) {
    (void)state;
    for (int i = 0; i < 100; i++) {
        yk__pool *pool = make(1 + i % 5);
        if (i % 3 != 0) assert_true(loop_is_right(pool, 11));
        yk__pool_destroy(&pool); /* sometimes before the workers have run at all */
    }
}

/* ---- the process around the pool ---- */

static int child_result(pid_t child) {
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static int use_in_child(yk__pool *pool) {
    if (!loop_is_right(pool, 100) || yk__pool_size(pool) < 1) return 1;
    yk__pool_destroy(&pool);
    if (pool != NULL) return 2;
    if (WITH_TSAN) return 0; /* which allows no new threads in the child of a process that had some */
    yk__pool *own = NULL;
    if (yk__pool_create(&own, 3, NULL) != YK__OK) return 3;
    for (int i = 0; i < 50; i++)
        if (!loop_is_right(own, 100)) return 4;
    yk__pool_destroy(&own);
    return 0;
}

static pid_t start_child(yk__pool *pool) {
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(60); /* a deadlock must not outlive the test */
        _exit(use_in_child(pool));
    }
    return child;
}

static void children_run_alone(void **state) {
    (void)state;
    yk__pool *pool = make(4);
    assert_int_equal(child_result(start_child(pool)), 0); /* never used */
    assert_true(loop_is_right(pool, 100));
    assert_int_equal(child_result(start_child(pool)), 0); /* workers spinning */
    usleep(2000);
    assert_int_equal(child_result(start_child(pool)), 0); /* workers asleep */
    assert_true(loop_is_right(pool, 100));                /* the parent goes on as before */
    yk__pool_destroy(&pool);
}

typedef struct endless {
    yk__pool *pool;
    atomic_bool stop;
    int wrong;
} endless;

static void *loop_until_stopped(void *argument) {
    endless *const e = argument;
    while (!atomic_load(&e->stop)) e->wrong += !loop_is_right(e->pool, 50);
    return NULL;
}

/* Forks while another thread is in the middle of loops: in the child that loop never ends. */
static void fork_during_a_loop(void **state) {
    (void)state;
    endless e = {.pool = make(3)};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, loop_until_stopped, &e), 0);
    int failures = 0;
    for (int i = 0; i < 20; i++) failures += child_result(start_child(e.pool)) != 0;
    atomic_store(&e.stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(failures, 0);
    assert_int_equal(e.wrong, 0);
    yk__pool_destroy(&e.pool);
}

static void fork_in_task(void *argument, int task, int worker) {
    (void)task, (void)worker;
    const pid_t child = fork();
    if (child == 0) _exit(loop_is_right(argument, 30) ? 0 : 1);
    if (child < 0 || child_result(child) != 0) abort();
}

static void fork_inside_a_task(void **state) {
    (void)state;
    yk__pool *pool = make(2);
    yk__pool_for(pool, 4, fork_in_task, pool);
    yk__pool_destroy(&pool);
}

typedef struct masks {
    sigset_t of[3];
    meeting all;
} masks;

static void read_signal_mask(void *argument, int task, int worker) {
    masks *const m = argument;
    pthread_sigmask(SIG_SETMASK, NULL, &m->of[worker]);
    meet(&m->all, task, worker);
}

static void workers_leave_signals_to_the_host(void **state) {
    (void)state;
    yk__pool *pool = make(3);
    masks m = {.all = {.expected = 3}};
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    yk__pool_for(pool, 3, read_signal_mask, &m);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(atomic_load(&m.all.late), 0);
    static const int signals[] = {SIGINT, SIGTERM, SIGCHLD, SIGUSR1, SIGPIPE};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        assert_int_equal(sigismember(&m.of[0], signals[i]), sigismember(&before, signals[i]));
        assert_int_equal(sigismember(&after, signals[i]), sigismember(&before, signals[i]));
        assert_true(sigismember(&m.of[1], signals[i]) && sigismember(&m.of[2], signals[i]));
    }
    yk__pool_destroy(&pool);
}

static void halve_smallest(void *argument, int task, int worker) {
    float *const out = argument;
    (void)worker;
    volatile float smallest = 1.17549435e-38f; /* the smallest normal float */
    out[task] = smallest / 2;
    usleep(1000);
}

/* A host that flushes subnormal numbers to zero (a library built with -ffast-math may switch that on) after the pool was
 * made gets the same from every task, and exact halves again after switching it off. */
static void workers_follow_the_callers_float_mode(void **state) {
    (void)state;
#if defined(__x86_64__)
    yk__pool *pool = make(2);
    float out[8];
    const unsigned before = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(before | 0x8000u);
    yk__pool_for(pool, 8, halve_smallest, out);
    __builtin_ia32_ldmxcsr(before);
    for (int i = 0; i < 8; i++) assert_true(out[i] == 0);
    yk__pool_for(pool, 8, halve_smallest, out);
    for (int i = 0; i < 8; i++) assert_true(out[i] > 0);
    yk__pool_destroy(&pool);
#else
    (void)halve_smallest;
    skip();
#endif
}

/* The kernel refuses threads beyond RLIMIT_NPROC, but not to root: the child becomes nobody. */
static int create_under_limit(void) {
    const struct rlimit none = {1, 1};
    yk__pool *pool = (yk__pool *)(uintptr_t)16;
    yk__error err = {0};
    if (getuid() == 0 && setuid(65534) != 0) return 77;
    if (setrlimit(RLIMIT_NPROC, &none) != 0) return 77;
    const yk__code code = yk__pool_create(&pool, 200, &err);
    if (code == YK__OK) return 77; /* a kernel that does not enforce the limit */
    if (code != YK__LIMIT || pool != NULL) return 1;
    return strstr(err.message, "of 200 threads") != NULL ? 0 : 2;
}

static void missing_threads_are_reported(void **state) {
    (void)state;
    if (WITH_TSAN) skip();
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(create_under_limit());
    const int result = child_result(child);
    if (result == 77) skip();
    assert_int_equal(result, 0);
}

/* ---- what it costs ---- */

static void do_nothing(void *argument, int task, int worker) {
    (void)argument, (void)task, (void)worker;
}

static void bench(int n_threads, int n_tasks, unsigned nap_us) {
    yk__pool *pool = make(n_threads);
    const int n_loops = nap_us > 0 ? 500 : 100000;
    uint64_t best = UINT64_MAX, sum = 0;
    for (int i = 0; i < n_loops; i++) {
        if (nap_us > 0) usleep(nap_us);
        const uint64_t start = yk__now_ns();
        yk__pool_for(pool, n_tasks, do_nothing, NULL);
        const uint64_t spent = yk__now_ns() - start;
        sum += spent;
        if (spent < best) best = spent;
    }
    printf("%3d threads %5d tasks %s: mean %7.3f us, best %7.3f us\n", n_threads, n_tasks, nap_us > 0 ? "asleep" : "hot   ",
           (double)sum / n_loops / 1000, (double)best / 1000);
    yk__pool_destroy(&pool);
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--bench") == 0) {
        const int most = yk__cpu_get()->n_logical;
        for (int n = 1; n <= most; n *= 2) {
            bench(n, n, 0);
            bench(n, 64, 0);
            bench(n, n, 500);
        }
        bench(4 * most, 4 * most, 0);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_runs_once),
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(largest_pool_works),
        cmocka_unit_test(all_threads_take_part),
        cmocka_unit_test(shares_are_contiguous),
        cmocka_unit_test(slow_tasks_are_helped_with_and_waited_for),
        cmocka_unit_test(moving_leaves_the_allowed_processors),
        cmocka_unit_test(loops_allocate_nothing),
        cmocka_unit_test(nested_loops_run_inline),
        cmocka_unit_test(many_callers_share_a_pool),
        cmocka_unit_test(pools_come_and_go),
        cmocka_unit_test(children_run_alone),
        cmocka_unit_test(fork_during_a_loop),
        cmocka_unit_test(fork_inside_a_task),
        cmocka_unit_test(workers_leave_signals_to_the_host),
        cmocka_unit_test(workers_follow_the_callers_float_mode),
        cmocka_unit_test(missing_threads_are_reported),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
