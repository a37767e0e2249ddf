/* See kernel_case.h. */
#include "kernel/kernel_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* between any two operands; larger than any overrun by a row of a small map */
#define GUARD 4096
/* a quiet NaN that no computation makes: reading uninitialised memory poisons the answer, writing it shows */
#define POISON 0x7fc5a5a5u

void kernel_case_init(kernel_case *c) {
    memset(c, 0, sizeof *c);
    yk__graph_init(&c->graph, 0);
    c->maker = -1;
}

int32_t kernel_case_input(kernel_case *c, int rank, const int64_t *dim, const float *data) {
    yk__shape shape = yk__shape_make(rank, dim);
    int32_t value = yk__graph_add_value(&c->graph, "x", YK__DTYPE_F32, &shape, NULL);
    c->data[value] = data;
    return value;
}

int32_t kernel_case_constant(kernel_case *c, int rank, const int64_t *dim, const float *data) {
    yk__shape shape = yk__shape_make(rank, dim);
    return yk__graph_add_constant(&c->graph, "w", YK__DTYPE_F32, &shape, data);
}

/* The same of bf16: the data are floats that bf16 can hold. */
int32_t kernel_case_input_bf16(kernel_case *c, int rank, const int64_t *dim, const float *data) {
    int32_t value = kernel_case_input(c, rank, dim, data);
    c->graph.values[value].dtype = YK__DTYPE_BF16;
    return value;
}

int32_t kernel_case_constant_bf16(kernel_case *c, int rank, const int64_t *dim, const float *data) {
    yk__shape shape = yk__shape_make(rank, dim);
    int64_t count = 0;
    if (!yk__shape_count(&shape, &count)) abort();
    uint16_t *half = yk__arena_array(&c->graph.arena, (size_t)count + 1, sizeof *half);
    if (!half) abort();
    for (int64_t i = 0; i < count; i++) half[i] = yk__float_to_bf16(data[i]);
    return yk__graph_add_constant(&c->graph, "w", YK__DTYPE_BF16, &shape, half);
}

yk__node *kernel_case_node(kernel_case *c, yk__op op, const int32_t *in, int n_in, int n_out) {
    int32_t out[KERNEL_CASE_OPERANDS];
    yk__shape unknown = {.rank = 0};
    for (int i = 0; i < n_out; i++) out[i] = yk__graph_add_value(&c->graph, "y", YK__DTYPE_F32, &unknown, NULL);
    c->node = yk__graph_add_node(&c->graph, op, "node", in, n_in, out, n_out);
    return &c->graph.nodes[c->node];
}

static yk__inferred facts_of(const kernel_case *c, int32_t value) {
    if (value < 0) return (yk__inferred){.dtype = YK__DTYPE_NONE};
    const yk__value *v = &c->graph.values[value];
    return (yk__inferred){.dtype = v->dtype, .shape = v->shape, .data = v->data};
}

/* Sizes and strides of one operand; returns the bytes of its buffer, *first the byte of element (0,0,0,0) in it. */
static size_t lay_out(const kernel_case *c, yk__operand *operand, int32_t block, size_t *first) {
    *first = 0;
    if (operand->form == YK__FORM_PLAIN) {
        size_t bytes = 0;
        if (!yk__tensor_bytes(operand->dtype, &operand->shape, &bytes)) abort();
        return bytes;
    }
    const int64_t *dim = operand->shape.dim;
    int64_t blocks = (dim[1] + block - 1) / block + c->blocks_before + c->blocks_after;
    const size_t element = yk__dtype_size(operand->dtype);
    operand->block = block;
    if (operand->dtype == YK__DTYPE_BF16) {
        operand->block_stride = block;
        operand->pixel_stride = blocks * block;
        operand->row_stride = (dim[3] + 2 * operand->halo) * operand->pixel_stride;
        operand->image_stride = (dim[2] + 2 * operand->halo) * operand->row_stride;
        *first = (size_t)(c->blocks_before * block + operand->halo * (operand->row_stride + operand->pixel_stride)) * element;
        return (size_t)(operand->image_stride * dim[0]) * element;
    }
    operand->pixel_stride = block;
    operand->row_stride = (dim[3] + 2 * operand->halo) * block;
    operand->block_stride = (dim[2] + 2 * operand->halo) * operand->row_stride + 64;
    operand->image_stride = blocks * operand->block_stride;
    *first = (size_t)(c->blocks_before * operand->block_stride + operand->halo * (operand->row_stride + block)) * element;
    return (size_t)(operand->image_stride * dim[0]) * element;
}

