/* Direct convolution on blocked tensors: whether it fits, how weights are packed, what a step needs to know. The loops are in
 * conv_template.h, compiled once per instruction-set level. */
#include "backend/cpu/conv_cpu.h"

#include <string.h>

/* Halo rows a tensor may have to carry; beyond this a convolution is left to ref rather than inflating the tensor. */
#define MAX_HALO 8

/* Second-level cache that every processor these kernels are for has. */
#define LEAST_L2 ((int64_t)512 * 1024)

bool yk__conv_activation(const yk__node *node, yk__activation *act, float *alpha, float *beta) {
    static const struct {
        const char *name;
        yk__activation act;
    } known[] = {{"none", YK__ACT_NONE},       {"silu", YK__ACT_SILU},
                 {"relu", YK__ACT_RELU},       {"leaky_relu", YK__ACT_LEAKY_RELU},
                 {"sigmoid", YK__ACT_SIGMOID}, {"hardswish", YK__ACT_HARD_SWISH}};
    const char *name = yk__node_string(node, "act", "none");
    *alpha = (float)yk__node_float(node, "act_alpha", 0);
    *beta = (float)yk__node_float(node, "act_beta", 0);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(name, known[i].name) == 0) {
            *act = known[i].act;
            return true;
        }
    }
    return false;
}

/* Two values of an attribute, or the same default twice; false for another count or values out of a sane range. */
static bool two_ints(const yk__node *node, const char *name, int64_t otherwise, int64_t out[2]) {
    out[0] = out[1] = otherwise;
    int n = yk__node_ints(node, name, out, 2);
    return (n == 0 || n == 2) && out[0] >= 1 && out[1] >= 1 && out[0] <= 1 << 20 && out[1] <= 1 << 20;
}

/* Padding before the first row and column, and how far the window reaches beyond the last. */
static bool resolve_padding(const yk__node *node, yk__conv_shape *s) {
    int64_t pads[4] = {0, 0, 0, 0};
    int64_t reach_h = (s->oh - 1) * s->sh + (s->kh - 1) * s->dh + 1, reach_w = (s->ow - 1) * s->sw + (s->kw - 1) * s->dw + 1;
    const char *auto_pad = yk__node_string(node, "auto_pad", "NOTSET");
    if (strcmp(auto_pad, "SAME_UPPER") == 0 || strcmp(auto_pad, "SAME_LOWER") == 0) {
        int64_t lower = strcmp(auto_pad, "SAME_LOWER") == 0;
        int64_t all_h = reach_h > s->h ? reach_h - s->h : 0, all_w = reach_w > s->w ? reach_w - s->w : 0;
        pads[0] = (all_h + lower) / 2;
        pads[1] = (all_w + lower) / 2;
    } else if (strcmp(auto_pad, "VALID") != 0) {
        int n = yk__node_ints(node, "pads", pads, 4);
        if (n != 0 && n != 4) return false;
    }
    s->pad_top = pads[0];
    s->pad_left = pads[1];
    if (pads[0] < 0 || pads[1] < 0) return false;
    int64_t below = reach_h - pads[0] - s->h, right = reach_w - pads[1] - s->w;
    int64_t halo = pads[0] > pads[1] ? pads[0] : pads[1];
    if (below > halo) halo = below;
    if (right > halo) halo = right;
    s->halo = halo;
    return halo <= MAX_HALO;
}

static bool resolve(const yk__node *node, const yk__shape *in, const yk__shape *weight, const yk__shape *out,
                    yk__conv_shape *s) {
    memset(s, 0, sizeof *s);
    if (in->rank != 4 || weight->rank != 4 || out->rank != 4) return false;
    s->n = in->dim[0], s->c = in->dim[1], s->h = in->dim[2], s->w = in->dim[3];
    s->o = out->dim[1], s->oh = out->dim[2], s->ow = out->dim[3];
    s->kh = weight->dim[2], s->kw = weight->dim[3];
    int64_t strides[2], dilations[2];
    if (!two_ints(node, "strides", 1, strides) || !two_ints(node, "dilations", 1, dilations)) return false;
    s->sh = strides[0], s->sw = strides[1], s->dh = dilations[0], s->dw = dilations[1];
    s->groups = yk__node_int(node, "group", 1);
    if (s->groups < 1 || s->c % s->groups || s->o % s->groups || weight->dim[1] != s->c / s->groups) return false;
    return weight->dim[0] == s->o && yk__conv_activation(node, &s->act, &s->alpha, &s->beta) && resolve_padding(node, s);
}

