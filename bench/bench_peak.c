/* What this processor can do at most, one thread: multiply-adds from registers per instruction-set level, bytes read per second
 * from working sets of several sizes. bench_peak prints one JSON object, best of several runs; docs/performance.md holds the
 * kernels' times against it. Not run by ctest. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/cpu.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define CHAINS 12 /* more than latency x units */
#define TURNS  400000

/* multiply-adds in independent chains; returns GFLOP/s */
#define PEAK(name, target_text, type, set1, fma, lanes) \
    __attribute__((target(target_text))) static double name(void) { \
        type a[CHAINS], x = set1(0.999f), y = set1(0.001f); \
        _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) a[i] = set1((float)i); \
        const uint64_t start = yk__now_ns(); \
        for (int n = 0; n < TURNS; n++) { \
            _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) a[i] = fma(a[i], x, y); \
        } \
        const double ns = (double)(yk__now_ns() - start); \
        _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) __asm__ volatile("" ::"v"(a[i])); \
        return 2.0 * lanes * CHAINS * TURNS / ns; \
    }
PEAK(peak_avx512, "avx512f", __m512, _mm512_set1_ps, _mm512_fmadd_ps, 16)
PEAK(peak_avx2, "avx2,fma", __m256, _mm256_set1_ps, _mm256_fmadd_ps, 8)
#endif

static double best_of(double (*rate)(void)) {
    double best = 0;
    for (int i = 0; i < 40; i++) {
        const double r = rate();
        if (r > best) best = r;
    }
    return best;
}

/* Gigabytes per second over a set of that size, one load per cache line pair of 64-bit words. */
static double read_rate(const uint64_t *data, size_t bytes) {
    double best = 0;
    for (int i = 0; i < 8; i++) {
        uint64_t sum[4] = {0};
        const uint64_t start = yk__now_ns();
        size_t done = 0;
        do {
            for (size_t k = 0; k < bytes / sizeof *data; k += 32)
                for (int l = 0; l < 4; l++) sum[l] += data[k + 8 * (size_t)l];
            done += bytes;
        } while (done < (size_t)32 << 20);
        const double ns = (double)(yk__now_ns() - start);
        __asm__ volatile("" ::"r"(sum[0] + sum[1] + sum[2] + sum[3]));
        if ((double)done / ns > best) best = (double)done / ns;
    }
    return best;
}

int main(void) {
    const yk__cpu *cpu = yk__cpu_get();
    const size_t most = (size_t)128 << 20;
    uint64_t *data = malloc(most);
    if (!data) return 1;
    for (size_t i = 0; i < most / sizeof *data; i++) data[i] = i;
    printf("{\"processor\":\"%s\",\"l1d_bytes\":%u,\"l2_bytes\":%u,\"gflops\":{", cpu->brand, cpu->l1d_bytes, cpu->l2_bytes);
#if defined(__x86_64__)
    if (cpu->isa >= YK__ISA_AVX2) printf("\"avx2\":%.1f", best_of(peak_avx2));
    if (cpu->isa >= YK__ISA_AVX512) printf(",\"avx512\":%.1f", best_of(peak_avx512));
#endif
    printf("},\"read_gb_per_s\":{");
    for (size_t kib = 256; kib <= most / 1024; kib *= 8)
        printf("%s\"%zu\":%.1f", kib > 256 ? "," : "", kib, read_rate(data, kib * 1024));
    printf("}}\n");
    free(data);
    return 0;
}