static uint8_t *blocked_at(const kernel_case *c, const yk__operand *o, int64_t n, int64_t ch, int64_t y, int64_t x) {
    int64_t at =
        n * o->image_stride + ch / o->block * o->block_stride + y * o->row_stride + x * o->pixel_stride + ch % o->block;
    return c->memory + (int64_t)o->offset + at * (int64_t)yk__dtype_size(o->dtype);
}

static float get(const yk__operand *o, const uint8_t *p) {
    uint16_t half;
    float single;
    memcpy(&half, p, sizeof half);
    if (o->dtype == YK__DTYPE_BF16) return yk__bf16_to_float(half);
    memcpy(&single, p, sizeof single);
    return single;
}

static void put(const yk__operand *o, uint8_t *p, float value) {
    uint16_t half = yk__float_to_bf16(value);
    if (o->dtype == YK__DTYPE_BF16)
        memcpy(p, &half, sizeof half);
    else
        memcpy(p, &value, sizeof value);
}

static void fill_blocked(const kernel_case *c, const yk__operand *o, const float *data) {
    const int64_t *d = o->shape.dim, lanes = (d[1] + o->block - 1) / o->block * o->block;
    for (int64_t n = 0; n < d[0]; n++) {
        for (int64_t ch = 0; ch < lanes; ch++) {
            for (int64_t y = -o->halo; y < d[2] + o->halo; y++) {
                for (int64_t x = -o->halo; x < d[3] + o->halo; x++) {
                    bool inside = ch < d[1] && y >= 0 && y < d[2] && x >= 0 && x < d[3];
                    put(o, blocked_at(c, o, n, ch, y, x), inside ? data[((n * d[1] + ch) * d[2] + y) * d[3] + x] : 0.0f);
                }
            }
        }
    }
}

static void poison(uint8_t *memory, size_t bytes) {
    uint32_t word = POISON;
    for (size_t i = 0; i + 4 <= bytes; i += 4) memcpy(memory + i, &word, 4);
}

static bool ask(kernel_case *c, const yk__backend *backend, const yk__kernel *kernel, int n_threads) {
    const yk__node *node = c->node >= 0 ? &c->graph.nodes[c->node] : NULL;
    yk__form in_form[KERNEL_CASE_OPERANDS];
    for (int i = 0; i < KERNEL_CASE_OPERANDS; i++) in_form[i] = YK__FORM_BLOCKED;
    yk__inferred maker_in = {0};
    if (c->maker >= 0) maker_in = facts_of(c, c->graph.nodes[c->maker].in[0]);
    yk__query query = {.graph = &c->graph,
                       .node = node,
                       .node_index = c->node,
                       .maker = c->maker >= 0 ? &c->graph.nodes[c->maker] : NULL,
                       .maker_in = &maker_in,
                       .in = c->facts,
                       .out = c->facts + KERNEL_CASE_OPERANDS,
                       .in_form = in_form,
                       .n_threads = n_threads,
                       .block = backend->block,
                       .dense = c->dense};
    return kernel->accept(kernel, &query, &c->need);
}