/* Weights are known; where there is a residual it looks like the output. */
static bool resolve_operands(const yk__query *query, yk__conv_shape *shape) {
    const yk__node *node = query->node;
    if (!query->in[1].data || !resolve(node, &query->in[0].shape, &query->in[1].shape, &query->out[0].shape, shape))
        return false;
    shape->has_bias = node->n_in > 2 && query->in[2].dtype != YK__DTYPE_NONE;
    shape->has_residual = node->n_in > 3 && query->in[3].dtype != YK__DTYPE_NONE;
    if (shape->has_bias && (!yk__cpu_is_f32(&query->in[2]) || !query->in[2].data)) return false;
    return !shape->has_residual || (query->in[3].dtype == query->out[0].dtype && !query->in[3].dynamic &&
                                    yk__shape_equal(&query->in[3].shape, &query->out[0].shape));
}

bool yk__conv_resolve(const yk__query *query, yk__conv_shape *shape) {
    return yk__cpu_is_map(&query->in[0]) && yk__cpu_is_map(&query->out[0]) && yk__cpu_is_f32(&query->in[1]) &&
           resolve_operands(query, shape);
}

bool yk__conv_resolve_first(const yk__query *query, yk__conv_shape *shape) {
    return yk__cpu_is_map(&query->in[0]) && (yk__cpu_is_map(&query->out[0]) || yk__cpu_is_bf16_map(&query->out[0])) &&
           yk__cpu_is_f32(&query->in[1]) && resolve_operands(query, shape);
}

bool yk__conv_resolve_bf16(const yk__query *query, yk__conv_shape *shape) {
    return yk__cpu_is_bf16_map(&query->in[0]) && query->in[1].dtype == YK__DTYPE_BF16 &&
           (yk__cpu_is_map(&query->out[0]) || yk__cpu_is_bf16_map(&query->out[0])) && resolve_operands(query, shape);
}

bool yk__conv_resolve_step(const yk__step *step, yk__conv_shape *shape) {
    if (!resolve(step->node, &step->in[0].shape, &step->in[1].shape, &step->out[0].shape, shape)) return false;
    shape->has_bias = step->n_in > 2 && step->in[2].kind != YK__PLACE_NONE;
    shape->has_residual = step->n_in > 3 && step->in[3].kind != YK__PLACE_NONE;
    return true;
}

static int64_t round_up_to(int64_t value, int64_t step) {
    return (value + step - 1) / step * step;
}

/* Two ways: bands of rows with all panels in each (every core reads its rows and all weights) or single panels (all rows and
 * its weights). What does not stay in the second-level cache is read again for each band, or for each panel. A share for every
 * thread and some to spare, so that a thread that was held up can be helped; fewer bands where each fetches the weights anew.
 */
yk__conv_split yk__conv_share_out(int64_t in_bytes, int64_t weights_bytes, int64_t n_panels, int64_t pictures, int64_t rows,
                                  int64_t threads) {
    const int64_t l2 = (int64_t)yk__cpu_get()->l2_bytes, room = (l2 > LEAST_L2 ? l2 : LEAST_L2) * 5 / 8;
    const int64_t wanted = threads > 1 ? 4 * threads : 1, for_cache = in_bytes / (room / 2) + 1;
    int64_t bands = (wanted + pictures - 1) / pictures;
    const bool weights_stay = weights_bytes <= room - room / 4;
    if (!weights_stay && bands > (threads + pictures - 1) / pictures) bands = (threads + pictures - 1) / pictures;
    if (bands < for_cache) bands = for_cache;
    if (bands > 1) bands = round_up_to(bands, threads);
    if (bands > rows) bands = rows;
    const int64_t by_bands = in_bytes / threads + weights_bytes * (weights_stay ? 1 : (bands + threads - 1) / threads);
    const int64_t by_panels = weights_bytes / threads + in_bytes * (in_bytes <= room ? 1 : (n_panels + threads - 1) / threads);
    if (n_panels == 1 || by_bands <= by_panels) {
        return (yk__conv_split){.panels_per_task = n_panels, .panel_tasks = 1, .n_bands = bands};
    }
    const int64_t share = (wanted + n_panels * pictures - 1) / (n_panels * pictures);
    return (yk__conv_split){
        .panels_per_task = 1, .panel_tasks = n_panels, .n_bands = share > 1 ? yk__band_count(rows, share, threads) : 1};
}

