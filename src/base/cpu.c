/* Processor features. A flag here promises that the instructions exist and that the operating system saves their registers. */
#include "base/cpu.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu_count.h"

#if defined(__x86_64__)
#include <cpuid.h>
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* XCR0 bits (Intel SDM vol. 1, 13.1): SSE and AVX state; opmask and the two halves of zmm; AMX tile configuration and data. */
#define XCR0_AVX    0x6u
#define XCR0_AVX512 0xE6u
#define XCR0_AMX    0x60000u
/* arch_prctl request and feature number of Linux (asm/prctl.h has them from 5.16 on) */
#define ARCH_REQ_XCOMP_PERM 0x1023
#define XFEATURE_TILE_DATA  18

typedef struct cpuid_leaf {
    uint32_t eax, ebx, ecx, edx;
} cpuid_leaf;

/* All zero where the processor has no such leaf. */
static cpuid_leaf read_leaf(uint32_t leaf, uint32_t subleaf) {
    cpuid_leaf r = {0, 0, 0, 0};
    __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
    return r;
}

static bool bit(uint32_t word, int n) {
    return (word >> n) & 1;
}

/* XGETBV, written out because its intrinsic needs a compiler flag that would hold for the whole file. */
static uint32_t read_xcr0(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

/* Linux lets a process use tiles once it has asked (the kernel then makes room for 8 KiB more of registers per thread). */
static bool may_use_tiles(void) {
#ifdef __linux__
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_TILE_DATA) == 0;
#else
    return false;
#endif
}

static void find_features(yk__cpu *cpu) {
    const cpuid_leaf basic = read_leaf(1, 0);
    const bool os_saves = bit(basic.ecx, 27); /* OSXSAVE */
    const uint32_t saved = os_saves ? read_xcr0() : 0;
    if ((saved & XCR0_AVX) != XCR0_AVX || !bit(basic.ecx, 28)) return;
    const cpuid_leaf seven = read_leaf(7, 0);
    const cpuid_leaf seven_one = seven.eax >= 1 ? read_leaf(7, 1) : (cpuid_leaf){0, 0, 0, 0};
    cpu->fma = bit(basic.ecx, 12);
    cpu->f16c = bit(basic.ecx, 29);
    cpu->avx2 = bit(seven.ebx, 5);
    cpu->avx_vnni = bit(seven_one.eax, 4);
    if ((saved & XCR0_AVX512) == XCR0_AVX512) {
        cpu->avx512 =
            bit(seven.ebx, 16) && bit(seven.ebx, 17) && bit(seven.ebx, 28) && bit(seven.ebx, 30) && bit(seven.ebx, 31);
        cpu->avx512_vnni = cpu->avx512 && bit(seven.ecx, 11);
        cpu->avx512_vbmi = cpu->avx512 && bit(seven.ecx, 1);
        cpu->avx512_bf16 = cpu->avx512 && bit(seven_one.eax, 5);
    }
    /* Tiles with both int8 and bf16 products. */
    cpu->amx = cpu->avx512_bf16 && (saved & XCR0_AMX) == XCR0_AMX && bit(seven.edx, 24) && bit(seven.edx, 25) &&
               bit(seven.edx, 22) && may_use_tiles();
}

static void find_brand(yk__cpu *cpu) {
    char text[49] = "";
    if (read_leaf(0x80000000u, 0).eax >= 0x80000004u)
        for (uint32_t i = 0; i < 3; i++) {
            const cpuid_leaf part = read_leaf(0x80000002u + i, 0);
            memcpy(text + 16 * i, &part, sizeof part);
        }
    const char *start = text;
    while (*start == ' ') start++;
    size_t n = strlen(start);
    while (n > 0 && start[n - 1] == ' ') n--;
    snprintf(cpu->brand, sizeof cpu->brand, "%.*s", (int)n, n > 0 ? start : "");
    if (n == 0) snprintf(cpu->brand, sizeof cpu->brand, "x86-64");
}

static void set_cache(yk__cpu *cpu, int level, bool data, uint64_t bytes) {
    const uint32_t size = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
    if (level == 1 && data) cpu->l1d_bytes = size;
    if (level == 2) cpu->l2_bytes = size;
    if (level == 3) cpu->l3_bytes = size;
}

/* Deterministic cache parameters: leaf 4 (Intel), and the same layout in leaf 0x8000001D where AMD announces topology
 * extensions (leaf 0x80000001 ECX bit 22). */
static void find_caches(yk__cpu *cpu) {
    const bool amd = read_leaf(0x80000000u, 0).eax >= 0x8000001Du && bit(read_leaf(0x80000001u, 0).ecx, 22);
    for (uint32_t i = 0; i < 8; i++) {
        const cpuid_leaf cache = read_leaf(amd ? 0x8000001Du : 4u, i);
        const uint32_t type = cache.eax & 31; /* 0 end, 1 data, 2 instruction, 3 unified */
        if (type == 0) break;
        const uint64_t ways = (cache.ebx >> 22) + 1, partitions = ((cache.ebx >> 12) & 1023) + 1;
        const uint64_t line = (cache.ebx & 4095) + 1, sets = (uint64_t)cache.ecx + 1;
        if (type != 2) set_cache(cpu, (int)((cache.eax >> 5) & 7), true, ways * partitions * line * sets);
    }
}

