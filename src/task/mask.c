/* Making masks: rows flow through one or two bilinear steps (half-pixel centres, no antialiasing; horizontally first, then
 * vertically, f32), each of which keeps the two source rows it blends. */
#include "task/mask.h"
#include "task/mask_source.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

typedef struct blend_step {
    int32_t n_in_rows, n_out_rows;
    float row_scale;
    int32_t first_row;        /* of the source that this step reads, where it begins: row 0 of this step is this row there */
    int32_t begin, end;       /* columns made, of this step's output */
    int32_t *left, *right;    /* source columns of output column c */
    float *share;             /* of the right one; the left one gets the rest */
    int32_t in_begin, in_end; /* columns of the source that the made columns need */
    float *row[2];            /* source rows blended horizontally; row y is in row[y & 1] */
    int32_t row_index[2];     /* which row that is, -1 for none */
    float *made;              /* the last row made, for the next step */
    int32_t n_out_columns, n_in_columns, first_column;
    float column_scale;
} blend_step;

struct yk__mask_maker {
    int32_t n_steps; /* 1 or 2; steps[0] reads prototypes */
    blend_step steps[2];
    const yk__prototypes *prototypes; /* of the mask at hand */
    const float *coefficients;
    float *logits; /* one row of coefficients times prototypes */
    void *memory;
};

/* ---- lookups ---- */

/* A step from `in` cells (of which those from `first` on count) to `out` on each axis. */
static void step_init(blend_step *step, int32_t in_x, int32_t out_x, int32_t first_x, int32_t in_y, int32_t out_y,
                      int32_t first_y) {
    *step = (blend_step){.n_in_rows = in_y,
                         .n_out_rows = out_y,
                         .row_scale = (float)in_y / (float)out_y,
                         .first_row = first_y,
                         .n_out_columns = out_x,
                         .n_in_columns = in_x,
                         .first_column = first_x,
                         .column_scale = (float)in_x / (float)out_x};
}

/* Floats and indices of one step, in 4-byte units. */
static size_t step_units(const blend_step *step) {
    return 6 * (size_t)step->n_out_columns;
}

static void step_place(blend_step *step, void *memory) {
    size_t n = (size_t)step->n_out_columns;
    step->left = memory;
    step->right = step->left + n;
    step->share = (float *)(step->right + n);
    step->row[0] = step->share + n;
    step->row[1] = step->row[0] + n;
    step->made = step->row[1] + n;
    for (int32_t c = 0; c < step->n_out_columns; c++) {
        yk__mask_source(c, step->column_scale, step->n_in_columns, &step->left[c], &step->right[c], &step->share[c]);
        step->left[c] += step->first_column;
        step->right[c] += step->first_column;
    }
}

yk__code yk__mask_maker_create(yk__mask_maker **out, const yk__mask_grid *grid, yk__error *err) {
    *out = NULL;
    yk__mask_maker *maker = yk__alloc(sizeof *maker);
    if (!maker) return yk__fail(err, YK__MEMORY, "out of memory for masks");
    const yk__mask_axis *x = &grid->x, *y = &grid->y;
    if (yk__mask_enlarges(grid)) step_init(&maker->steps[maker->n_steps++], x->n_in, x->n_middle, 0, y->n_in, y->n_middle, 0);
    if (yk__mask_cuts(grid))
        step_init(&maker->steps[maker->n_steps++], x->n_crop, x->n_out, x->first, y->n_crop, y->n_out, y->first);
    size_t units = (size_t)x->n_in;
    for (int32_t i = 0; i < maker->n_steps; i++) units += step_units(&maker->steps[i]);
    maker->memory = yk__alloc_array(units, sizeof(float));
    if (!maker->memory) {
        yk__mask_maker_destroy(&maker);
        return yk__fail(err, YK__MEMORY, "out of memory for masks of %d columns", (int)x->n_out);
    }
    maker->logits = maker->memory;
    float *next = maker->logits + x->n_in;
    for (int32_t i = 0; i < maker->n_steps; i++) {
        step_place(&maker->steps[i], next);
        next += step_units(&maker->steps[i]);
    }
    *out = maker;
    return YK__OK;
}

void yk__mask_maker_destroy(yk__mask_maker **maker) {
    if (!maker || !*maker) return;
    yk__free((*maker)->memory);
    yk__free(*maker);
    *maker = NULL;
}

/* ---- rows ---- */

static void begin_mask(yk__mask_maker *maker, const yk__prototypes *prototypes, const float *coefficients,
                       const yk__mask_window *window) {
    int32_t begin = window->x, end = window->x + window->width;
    maker->prototypes = prototypes;
    maker->coefficients = coefficients;
    for (int32_t i = maker->n_steps - 1; i >= 0; i--) {
        blend_step *step = &maker->steps[i];
        step->begin = begin, step->end = end;
        step->in_begin = begin = step->left[begin];
        step->in_end = end = step->right[end - 1] + 1;
        step->row_index[0] = step->row_index[1] = -1;
    }
}

