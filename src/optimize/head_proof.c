/* The proof of a head guess: made-up branch outputs through the tail as written and through the YolkHead, compared number by
 * number. Guesses nothing. */
#include "optimize/head_guess.h"

#include <math.h>
#include <string.h>

/* Branch values as networks have them: box bins and keypoints around zero, distances of a few cells (26 also has negative
 * ones), class logits mostly low. */
static const double box_sigma = 2, distance_mean = 2, class_mean = -2, class_sigma = 2, extra_sigma = 1.5;

static void fill_normal(yk__random *random, double mean, double sigma, float *data, int64_t n) {
    for (int64_t i = 0; i < n; i++) data[i] = (float)(mean + yk__random_normal(random, sigma));
}

/* Class logits of a one-to-one head. Its result depends on the order of scores, so those that can be chosen must differ by
 * more than rounding: 2k of all (anchor, class) pairs, or all when there are fewer, get logits evenly spaced from -3 to 3
 * (scores at least 4e-4 apart for k = 300), the rest -8 and less. The first k of these 2k are the answer whatever the order
 * of the rest is. */
static yk__code fill_winners(yk__random *random, const yk__at_size *at, const yk__head_guess *guess, float *const *data,
                             yk__error *err) {
    int64_t count[YK__MAX_LEVELS], total = 0;
    for (int level = 0; level < guess->n_levels; level++) {
        if (!yk__shape_count(&at->value[guess->cls[level]].shape, &count[level])) return YK__UNSUPPORTED;
        for (int64_t i = 0; i < count[level]; i++) data[level][i] = (float)(-8 - yk__random_unit(random));
        total += count[level];
    }
    int64_t batch = at->value[guess->cls[0]].shape.dim[0], winners = 2 * guess->k * batch;
    if (winners > total) winners = total;
    int64_t *rank = yk__alloc_array((size_t)winners, sizeof *rank);
    if (!rank) return yk__fail(err, YK__UNSUPPORTED, "no memory to try a head");
    for (int64_t i = 0; i < winners; i++) {
        int64_t j = (int64_t)(yk__random_unit(random) * (double)(i + 1)); /* a shuffle, built from the inside */
        rank[i] = rank[j];
        rank[j] = i;
    }
    /* Places: every (total / winners)-th pair from a random start within it, walking anchors and classes unevenly. */
    for (int64_t i = 0; i < winners; i++) {
        int64_t low = total * i / winners, high = total * (i + 1) / winners;
        int64_t place = low + (int64_t)(yk__random_unit(random) * (double)(high - low));
        int level = 0;
        while (place >= count[level]) place -= count[level++];
        data[level][place] = (float)(-3 + 6 * (double)rank[i] / (double)winners);
    }
    yk__free(rank);
    return YK__OK;
}

/* data[b] for each branch from yk__made_up, also after a failure. */
static yk__code make_branches(const yk__at_size *at, const yk__head_guess *guess, uint64_t seed, float **data, yk__error *err) {
    yk__random random = {seed};
    for (int b = 0; b < yk__head_branches(guess); b++) {
        int64_t count;
        if (!yk__shape_count(&at->value[yk__head_branch(guess, b)].shape, &count))
            return yk__fail(err, YK__UNSUPPORTED, "a head branch has no size");
        data[b] = yk__made_up(count);
        if (!data[b]) return yk__fail(err, YK__UNSUPPORTED, "no memory to try a head");
        if (b < guess->n_levels)
            fill_normal(&random, guess->reg_max == 1 ? distance_mean : 0, box_sigma, data[b], count);
        else if (b < 2 * guess->n_levels)
            fill_normal(&random, class_mean, class_sigma, data[b], count);
        else
            fill_normal(&random, 0, extra_sigma, data[b], count);
    }
    return guess->one_to_one ? fill_winners(&random, at, guess, data + guess->n_levels, err) : YK__OK;
}

