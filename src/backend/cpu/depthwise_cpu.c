/* Depthwise convolution: one filter per channel, so a channel block is computed by itself, lane by lane. */
#include <string.h>

#include "backend/cpu/cpu_kernels.h"

bool yk__depthwise_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    yk__conv_shape s;
    if (query->block != isa->block || !yk__conv_resolve(query, &s)) return false;
    if (s.groups != s.c || s.o != s.c) return false;
    int64_t blocks = (s.c + isa->block - 1) / isa->block;
    need->in_form[0] = need->in_form[3] = need->out_form[0] = YK__FORM_BLOCKED;
    need->in_halo[0] = (int32_t)s.halo;
    need->skip[1] = need->skip[2] = true;
    need->packed_bytes = (size_t)(blocks * isa->block * (1 + s.kh * s.kw)) * sizeof(float);
    need->packed_format = 1;
    double vectors = (double)(blocks * s.oh * s.ow), flops = 2.0 * vectors * isa->block * (double)(s.kh * s.kw);
    need->cost_ns = yk__cpu_shared_ns(isa, query, flops / isa->rates.depthwise_gflops + vectors * isa->rates.silu_ns);
    return true;
}

yk__code yk__depthwise_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                               yk__error *err) {
    const yk__cpu_isa *isa = kernel->data;
    yk__conv_state *made = yk__arena_alloc(arena, sizeof *made);
    if (!made) return yk__arena_error(arena, "a convolution", err);
    if (!yk__conv_resolve_step(step, &made->shape)) {
        return yk__fail(err, YK__INTERNAL, "a convolution that was accepted does not resolve");
    }
    made->in_blocks = made->out_blocks = (int32_t)((made->shape.c + isa->block - 1) / isa->block);
    *state = made;
    return YK__OK;
}

yk__code yk__depthwise_pack(const yk__kernel *kernel, const yk__step *step, void *packed, yk__pool *pool, yk__error *err) {
    (void)pool, (void)err;
    const yk__cpu_isa *isa = kernel->data;
    const yk__conv_state *state = step->state;
    const yk__conv_shape *s = &state->shape;
    const float *weights = step->in[1].constant;
    float *bias = packed, *to = bias + (int64_t)state->out_blocks * isa->block;
    int64_t taps = s->kh * s->kw;
    yk__conv_pack_bias(step, s->o, (int64_t)state->out_blocks * isa->block, bias);
    for (int64_t c = 0; c < (int64_t)state->out_blocks * isa->block; c++) {
        float *block = to + c / isa->block * taps * isa->block + c % isa->block;
        for (int64_t t = 0; t < taps; t++) block[t * isa->block] = c < s->c ? weights[c * taps + t] : 0;
    }
    return YK__OK;
}
