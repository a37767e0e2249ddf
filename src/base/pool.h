/* The thread pool: runs "for each task" loops. An object, never a global.
 *
 * The caller takes part. Each worker starts with its own contiguous share of the tasks and then helps with what is left,
 * one at a time, so that the same task never runs twice and results do not depend on who ran it. Workers spin briefly
 * between loops and then sleep. Many threads may call yk__pool_for at once on one pool: one of them gets the workers, the
 * others run their loop alone, so the number of running threads never exceeds callers + workers. In the child of a fork
 * the workers are gone and loops run on the caller alone. A loop inside a task runs on its thread, under the same worker
 * index. Workers block all signals and take over the caller's floating-point mode (rounding, subnormals). */
#ifndef YK_BASE_POOL_H
#define YK_BASE_POOL_H

#include "base/status.h"

typedef struct yk__pool yk__pool;

/* worker is 0 .. yk__pool_size-1, distinct among the threads inside one loop: an index for per-thread scratch. */
typedef void (*yk__task_fn)(void *argument, int task, int worker);

/* n_threads counts the caller (1 = no workers); 0 = one per physical core this process may use. At most 256. */
yk__code yk__pool_create(yk__pool **out, int n_threads, yk__error *err) YK__MUST_USE;
/* Joins the workers; no loop may be running on the pool. NULL inside is fine. */
void yk__pool_destroy(yk__pool **pool);
/* Threads that can be inside one loop, at least 1; pool may be NULL (1). */
int yk__pool_size(const yk__pool *pool);
/* Runs fn for task 0 .. n_tasks-1 and returns when all are done. Allocates nothing. pool may be NULL: runs in order. */
void yk__pool_for(yk__pool *pool, int n_tasks, yk__task_fn fn, void *argument);

#endif