/* Blocks of the next panel. A tile of two blocks serves best; an odd number of blocks ends with one of three. Blocks of eight
 * lanes (AVX2) go by threes: 3x4 loads 7 times for 12 multiply-adds, 2x6 8 times, and the map is read less often. */
static int32_t panel_blocks(int32_t left, int32_t block) {
    if (left == 1 || left == 3) return left;
    return block == 8 && left > 4 ? 3 : 2;
}

/* Input channels [first, end) that output channels [from, to) read. */
static void group_range(const yk__conv_shape *s, int64_t from, int64_t to, int64_t *first, int64_t *end) {
    int64_t out_per_group = s->o / s->groups, in_per_group = s->c / s->groups;
    int64_t last = (to < s->o ? to : s->o) - 1;
    *first = from / out_per_group * in_per_group;
    *end = (last / out_per_group + 1) * in_per_group;
}

/* Cuts the output blocks into panels; panels may be NULL to count. Returns the floats of their weights. */
static int64_t make_panels(const yk__conv_shape *s, int32_t block, yk__conv_panel *panels, int32_t *n_panels) {
    int32_t out_blocks = (int32_t)((s->o + block - 1) / block), n = 0;
    int64_t floats = 0;
    for (int32_t at = 0; at < out_blocks; n++) {
        int32_t blocks = panel_blocks(out_blocks - at, block);
        int64_t first, end;
        group_range(s, (int64_t)at * block, (int64_t)(at + blocks) * block, &first, &end);
        int32_t first_in = (int32_t)(first / block), end_in = (int32_t)((end + block - 1) / block);
        if (panels) {
            panels[n] = (yk__conv_panel){.first_out_block = at,
                                         .n_out_blocks = blocks,
                                         .first_in_block = first_in,
                                         .n_in_blocks = end_in - first_in,
                                         .weights = floats};
        }
        for (int32_t b = first_in; b < end_in; b++) floats += s->kh * s->kw * yk__conv_lanes(s->c, b, block) * blocks * block;
        at += blocks;
    }
    *n_panels = n;
    return floats;
}

bool yk__conv_direct_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    yk__conv_shape s;
    if (query->block != isa->block || !yk__conv_resolve(query, &s)) return false;
    int32_t n_panels, out_blocks = (int32_t)((s.o + isa->block - 1) / isa->block);
    int64_t floats = make_panels(&s, isa->block, NULL, &n_panels);
    need->in_form[0] = need->out_form[0] = YK__FORM_BLOCKED;
    need->in_form[3] = YK__FORM_BLOCKED;
    need->in_halo[0] = (int32_t)s.halo;
    need->skip[1] = need->skip[2] = true;
    need->packed_bytes = (size_t)((int64_t)out_blocks * isa->block + floats) * sizeof(float);
    need->packed_format = 1;
    need->by_tiles = s.sh == 1 && s.sw == 1 && s.oh == s.h && s.ow == s.w && s.halo <= YK__TILE;
    need->tile_reach = (int32_t)s.halo;
    double flops = 2.0 * (double)floats * (double)(s.oh * s.ow);
    double outputs = (double)(out_blocks * s.oh * s.ow);
    double gflops = s.kh * s.kw == 1 ? isa->rates.conv_1x1_gflops : isa->rates.conv_gflops;
    double epilogue = outputs * (s.act == YK__ACT_NONE || s.act == YK__ACT_RELU ? 0.25 : 1.0) * isa->rates.silu_ns;
    double work = flops / gflops + epilogue, weights = (double)need->packed_bytes / isa->rates.weight_bytes_per_ns;
    need->cost_ns = yk__cpu_shared_ns(isa, query, work > weights ? work : weights);
    return true;
}

