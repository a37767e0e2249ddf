/* What this processor offers, and what yolk may use of it. */
#ifndef YK_BASE_CPU_H
#define YK_BASE_CPU_H

#include <stdbool.h>
#include <stdint.h>

/* Instruction-set levels the cpu backend has kernels for, rising. A level means "worth using", not just "present". */
typedef enum yk__isa { YK__ISA_GENERIC, YK__ISA_AVX2, YK__ISA_AVX512, YK__ISA_NEON } yk__isa;

typedef struct yk__cpu {
    char brand[64];
    bool fma, f16c, avx2, avx_vnni, avx512, avx512_vnni, avx512_bf16, avx512_vbmi, amx, neon; /* avx512 = F+BW+DQ+VL+CD */
    uint32_t l1d_bytes, l2_bytes, l3_bytes;                                                   /* 0 when not known */
    int n_logical;  /* processors this process may run on (affinity and cgroup quota) */
    int n_physical; /* of these, distinct cores */
    yk__isa isa;    /* highest usable level, after the mask */
} yk__cpu;

/* Found once, then constant; thread-safe. The environment variable YOLK_CPU = amx|avx512bf16|avx512|avx2|neon|generic
 * caps what is used, each without what stands before it; what the processor lacks or an unknown word is ignored. */
const yk__cpu *yk__cpu_get(void);
/* The features under an explicit cap ("avx2", NULL = none), for tests that run several levels in one process. */
yk__cpu yk__cpu_with_cap(const char *cap);
const char *yk__isa_name(yk__isa isa);

#endif
