/* Moving a thread of ours to another processor, now: the set of processors it may use is narrowed for a moment, which the
 * kernel obeys at once, and then made what it was. Where that is forbidden or the thread is gone, nothing happens: it is an
 * improvement, never a need. */
#ifndef YK_BASE_PLACEMENT_H
#define YK_BASE_PLACEMENT_H

#include <stdint.h>

/* The kernel's number of the calling thread. */
int32_t yk__thread_id(void);
/* Onto the caller's processor. */
void yk__place_here(int32_t thread_id);
/* Off the caller's processor, if it is on it and may use another. */
void yk__place_elsewhere(int32_t thread_id);

#endif
