/* The cpu backend: one table of kernels per instruction-set level that this build has. */
#include "backend/cpu/cpu_kernels.h"

/* changes whenever a packed layout or the meaning of a choice does */
#define KERNEL_SET "cpu-2"

#define KERNEL_NAMED(isa_ident, id, ident, op_ident, label, pack_fn, prepare_fn) \
    static const yk__kernel isa_ident##_##id = {.name = label "_" #isa_ident, \
                                                .op = YK__OP_##op_ident, \
                                                .accept = yk__##ident##_accept, \
                                                .pack = (pack_fn), \
                                                .prepare = (prepare_fn), \
                                                .run = yk__##ident##_run_##isa_ident, \
                                                .data = &yk__cpu_isa_##isa_ident};
#define BACKEND(isa_ident, block_size) \
    static const yk__backend isa_ident##_backend = {.name = "cpu", \
                                                    .isa = #isa_ident, \
                                                    .kernel_set = KERNEL_SET, \
                                                    .block = (block_size), \
                                                    .kernels = isa_ident##_list, \
                                                    .n_kernels = sizeof isa_ident##_list / sizeof *isa_ident##_list, \
                                                    .scan = &isa_ident##_yolk_head_scan}

#define YK__CPU_KERNEL(...) KERNEL_NAMED(generic, __VA_ARGS__)
#include "backend/cpu/kernels.def"
#undef YK__CPU_KERNEL
#define YK__CPU_KERNEL(id, ...) &generic_##id,
static const yk__kernel *const generic_list[] = {
#include "backend/cpu/kernels.def"
};
#undef YK__CPU_KERNEL
BACKEND(generic, 4);

#if YK__CPU_HAS_X86
#define YK__CPU_KERNEL(...) KERNEL_NAMED(avx2, __VA_ARGS__)
#include "backend/cpu/kernels.def"
#undef YK__CPU_KERNEL
#define YK__CPU_KERNEL(id, ...) &avx2_##id,
static const yk__kernel *const avx2_list[] = {
#include "backend/cpu/kernels.def"
};
#undef YK__CPU_KERNEL
BACKEND(avx2, 8);

#define YK__CPU_KERNEL(...) KERNEL_NAMED(avx512, __VA_ARGS__)
#include "backend/cpu/kernels.def"
#undef YK__CPU_KERNEL
/* lines of kernels.def that some processors of this level have better code for */
KERNEL_NAMED(avx512bf16, conv_bf16, conv_bf16, CONV, "conv_bf16_blocked_direct", yk__conv_bf16_pack, yk__conv_bf16_prepare)
KERNEL_NAMED(amx, conv_bf16, conv_bf16, CONV, "conv_bf16_blocked_direct", yk__conv_bf16_pack, yk__conv_bf16_prepare)
#define YK__CPU_KERNEL(id, ...) &avx512_##id,
static const yk__kernel *const avx512_list[] = {
#include "backend/cpu/kernels.def"
    &avx512bf16_conv_bf16, &amx_conv_bf16};
#undef YK__CPU_KERNEL
BACKEND(avx512, 16);
#endif

#if YK__CPU_HAS_ARM
#define YK__CPU_KERNEL(...) KERNEL_NAMED(neon, __VA_ARGS__)
#include "backend/cpu/kernels.def"
#undef YK__CPU_KERNEL
#define YK__CPU_KERNEL(id, ...) &neon_##id,
static const yk__kernel *const neon_list[] = {
#include "backend/cpu/kernels.def"
};
#undef YK__CPU_KERNEL
BACKEND(neon, 4);
#endif

const yk__backend *yk__backend_cpu(yk__isa isa) {
    switch (isa) {
#if YK__CPU_HAS_X86
    case YK__ISA_AVX512: return &avx512_backend;
    case YK__ISA_AVX2: return &avx2_backend;
#endif
#if YK__CPU_HAS_ARM
    case YK__ISA_NEON: return &neon_backend;
#endif
    default: return &generic_backend;
    }
}