yk__code yk__conv_direct_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                                 yk__error *err) {
    const yk__cpu_isa *isa = kernel->data;
    yk__conv_state *made = yk__arena_alloc(arena, sizeof *made);
    if (!made || !yk__conv_resolve_step(step, &made->shape)) return yk__arena_error(arena, "a convolution", err);
    made->in_blocks = (int32_t)((made->shape.c + isa->block - 1) / isa->block);
    made->out_blocks = (int32_t)((made->shape.o + isa->block - 1) / isa->block);
    yk__conv_panel *panels = yk__arena_array(arena, (size_t)made->out_blocks, sizeof *panels);
    if (!panels) return yk__arena_error(arena, "a convolution", err);
    made->weights_floats = make_panels(&made->shape, isa->block, panels, &made->n_panels);
    made->in_floats = made->shape.h * made->shape.w * made->in_blocks * isa->block;
    made->panels = panels;
    *state = made;
    return YK__OK;
}

typedef struct pack_job {
    const yk__conv_state *state;
    const float *weights;
    float *packed;
    int32_t block;
} pack_job;

/* One channel of one tap of a panel: [out block][lane]. */
static void pack_row(const pack_job *job, const yk__conv_panel *panel, int64_t channel, int64_t tap, float *to) {
    const yk__conv_shape *s = &job->state->shape;
    int64_t in_per_group = s->c / s->groups, out_per_group = s->o / s->groups, taps = s->kh * s->kw;
    int64_t first = (int64_t)panel->first_out_block * job->block, width = (int64_t)panel->n_out_blocks * job->block;
    int64_t used = s->o - first < width ? s->o - first : width;
    if (channel >= s->c) used = 0;
    memset(to + used, 0, (size_t)(width - used) * sizeof *to);
    if (s->groups == 1) {
        const float *from = job->weights + (first * s->c + channel) * taps + tap;
        for (int64_t l = 0; l < used; l++) to[l] = from[l * s->c * taps];
        return;
    }
    for (int64_t l = 0; l < used; l++) {
        int64_t o = first + l;
        bool same_group = channel / in_per_group == o / out_per_group;
        to[l] = same_group ? job->weights[(o * in_per_group + channel % in_per_group) * taps + tap] : 0;
    }
}

static void pack_panel(void *argument, int task, int worker) {
    (void)worker;
    const pack_job *job = argument;
    const yk__conv_shape *s = &job->state->shape;
    const yk__conv_panel *panel = &job->state->panels[task];
    float *to = job->packed + panel->weights;
    for (int64_t b = panel->first_in_block; b < panel->first_in_block + panel->n_in_blocks; b++) {
        int64_t lanes = yk__conv_lanes(s->c, b, job->block);
        for (int64_t tap = 0; tap < s->kh * s->kw; tap++) {
            for (int64_t c = 0; c < lanes; c++, to += (int64_t)panel->n_out_blocks * job->block) {
                pack_row(job, panel, b * job->block + c, tap, to);
            }
        }
    }
}

void yk__conv_pack_bias(const yk__step *step, int64_t channels, int64_t lanes, float *bias) {
    bool given = step->n_in > 2 && step->in[2].kind == YK__PLACE_CONSTANT;
    memset(bias, 0, (size_t)lanes * sizeof *bias);
    if (given) memcpy(bias, step->in[2].constant, (size_t)channels * sizeof *bias);
}

yk__code yk__conv_direct_pack(const yk__kernel *kernel, const yk__step *step, void *packed, yk__pool *pool, yk__error *err) {
    (void)err;
    const yk__cpu_isa *isa = kernel->data;
    const yk__conv_state *state = step->state;
    float *bias = packed;
    yk__conv_pack_bias(step, state->shape.o, (int64_t)state->out_blocks * isa->block, bias);
    pack_job job = {.state = state,
                    .weights = step->in[1].constant,
                    .packed = bias + (int64_t)state->out_blocks * isa->block,
                    .block = isa->block};
    yk__pool_for(pool, state->n_panels, pack_panel, &job);
    return YK__OK;
}