/* The head on the same branches. Prototypes pass through it unchanged: any will do, so they are zeros. */
static yk__code run_head(const yk__at_size *at, const yk__head_guess *guess, float *const *data, yk__evaluate_fn evaluate,
                         yk__tensor out[2], yk__error *err) {
    enum { MOST_INPUTS = 3 * YK__MAX_LEVELS + 1 };
    yk__tensor in[MOST_INPUTS];
    float *zeros = NULL;
    int32_t in_value[MOST_INPUTS], out_value[2];
    int n_in = yk__head_branches(guess), n_out = guess->prototypes >= 0 ? 2 : 1;
    for (int b = 0; b < n_in; b++)
        in[b] = (yk__tensor){.dtype = YK__DTYPE_F32, .shape = at->value[yk__head_branch(guess, b)].shape, .data = data[b]};
    if (guess->prototypes >= 0) {
        const yk__shape *shape = &at->value[guess->prototypes].shape;
        int64_t count;
        zeros = yk__shape_count(shape, &count) ? yk__made_up(count) : NULL;
        if (!zeros) return yk__fail(err, YK__UNSUPPORTED, "no memory for prototypes to try a head");
        in[n_in++] = (yk__tensor){.dtype = YK__DTYPE_F32, .shape = *shape, .data = zeros};
    }
    for (int i = 0; i < n_in; i++) in_value[i] = i;
    for (int i = 0; i < n_out; i++) out_value[i] = n_in + i;
    yk__graph alone;
    yk__graph_init(&alone, 0);
    int32_t index = yk__head_make(&alone, guess, in_value, n_in, out_value, n_out);
    yk__code code = index < 0 ? yk__arena_error(&alone.arena, "proving a head", err) : YK__OK;
    if (!code) code = yk__run_node(&alone.nodes[index], in, evaluate, out, err);
    yk__graph_free(&alone);
    yk__free(zeros);
    return code;
}

/* What number `at` of a candidate (box, scores or score and class, extras) may differ by.
 * Pixels: distances come out of a softmax over reg_max bins, rounding some 1e-5 of a cell at worst, times the stride; adding
 * them to an anchor rounds at 6e-8 of the picture's side, a few times. A wrong offset, stride or format is off by half a
 * stride or more. Scores, visibilities, angles: one exp, sine or division apart. Class numbers and coefficients: equal. */
static double allowed_for(const yk__head_guess *guess, int64_t at, double side) {
    double pixels = 1e-4 * guess->stride[guess->n_levels - 1] + 1e-6 * side, number = 4e-6;
    int64_t first_extra = guess->one_to_one ? 6 : 4 + guess->classes;
    if (at < 4) return pixels;
    if (at < first_extra) return guess->one_to_one && at == 5 ? 0 : number;
    switch (guess->task) {
    case YK__TASK_POSE: return (at - first_extra) % guess->kpt_shape[1] < 2 ? pixels : number;
    case YK__TASK_OBB: return number;
    default: return 0;
    }
}

/* a and b are N x candidate numbers x A, or for one-to-one heads N x k x candidate numbers. */
static bool agree(const yk__head_guess *guess, const yk__tensor *a, const yk__tensor *b, double side) {
    if (a->dtype != YK__DTYPE_F32 || b->dtype != YK__DTYPE_F32 || !yk__shape_equal(&a->shape, &b->shape) || a->shape.rank != 3)
        return false;
    const float *x = a->data, *y = b->data;
    for (int64_t n = 0, i = 0; n < a->shape.dim[0]; n++)
        for (int64_t row = 0; row < a->shape.dim[1]; row++)
            for (int64_t column = 0; column < a->shape.dim[2]; column++, i++)
                if (!(fabs((double)x[i] - y[i]) <= allowed_for(guess, guess->one_to_one ? column : row, side))) return false;
    return true;
}

yk__code yk__head_prove(const yk__graph *graph, const yk__at_size *at, const yk__cone *cone, int32_t output,
                        const yk__head_guess *guess, yk__evaluate_fn evaluate, bool *proven, yk__error *err) {
    /* Two sets of numbers: what one of them hides by chance (a clipped value, an order) the other shows. */
    static const uint64_t seeds[2] = {UINT64_C(0x2545F491), UINT64_C(0x9E3779B9)};
    const yk__shape *input = &at->inputs[0];
    double side = input->rank == 4 && input->dim[3] > input->dim[2] ? (double)input->dim[3] : (double)input->dim[2];
    yk__code code = YK__OK;
    *proven = true;
    for (int s = 0; !code && *proven && s < 2; s++) {
        yk__tensor written = {0}, out[2] = {0};
        float *data[3 * YK__MAX_LEVELS] = {0};
        yk__tensor frontier[3 * YK__MAX_LEVELS] = {0};
        code = make_branches(at, guess, seeds[s], data, err);
        for (int32_t f = 0; !code && f < cone->n_frontier; f++)
            for (int b = 0; b < yk__head_branches(guess); b++)
                if (yk__head_branch(guess, b) == cone->frontier[f])
                    frontier[f] = (yk__tensor){YK__DTYPE_F32, at->value[cone->frontier[f]].shape, data[b]};
        if (!code) code = yk__cone_run(graph, at, cone, frontier, &output, 1, evaluate, &written, err);
        if (!code) code = run_head(at, guess, data, evaluate, out, err);
        *proven = !code && agree(guess, &written, &out[0], side);
        yk__release(&written, 1);
        yk__release(out, 2);
        for (int b = 0; b < 3 * YK__MAX_LEVELS; b++) yk__free(data[b]);
    }
    return code;
}
