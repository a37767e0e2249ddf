/* YolkHead on blocked branch outputs: the scan of class logits, and the dense decode with cells as lanes. What survives the
 * threshold is decoded one by one in head_cpu.c. */
#include "backend/cpu/blocked_template.h"
#include "backend/cpu/head_cpu.h"

typedef struct head_job {
    const yk__step *step;
    const yk__exec *exec;
    const yk__operand *classes; /* of each level */
    float *largest;             /* batch x anchors */
    yk__candidate *scratch;
    float lowest;   /* logits below it do not matter */
    int64_t groups; /* tasks per picture */
} head_job;

/* --- the scan --- */

/* Rows y0 .. y1-1 of one level: the largest class logit of each cell that reaches `lowest`, -infinity for the others. */
static void scan_rows(const yk__operand *at, const float *data, int64_t n, const yk__head_level *level, int64_t classes,
                      float lowest, int64_t y0, int64_t y1, float *out) {
    const int64_t blocks = (classes + LANES - 1) / LANES, used = classes - (blocks - 1) * LANES;
    float limits[LANES]; /* unused lanes hold zeros, which must not win */
    for (int64_t l = 0; l < LANES; l++) limits[l] = l < used ? INFINITY : -INFINITY;
    const vf limit = v_load(limits), none = v_set1(-INFINITY), bound = v_set1(lowest);
    for (int64_t y = y0; y < y1; y++) {
        const float *cell = yk__head_cell(at, data, n, y, 0);
        for (int64_t x = 0; x < level->width; x++, cell += LANES) {
            /* v_max(a, b) gives b where a is no number: a NaN never wins */
            vf top = v_max(v_min(limit, v_load(cell + (blocks - 1) * at->block_stride)), none);
            for (int64_t b = 0; b < blocks - 1; b++) top = v_max(v_load(cell + b * at->block_stride), top);
            out[y * level->width + x] = v_mask_ge(top, bound) ? v_largest(top) : -INFINITY;
        }
    }
}

/* Cells per task: some microseconds of work. */
#define SCAN_CELLS 512

static int64_t scan_bands(const yk__head_level *level) {
    const int64_t bands = (level->cells + SCAN_CELLS - 1) / SCAN_CELLS;
    return bands < level->height ? bands : level->height;
}

/* task: one band of one level of one picture */
static void scan_task(void *argument, int task, int worker) {
    (void)worker;
    const head_job *job = argument;
    const yk__head_state *h = job->step->state;
    const int64_t n = task / job->groups;
    int64_t band = task % job->groups;
    int32_t i = 0;
    while (band >= scan_bands(&h->levels[i])) band -= scan_bands(&h->levels[i++]);
    const yk__head_level *level = &h->levels[i];
    const yk__operand *at = &job->classes[i];
    const int64_t bands = scan_bands(level);
    scan_rows(at, yk__operand_data(at, job->exec), n, level, h->n_classes, job->lowest, level->height * band / bands,
              level->height * (band + 1) / bands, job->largest + n * h->anchors + level->first_anchor);
}

static void scan(head_job *job, yk__pool *pool) {
    const yk__head_state *h = job->step->state;
    job->groups = 0;
    for (int32_t i = 0; i < h->n_levels; i++) job->groups += scan_bands(&h->levels[i]);
    yk__pool_for(pool, (int)(h->batch * job->groups), scan_task, job);
}

/* task: the tiles of one growth of one level of one picture */
static void mark_task(void *argument, int task, int worker) {
    (void)worker;
    const head_job *job = argument;
    const yk__head_state *h = job->step->state;
    const int64_t out = task % job->groups, n = task / job->groups;
    const yk__head_level *level = &h->levels[out % h->n_levels];
    const yk__operand *at = &job->step->out[1 + out];
    uint8_t *tiles = (uint8_t *)yk__operand_data(at, job->exec) + n * at->shape.dim[1] * at->shape.dim[2];
    yk__head_mark_tiles(level, job->largest + n * h->anchors + level->first_anchor, job->lowest, (int32_t)(out / h->n_levels),
                        tiles);
}

yk__code ISA(yk__yolk_head_scan_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    head_job job = {.step = step,
                    .exec = exec,
                    .classes = step->in,
                    .largest = yk__operand_data(&step->out[0], exec),
                    .lowest = yk__head_lowest_logit(exec->params.conf)};
    const yk__head_state *h = step->state;
    scan(&job, exec->pool);
    job.groups = step->n_out - 1;
    yk__pool_for(exec->pool, (int)(h->batch * job.groups), mark_task, &job);
    return YK__OK;
}

static void choose_task(void *argument, int task, int worker) {
    (void)worker;
    const head_job *job = argument;
    const yk__head_state *h = job->step->state;
    yk__head_candidates(job->step, job->exec, task, job->largest + task * h->anchors);
}

/* Candidates per task: some tens of microseconds. */
#define FINISH_CANDIDATES 64

