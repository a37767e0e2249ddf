/* What the kernels of one instruction-set level have in common, as data: block, register tiles, measured rates. */
#ifndef YK_CPU_ISA_H
#define YK_CPU_ISA_H

#include "backend/backend.h"

/* Side of the tiles that step->tiles speaks of. */
#define YK__TILE 4

/* Blocks of output channels one register tile may hold. */
#define YK__MAX_TILE_BLOCKS 3

/* Rates of one thread, measured on the machines named in cpu_isa.c; only their ratios decide anything. */
typedef struct yk__cpu_rates {
    double conv_gflops;     /* direct convolution, long reductions, without its epilogue */
    double conv_1x1_gflops; /* the same over one pixel */
    double winograd_gflops; /* the 36 products of F(4x4, 3x3), counted as the multiplications that are done */
    double bf16_gflops;     /* direct convolution of bf16 */
    double depthwise_gflops;
    double transform_ns;        /* input transform of one 6x6 tile of one channel block, and half of the output transform */
    double kernels_ns;          /* transform of the 3x3 kernels of one input channel and one block of output channels */
    double silu_ns;             /* one vector */
    double bytes_per_ns;        /* moving data that lies in the third-level cache, read and written bytes counted */
    double weight_bytes_per_ns; /* weights as they come in a network, where other layers' have passed through the caches */
    double step_ns;             /* starting any step */
} yk__cpu_rates;

typedef struct yk__cpu_isa {
    yk__isa isa;
    const char *name;
    int32_t block;
    bool avx512_bf16, tiles;                      /* kernels of this line need AVX512_BF16, AMX tiles of bf16 */
    int32_t tile_pixels[YK__MAX_TILE_BLOCKS + 1]; /* [blocks]: most pixels of a register tile of that many blocks */
    yk__cpu_rates rates;
} yk__cpu_isa;

extern const yk__cpu_isa yk__cpu_isa_generic, yk__cpu_isa_avx2, yk__cpu_isa_avx512, yk__cpu_isa_neon;
/* The level avx512 with more for bf16: lines of a few kernels, not levels of their own. */
extern const yk__cpu_isa yk__cpu_isa_avx512bf16, yk__cpu_isa_amx;

/* Whether this processor, under YOLK_CPU, has what the line needs beyond its level. */
bool yk__cpu_isa_usable(const yk__cpu_isa *isa);

/* Facts a kernel's accept needs from every query: all operands f32 of known size, not empty, not dynamic. */
bool yk__cpu_is_f32(const yk__inferred *facts);
/* Rank 4, f32, fixed size: what BLOCKED can hold. */
bool yk__cpu_is_map(const yk__inferred *facts);
/* The same of bf16. */
bool yk__cpu_is_bf16_map(const yk__inferred *facts);
/* cost of moving so many floats (read + written), one picture, one thread */
double yk__cpu_move_ns(const yk__cpu_isa *isa, double floats);
/* estimates of work for one thread become those for n_threads: the same factor for every kernel, so that the choice does not
 * depend on it */
double yk__cpu_shared_ns(const yk__cpu_isa *isa, const yk__query *query, double one_thread_ns);

/* Bands of rows that threads share: at least `wanted`, as many for each thread, none empty. */
static inline int64_t yk__band_count(int64_t rows, int64_t wanted, int64_t threads) {
    const int64_t n = (wanted + threads - 1) / threads * threads;
    return n < rows ? n : rows;
}
/* First row of a band; band n_bands begins where the last one ends. */
static inline int64_t yk__band_start(int64_t rows, int64_t n_bands, int64_t band) {
    return rows * band / n_bands;
}

#endif
