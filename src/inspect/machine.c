/* What this machine offers and what yolk uses of it, as facts: from the processor, the system's files and what nvidia.h finds.
 */
#include "inspect/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include "inspect/nvidia.h"

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

/* What the cgroup grants, when it sets a bound: version 2, then 1 (whose "no bound" is a number near 2^63). */
static int64_t memory_limit(const yk__machine_view *view) {
    static const char *const files[] = {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    char text[64];
    for (int i = 0; i < 2; i++) {
        long long bytes = yk__view_read(view, files[i], text, sizeof text) ? atoll(text) : 0;
        if (bytes > 0 && bytes < (1ll << 60)) return bytes;
    }
    return 0;
}

static void add_memory(yk__report *report, const yk__machine_view *view) {
    yk__fact *facts = yk__fact_object(report, NULL, "memory");
    long page = sysconf(_SC_PAGESIZE), pages = sysconf(_SC_PHYS_PAGES), available = sysconf(_SC_AVPHYS_PAGES);
    if (!facts || page <= 0 || pages <= 0) return;
    yk__fact_int(report, facts, "total_bytes", (int64_t)page * pages);
    if (available >= 0) yk__fact_int(report, facts, "free_bytes", (int64_t)page * available);
    int64_t limit = memory_limit(view);
    if (limit) yk__fact_int(report, facts, "limit_bytes", limit);
}

static void add_system(yk__report *report, const yk__machine_view *view) {
    struct utsname name;
    char release[256];
    yk__fact *facts = yk__fact_object(report, NULL, "system");
    if (!facts || uname(&name) != 0) return;
    yk__fact_text(report, facts, "name", name.sysname);
    yk__fact_text(report, facts, "release", name.release);
    yk__fact_text(report, facts, "machine", name.machine);
    if (yk__view_read(view, "/proc/sys/kernel/osrelease", release, sizeof release) && strcasestr(release, "microsoft"))
        yk__fact_bool(report, facts, "wsl", true);
}

/* ---- container ---- */

static const char *container_kind(const yk__machine_view *view) {
    static const struct {
        const char *word, *kind;
    } groups[] = {
        {"kubepods", "kubernetes"}, {"docker", "docker"}, {"containerd", "containerd"}, {"libpod", "podman"}, {"lxc", "lxc"}};
    static const char *const files[] = {"/proc/1/cgroup", "/proc/self/cgroup"};
    char text[4096];
    if (yk__view_variable(view, "KUBERNETES_SERVICE_HOST")) return "kubernetes";
    if (yk__view_exists(view, "/.dockerenv")) return "docker";
    if (yk__view_exists(view, "/run/.containerenv")) return "podman";
    for (int f = 0; f < 2; f++)
        for (size_t i = 0; yk__view_read(view, files[f], text, sizeof text) && i < sizeof groups / sizeof *groups; i++)
            if (strstr(text, groups[i].word)) return groups[i].kind;
    const char *variable = yk__view_variable(view, "container"); /* set by systemd-nspawn, podman, lxc */
    return variable && *variable ? "container" : NULL;
}

/* Files of the driver that the NVIDIA container toolkit mounts into a container. */
static int count_mounts(const yk__machine_view *view) {
    const size_t size = (size_t)256 << 10;
    char *text = yk__alloc(size);
    int n = 0;
    if (!text) return 0;
    yk__view_read(view, "/proc/self/mountinfo", text, size);
    for (char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        char *next = line + length + (line[length] != 0);
        line[length] = 0;
        n += strstr(line, "nvidia") != NULL || strstr(line, "libcuda.so") != NULL;
        line = next;
    }
    yk__free(text);
    return n;
}

static void add_container(yk__report *report, const yk__machine_view *view, const char *kind) {
    yk__fact *facts = yk__fact_object(report, NULL, "container");
    if (!facts) return;
    yk__fact_bool(report, facts, "inside", kind != NULL);
    if (kind) yk__fact_text(report, facts, "kind", kind);
    if (kind) yk__fact_int(report, facts, "nvidia_mounts", count_mounts(view));
}

static void add_environment(yk__report *report, const yk__machine_view *view) {
    static const char *const names[] = {"CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "YOLK_CPU"};
    yk__fact *facts = yk__fact_object(report, NULL, "environment");
    for (size_t i = 0; facts && i < sizeof names / sizeof *names; i++)
        yk__fact_text(report, facts, names[i], yk__view_variable(view, names[i]));
}

/* ---- GPUs, driver, libraries ---- */

static void add_gpus(yk__report *report, const yk__nvidia *nvidia) {
    yk__fact *list = yk__fact_list(report, NULL, "gpus");
    for (int i = 0; list && i < nvidia->n_gpus; i++) {
        const yk__gpu *gpu = &nvidia->gpus[i];
        yk__fact *fact = yk__fact_object(report, list, NULL);
        if (!fact) return;
        yk__fact_text(report, fact, "name", *gpu->name ? gpu->name : NULL);
        yk__fact_text(report, fact, "bus", *gpu->bus ? gpu->bus : NULL);
        yk__fact_text(report, fact, "compute_capability", *gpu->compute ? gpu->compute : NULL);
        if (*gpu->compute) yk__fact_text(report, fact, "certainty", "likely");
    }
}

enum { MAX_NODES = 40 };

static int find_nodes(const yk__machine_view *view, char (*nodes)[YK__PATH_SIZE]) {
    int n = yk__view_matching(view, "/dev", "nvidia", nodes, MAX_NODES - 2);
    static const char *const others[] = {"/dev/nvmap", "/dev/dxg"}; /* Jetson, WSL */
    for (int i = 0; i < 2; i++)
        if (yk__view_exists(view, others[i])) snprintf(nodes[n++], YK__PATH_SIZE, "%s", others[i]);
    return n;
}

static void add_driver(yk__report *report, const yk__nvidia *nvidia, char (*nodes)[YK__PATH_SIZE], int n_nodes) {
    yk__fact *facts = yk__fact_object(report, NULL, "driver");
    if (!facts) return;
    yk__fact_text(report, facts, "version", *nvidia->driver ? nvidia->driver : NULL);
    yk__fact_text(report, facts, "newest_cuda", *nvidia->newest_cuda ? nvidia->newest_cuda : NULL);
    yk__fact *list = yk__fact_list(report, facts, "device_nodes");
    for (int i = 0; list && i < n_nodes; i++) yk__fact_text(report, list, NULL, nodes[i]);
    if (!*nvidia->board && !*nvidia->tegra) return;
    yk__fact *jetson = yk__fact_object(report, NULL, "jetson");
    if (!jetson) return;
    yk__fact_text(report, jetson, "board", *nvidia->board ? nvidia->board : NULL);
    yk__fact_text(report, jetson, "release", *nvidia->tegra ? nvidia->tegra : NULL);
}

static const char *const place_names[] = {"LD_LIBRARY_PATH", "loader-cache", "loader-default", "python", "other"};

static void add_libraries(yk__report *report, const yk__nvidia *nvidia, const char *name, yk__library_kind first,
                          yk__library_kind last) {
    yk__fact *list = yk__fact_list(report, NULL, name);
    for (int i = 0; list && i < nvidia->n_libraries; i++) {
        const yk__library *library = &nvidia->libraries[i];
        if (library->kind < first || library->kind > last) continue;
        yk__fact *fact = yk__fact_object(report, list, NULL);
        if (!fact) return;
        yk__fact_text(report, fact, "soname", library->soname);
        yk__fact_text(report, fact, "version", *library->version ? library->version : NULL);
        yk__fact_text(report, fact, "path", library->path);
        yk__fact_text(report, fact, "place", place_names[library->place]);
        yk__fact_bool(report, fact, "taken", library->taken);
    }
}

/* ---- what spells trouble ---- */

typedef struct note_list {
    yk__report *report;
    yk__fact *list;
} note_list;

static void add_note(note_list *notes, const char *format, ...) YK__PRINTF(2, 3);
static void add_note(note_list *notes, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (notes->list) yk__fact_text(notes->report, notes->list, NULL, text);
}

static void note_tensorrt(note_list *notes, const yk__nvidia *nvidia) {
    const yk__library *first = NULL, *taken = NULL;
    bool differ = false;
    for (int i = 0; i < nvidia->n_libraries; i++) {
        const yk__library *library = &nvidia->libraries[i];
        if (library->kind != YK__LIBRARY_TENSORRT) continue;
        if (!taken && library->taken) taken = library;
        if (!first) first = library;
        if (*library->version && *first->version && strcmp(library->version, first->version) != 0) differ = true;
    }
    if (differ)
        add_note(notes,
                 "More than one version of TensorRT is here. An engine loads only in the version that built it: build with the "
                 "trtexec or Python package that belongs to the library your program loads, and keep one.");
    if (taken && differ) add_note(notes, "Programs that ask the loader for %s get %.300s.", taken->soname, taken->path);
    if (first && !taken)
        add_note(notes, "TensorRT is here, but not where the loader looks: programs other than its own Python package do not "
                        "find it. Put its "
                        "folder into LD_LIBRARY_PATH.");
    for (int i = 0; i < nvidia->n_libraries && taken; i++) {
        const yk__library *plugin = &nvidia->libraries[i];
        if (plugin->kind != YK__LIBRARY_TENSORRT_PLUGIN || !plugin->taken) continue;
        if (*plugin->version && *taken->version && strcmp(plugin->version, taken->version) != 0)
            add_note(notes, "libnvinfer (%s) and libnvinfer_plugin (%s) that the loader takes are of different versions.",
                     taken->version, plugin->version);
        break;
    }
}

/* A runtime of a later CUDA than the driver serves stops at error 35. Within one major release any minor one works. */
static void note_cuda(note_list *notes, const yk__nvidia *nvidia) {
    for (int i = 0; i < nvidia->n_libraries && *nvidia->newest_cuda; i++) {
        const yk__library *library = &nvidia->libraries[i];
        if (library->kind != YK__LIBRARY_CUDA_RUNTIME || !library->taken) continue;
        if (atoi(library->version) > atoi(nvidia->newest_cuda))
            add_note(notes, "%s is of CUDA %s, and driver %s serves CUDA up to %s: install a newer driver or an older CUDA.",
                     library->soname, library->version, nvidia->driver, nvidia->newest_cuda);
    }
}

static bool hides_all(const char *visible) {
    return visible &&
           (*visible == 0 || strcmp(visible, "-1") == 0 || strcmp(visible, "none") == 0 || strcmp(visible, "void") == 0);
}

static void add_notes(yk__report *report, const yk__machine_view *view, const yk__nvidia *nvidia, const char *container,
                      int n_nodes) {
    note_list notes = {report, yk__fact_list(report, NULL, "notes")};
    bool gpu = nvidia->n_gpus > 0;
    if (gpu && !*nvidia->driver && !*nvidia->board)
        add_note(&notes, "An NVIDIA GPU is on the bus, and no NVIDIA driver is loaded.");
    if (gpu && n_nodes == 0 && container)
        add_note(&notes, "A GPU, and no /dev/nvidia* in this container: start it with --gpus all, or give the pod a GPU.");
    else if (gpu && *nvidia->driver && n_nodes == 0)
        add_note(&notes, "The driver is loaded, and there is no /dev/nvidia*: CUDA sees no GPU until nvidia-modprobe or a "
                         "reboot makes them.");
    if (hides_all(yk__view_variable(view, "CUDA_VISIBLE_DEVICES"))) add_note(&notes, "CUDA_VISIBLE_DEVICES hides every GPU.");
    note_cuda(&notes, nvidia);
    note_tensorrt(&notes, nvidia);
}

static void add_build(yk__report *report, const char *build_features) {
    yk__fact *facts = yk__fact_object(report, NULL, "yolk");
    if (!facts) return;
    yk__fact_text(report, facts, "version", YK__VERSION_STRING);
    yk__fact *list = yk__fact_list(report, facts, "features");
    for (const char *at = build_features; list && at && *at;) {
        size_t n = strcspn(at, " \n");
        if (n) yk__fact_text_n(report, list, NULL, at, n);
        at += n + strspn(at + n, " \n");
    }
}

void yk__machine_facts_of(yk__report *report, const char *build_features, const yk__machine_view *view) {
    yk__report_init(report, NULL, 0);
    const char *container = container_kind(view);
    add_build(report, build_features);
    add_cpu(report);
    add_memory(report, view);
    add_system(report, view);
    add_container(report, view, container);
    add_environment(report, view);
    yk__nvidia *nvidia = yk__alloc(sizeof *nvidia);
    char(*nodes)[YK__PATH_SIZE] = yk__alloc_array(MAX_NODES, sizeof *nodes);
    if (nvidia && nodes) {
        int n_nodes = find_nodes(view, nodes);
        yk__nvidia_find(view, nvidia);
        add_gpus(report, nvidia);
        add_driver(report, nvidia, nodes, n_nodes);
        add_libraries(report, nvidia, "tensorrt", YK__LIBRARY_TENSORRT, YK__LIBRARY_TENSORRT_PLUGIN);
        add_libraries(report, nvidia, "cuda", YK__LIBRARY_CUDA_DRIVER, YK__LIBRARY_CUBLAS);
        add_libraries(report, nvidia, "cudnn", YK__LIBRARY_CUDNN, YK__LIBRARY_CUDNN);
        add_notes(report, view, nvidia, container, n_nodes);
    } else {
        report->incomplete = true;
    }
    yk__free(nodes);
    yk__free(nvidia);
}

void yk__machine_facts(yk__report *report, const char *build_features) {
    yk__machine_facts_of(report, build_features, &(yk__machine_view){.root = ""});
}
