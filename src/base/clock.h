/* Monotonic time. */
#ifndef YK_BASE_CLOCK_H
#define YK_BASE_CLOCK_H
#include <stdint.h>
uint64_t yk__now_ns(void);
#endif