static void make_operands(kernel_case *c, int32_t block) {
    yk__step *step = &c->step;
    size_t at = GUARD;
    for (int k = 0; k < 2 * KERNEL_CASE_OPERANDS; k++) {
        bool is_out = k >= KERNEL_CASE_OPERANDS;
        int i = is_out ? k - KERNEL_CASE_OPERANDS : k;
        yk__operand *o = &c->operands[k];
        *o = (yk__operand){.kind = YK__PLACE_NONE, .value = -1};
        if (i >= (is_out ? step->n_out : step->n_in) || c->facts[k].dtype == YK__DTYPE_NONE) continue;
        if (is_out && c->candidates) continue;
        o->dtype = c->facts[k].dtype;
        o->shape = c->facts[k].shape;
        o->constant = c->facts[k].data;
        o->kind = o->constant ? YK__PLACE_CONSTANT : YK__PLACE_MEMORY;
        bool fused = !is_out && i == 0 && c->need.fuse_maker;
        if (fused) o->shape = c->graph.values[c->graph.nodes[c->maker].in[0]].shape;
        if (!is_out && i == 0 && (fused || (step->node && step->node->op == YK__OP_IMAGE_INPUT))) o->kind = YK__PLACE_INPUT;
        if (o->kind != YK__PLACE_MEMORY) continue;
        o->form = is_out ? c->need.out_form[i] : c->need.in_form[i];
        if (o->form == YK__FORM_BLOCKED) o->halo = c->extra_halo + (is_out ? 0 : c->need.in_halo[i]);
        size_t first;
        c->bytes[k] = lay_out(c, o, block, &first);
        c->begin[k] = at;
        o->offset = at + first;
        at = yk__round_up(at + c->bytes[k], 64) + GUARD;
    }
    step->scratch_bytes = c->need.scratch_bytes;
    step->scratch_offset = at;
    c->memory_bytes = yk__round_up(at + c->need.scratch_bytes + GUARD, 64);
}

int kernel_case_prepare(kernel_case *c, const yk__backend *backend, const yk__kernel *kernel, yk__pool *pool, yk__error *err) {
    const yk__node *node = &c->graph.nodes[c->node];
    memset(&c->need, 0, sizeof c->need);
    memset(c->facts, 0, sizeof c->facts);
    for (int i = 0; i < node->n_in; i++) c->facts[i] = facts_of(c, node->in[i]);
    if (yk__infer_node(node, c->facts, c->facts + KERNEL_CASE_OPERANDS, err) != YK__OK) return -1;
    if (!ask(c, backend, kernel, yk__pool_size(pool))) return 0;
    c->step = (yk__step){.node = node,
                         .node_index = c->node,
                         .fused = c->need.fuse_maker ? &c->graph.nodes[c->maker] : NULL,
                         .backend = backend,
                         .kernel = kernel,
                         .run = kernel->run,
                         .n_in = node->n_in,
                         .n_out = node->n_out,
                         .in = c->operands,
                         .out = c->operands + KERNEL_CASE_OPERANDS};
    make_operands(c, backend->block);
    yk__arena_init(&c->arena, 0);
    c->memory = yk__alloc_aligned(c->memory_bytes);
    c->before = malloc(c->memory_bytes);
    if (!c->memory || !c->before) return -1;
    poison(c->memory, c->memory_bytes);
    for (int i = 0; i < node->n_in; i++) {
        yk__operand *o = &c->operands[i];
        if (o->kind != YK__PLACE_MEMORY) continue;
        if (o->form == YK__FORM_BLOCKED)
            fill_blocked(c, o, c->data[node->in[i]]);
        else if (o->dtype == YK__DTYPE_BF16)
            for (size_t k = 0; k < c->bytes[i] / 2; k++) put(o, c->memory + o->offset + 2 * k, c->data[node->in[i]][k]);
        else
            memcpy(c->memory + o->offset, c->data[node->in[i]], c->bytes[i]);
    }
    memcpy(c->before, c->memory, c->memory_bytes);
    if (kernel->prepare && kernel->prepare(kernel, &c->step, &c->arena, &c->step.state, err) != YK__OK) return -1;
    if (kernel->pack && c->need.packed_bytes) {
        c->packed = yk__alloc_aligned(c->need.packed_bytes);
        if (!c->packed) return -1;
        poison(c->packed, c->need.packed_bytes);
        if (kernel->pack(kernel, &c->step, c->packed, pool, err) != YK__OK) return -1;
        c->step.packed = c->packed;
        c->step.packed_bytes = c->need.packed_bytes;
    }
    c->exec =
        (yk__exec){.memory = c->memory, .pool = pool, .input = c->input, .params = c->params, .candidates = c->candidates};
    return 1;
}

