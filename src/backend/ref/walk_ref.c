/* Walks over tensors that broadcast, permute or slice each other, and the strided copy made of them. */
#include "backend/ref/walk_ref.h"

void yk__ref_walk_dim(yk__ref_walk *walk, int64_t dim, const int64_t *strides) {
    walk->dim[walk->rank] = dim;
    for (int k = 0; k < walk->n_operands; k++) walk->stride[k][walk->rank] = strides[k];
    walk->rank++;
}

static bool mergeable(const yk__ref_walk *walk, int outer, int inner) {
    for (int k = 0; k < walk->n_operands; k++)
        if (walk->stride[k][outer] != walk->stride[k][inner] * walk->dim[inner]) return false;
    return true;
}

void yk__ref_walk_simplify(yk__ref_walk *walk) {
    int n = 0; /* dimensions kept so far */
    for (int i = 0; i < walk->rank; i++) {
        if (walk->dim[i] == 1) continue;
        if (n > 0 && mergeable(walk, n - 1, i)) {
            walk->dim[n - 1] *= walk->dim[i];
            for (int k = 0; k < walk->n_operands; k++) walk->stride[k][n - 1] = walk->stride[k][i];
            continue;
        }
        walk->dim[n] = walk->dim[i];
        for (int k = 0; k < walk->n_operands; k++) walk->stride[k][n] = walk->stride[k][i];
        n++;
    }
    if (n == 0) {
        walk->dim[0] = 1;
        for (int k = 0; k < walk->n_operands; k++) walk->stride[k][0] = 1;
        n = 1;
    }
    walk->rank = n;
}

typedef struct walk_job {
    const yk__ref_walk *walk;
    int64_t inner, pieces; /* length of the inner loop and into how many runs it is cut */
    yk__ref_row_fn body;
    void *argument;
} walk_job;

static void offsets_at(const yk__ref_walk *walk, int64_t outer, int64_t first, int64_t *at) {
    for (int k = 0; k < walk->n_operands; k++) at[k] = first * walk->stride[k][walk->rank - 1];
    for (int i = walk->rank - 2; i >= 0; i--) {
        const int64_t index = outer % walk->dim[i];
        outer /= walk->dim[i];
        for (int k = 0; k < walk->n_operands; k++) at[k] += index * walk->stride[k][i];
    }
}

static void walk_range(void *argument, int64_t begin, int64_t end) {
    const walk_job *job = argument;
    for (int64_t i = begin; i < end; i++) {
        int64_t at[YK__REF_WALK_OPERANDS];
        const int64_t first = i % job->pieces * YK__REF_GRAIN, left = job->inner - first;
        offsets_at(job->walk, i / job->pieces, first, at);
        job->body(job->argument, at, left < YK__REF_GRAIN ? left : YK__REF_GRAIN);
    }
}

void yk__ref_walk_run(const yk__ref_call *call, const yk__ref_walk *walk, yk__ref_row_fn body, void *argument) {
    int64_t outer = 1;
    for (int i = 0; i + 1 < walk->rank; i++) outer *= walk->dim[i];
    const int64_t inner = walk->dim[walk->rank - 1];
    if (outer == 0 || inner == 0) return;
    walk_job job = {walk, inner, (inner - 1) / YK__REF_GRAIN + 1, body, argument};
    yk__ref_ranges(call, outer * job.pieces, inner >= YK__REF_GRAIN ? 1 : YK__REF_GRAIN / inner, walk_range, &job);
}

yk__ref_walk yk__ref_walk_broadcast(const yk__shape *out, const yk__shape *const *in, int n_in) {
    yk__ref_walk walk = yk__ref_walk_of(1 + n_in);
    walk.rank = out->rank;
    int64_t step = 1;
    for (int i = out->rank - 1; i >= 0; i--) {
        walk.dim[i] = out->dim[i];
        walk.stride[0][i] = step;
        step *= out->dim[i];
    }
    for (int k = 0; k < n_in; k++) {
        const int shift = out->rank - in[k]->rank;
        step = 1;
        for (int i = out->rank - 1; i >= 0; i--) {
            const int64_t dim = i >= shift ? in[k]->dim[i - shift] : 1;
            walk.stride[k + 1][i] = dim == 1 ? 0 : step;
            step *= dim;
        }
    }
    yk__ref_walk_simplify(&walk);
    return walk;
}

typedef struct copy_job {
    int64_t out_step, in_step;
    size_t size;
    uint8_t *out;
    const uint8_t *in;
} copy_job;

#define COPY_CASE(bytes, type) \
    case bytes: \
        for (int64_t i = 0; i < n; i++) ((type *)out)[i * job->out_step] = ((const type *)in)[i * job->in_step]; \
        break;

static void copy_row(void *argument, const int64_t *at, int64_t n) {
    const copy_job *job = argument;
    void *out = job->out + at[0] * (int64_t)job->size;
    const void *in = job->in + at[1] * (int64_t)job->size;
    if (job->out_step == 1 && job->in_step == 1) {
        memmove(out, in, (size_t)n * job->size); /* in place, both are the same */
        return;
    }
    switch (job->size) {
        COPY_CASE(1, uint8_t)
        COPY_CASE(2, uint16_t)
        COPY_CASE(4, uint32_t)
        COPY_CASE(8, uint64_t)
    default: break;
    }
}

void yk__ref_copy(const yk__ref_call *call, yk__ref_walk walk, size_t size, void *out, const void *in) {
    yk__ref_walk_simplify(&walk);
    copy_job job = {yk__ref_walk_step(&walk, 0), yk__ref_walk_step(&walk, 1), size, out, in};
    yk__ref_walk_run(call, &walk, copy_row, &job);
}
