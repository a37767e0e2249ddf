/* Bilinear resize: tables, row reuse and sharing among threads. The arithmetic on pixels is in the kernels. */
#include "image/resize.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "image/resize_kernels.h"

/* Fewer rows than this are not worth handing to another thread. */
#define MIN_BAND_ROWS 16

static inline __attribute__((always_inline)) void blend_columns(const uint8_t *source, const yk__resize_column *columns,
                                                                int32_t n, int16_t *blended, int channels) {
    for (int32_t x = 0; x < n; x++, blended += channels) {
        const uint8_t *p = source + (size_t)columns[x].at * (size_t)channels;
        int32_t left = columns[x].left, right = columns[x].right;
        int next = right ? channels : 0; /* the last pixel has no right neighbour to read */
        for (int c = 0; c < channels; c++) blended[c] = (int16_t)((p[c] * left + p[c + next] * right) >> 4);
    }
}

static void row_c1(const uint8_t *source, int32_t source_width, const yk__resize_column *columns, int32_t n, int16_t *blended) {
    (void)source_width;
    blend_columns(source, columns, n, blended, 1);
}
static void row_c3(const uint8_t *source, int32_t source_width, const yk__resize_column *columns, int32_t n, int16_t *blended) {
    (void)source_width;
    blend_columns(source, columns, n, blended, 3);
}
static void row_c4(const uint8_t *source, int32_t source_width, const yk__resize_column *columns, int32_t n, int16_t *blended) {
    (void)source_width;
    blend_columns(source, columns, n, blended, 4);
}

static void blend_rows(const int16_t *a, const int16_t *b, int16_t wa, int16_t wb, uint8_t *dst, size_t n) {
    for (size_t i = 0; i < n; i++) {
        int v = ((a[i] * wa >> 16) + (b[i] * wb >> 16) + 2) >> 2;
        dst[i] = (uint8_t)(v > 255 ? 255 : v);
    }
}

yk__resize_kernels yk__resize_kernels_for(yk__isa isa) {
    yk__resize_kernels kernels = {.row = {[1] = row_c1, [3] = row_c3, [4] = row_c4}, .blend = blend_rows};
    yk__resize_kernels_x86(&kernels, isa);
    return kernels;
}

/* PARITY 3.2: scale and position in double, kept as float; weights in 1/2048, each rounded half to even by itself. */
typedef struct axis_point {
    int32_t at;
    float fraction;
} axis_point;

static axis_point source_position(int32_t d, double scale) {
    float f = (float)((d + 0.5) * scale - 0.5);
    float whole = floorf(f);
    return (axis_point){(int32_t)whole, f - whole};
}

static double axis_scale(int32_t n_in, int32_t n_out) {
    return 1.0 / ((double)n_out / (double)n_in);
}

static void weights_of(float fraction, int16_t *first, int16_t *second) {
    *second = (int16_t)rintf(fraction * 2048.0f);
    *first = (int16_t)rintf((1.0f - fraction) * 2048.0f);
}

static void fill_columns(yk__resize_column *columns, int32_t n_in, int32_t n_out) {
    double scale = axis_scale(n_in, n_out);
    for (int32_t x = 0; x < n_out; x++) {
        axis_point p = source_position(x, scale);
        if (p.at < 0) p = (axis_point){0, 0};
        if (p.at >= n_in - 1) p = (axis_point){n_in - 1, 0};
        columns[x].at = p.at;
        weights_of(p.fraction, &columns[x].left, &columns[x].right);
    }
}

static int32_t clamp(int32_t v, int32_t low, int32_t high) {
    return v < low ? low : v > high ? high : v;
}

typedef struct resize_job {
    const yk__image_view *source;
    uint8_t *dst;
    int32_t width, height; /* of the result */
    size_t dst_stride;
    int channels;
    const yk__resize_column *columns;
    uint8_t *rows; /* two blended rows for each worker */
    size_t row_bytes;
    int n_bands;
    yk__resize_kernels kernels;
} resize_job;

