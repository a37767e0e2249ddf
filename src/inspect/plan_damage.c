/* Counting bytes: what of a plan's own bytes every transfer of the kind leaves, and none without it does. */
#include "inspect/plan_damage.h"

#include <string.h>

#include "base/text.h"

enum { SAMPLE = 1 << 20, TEXT_SAMPLE = 64 << 10, LEAST = 0x60 };

typedef struct counts {
    size_t lf, crlf, cr, high, other; /* other: neither zero nor above 127 */
} counts;

static counts count(const uint8_t *bytes, size_t n) {
    counts c = {0};
    for (size_t i = 0; i < n; i++) {
        c.lf += bytes[i] == '\n';
        c.crlf += bytes[i] == '\n' && i > 0 && bytes[i - 1] == '\r';
        c.cr += bytes[i] == '\r';
        c.high += bytes[i] >= 0x80;
        c.other += bytes[i] > 0 && bytes[i] < 0x80;
    }
    return c;
}

/* A plan of TensorRT 10 has the version's 0a at byte 24. */
static bool has_fingerprint(const uint8_t *plan, size_t n) {
    return n >= 32 && memcmp(plan, "ftrt", 4) == 0 && plan[24] == '\r' && plan[25] == '\n';
}

/* The last character may be cut. */
static bool is_utf8_sample(const uint8_t *bytes, size_t n) {
    for (size_t cut = 0; cut < 4 && cut < n; cut++)
        if (yk__utf8_valid((const char *)bytes, n - cut)) return true;
    return false;
}

static yk__transfer_damage high_damage(const uint8_t *plan, size_t n, const counts *c, bool *certain) {
    if (c->high == 0 && c->other < 128) return YK__TRANSFER_INTACT; /* zeros: others look for them */
    if (c->high == 0) { /* tags of records have bit 15 from 8.x on, older plans begin with a CRC */
        bool stripped = n >= 0x54 && memcmp(plan, "ftrt", 4) == 0 && memcmp(plan + 0x50, "\2\0\1\0", 4) == 0;
        *certain = memcmp(plan, "ftrt", 4) == 0;
        return stripped || memcmp(plan, "ptrt", 4) == 0 ? YK__TRANSFER_HIGH_BIT : YK__TRANSFER_ASCII;
    }
    /* what is left of binary data never is UTF-8 from end to end */
    if (!is_utf8_sample(plan, n)) return YK__TRANSFER_INTACT;
    *certain = memmem(plan, n, "\xef\xbf\xbd", 3) != NULL || c->high > 64;
    return YK__TRANSFER_UTF8;
}

yk__transfer_damage yk__plan_transfer_damage(const uint8_t *plan, size_t n, bool *certain) {
    const size_t sample = n < SAMPLE ? n : SAMPLE, text = n < TEXT_SAMPLE ? n : TEXT_SAMPLE;
    *certain = false;
    if (n < LEAST && !has_fingerprint(plan, n)) return YK__TRANSFER_INTACT;
    const counts all = count(plan, sample), head = count(plan, text);
    const yk__transfer_damage high = n >= 256 ? high_damage(plan, text, &head, certain) : YK__TRANSFER_INTACT;
    if (high != YK__TRANSFER_INTACT) return high;
    /* chance makes a CR stand before an LF once in 256 */
    if (all.crlf == all.lf && all.lf >= (has_fingerprint(plan, n) ? 1 : 2)) {
        *certain = all.lf >= 3;
        return YK__TRANSFER_CRLF_MADE;
    }
    /* chance leaves a byte's value out of 64 KiB of data that varies once in e^256; plans hold zeros too, so it takes more */
    if (sample >= 64 << 10 && all.cr == 0 && all.lf >= 32) return YK__TRANSFER_CR_LOST;
    return YK__TRANSFER_INTACT;
}

size_t yk__undo_crlf(const uint8_t *bytes, size_t n, uint8_t *out, size_t size) {
    size_t used = 0;
    for (size_t i = 0; i < n && used < size; i++)
        if (!(bytes[i] == '\r' && i + 1 < n && bytes[i + 1] == '\n')) out[used++] = bytes[i];
    return used;
}

/* ---- zeros ---- */

enum { PAGE = 4096, STEP = 512, SLACK = 8, LEAST_RUN = 512 };
#define WINDOW ((size_t)2 << 20)

/* What was never written is whole blocks; the bytes on either side may be zero by themselves. A run that is no whole blocks
 * must be an eighth of the file: tensors of zeros are smaller. open: the run may go on behind what is looked at. */
static bool is_torn(uint64_t start, uint64_t end, bool open, uint64_t file_size) {
    const uint64_t first = (start + PAGE - 1) / PAGE * PAGE, last = end / PAGE * PAGE;
    const bool ends = end == file_size ? end - start >= LEAST_RUN : end - start >= PAGE && (open || end - last <= SLACK);
    const bool blocks = ends && first - start <= SLACK;
    return blocks || (end - start >= LEAST_RUN && end - start >= file_size / 8);
}

/* One window: a byte in every STEP is looked at, and measured in both directions where it is zero. */
static bool find_in(const uint8_t *bytes, size_t n, size_t from, size_t to, uint64_t at, uint64_t file_size, uint64_t *start,
                    uint64_t *end) {
    for (size_t i = from + STEP / 2; i < to;) {
        size_t first = i, last = i;
        while (last < n && bytes[last] == 0) last++;
        while (first > from && last > i && bytes[first - 1] == 0) first--;
        const bool cut_by_window = last == n && at + n < file_size;
        if (last > i && is_torn(at + first, at + last, cut_by_window, file_size)) {
            *start = at + first, *end = at + last;
            return true;
        }
        i = last > i ? last + STEP / 2 : i + STEP;
    }
    return false;
}

bool yk__find_zeroed(const uint8_t *bytes, size_t n, uint64_t at, uint64_t file_size, uint64_t *start, uint64_t *end) {
    const size_t head = n < WINDOW ? n : WINDOW, tail = n > 2 * WINDOW ? n - WINDOW : head;
    return find_in(bytes, head, 0, head, at, file_size, start, end) ||
           (tail < n && find_in(bytes, n, tail, n, at, file_size, start, end));
}