static void finish_task(void *argument, int task, int worker) {
    (void)worker;
    const head_job *job = argument;
    const int32_t from = (int32_t)(task % job->groups) * FINISH_CANDIDATES;
    yk__head_finish(job->step, job->exec, task / job->groups, from, from + FINISH_CANDIDATES);
}

static void fill_candidates(head_job *job, yk__pool *pool) {
    const yk__head_state *h = job->step->state;
    yk__pool_for(pool, (int)h->batch, choose_task, job);
    int32_t most = 0;
    for (int64_t n = 0; n < h->batch; n++) {
        if (job->exec->candidates[n].count > most) most = job->exec->candidates[n].count;
    }
    job->groups = (most + FINISH_CANDIDATES - 1) / FINISH_CANDIDATES;
    yk__pool_for(pool, (int)(h->batch * job->groups), finish_task, job);
}

/* --- dense: LANES cells of a row at a time, one vector per channel --- */

/* Channels first .. first+count-1 of `cells` cells as vectors over cells; lanes past `cells` are zero. */
INLINE void gather_channels(const yk__operand *at, const float *cell, int64_t first, int64_t count, int64_t cells, float *out) {
    for (int64_t c = 0; c < count; c++) {
        const float *from = cell + (first + c) / LANES * at->block_stride + (first + c) % LANES;
        for (int64_t j = 0; j < LANES; j++) out[c * LANES + j] = j < cells ? from[j * LANES] : 0.0f;
    }
}

INLINE void put_cells(float *out, vf v, int64_t cells) {
    float lanes[LANES];
    if (cells == LANES) {
        v_store(out, v);
    } else {
        v_store(lanes, v);
        memcpy(out, lanes, (size_t)cells * sizeof(float));
    }
}

/* Bins of one side as vectors over cells to the distance: expectation over their softmax. */
INLINE vf side_distance(const yk__head_state *h, const float *bins) {
    if (h->reg_max == 1) return v_load(bins);
    vf top = v_load(bins), sum = v_zero(), expectation = v_zero();
    for (int64_t i = 1; i < h->reg_max; i++) top = v_max(v_load(bins + i * LANES), top);
    for (int64_t i = 0; i < h->reg_max; i++) {
        const vf e = v_exp(v_load(bins + i * LANES) - top);
        sum = sum + e;
        expectation = v_fma(e, v_set1(h->bins[i]), expectation);
    }
    return expectation / sum;
}

typedef struct cell_run {
    const yk__head_level *level;
    int64_t n, y, x, cells;
    float *out;   /* the run's first anchor in the first row of the picture's output */
    int64_t step; /* floats from one output row to the next */
} cell_run;

INLINE vf cell_columns(const cell_run *run) {
    float columns[LANES];
    for (int64_t j = 0; j < LANES; j++) columns[j] = (float)(run->x + j);
    return v_load(columns);
}

static void dense_box(const head_job *job, const yk__operand *at, const cell_run *run, const float *angles) {
    const yk__head_state *h = job->step->state;
    const float *cell = yk__head_cell(at, yk__operand_data(at, job->exec), run->n, run->y, run->x);
    const vf px = cell_columns(run) + v_set1(0.5f), py = v_set1((float)run->y + 0.5f), half = v_set1(0.5f);
    vf d[4], box[4];
    float bins[YK__HEAD_MAX_BINS * LANES] __attribute__((aligned(64)));
    for (int side = 0; side < 4; side++) {
        gather_channels(at, cell, side * h->reg_max, h->reg_max, run->cells, bins);
        d[side] = side_distance(h, bins);
    }
    if (h->obb) {
        float lanes[4][LANES], turned[4][LANES], columns[LANES];
        for (int i = 0; i < 4; i++) v_store(lanes[i], d[i]);
        v_store(columns, px);
        for (int64_t j = 0; j < run->cells; j++) {
            float out[4];
            yk__head_turn((const float[4]){lanes[0][j], lanes[1][j], lanes[2][j], lanes[3][j]}, angles[j], columns[j],
                          (float)run->y + 0.5f, out);
            for (int i = 0; i < 4; i++) turned[i][j] = out[i];
        }
        for (int64_t j = run->cells; j < LANES; j++) {
            for (int i = 0; i < 4; i++) turned[i][j] = 0;
        }
        for (int i = 0; i < 4; i++) box[i] = v_load(turned[i]);
    } else {
        const vf x1 = px - d[0], y1 = py - d[1], x2 = px + d[2], y2 = py + d[3];
        box[0] = (x1 + x2) * half;
        box[1] = (y1 + y2) * half;
        box[2] = x2 - x1;
        box[3] = y2 - y1;
    }
    for (int i = 0; i < 4; i++) put_cells(run->out + i * run->step, box[i] * v_set1(run->level->stride), run->cells);
}

