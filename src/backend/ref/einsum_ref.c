/* Einsum: any equation, with or without "->" and "...". Every label (letter, or dimension of the ellipsis) becomes a loop; each
 * output element sums the products over the labels that it lacks, in double. */
#include "backend/ref/ops_ref.h"

#define MAX_LABELS (52 + YK__MAX_RANK)
#define MAX_TERMS  8
/* Products an Einsum may take: minutes of work at most, far above what a YOLO asks for. */
#define MAX_PRODUCTS ((int64_t)1 << 36)

typedef struct label {
    int64_t dim;               /* 0: not seen yet, as no label of an empty tensor gets this far */
    int64_t stride[MAX_TERMS]; /* per input */
    int64_t out_stride;        /* 0 when summed over */
    bool in_output;
    int uses;
} label;

/* Labels: 'A'..'Z', 'a'..'z', then the ellipsis's dimensions counted from its end. */
typedef struct equation {
    label labels[MAX_LABELS];
    int ellipsis_rank;
} equation;

static int letter_index(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    return -1;
}

/* The labels of one term ("ij...k") for a tensor of this rank: their indices, one per dimension. False when it is malformed. */
static bool read_term(const char *text, int length, int rank, int *ellipsis_rank, int *out) {
    int letters = 0, n = 0;
    for (int i = 0; i < length; i++) letters += letter_index(text[i]) >= 0;
    for (int i = 0; i < length; i++) {
        if (text[i] == ' ') continue;
        if (text[i] == '.') {
            if (i + 2 >= length || text[i + 1] != '.' || text[i + 2] != '.' || letters > rank) return false;
            const int extra = rank - letters;
            if (extra > *ellipsis_rank) *ellipsis_rank = extra;
            for (int d = extra - 1; d >= 0; d--) {
                if (n == YK__MAX_RANK) return false;
                out[n++] = 52 + d;
            }
            i += 2;
            letters = rank; /* a second ellipsis would find no dimension left and add none */
            continue;
        }
        if (letter_index(text[i]) < 0 || n == YK__MAX_RANK) return false;
        out[n++] = letter_index(text[i]);
    }
    return n == rank;
}

static bool add_input(equation *e, const char *text, int length, const yk__shape *shape, int term) {
    int at[YK__MAX_RANK];
    int64_t step = 1;
    if (!read_term(text, length, shape->rank, &e->ellipsis_rank, at)) return false;
    for (int i = shape->rank - 1; i >= 0; i--) {
        label *l = &e->labels[at[i]];
        if (l->dim != 0 && l->dim != shape->dim[i] && l->dim != 1 && shape->dim[i] != 1) return false;
        if (l->dim == 0 || l->dim == 1) l->dim = shape->dim[i];
        if (shape->dim[i] != 1) l->stride[term] += step; /* a label used twice walks the diagonal */
        l->uses++;
        step *= shape->dim[i];
    }
    return true;
}

/* Output labels without "->": the ellipsis, then letters used once, in alphabetical order (capitals first). */
static int implicit_output(const equation *e, int *out) {
    int n = 0;
    for (int d = e->ellipsis_rank - 1; d >= 0; d--) out[n++] = 52 + d;
    for (int i = 0; i < 52 && n < YK__MAX_RANK; i++)
        if (e->labels[i].uses == 1) out[n++] = i;
    return n;
}

static bool set_output(equation *e, const int *at, const yk__shape *out) {
    int64_t step = 1;
    for (int i = out->rank - 1; i >= 0; i--) {
        label *l = &e->labels[at[i]];
        if (l->in_output || (l->dim != out->dim[i])) return false;
        l->in_output = true;
        l->out_stride = step;
        step *= out->dim[i];
    }
    return true;
}

static bool parse(const yk__ref_call *call, equation *e) {
    const char *text = yk__node_string(call->node, "equation", "");
    const char *arrow = strstr(text, "->"), *end = arrow != NULL ? arrow : text + strlen(text);
    int at[YK__MAX_RANK];
    for (int term = 0; term < call->n_in; term++) {
        const char *comma = memchr(text, ',', (size_t)(end - text));
        const char *stop = comma != NULL ? comma : end;
        if ((comma == NULL) != (term == call->n_in - 1)) return false;
        if (!add_input(e, text, (int)(stop - text), &call->in[term].shape, term)) return false;
        text = stop + 1;
    }
    const yk__shape *out = &call->out[0].shape;
    if (arrow == NULL) return implicit_output(e, at) == out->rank && set_output(e, at, out);
    int rank = e->ellipsis_rank;
    return read_term(arrow + 2, (int)strlen(arrow + 2), out->rank, &rank, at) && rank == e->ellipsis_rank &&
           set_output(e, at, out);
}

