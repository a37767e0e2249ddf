/* What this machine offers and what yolk uses of it, read from the processor and the system's files. */
#include "inspect/machine.h"

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/text.h"
#include "base/version.h"

static void add_cpu(yk__report *report) {
    const yk__cpu *cpu = yk__cpu_get();
    const struct {
        const char *name;
        bool has;
    } features[] = {{"fma", cpu->fma},
                    {"f16c", cpu->f16c},
                    {"avx2", cpu->avx2},
                    {"avx_vnni", cpu->avx_vnni},
                    {"avx512", cpu->avx512},
                    {"avx512_vnni", cpu->avx512_vnni},
                    {"avx512_bf16", cpu->avx512_bf16},
                    {"avx512_vbmi", cpu->avx512_vbmi},
                    {"amx", cpu->amx},
                    {"neon", cpu->neon}};
    yk__fact *facts = yk__fact_object(report, NULL, "cpu");
    if (!facts) return;
    yk__fact_text(report, facts, "brand", cpu->brand);
    yk__fact_int(report, facts, "logical", cpu->n_logical);
    yk__fact_int(report, facts, "physical", cpu->n_physical);
    yk__fact_text(report, facts, "isa", yk__isa_name(cpu->isa));
    yk__fact *list = yk__fact_list(report, facts, "features");
    for (size_t i = 0; list && i < sizeof features / sizeof *features; i++)
        if (features[i].has) yk__fact_text(report, list, NULL, features[i].name);
    yk__fact_int(report, facts, "l1d_bytes", cpu->l1d_bytes);
    yk__fact_int(report, facts, "l2_bytes", cpu->l2_bytes);
    yk__fact_int(report, facts, "l3_bytes", cpu->l3_bytes);
}

static void add_memory(yk__report *report) {
    yk__fact *facts = yk__fact_object(report, NULL, "memory");
    long page = sysconf(_SC_PAGESIZE), pages = sysconf(_SC_PHYS_PAGES), available = sysconf(_SC_AVPHYS_PAGES);
    if (!facts || page <= 0 || pages <= 0) return;
    yk__fact_int(report, facts, "total_bytes", (int64_t)page * pages);
    if (available >= 0) yk__fact_int(report, facts, "free_bytes", (int64_t)page * available);
}

static void add_system(yk__report *report) {
    struct utsname name;
    yk__fact *facts = yk__fact_object(report, NULL, "system");
    if (!facts || uname(&name) != 0) return;
    yk__fact_text(report, facts, "name", name.sysname);
    yk__fact_text(report, facts, "release", name.release);
    yk__fact_text(report, facts, "machine", name.machine);
}

void yk__machine_facts(yk__report *report, const char *build_features) {
    yk__report_init(report, NULL, 0);
    yk__fact *facts = yk__fact_object(report, NULL, "yolk");
    if (facts) {
        yk__fact_text(report, facts, "version", YK__VERSION_STRING);
        yk__fact *list = yk__fact_list(report, facts, "features");
        for (const char *at = build_features; list && at && *at;) {
            size_t n = strcspn(at, " \n");
            if (n) yk__fact_text_n(report, list, NULL, at, n);
            at += n + strspn(at + n, " \n");
        }
    }
    add_cpu(report);
    add_memory(report);
    add_system(report);
}