static void dense_classes(const head_job *job, const yk__operand *at, const cell_run *run) {
    const yk__head_state *h = job->step->state;
    const float *cell = yk__head_cell(at, yk__operand_data(at, job->exec), run->n, run->y, run->x);
    float logits[LANES * LANES] __attribute__((aligned(64)));
    for (int64_t c = 0; c < h->n_classes; c += LANES) {
        const int64_t count = h->n_classes - c < LANES ? h->n_classes - c : LANES;
        gather_channels(at, cell, c, count, run->cells, logits);
        for (int64_t i = 0; i < count; i++) {
            put_cells(run->out + (4 + c + i) * run->step, v_sigmoid(v_load(logits + i * LANES)), run->cells);
        }
    }
}

/* Coefficients, keypoints or the angle; angles also go to `angles`. */
static void dense_extra(const head_job *job, const yk__operand *at, const cell_run *run, float *angles) {
    const yk__head_state *h = job->step->state;
    const float *cell = yk__head_cell(at, yk__operand_data(at, job->exec), run->n, run->y, run->x);
    const vf columns = cell_columns(run), rows = v_set1((float)run->y), stride = v_set1(run->level->stride);
    float values[LANES] __attribute__((aligned(64)));
    for (int64_t i = 0; i < h->n_extra; i++) {
        gather_channels(at, cell, i, 1, run->cells, values);
        vf v = v_load(values);
        if (h->obb) {
            if (!h->raw_angle) v = (v_sigmoid(v) - v_set1(0.25f)) * v_set1(3.14159265358979323846f);
            v_store(angles, v);
        } else if (h->keypoint_size && i % h->keypoint_size == 2) {
            v = v_sigmoid(v);
        } else if (h->keypoint_size) {
            const vf corner = i % h->keypoint_size == 0 ? columns : rows;
            v = h->pose26 ? (v + (corner + v_set1(0.5f))) * stride : (v + v + corner) * stride;
        }
        put_cells(run->out + (4 + h->n_classes + i) * run->step, v, run->cells);
    }
}

/* task: one row of cells of one level of one picture */
static void dense_task(void *argument, int task, int worker) {
    (void)worker;
    const head_job *job = argument;
    const yk__head_state *h = job->step->state;
    const int64_t n = task / job->groups;
    int64_t row = task % job->groups;
    int32_t i = 0;
    while (row >= h->levels[i].height) row -= h->levels[i++].height;
    const yk__head_level *level = &h->levels[i];
    float *out = yk__operand_data(&job->step->out[0], job->exec);
    out += n * (4 + h->n_classes + h->n_extra) * h->anchors + level->first_anchor + row * level->width;
    for (int64_t x = 0; x < level->width; x += LANES) {
        float angles[LANES] = {0};
        const int64_t cells = level->width - x < LANES ? level->width - x : LANES;
        const cell_run run = {.level = level, .n = n, .y = row, .x = x, .cells = cells, .out = out + x, .step = h->anchors};
        if (h->n_extra) dense_extra(job, &job->step->in[2 * h->n_levels + i], &run, angles);
        dense_box(job, &job->step->in[i], &run, angles);
        dense_classes(job, &job->step->in[h->n_levels + i], &run);
    }
}

yk__code ISA(yk__yolk_head_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    const yk__head_state *h = step->state;
    uint8_t *scratch = exec->memory + step->scratch_offset;
    const size_t scan_bytes = yk__round_up((size_t)(h->batch * h->anchors) * sizeof(float), YK__CACHE_LINE);
    head_job job = {.step = step,
                    .exec = exec,
                    .classes = step->in + h->n_levels,
                    .largest = (float *)(void *)scratch,
                    .scratch = (yk__candidate *)(void *)(scratch + scan_bytes)};
    const bool dense = step->out[0].kind != YK__PLACE_NONE;
    if (dense && step->n_out > 1 && step->out[1].kind != YK__PLACE_NONE) {
        const yk__operand *from = &step->in[step->node->n_in - 1];
        size_t bytes;
        if (yk__tensor_bytes(from->dtype, &from->shape, &bytes)) {
            memcpy(yk__operand_data(&step->out[1], exec), yk__operand_data(from, exec), bytes);
        }
    }
    if (dense && !h->one_to_one) {
        for (int32_t i = 0; i < h->n_levels; i++) job.groups += h->levels[i].height;
        yk__pool_for(exec->pool, (int)(h->batch * job.groups), dense_task, &job);
        return YK__OK;
    }
    if (step->n_in > step->node->n_in) { /* scanned before the boxes were made */
        job.largest = yk__operand_data(&step->in[step->node->n_in], exec);
    } else {
        job.lowest = dense ? -INFINITY : yk__head_lowest_logit(exec->params.conf);
        scan(&job, exec->pool);
    }
    if (!dense) {
        fill_candidates(&job, exec->pool);
        return YK__OK;
    }
    for (int64_t n = 0; n < h->batch; n++) yk__head_rows(step, exec, n, job.largest + n * h->anchors, job.scratch);
    return YK__OK;
}
