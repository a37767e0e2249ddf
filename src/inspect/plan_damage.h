/* What transfers do to binary files, told from the bytes of a plan alone. */
#ifndef YK_INSPECT_PLAN_DAMAGE_H
#define YK_INSPECT_PLAN_DAMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum yk__transfer_damage {
    YK__TRANSFER_INTACT,
    YK__TRANSFER_CRLF_MADE, /* every LF became CR LF */
    YK__TRANSFER_CR_LOST,   /* every CR is gone */
    YK__TRANSFER_UTF8,      /* decoded as text and encoded as UTF-8 again */
    YK__TRANSFER_HIGH_BIT,  /* bit 7 of every byte is zero */
    YK__TRANSFER_ASCII      /* bytes above 127 were dropped or replaced */
} yk__transfer_damage;

/* Of a plan ("ftrt" or "ptrt") of which the first n bytes are at hand. A part of at most 1 MiB is looked at. *certain: no whole
 * plan looks so; else it is unlikely by chance alone. */
yk__transfer_damage yk__plan_transfer_damage(const uint8_t *plan, size_t n, bool *certain);
/* CR LF to LF: the first bytes of a plan as they were before YK__TRANSFER_CRLF_MADE. Returns how many. */
size_t yk__undo_crlf(const uint8_t *bytes, size_t n, uint8_t *out, size_t size);

/* A stretch of zero bytes that looks like a part of a copy that was reserved and never written: blocks of 4 KiB, or an eighth
 * of the file. `at` is where bytes[0] stands in the file. At most 2 MiB at either end are looked at. */
bool yk__find_zeroed(const uint8_t *bytes, size_t n, uint64_t at, uint64_t file_size, uint64_t *start, uint64_t *end);

#endif