static yk__isa highest_level(const yk__cpu *cpu) {
    if (!cpu->avx2 || !cpu->fma || !cpu->f16c) return YK__ISA_GENERIC;
    return cpu->avx512 ? YK__ISA_AVX512 : YK__ISA_AVX2;
}

#else /* not x86 */

#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

static void find_features(yk__cpu *cpu) {
#if defined(__aarch64__)
    cpu->neon = (getauxval(AT_HWCAP) & HWCAP_ASIMD) != 0;
#else
    (void)cpu;
#endif
}

/* Arm has no brand string; /proc/cpuinfo tells maker and part by number. */
static void find_brand(yk__cpu *cpu) {
    unsigned implementer = 0, part = 0;
    char line[128];
    FILE *const file = fopen("/proc/cpuinfo", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *const value = strchr(line, ':');
        if (value != NULL && strncmp(line, "CPU implementer", 15) == 0) implementer = (unsigned)strtoul(value + 1, NULL, 0);
        if (value != NULL && strncmp(line, "CPU part", 8) == 0) part = (unsigned)strtoul(value + 1, NULL, 0);
    }
    if (file != NULL) fclose(file);
    snprintf(cpu->brand, sizeof cpu->brand, "implementer 0x%02x part 0x%03x", implementer, part);
}

static bool read_word(int index, const char *name, char *out, int size) {
    char path[96];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index, name);
    FILE *const file = fopen(path, "re");
    const bool read = file != NULL && fgets(out, size, file) != NULL;
    if (file != NULL) fclose(file);
    return read;
}

static void find_caches(yk__cpu *cpu) {
    char level[16], type[16], size[32];
    for (int i = 0; i < 8 && read_word(i, "level", level, sizeof level); i++) {
        if (!read_word(i, "type", type, sizeof type) || !read_word(i, "size", size, sizeof size)) continue;
        const uint32_t bytes = (uint32_t)strtoul(size, NULL, 10) << (strchr(size, 'M') != NULL ? 20 : 10);
        if (type[0] == 'I') continue;
        if (level[0] == '1') cpu->l1d_bytes = bytes;
        if (level[0] == '2') cpu->l2_bytes = bytes;
        if (level[0] == '3') cpu->l3_bytes = bytes;
    }
}

static yk__isa highest_level(const yk__cpu *cpu) {
    return cpu->neon ? YK__ISA_NEON : YK__ISA_GENERIC;
}
#endif

/* ---- the mask ---- */

static const char *const isa_names[] = {
    [YK__ISA_GENERIC] = "generic", [YK__ISA_AVX2] = "avx2", [YK__ISA_AVX512] = "avx512", [YK__ISA_NEON] = "neon"};
#define N_ISAS (sizeof isa_names / sizeof isa_names[0])

const char *yk__isa_name(yk__isa isa) {
    return (size_t)isa < N_ISAS ? isa_names[isa] : "unknown";
}

/* Whether this processor's own level contains the other: every one contains generic, avx512 contains avx2. */
static bool contains(yk__isa own, yk__isa other) {
    return other == YK__ISA_GENERIC || other == own || (own == YK__ISA_AVX512 && other == YK__ISA_AVX2);
}

/* The caps above the level names: what avx512 leaves out. */
static bool apply_fine_cap(yk__cpu *cpu, const char *cap) {
    bool amx = strcmp(cap, "amx") == 0, bf16 = strcmp(cap, "avx512bf16") == 0;
    if (bf16 && cpu->avx512_bf16) cpu->amx = false;
    return amx || bf16;
}

/* Lowers the level and clears every flag above it, so that no kernel slips through by asking for its flag alone. */
static void apply_cap(yk__cpu *cpu, const char *cap) {
    size_t level = 0;
    if (apply_fine_cap(cpu, cap)) return;
    while (level < N_ISAS && strcmp(cap, isa_names[level]) != 0) level++;
    if (level == N_ISAS || !contains(cpu->isa, (yk__isa)level)) return;
    cpu->isa = (yk__isa)level;
    cpu->avx512_bf16 = cpu->amx = false;
    if (cpu->isa == YK__ISA_AVX512) return;
    cpu->avx512 = cpu->avx512_vnni = cpu->avx512_vbmi = false;
    if (cpu->isa == YK__ISA_GENERIC) cpu->fma = cpu->f16c = cpu->avx2 = cpu->avx_vnni = cpu->neon = false;
}

static yk__cpu whole;  /* without any mask */
static yk__cpu masked; /* under YOLK_CPU */

static void find_all(void) {
    find_brand(&whole);
    find_features(&whole);
    find_caches(&whole);
    yk__cpu_count(&whole.n_logical, &whole.n_physical);
    whole.isa = highest_level(&whole);
    masked = whole;
    const char *const cap = getenv("YOLK_CPU");
    if (cap != NULL) apply_cap(&masked, cap);
}

static void find_once(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_all);
}

const yk__cpu *yk__cpu_get(void) {
    find_once();
    return &masked;
}

yk__cpu yk__cpu_with_cap(const char *cap) {
    find_once();
    yk__cpu cpu = whole;
    if (cap != NULL) apply_cap(&cpu, cap);
    return cpu;
}
