/* Linux alone. Machines of more processors than a cpu_set_t holds (1024) refuse the first call, and nothing is moved there. */
#include "base/placement.h"

#include <sched.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

int32_t yk__thread_id(void) {
    return (int32_t)syscall(SYS_gettid);
}

static void place(int32_t thread_id, bool here) {
    cpu_set_t before, narrow;
    const int cpu = sched_getcpu();
    if (thread_id <= 0 || cpu < 0 || cpu >= CPU_SETSIZE) return;
    if (sched_getaffinity(thread_id, sizeof before, &before) != 0 || !CPU_ISSET(cpu, &before)) return;
    if (here) {
        CPU_ZERO(&narrow);
        CPU_SET(cpu, &narrow);
    } else {
        narrow = before;
        CPU_CLR(cpu, &narrow);
    }
    if (CPU_COUNT(&narrow) == 0) return;
    if (sched_setaffinity(thread_id, sizeof narrow, &narrow) == 0) (void)sched_setaffinity(thread_id, sizeof before, &before);
}

void yk__place_here(int32_t thread_id) {
    place(thread_id, true);
}

void yk__place_elsewhere(int32_t thread_id) {
    place(thread_id, false);
}