typedef struct einsum_job {
    const yk__ref_call *call;
    label kept[MAX_LABELS], summed[MAX_LABELS];
    int n_kept, n_summed;
    int64_t n_products; /* per output element */
} einsum_job;

static double float_sum(const einsum_job *job, const int64_t *base) {
    double sum = 0;
    for (int64_t i = 0; i < job->n_products; i++) {
        double product = 1;
        for (int term = 0; term < job->call->n_in; term++) {
            int64_t at = base[term], rest = i;
            for (int l = job->n_summed - 1; l >= 0; l--) {
                at += rest % job->summed[l].dim * job->summed[l].stride[term];
                rest /= job->summed[l].dim;
            }
            product *= yk__ref_number(&job->call->in[term], at);
        }
        sum += product;
    }
    return sum;
}

static uint64_t integer_sum(const einsum_job *job, const int64_t *base) {
    uint64_t sum = 0;
    for (int64_t i = 0; i < job->n_products; i++) {
        uint64_t product = 1;
        for (int term = 0; term < job->call->n_in; term++) {
            int64_t at = base[term], rest = i;
            for (int l = job->n_summed - 1; l >= 0; l--) {
                at += rest % job->summed[l].dim * job->summed[l].stride[term];
                rest /= job->summed[l].dim;
            }
            product *= (uint64_t)yk__ref_integer(&job->call->in[term], at);
        }
        sum += product;
    }
    return sum;
}

static void einsum_range(void *argument, int64_t begin, int64_t end) {
    const einsum_job *job = argument;
    const yk__tensor *out = &job->call->out[0];
    for (int64_t i = begin; i < end; i++) {
        int64_t base[MAX_TERMS] = {0}, to = 0, rest = i;
        for (int l = job->n_kept - 1; l >= 0; l--) {
            const int64_t index = rest % job->kept[l].dim;
            rest /= job->kept[l].dim;
            to += index * job->kept[l].out_stride;
            for (int term = 0; term < job->call->n_in; term++) base[term] += index * job->kept[l].stride[term];
        }
        switch (out->dtype) {
        case YK__DTYPE_F32: ((float *)out->data)[to] = (float)float_sum(job, base); break;
        case YK__DTYPE_F64: ((double *)out->data)[to] = float_sum(job, base); break;
#define X(ident, type) \
    case YK__DTYPE_##ident: ((type *)out->data)[to] = (type)integer_sum(job, base); break;
            YK__REF_INTEGERS(X)
#undef X
        default: break;
        }
    }
}

yk__code yk__ref_einsum(const yk__ref_call *call, yk__error *err) {
    const int64_t count = yk__ref_count(&call->out[0].shape);
    size_t bytes;
    if (call->n_in > MAX_TERMS)
        return yk__fail(err, YK__UNSUPPORTED, "Einsum '%s': more than %d operands", call->node->name, MAX_TERMS);
    bool empty = false;
    for (int i = 0; i < call->n_in; i++) {
        if (call->in[i].dtype != call->in[0].dtype) return yk__ref_unsupported(call, call->in[i].dtype, err);
        empty |= yk__ref_count(&call->in[i].shape) == 0;
    }
    if (empty) { /* sums of nothing */
        if (count > 0 && yk__tensor_bytes(call->out[0].dtype, &call->out[0].shape, &bytes)) memset(call->out[0].data, 0, bytes);
        return YK__OK;
    }
    equation e = {.ellipsis_rank = 0};
    if (!parse(call, &e))
        return yk__fail(err, YK__GRAPH, "Einsum '%s': the equation \"%.80s\" does not fit the operands", call->node->name,
                        yk__node_string(call->node, "equation", ""));
    einsum_job job = {.call = call, .n_products = 1};
    for (int i = 0; i < MAX_LABELS; i++) {
        if (e.labels[i].uses == 0) continue;
        if (e.labels[i].in_output) {
            job.kept[job.n_kept++] = e.labels[i];
            continue;
        }
        job.summed[job.n_summed++] = e.labels[i];
        if (!yk__mul_i64(job.n_products, e.labels[i].dim, &job.n_products)) job.n_products = INT64_MAX;
    }
    if (count > 0 && job.n_products > MAX_PRODUCTS / count)
        return yk__fail(err, YK__LIMIT, "Einsum '%s': it would take more than 2^36 products", call->node->name);
    yk__ref_ranges(call, count, job.n_products >= YK__REF_GRAIN ? 1 : YK__REF_GRAIN / job.n_products, einsum_range, &job);
    return YK__OK;
}