static void resize_band(void *argument, int band, int worker) {
    const resize_job *job = argument;
    const yk__image_view *source = job->source;
    int32_t begin = (int32_t)((int64_t)job->height * band / job->n_bands);
    int32_t end = (int32_t)((int64_t)job->height * (band + 1) / job->n_bands);
    double scale = axis_scale(source->height, job->height);
    int16_t *held[2];
    int32_t held_y[2] = {-1, -1};
    for (int i = 0; i < 2; i++) held[i] = (int16_t *)(void *)(job->rows + ((size_t)worker * 2 + (size_t)i) * job->row_bytes);
    for (int32_t y = begin; y < end; y++) {
        axis_point p = source_position(y, scale);
        int32_t want[2] = {clamp(p.at, 0, source->height - 1), clamp(p.at + 1, 0, source->height - 1)};
        if (held_y[1] == want[0] && held_y[0] != want[0]) { /* the lower row becomes the upper one */
            int16_t *row = held[0];
            held[0] = held[1], held[1] = row;
            held_y[1] = held_y[0], held_y[0] = want[0];
        }
        for (int i = 0; i < 2; i++) {
            if (held_y[i] == want[i]) continue;
            job->kernels.row[job->channels](source->planes[0] + (size_t)want[i] * source->stride_bytes[0], source->width,
                                            job->columns, job->width, held[i]);
            held_y[i] = want[i];
        }
        int16_t first, second;
        weights_of(p.fraction, &first, &second);
        job->kernels.blend(held[0], held[1], first, second, job->dst + (size_t)y * job->dst_stride,
                           (size_t)job->width * (size_t)job->channels);
    }
}

static size_t table_bytes(int32_t width) {
    return yk__round_up((size_t)width * sizeof(yk__resize_column), YK__CACHE_LINE);
}
/* Rows are rounded up so that kernels may store whole vectors past a row's end. */
static size_t blended_row_bytes(int32_t width, int channels) {
    return yk__round_up((size_t)width * (size_t)channels * sizeof(int16_t) + YK__CACHE_LINE, YK__CACHE_LINE);
}

size_t yk__resize_scratch_bytes(int32_t dst_width, int32_t dst_height, int n_channels, const yk__pool *pool) {
    if (dst_width < 1 || dst_height < 1) return 0;
    return table_bytes(dst_width) + blended_row_bytes(dst_width, n_channels) * 2 * (size_t)yk__pool_size(pool);
}

static void copy_rows(const yk__image_view *source, uint8_t *dst, size_t dst_stride, size_t row_bytes) {
    for (int32_t y = 0; y < source->height; y++) {
        memcpy(dst + (size_t)y * dst_stride, source->planes[0] + (size_t)y * source->stride_bytes[0], row_bytes);
    }
}

yk__code yk__resize_bilinear(const yk__image_view *source, uint8_t *dst, int32_t dst_width, int32_t dst_height,
                             size_t dst_stride, void *scratch, yk__pool *pool, yk__error *err) {
    YK__TRY(yk__image_view_check(source, err));
    int channels = yk__pixel_bytes(source->format);
    if (!dst || dst_width < 1 || dst_height < 1 || dst_stride / (size_t)channels < (size_t)dst_width) {
        return yk__fail(err, YK__ARGUMENT, "cannot resize to %d x %d pixels with a stride of %zu bytes", (int)dst_width,
                        (int)dst_height, dst_stride);
    }
    if (dst_width == source->width && dst_height == source->height) {
        copy_rows(source, dst, dst_stride, (size_t)dst_width * (size_t)channels);
        return YK__OK;
    }
    size_t n_bytes = yk__resize_scratch_bytes(dst_width, dst_height, channels, pool);
    uint8_t *memory = scratch ? scratch : yk__alloc_aligned(n_bytes);
    if (!memory) return yk__fail(err, YK__MEMORY, "no memory to resize to %d x %d pixels", (int)dst_width, (int)dst_height);

    int n_bands = dst_height / MIN_BAND_ROWS;
    if (n_bands > yk__pool_size(pool)) n_bands = yk__pool_size(pool);
    resize_job job = {.source = source,
                      .dst = dst,
                      .width = dst_width,
                      .height = dst_height,
                      .dst_stride = dst_stride,
                      .channels = channels,
                      .columns = (yk__resize_column *)(void *)memory,
                      .rows = memory + table_bytes(dst_width),
                      .row_bytes = blended_row_bytes(dst_width, channels),
                      .n_bands = n_bands > 1 ? n_bands : 1,
                      .kernels = yk__resize_kernels_for(yk__cpu_get()->isa)};
    fill_columns((yk__resize_column *)(void *)memory, source->width, dst_width);
    yk__pool_for(pool, job.n_bands, resize_band, &job);
    if (!scratch) yk__free_aligned(memory, n_bytes);
    return YK__OK;
}

