/* The ref backend: the oracle. One kernel per operator, PLAIN form, plain C, no fusion beyond what a node itself says.
 *
 * This file holds the table and the two ways to call an operator: as a step of a run, and alone for folding. Operators know
 * f32 (and integers); half floats are turned into f32 around them here. */
#include "backend/ref/ops_ref.h"

#define F32    YK__REF_BIT(F32)
#define FLOATS (YK__REF_BIT(F32) | YK__REF_BIT(F64))
#define INTEGERS \
    (YK__REF_BIT(I8) | YK__REF_BIT(I16) | YK__REF_BIT(I32) | YK__REF_BIT(I64) | YK__REF_BIT(U8) | YK__REF_BIT(U16) | \
     YK__REF_BIT(U32) | YK__REF_BIT(U64))
#define NUMBERS         (FLOATS | INTEGERS)
#define BOOL            YK__REF_BIT(BOOL)
#define BOOL_OR_NUMBERS (NUMBERS | BOOL)
#define HALVES          (YK__REF_BIT(F16) | YK__REF_BIT(BF16))
#define ALL             (BOOL_OR_NUMBERS | HALVES)

static const yk__ref_op ops[] = {
#define YK__REF_OP(ident, kernel, run, scratch, dtypes, typed_input, half_as_float, in_place) \
    {YK__OP_##ident, kernel, run, scratch, (dtypes) | ((half_as_float) ? HALVES : 0), typed_input, half_as_float, in_place},
#include "backend/ref/table_ref.def"
#undef YK__REF_OP
};

#define N_OPS (sizeof ops / sizeof ops[0])

static const yk__ref_op *find_op(yk__op op) {
    for (size_t i = 0; i < N_OPS; i++)
        if (ops[i].op == op) return &ops[i];
    return NULL;
}

static bool is_half(yk__dtype dtype) {
    return dtype == YK__DTYPE_F16 || dtype == YK__DTYPE_BF16;
}

static bool dtype_fits(const yk__ref_op *op, const yk__ref_call *call) {
    if (op->typed_input >= call->n_in) return false;
    const yk__dtype dtype = call->in[op->typed_input].dtype;
    return dtype != YK__DTYPE_NONE && (op->dtypes >> dtype & 1u) != 0;
}

/* What the operator itself asks for, and behind it the f32 copies of half operands. */
static size_t scratch_needed(const yk__ref_op *op, const yk__ref_call *call, int n_threads) {
    size_t total = op->scratch != NULL ? op->scratch(call, n_threads) : 0;
    if (!op->half_as_float) return total;
    for (int i = 0; i < call->n_in + call->n_out && total != SIZE_MAX; i++) {
        const yk__tensor *tensor = i < call->n_in ? &call->in[i] : &call->out[i - call->n_in];
        if (is_half(tensor->dtype)) total = yk__ref_scratch_add(total, yk__ref_count(&tensor->shape), sizeof(float));
    }
    return total;
}

static void widen(const yk__tensor *half, float *out) {
    const uint16_t *in = half->data;
    const int64_t n = yk__ref_count(&half->shape);
    if (half->dtype == YK__DTYPE_F16)
        for (int64_t i = 0; i < n; i++) out[i] = yk__half_to_float(in[i]);
    else
        for (int64_t i = 0; i < n; i++) out[i] = yk__bf16_to_float(in[i]);
}

static void narrow(const float *in, const yk__tensor *half) {
    uint16_t *out = half->data;
    const int64_t n = yk__ref_count(&half->shape);
    if (half->dtype == YK__DTYPE_F16)
        for (int64_t i = 0; i < n; i++) out[i] = yk__float_to_half(in[i]);
    else
        for (int64_t i = 0; i < n; i++) out[i] = yk__float_to_bf16(in[i]);
}

static yk__code call_op(const yk__ref_op *op, yk__ref_call *call, yk__error *err) {
    bool any_half = false;
    for (int i = 0; i < call->n_in && op->half_as_float; i++) any_half |= is_half(call->in[i].dtype);
    for (int i = 0; i < call->n_out && op->half_as_float; i++) any_half |= is_half(call->out[i].dtype);
    if (!any_half) return op->run(call, err);

    /* Copies are taken from the front of the scratch, the operator gets the rest. */
    yk__tensor in[YK__MAX_OPERANDS], out[YK__MAX_OPERANDS];
    if (call->n_in > YK__MAX_OPERANDS || call->n_out > YK__MAX_OPERANDS)
        return yk__fail(err, YK__UNSUPPORTED, "'%s': half-precision operators with more than %d operands are not supported",
                        call->node->name, YK__MAX_OPERANDS);
    yk__ref_scratch scratch = yk__ref_scratch_of(call);
    for (int i = 0; i < call->n_in; i++) {
        in[i] = call->in[i];
        if (!is_half(in[i].dtype) || in[i].data == NULL) continue;
        in[i].dtype = YK__DTYPE_F32;
        in[i].data = yk__ref_take(&scratch, yk__ref_count(&in[i].shape), sizeof(float));
        if (in[i].data == NULL) return yk__ref_no_scratch(call, err);
        widen(&call->in[i], in[i].data);
    }
    for (int i = 0; i < call->n_out; i++) {
        out[i] = call->out[i];
        if (!is_half(out[i].dtype) || out[i].data == NULL) continue;
        out[i].dtype = YK__DTYPE_F32;
        out[i].data = yk__ref_take(&scratch, yk__ref_count(&out[i].shape), sizeof(float));
        if (out[i].data == NULL) return yk__ref_no_scratch(call, err);
    }
    yk__ref_call wide = *call;
    wide.in = in;
    wide.out = out;
    wide.scratch = scratch.at;
    wide.scratch_bytes = scratch.left;
    YK__TRY(op->run(&wide, err));
    for (int i = 0; i < call->n_out; i++) {
        call->out[i].shape = out[i].shape;
        if (is_half(call->out[i].dtype) && call->out[i].data != NULL) narrow(out[i].data, &call->out[i]);
    }
    return YK__OK;
}

/* As a step of a run. */

static yk__tensor operand_tensor(const yk__operand *operand, const yk__exec *exec) {
    if (operand->kind == YK__PLACE_NONE) return (yk__tensor){.dtype = YK__DTYPE_NONE};
    return (yk__tensor){operand->dtype, *yk__operand_shape(operand, exec), yk__operand_data(operand, exec)};
}

/* Steps of few operands have their tensors on the stack, others in front of their scratch. */
static bool is_wide(int n_in, int n_out) {
    return n_in > YK__MAX_OPERANDS || n_out > YK__MAX_OPERANDS;
}

static size_t wide_bytes(int n_in, int n_out) {
    return yk__ref_scratch_add(0, (int64_t)n_in + n_out, sizeof(yk__tensor));
}

static yk__code run_step(const yk__step *step, yk__exec *exec, yk__error *err) {
    yk__tensor few_in[YK__MAX_OPERANDS], few_out[YK__MAX_OPERANDS], *in = few_in, *out = few_out;
    yk__ref_call call = {.node = step->node,
                         .n_in = step->n_in,
                         .n_out = step->n_out,
                         .scratch = exec->memory + step->scratch_offset,
                         .scratch_bytes = step->scratch_bytes,
                         .pool = exec->pool,
                         .network_input = &exec->input,
                         .params = &exec->params,
                         .candidates = exec->candidates};
    if (is_wide(step->n_in, step->n_out)) {
        const size_t bytes = wide_bytes(step->n_in, step->n_out);
        if (step->scratch_bytes < bytes) return yk__ref_no_scratch(&call, err);
        in = (yk__tensor *)(void *)call.scratch;
        out = in + step->n_in;
        call.scratch += bytes;
        call.scratch_bytes -= bytes;
    }
    for (int i = 0; i < step->n_in; i++) in[i] = operand_tensor(&step->in[i], exec);
    for (int i = 0; i < step->n_out; i++) out[i] = operand_tensor(&step->out[i], exec);
    call.in = in;
    call.out = out;
    YK__TRY(call_op(step->kernel->data, &call, err));
    /* NonZero and NonMaxSuppression say here how much they found. */
    for (int i = 0; i < step->n_out; i++)
        if (step->out[i].dynamic && exec->dynamic_shapes != NULL) exec->dynamic_shapes[step->out[i].value] = out[i].shape;
    return YK__OK;
}

/* Nanoseconds per element touched, and per multiplication of the operators that have many. Several times what is measured,
 * and for one thread whatever their number: ref is for what nothing else accepts, and whether it runs a node must not hinge
 * on the number of threads. */
#define NS_PER_ELEMENT 20.0
#define NS_PER_PRODUCT 2.0

/* For one picture. */
static double estimate_cost(const yk__ref_call *call) {
    double elements = 0, products = 0;
    for (int i = 0; i < call->n_in; i++)
        if (call->in[i].dtype != YK__DTYPE_NONE) elements += (double)yk__ref_count(&call->in[i].shape);
    for (int i = 0; i < call->n_out; i++) elements += (double)yk__ref_count(&call->out[i].shape);
    const double n_out = (double)yk__ref_count(&call->out[0].shape);
    const yk__shape *in = &call->in[0].shape;
    if (call->node->op == YK__OP_CONV) products = n_out * (double)yk__ref_span(&call->in[1].shape, 1, call->in[1].shape.rank);
    if ((call->node->op == YK__OP_MATMUL || call->node->op == YK__OP_GEMM) && in->rank > 0)
        products = n_out * (double)in->dim[in->rank - 1];
    const double pictures = in->rank == 4 && in->dim[0] > 0 ? (double)in->dim[0] : 1;
    return (elements * NS_PER_ELEMENT + products * NS_PER_PRODUCT) / pictures + 1; /* never 0: that means "not known" */
}

static yk__tensor inferred_tensor(const yk__inferred *inferred) {
    return (yk__tensor){inferred->dtype, inferred->shape, (void *)(uintptr_t)inferred->data};
}

static bool accept_call(const yk__ref_op *op, const yk__ref_call *call, const yk__query *query, yk__need *need) {
    if (!dtype_fits(op, call)) return false;
    need->scratch_bytes = scratch_needed(op, call, query->n_threads > 0 ? query->n_threads : 1);
    const bool wide = is_wide(call->n_in, call->n_out);
    if (wide && op->half_as_float && is_half(call->in[op->typed_input].dtype)) return false; /* call_op would refuse it */
    if (wide && !yk__add_size(need->scratch_bytes, wide_bytes(call->n_in, call->n_out), &need->scratch_bytes)) return false;
    if (need->scratch_bytes == SIZE_MAX) return false;
    need->in_place =
        op->in_place && call->in[0].dtype == call->out[0].dtype && yk__shape_equal(&call->in[0].shape, &call->out[0].shape);
    need->cost_ns = estimate_cost(call);
    return true;
}

static bool accept_node(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__node *node = query->node;
    yk__arena arena; /* planning may allocate */
    yk__arena_init(&arena, 0);
    yk__tensor *in = yk__arena_array(&arena, (size_t)node->n_in + (size_t)node->n_out, sizeof *in);
    bool accepted = false;
    if (in != NULL) {
        yk__tensor *out = in + node->n_in;
        for (int i = 0; i < node->n_in; i++) in[i] = inferred_tensor(&query->in[i]);
        for (int i = 0; i < node->n_out; i++) out[i] = inferred_tensor(&query->out[i]);
        const yk__ref_call call = {.node = node, .in = in, .out = out, .n_in = node->n_in, .n_out = node->n_out};
        accepted = accept_call(kernel->data, &call, query, need);
    }
    yk__arena_free(&arena);
    return accepted;
}

/* Rows of the table, in its order. */
enum {
#define YK__REF_OP(ident, kernel, run, scratch, dtypes, typed_input, half_as_float, in_place) ROW_##ident,
#include "backend/ref/table_ref.def"
#undef YK__REF_OP
    N_ROWS
};

static const yk__kernel kernels[] = {
#define YK__REF_OP(ident, kernel, run_fn, scratch, dtypes, typed_input, half_as_float, in_place_) \
    {.name = kernel, .op = YK__OP_##ident, .accept = accept_node, .run = run_step, .data = &ops[ROW_##ident]},
#include "backend/ref/table_ref.def"
#undef YK__REF_OP
};

static const yk__kernel *const kernel_list[] = {
#define YK__REF_OP(ident, kernel, run, scratch, dtypes, typed_input, half_as_float, in_place) &kernels[ROW_##ident],
#include "backend/ref/table_ref.def"
#undef YK__REF_OP
};

/* YK__OP_NONE is not an operator; all others must be in the table. */
_Static_assert(N_ROWS == YK__OP_COUNT - 1, "table_ref.def must have every operator of ops.def");

const yk__backend *yk__backend_ref(void) {
    static const yk__backend backend = {
        .name = "ref", .isa = "c", .kernel_set = "ref-1", .block = 1, .kernels = kernel_list, .n_kernels = N_ROWS};
    return &backend;
}

/* Alone. */

yk__code yk__ref_evaluate(const yk__node *node, const yk__tensor *in, yk__tensor *out, yk__arena *scratch, yk__error *err) {
    const yk__ref_op *op = find_op(node->op);
    if (op == NULL) return yk__fail(err, YK__INTERNAL, "'%s': operator number %d does not exist", node->name, (int)node->op);
    yk__ref_call call = {.node = node, .in = in, .out = out, .n_in = node->n_in, .n_out = node->n_out};
    if (!dtype_fits(op, &call))
        return yk__ref_unsupported(&call, op->typed_input < node->n_in ? in[op->typed_input].dtype : YK__DTYPE_NONE, err);
    call.scratch_bytes = scratch_needed(op, &call, 1);
    if (call.scratch_bytes == SIZE_MAX)
        return yk__fail(err, YK__LIMIT, "%s '%s': its tensors are too large", yk__op_info_get(node->op)->name, node->name);
    if (call.scratch_bytes > 0) {
        call.scratch = yk__arena_aligned(scratch, call.scratch_bytes, YK__CACHE_LINE);
        if (call.scratch == NULL) return yk__arena_error(scratch, node->name, err);
    }
    return call_op(op, &call, err);
}
