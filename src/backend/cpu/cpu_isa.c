/* The instruction-set levels as data. Rates were measured by bench_kernels with one thread on an AMD EPYC (Zen 5, 4.0 GHz);
 * other processors differ by a common factor that decides nothing. */
#include "backend/cpu/cpu_isa.h"

/* The three names of AVX-512 differ in bf16 alone: f32 has the same kernels, so it must have the same rates and choices. */
#define AVX512_RATES(of_bf16) \
    { \
        .conv_gflops = 230, .conv_1x1_gflops = 200, .winograd_gflops = 200, .bf16_gflops = (of_bf16), .depthwise_gflops = 60, \
        .transform_ns = 30, .kernels_ns = 15, .silu_ns = 1.8, .bytes_per_ns = 20, .weight_bytes_per_ns = 40, .step_ns = 1500 \
    }
const yk__cpu_isa yk__cpu_isa_avx512 = {.isa = YK__ISA_AVX512, .name = "avx512", .block = 16, .rates = AVX512_RATES(160)};
const yk__cpu_isa yk__cpu_isa_avx512bf16 = {
    .isa = YK__ISA_AVX512, .name = "avx512bf16", .block = 16, .avx512_bf16 = true, .rates = AVX512_RATES(440)};
const yk__cpu_isa yk__cpu_isa_amx = {
    .isa = YK__ISA_AVX512, .name = "amx", .block = 16, .avx512_bf16 = true, .tiles = true, .rates = AVX512_RATES(1500)};
const yk__cpu_isa yk__cpu_isa_avx2 = {.isa = YK__ISA_AVX2,
                                      .name = "avx2",
                                      .block = 8,
                                      .rates = {.conv_gflops = 115,
                                                .conv_1x1_gflops = 105,
                                                .winograd_gflops = 100,
                                                .bf16_gflops = 80,
                                                .depthwise_gflops = 40,
                                                .transform_ns = 30,
                                                .kernels_ns = 15,
                                                .silu_ns = 1.8,
                                                .bytes_per_ns = 20,
                                                .weight_bytes_per_ns = 40,
                                                .step_ns = 1500}};
const yk__cpu_isa yk__cpu_isa_neon = {.isa = YK__ISA_NEON,
                                      .name = "neon",
                                      .block = 4,
                                      .rates = {.conv_gflops = 50,
                                                .conv_1x1_gflops = 45,
                                                .winograd_gflops = 40,
                                                .bf16_gflops = 35,
                                                .depthwise_gflops = 20,
                                                .transform_ns = 30,
                                                .kernels_ns = 15,
                                                .silu_ns = 3,
                                                .bytes_per_ns = 15,
                                                .weight_bytes_per_ns = 40,
                                                .step_ns = 1500}};
const yk__cpu_isa yk__cpu_isa_generic = {.isa = YK__ISA_GENERIC,
                                         .name = "generic",
                                         .block = 4,
                                         .rates = {.conv_gflops = 40,
                                                   .conv_1x1_gflops = 35,
                                                   .winograd_gflops = 30,
                                                   .bf16_gflops = 25,
                                                   .depthwise_gflops = 15,
                                                   .transform_ns = 30,
                                                   .kernels_ns = 15,
                                                   .silu_ns = 5,
                                                   .bytes_per_ns = 15,
                                                   .weight_bytes_per_ns = 40,
                                                   .step_ns = 1500}};

bool yk__cpu_is_f32(const yk__inferred *facts) {
    int64_t count;
    return facts->dtype == YK__DTYPE_F32 && !facts->dynamic && yk__shape_count(&facts->shape, &count) && count > 0;
}

bool yk__cpu_isa_usable(const yk__cpu_isa *isa) {
    const yk__cpu *cpu = yk__cpu_get();
    return (!isa->avx512_bf16 || cpu->avx512_bf16) && (!isa->tiles || cpu->amx);
}

bool yk__cpu_is_bf16_map(const yk__inferred *facts) {
    int64_t count;
    return facts->dtype == YK__DTYPE_BF16 && facts->shape.rank == 4 && !facts->dynamic &&
           yk__shape_count(&facts->shape, &count) && count > 0;
}

bool yk__cpu_is_map(const yk__inferred *facts) {
    return yk__cpu_is_f32(facts) && facts->shape.rank == 4;
}

double yk__cpu_move_ns(const yk__cpu_isa *isa, double floats) {
    return floats * sizeof(float) / isa->rates.bytes_per_ns;
}

double yk__cpu_shared_ns(const yk__cpu_isa *isa, const yk__query *query, double one_thread_ns) {
    return isa->rates.step_ns + one_thread_ns / (query->n_threads > 0 ? query->n_threads : 1);
}