/* ---- rows that come one by one ---- */

struct yk__resize_rows {
    int32_t source_width, source_height, width, height;
    int32_t next_source, next; /* rows to come, to make */
    uint8_t *dst;
    size_t dst_stride;
    bool copy; /* equal sizes */
    double scale;
    yk__resize_kernels kernels;
    size_t bytes; /* of all this */
    const yk__resize_column *columns;
    int16_t *held[2]; /* blended rows of the source, even and odd ones: a result needs two neighbours */
};

yk__code yk__resize_rows_begin(yk__resize_rows **rows, int32_t source_width, int32_t source_height, uint8_t *dst,
                               int32_t dst_width, int32_t dst_height, size_t dst_stride, yk__error *err) {
    *rows = NULL;
    if (source_width < 1 || source_height < 1 || !dst || dst_width < 1 || dst_height < 1 ||
        dst_stride / 3 < (size_t)dst_width) {
        return yk__fail(err, YK__ARGUMENT, "cannot resize %d x %d pixels to %d x %d with a stride of %zu bytes",
                        (int)source_width, (int)source_height, (int)dst_width, (int)dst_height, dst_stride);
    }
    const size_t head = yk__round_up(sizeof(yk__resize_rows), YK__CACHE_LINE), row_bytes = blended_row_bytes(dst_width, 3);
    const size_t bytes = head + table_bytes(dst_width) + 2 * row_bytes;
    uint8_t *memory = yk__alloc_aligned(bytes);
    if (!memory) return yk__fail(err, YK__MEMORY, "no memory to resize to %d x %d pixels", (int)dst_width, (int)dst_height);
    yk__resize_column *columns = (yk__resize_column *)(void *)(memory + head);
    uint8_t *held = memory + head + table_bytes(dst_width);
    *rows = (yk__resize_rows *)(void *)memory;
    **rows = (yk__resize_rows){.source_width = source_width,
                               .source_height = source_height,
                               .width = dst_width,
                               .height = dst_height,
                               .dst = dst,
                               .dst_stride = dst_stride,
                               .copy = source_width == dst_width && source_height == dst_height,
                               .scale = axis_scale(source_height, dst_height),
                               .kernels = yk__resize_kernels_for(yk__cpu_get()->isa),
                               .bytes = bytes,
                               .columns = columns,
                               .held = {(int16_t *)(void *)held, (int16_t *)(void *)(held + row_bytes)}};
    fill_columns(columns, source_width, dst_width);
    return YK__OK;
}

void yk__resize_rows_push(yk__resize_rows *r, const uint8_t *row) {
    const int32_t y = r->next_source++;
    bool held = false;
    if (y >= r->source_height) return;
    if (r->copy) {
        memcpy(r->dst + (size_t)y * r->dst_stride, row, (size_t)r->width * 3);
        return;
    }
    for (; r->next < r->height; r->next++) {
        const axis_point p = source_position(r->next, r->scale);
        const int32_t upper = clamp(p.at, 0, r->source_height - 1), lower = clamp(p.at + 1, 0, r->source_height - 1);
        if (upper != y && lower != y) return; /* both are still to come */
        if (!held) r->kernels.row[3](row, r->source_width, r->columns, r->width, r->held[y & 1]);
        held = true;
        if (lower > y) return;
        int16_t first, second;
        weights_of(p.fraction, &first, &second);
        r->kernels.blend(r->held[upper & 1], r->held[lower & 1], first, second, r->dst + (size_t)r->next * r->dst_stride,
                         (size_t)r->width * 3);
    }
}

void yk__resize_rows_end(yk__resize_rows **rows) {
    if (*rows) yk__free_aligned(*rows, (*rows)->bytes);
    *rows = NULL;
}
