/* Which prototype cells a mask's pixels come from: the reference's sizes and roundings, in doubles. */
#include "task/mask_source.h"

#include <math.h>

/* Prototypes are a quarter of the network's input. */
#define PROTO_STRIDE 4

yk__mask_grid yk__mask_grid_network(int32_t proto_width, int32_t proto_height, int32_t network_width, int32_t network_height) {
    return (yk__mask_grid){.x = {proto_width, network_width, 0, network_width, network_width},
                           .y = {proto_height, network_height, 0, network_height, network_height}};
}

static int32_t scaled_side(int32_t side, double gain) {
    double scaled = rint(side * gain);
    return scaled < 1 ? 1 : scaled > INT32_MAX ? INT32_MAX : (int32_t)scaled;
}

static double smaller_gain(int32_t in_width, int32_t in_height, int32_t width, int32_t height) {
    double x = (double)in_width / width, y = (double)in_height / height;
    return y < x ? y : x;
}

/* The least enlargement, 1, 2 or 4, after which the padding of both sides is whole cells. */
static int32_t enlargement(int32_t proto_width, int32_t proto_height, int32_t width, int32_t height) {
    int32_t full_width = PROTO_STRIDE * proto_width, full_height = PROTO_STRIDE * proto_height;
    double gain = smaller_gain(full_width, full_height, width, height);
    uint32_t pads = (uint32_t)(full_height - scaled_side(height, gain)) | (uint32_t)(full_width - scaled_side(width, gain));
    uint32_t both = pads | pads >> 1; /* the whole padding and its half */
    return both % 4 == 0 ? 1 : both % 2 == 0 ? 2 : 4;
}

static yk__mask_axis cut_axis(int32_t n_in, int32_t enlarged, int32_t n_out, double gain) {
    int32_t kept = scaled_side(n_out, gain);
    if (kept > enlarged) kept = enlarged;
    double first = rint((enlarged - kept) / 2.0 - 0.1);
    return (yk__mask_axis){n_in, enlarged, first > 0 ? (int32_t)first : 0, kept, n_out};
}

yk__mask_grid yk__mask_grid_picture(int32_t proto_width, int32_t proto_height, int32_t width, int32_t height) {
    int32_t factor = enlargement(proto_width, proto_height, width, height);
    int32_t enlarged_width = factor * proto_width, enlarged_height = factor * proto_height;
    double gain = smaller_gain(enlarged_width, enlarged_height, width, height);
    return (yk__mask_grid){.x = cut_axis(proto_width, enlarged_width, width, gain),
                           .y = cut_axis(proto_height, enlarged_height, height, gain)};
}

/* Pixels low <= p < high of n, as the first and one past the last; not a number gives none. */
static void whole_pixels(float low, float high, int32_t n, int32_t *first, int32_t *count) {
    float begin = ceilf(low), end = ceilf(high);
    begin = begin > 0 ? begin : 0;
    end = end < (float)n ? end : (float)n;
    *first = 0, *count = 0;
    if (!(low < high) || !(begin < end)) return;
    *first = (int32_t)begin;
    *count = (int32_t)end - *first;
}

yk__mask_window yk__mask_window_of(const yk__mask_grid *grid, const float box[4]) {
    yk__mask_window window;
    whole_pixels(box[0], box[2], grid->x.n_out, &window.x, &window.width);
    whole_pixels(box[1], box[3], grid->y.n_out, &window.y, &window.height);
    if (window.width == 0 || window.height == 0) window = (yk__mask_window){0};
    return window;
}

static bool is_identity(const yk__mask_axis *axis) {
    return axis->n_crop == axis->n_out && axis->first == 0;
}

bool yk__mask_cuts(const yk__mask_grid *grid) {
    return !is_identity(&grid->x) || !is_identity(&grid->y);
}

bool yk__mask_enlarges(const yk__mask_grid *grid) {
    return grid->x.n_middle != grid->x.n_in || grid->y.n_middle != grid->y.n_in || !yk__mask_cuts(grid);
}

void yk__mask_source(int32_t d, float scale, int32_t n_in, int32_t *low, int32_t *high, float *share) {
    float at = scale * ((float)d + 0.5f) - 0.5f;
    if (at < 0) at = 0;
    int32_t i = (int32_t)at;
    if (i > n_in - 1) i = n_in - 1;
    *low = i;
    *high = i + 1 < n_in ? i + 1 : i;
    *share = at - (float)i;
    if (*share > 1) *share = 1;
}

/* Outputs first .. first + count - 1 of a step from n_in to n_out become the inputs they need. */
static void step_back(int32_t n_in, int32_t n_out, int32_t *first, int32_t *count) {
    float scale = (float)n_in / (float)n_out, share;
    int32_t low, high, unused;
    yk__mask_source(*first, scale, n_in, &low, &unused, &share);
    yk__mask_source(*first + *count - 1, scale, n_in, &unused, &high, &share);
    *first = low;
    *count = high - low + 1;
}

static void axis_back(const yk__mask_axis *axis, bool cuts, bool enlarges, int32_t *first, int32_t *count) {
    if (cuts) {
        step_back(axis->n_crop, axis->n_out, first, count);
        *first += axis->first;
    }
    if (enlarges) step_back(axis->n_in, axis->n_middle, first, count);
}

yk__mask_window yk__mask_cells(const yk__mask_grid *grid, const yk__mask_window *window) {
    yk__mask_window cells = *window;
    bool cuts = yk__mask_cuts(grid), enlarges = yk__mask_enlarges(grid);
    if (window->width < 1 || window->height < 1) return (yk__mask_window){0};
    axis_back(&grid->x, cuts, enlarges, &cells.x, &cells.width);
    axis_back(&grid->y, cuts, enlarges, &cells.y, &cells.height);
    return cells;
}

static void union_of(int32_t *first, int32_t *count, int32_t other_first, int32_t other_count) {
    int32_t begin = *first < other_first ? *first : other_first;
    int32_t end = *first + *count > other_first + other_count ? *first + *count : other_first + other_count;
    *first = begin;
    *count = end - begin;
}

yk__mask_window yk__mask_window_union(const yk__mask_window *a, const yk__mask_window *b) {
    yk__mask_window both = *a;
    if (a->width < 1 || a->height < 1) return *b;
    if (b->width < 1 || b->height < 1) return *a;
    union_of(&both.x, &both.width, b->x, b->width);
    union_of(&both.y, &both.height, b->y, b->height);
    return both;
}