yk__code kernel_case_run(kernel_case *c, yk__error *err) {
    return c->step.run(&c->step, &c->exec, err);
}

void *kernel_case_output(const kernel_case *c, int i, int64_t *count) {
    const yk__operand *o = &c->operands[KERNEL_CASE_OPERANDS + i];
    size_t bytes;
    if (!yk__shape_count(&o->shape, count) || !yk__tensor_bytes(o->dtype, &o->shape, &bytes)) return NULL;
    const bool is_bf16 = o->dtype == YK__DTYPE_BF16;
    float *out = malloc((is_bf16 ? 2 : 1) * bytes + 1);
    if (!out) return NULL;
    if (o->form == YK__FORM_PLAIN) {
        if (!is_bf16) memcpy(out, c->memory + o->offset, bytes);
        for (int64_t k = 0; is_bf16 && k < *count; k++) out[k] = get(o, c->memory + o->offset + 2 * k);
        return out;
    }
    const int64_t *d = o->shape.dim;
    float *to = out;
    for (int64_t n = 0; n < d[0]; n++) {
        for (int64_t ch = 0; ch < d[1]; ch++) {
            for (int64_t y = 0; y < d[2]; y++) {
                for (int64_t x = 0; x < d[3]; x++) *to++ = get(o, blocked_at(c, o, n, ch, y, x));
            }
        }
    }
    return out;
}

/* Marks what this output may write: for blocked ones its channels' planes with their halo, nothing of its neighbours. */
static const char *check_output(const kernel_case *c, int k, uint8_t *allowed) {
    const yk__operand *o = &c->operands[k];
    if (o->kind != YK__PLACE_MEMORY) return NULL;
    if (o->form == YK__FORM_PLAIN) {
        memset(allowed + o->offset, 1, c->bytes[k]);
        return NULL;
    }
    const int64_t *d = o->shape.dim, lanes = (d[1] + o->block - 1) / o->block * o->block;
    for (int64_t n = 0; n < d[0]; n++) {
        for (int64_t ch = 0; ch < lanes; ch++) {
            for (int64_t y = -o->halo; y < d[2] + o->halo; y++) {
                for (int64_t x = -o->halo; x < d[3] + o->halo; x++) {
                    const uint8_t *p = blocked_at(c, o, n, ch, y, x);
                    memset(allowed + (p - c->memory), 1, yk__dtype_size(o->dtype));
                    bool inside = ch < d[1] && y >= 0 && y < d[2] && x >= 0 && x < d[3];
                    if (!inside && get(o, p) != 0.0f) return ch < d[1] ? "the halo is not zero" : "an unused lane is not zero";
                }
            }
        }
    }
    return NULL;
}

const char *kernel_case_damage(const kernel_case *c) {
    uint8_t *allowed = calloc(c->memory_bytes, 1);
    const char *damage = allowed ? NULL : "no memory for the check";
    for (int k = KERNEL_CASE_OPERANDS; k < 2 * KERNEL_CASE_OPERANDS && !damage; k++) damage = check_output(c, k, allowed);
    if (!damage) memset(allowed + c->step.scratch_offset, 1, c->step.scratch_bytes);
    for (size_t i = 0; i < c->memory_bytes && !damage; i++) {
        if (!allowed[i] && c->memory[i] != c->before[i]) damage = "something outside the output was written";
    }
    free(allowed);
    return damage;
}

void kernel_case_release(kernel_case *c) {
    if (c->memory) yk__free_aligned(c->memory, c->memory_bytes);
    if (c->packed) yk__free_aligned(c->packed, c->need.packed_bytes);
    free(c->before);
    yk__arena_free(&c->arena);
    c->memory = c->before = NULL;
    c->packed = NULL;
}

void kernel_case_free(kernel_case *c) {
    kernel_case_release(c);
    yk__graph_free(&c->graph);
}
