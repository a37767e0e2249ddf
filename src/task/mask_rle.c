/* Column runs out of row-major bits without turning the mask: where a row differs from the one above, a run begins or ends
 * in that column. These places are counted per column, then written in column order; both passes compare eight pixels at a
 * time, and a mask has few such places. */
#include "task/mask_rle.h"

#include <string.h>

#include "base/memory.h"

typedef struct toggles {
    const yk__mask_window *window;
    size_t *first; /* per column: where its toggles go in rows; one more entry ends the last */
    int32_t *rows; /* NULL while counting */
} toggles;

static void toggle(toggles *t, int32_t column, int32_t row) {
    size_t at = t->first[column]++;
    if (t->rows) t->rows[at] = row;
}

/* Columns in which two rows differ; above or below is NULL outside the window, where all is background. */
static void compare_rows(toggles *t, const uint8_t *above, const uint8_t *below, int32_t row) {
    int32_t width = t->window->width, c = 0;
    for (; c + 8 <= width; c += 8) {
        uint64_t a = 0, b = 0;
        if (above) memcpy(&a, above + c, 8);
        if (below) memcpy(&b, below + c, 8);
        if (a == b) continue;
        for (int32_t k = c; k < c + 8; k++)
            if ((above ? above[k] : 0) != (below ? below[k] : 0)) toggle(t, k, row);
    }
    for (; c < width; c++)
        if ((above ? above[c] : 0) != (below ? below[c] : 0)) toggle(t, c, row);
}

static void visit(toggles *t, const uint8_t *bits) {
    const uint8_t *above = NULL;
    for (int32_t y = 0; y < t->window->height; y++) {
        const uint8_t *row = bits + (size_t)y * (size_t)t->window->width;
        compare_rows(t, above, row, y);
        above = row;
    }
    compare_rows(t, above, NULL, t->window->height);
}

/* Counts become starts: column c's toggles begin at first[c]. Returns how many there are. */
static size_t make_starts(size_t *first, int32_t width) {
    size_t total = 0;
    for (int32_t c = 0; c < width; c++) {
        size_t n = first[c];
        first[c] = total;
        total += n;
    }
    return total;
}

/* After the second pass first[c] is the end of column c. Toggles at one place (the foot of a column and the head of the next)
 * cancel out. */
static size_t write_runs(const toggles *t, int32_t width, int32_t height, int64_t *runs) {
    const yk__mask_window *w = t->window;
    size_t n = 0, at = 0;
    for (int32_t c = 0; c < w->width; c++)
        for (; at < t->first[c]; at++) {
            int64_t place = (int64_t)(w->x + c) * height + w->y + t->rows[at];
            if (n > 0 && runs[n - 1] == place)
                n--;
            else
                runs[n++] = place;
        }
    int64_t end = (int64_t)width * height, before = 0;
    if (n == 0 || runs[n - 1] != end) runs[n++] = end;
    for (size_t i = 0; i < n; i++) {
        int64_t place = runs[i];
        runs[i] = place - before;
        before = place;
    }
    return n;
}

yk__code yk__mask_runs(const uint8_t *bits, const yk__mask_window *window, int32_t width, int32_t height, int64_t **runs,
                       size_t *n_runs, yk__error *err) {
    toggles t = {.window = window};
    *runs = NULL;
    *n_runs = 0;
    t.first = yk__alloc_array((size_t)window->width + 1, sizeof *t.first);
    if (!t.first) return yk__fail(err, YK__MEMORY, "out of memory for the runs of a mask");
    visit(&t, bits);
    size_t total = make_starts(t.first, window->width);
    t.rows = yk__alloc_array(total + 1, sizeof *t.rows);
    *runs = yk__alloc_array(total + 1, sizeof **runs);
    if (t.rows && *runs) {
        visit(&t, bits);
        *n_runs = write_runs(&t, width, height, *runs);
    }
    bool ok = t.rows && *runs;
    yk__free(t.first);
    yk__free(t.rows);
    if (ok) return YK__OK;
    yk__free(*runs);
    *runs = NULL;
    return yk__fail(err, YK__MEMORY, "out of memory for the %zu runs of a mask", total);
}

void yk__mask_runs_text(const int64_t *runs, size_t n_runs, yk__text *out) {
    for (size_t i = 0; i < n_runs; i++) {
        int64_t v = i > 2 ? runs[i] - runs[i - 2] : runs[i];
        bool more = true;
        while (more) {
            int low = (int)(v & 31);
            v >>= 5; /* arithmetic: the sign stays */
            more = (low & 16) ? v != -1 : v != 0;
            yk__text_add_char(out, (char)(48 + low + (more ? 32 : 0)));
        }
    }
}