/* n cells from cell x on of row y of coefficients times prototypes. */
static void logit_row(const yk__prototypes *p, const float *coefficients, int32_t x, int32_t y, int32_t n, float *restrict to) {
    size_t plane = (size_t)p->height * (size_t)p->width;
    const float *from = p->data + (size_t)(y - p->y) * (size_t)p->width + (size_t)(x - p->x);
    memset(to, 0, (size_t)n * sizeof *to);
    for (int32_t k = 0; k < p->n; k++, from += plane) {
        float c = coefficients[k];
        for (int32_t i = 0; i < n; i++) to[i] += c * from[i];
    }
}

void yk__mask_logits(const yk__prototypes *prototypes, const float *coefficients, const yk__mask_window *cells, float *out) {
    for (int32_t y = cells->y; y < cells->y + cells->height; y++, out += cells->width)
        logit_row(prototypes, coefficients, cells->x, y, cells->width, out);
}

static const float *made_row(yk__mask_maker *maker, int32_t i, int32_t y);

/* Row y of step i's source, blended horizontally. */
static const float *blended_row(yk__mask_maker *maker, int32_t i, int32_t y) {
    blend_step *step = &maker->steps[i];
    float *restrict to = step->row[y & 1];
    if (step->row_index[y & 1] == y) return to;
    const float *from = maker->logits;
    if (i == 0)
        logit_row(maker->prototypes, maker->coefficients, step->in_begin, y + step->first_row, step->in_end - step->in_begin,
                  maker->logits + step->in_begin);
    else
        from = made_row(maker, i - 1, y + step->first_row);
    for (int32_t c = step->begin; c < step->end; c++) {
        float right = step->share[c];
        to[c] = (1 - right) * from[step->left[c]] + right * from[step->right[c]];
    }
    step->row_index[y & 1] = y;
    return to;
}

/* The two rows that row y of step i is blended from, and the lower one's share. */
static void two_rows(yk__mask_maker *maker, int32_t i, int32_t y, const float **upper, const float **lower, float *share) {
    const blend_step *step = &maker->steps[i];
    int32_t low, high;
    yk__mask_source(y, step->row_scale, step->n_in_rows, &low, &high, share);
    *upper = blended_row(maker, i, low);
    *lower = blended_row(maker, i, high);
}

static const float *made_row(yk__mask_maker *maker, int32_t i, int32_t y) {
    blend_step *step = &maker->steps[i];
    const float *upper, *lower;
    float share, *restrict to = step->made;
    two_rows(maker, i, y, &upper, &lower, &share);
    for (int32_t c = step->begin; c < step->end; c++) to[c] = (1 - share) * upper[c] + share * lower[c];
    return to;
}

static void bit_row(yk__mask_maker *maker, int32_t y, uint8_t *restrict bits) {
    const blend_step *step = &maker->steps[maker->n_steps - 1];
    const float *upper, *lower;
    float share;
    two_rows(maker, maker->n_steps - 1, y, &upper, &lower, &share);
    upper += step->begin, lower += step->begin;
    for (int32_t c = 0; c < step->end - step->begin; c++) bits[c] = (1 - share) * upper[c] + share * lower[c] > 0;
}

static bool any_in_row(yk__mask_maker *maker, int32_t y) {
    const blend_step *step = &maker->steps[maker->n_steps - 1];
    const float *upper, *lower;
    float share;
    two_rows(maker, maker->n_steps - 1, y, &upper, &lower, &share);
    for (int32_t c = step->begin; c < step->end; c++)
        if ((1 - share) * upper[c] + share * lower[c] > 0) return true;
    return false;
}

bool yk__mask_any(yk__mask_maker *maker, const yk__prototypes *prototypes, const float *coefficients,
                  const yk__mask_window *window) {
    int32_t middle = window->y + window->height / 2;
    if (window->width < 1 || window->height < 1) return false;
    begin_mask(maker, prototypes, coefficients, window);
    for (int32_t y = middle; y < window->y + window->height; y++)
        if (any_in_row(maker, y)) return true;
    for (int32_t y = middle - 1; y >= window->y; y--)
        if (any_in_row(maker, y)) return true;
    return false;
}

void yk__mask_fill(yk__mask_maker *maker, const yk__prototypes *prototypes, const float *coefficients,
                   const yk__mask_window *window, uint8_t *bits) {
    if (window->width < 1 || window->height < 1) return;
    begin_mask(maker, prototypes, coefficients, window);
    for (int32_t y = 0; y < window->height; y++) bit_row(maker, window->y + y, bits + (size_t)y * (size_t)window->width);
}
