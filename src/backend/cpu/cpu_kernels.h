/* Declarations of everything that kernels.def names. */
#ifndef YK_CPU_CPU_KERNELS_H
#define YK_CPU_CPU_KERNELS_H

#include "backend/cpu/attention_cpu.h"
#include "backend/cpu/bf16_cpu.h"
#include "backend/cpu/conv_cpu.h"
#include "backend/cpu/cpu_isa.h"
#include "backend/cpu/head_cpu.h"
#include "backend/cpu/map_cpu.h"
#include "backend/cpu/plain_cpu.h"
#include "backend/cpu/pool_cpu.h"
#include "backend/cpu/transpose_cpu.h"
#include "backend/cpu/winograd_bf16_cpu.h"
#include "backend/cpu/winograd_cpu.h"

/* Which levels this build holds. generic is always there. */
#if defined(__x86_64__)
#define YK__CPU_HAS_X86 1
#else
#define YK__CPU_HAS_X86 0
#endif
#if defined(__aarch64__)
#define YK__CPU_HAS_ARM 1
#else
#define YK__CPU_HAS_ARM 0
#endif

#define YK__CPU_KERNEL(id, ident, op, label, pack, prepare) \
    bool yk__##ident##_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need); \
    yk__code yk__##ident##_run_generic(const yk__step *step, yk__exec *exec, yk__error *err); \
    yk__code yk__##ident##_run_avx2(const yk__step *step, yk__exec *exec, yk__error *err); \
    yk__code yk__##ident##_run_avx512(const yk__step *step, yk__exec *exec, yk__error *err); \
    yk__code yk__##ident##_run_neon(const yk__step *step, yk__exec *exec, yk__error *err);
#include "backend/cpu/kernels.def"
#undef YK__CPU_KERNEL

yk__code yk__conv_bf16_run_avx512bf16(const yk__step *step, yk__exec *exec, yk__error *err);
yk__code yk__conv_bf16_run_amx(const yk__step *step, yk__exec *exec, yk__error *err);

#endif
