/* GPUs and driver, from /proc, /sys and /etc. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "inspect/nvidia.h"

/* ---- names to compute capability ---- */

static const struct {
    const char *words, *compute;
} gpus[] = {
#define YK__GPU(words_, compute_) {(words_), (compute_)},
#include "inspect/gpus.def"
#undef YK__GPU
};

static bool is_word(char c) {
    return isalnum((unsigned char)c);
}

static bool words_at(const char *at, const char *words) {
    for (; *words; words++, at++) {
        bool same = *words == '#' ? isdigit((unsigned char)*at) : tolower((unsigned char)*at) == tolower((unsigned char)*words);
        if (!*at || !same) return false;
    }
    return !is_word(*at);
}

static bool has_words(const char *name, const char *words) {
    for (const char *at = name; *at; at++)
        if ((at == name || !is_word(at[-1])) && words_at(at, words)) return true;
    return false;
}

const char *yk__gpu_compute(const char *name) {
    for (size_t i = 0; i < sizeof gpus / sizeof *gpus; i++)
        if (has_words(name, gpus[i].words)) return gpus[i].compute;
    return NULL;
}

/* PCI device numbers by chip, as https://pci-ids.ucw.cz lists them under vendor 10de: for GPUs that no driver names. */
static const char *compute_of_device(unsigned device) {
    static const struct {
        unsigned first, last;
        const char *compute;
    } chips[] = {{0x15f0, 0x15ff, "6.0"}, {0x1b00, 0x1d7f, "6.1"}, {0x1d80, 0x1dff, "7.0"},  {0x1e00, 0x1fff, "7.5"},
                 {0x2080, 0x20ff, "8.0"}, {0x2180, 0x21ff, "7.5"}, {0x2200, 0x22ff, "8.6"},  {0x2300, 0x23ff, "9.0"},
                 {0x2400, 0x25ff, "8.6"}, {0x2680, 0x28ff, "8.9"}, {0x2900, 0x293f, "10.0"}, {0x2b80, 0x2dff, "12.0"}};
    for (size_t i = 0; i < sizeof chips / sizeof *chips; i++)
        if (device >= chips[i].first && device <= chips[i].last) return chips[i].compute;
    return NULL;
}

/* ---- GPUs ---- */

static void copy(char *out, size_t size, const char *text, size_t n) {
    if (n >= size) n = yk__utf8_prefix(text, size - 1);
    memcpy(out, text, n);
    out[n] = 0;
}

/* The value behind "Label:" of a text of lines. */
static bool labelled(const char *text, const char *label, char *out, size_t size) {
    const char *at = strstr(text, label);
    if (!at) return false;
    at += strlen(label);
    at += strspn(at, " \t:");
    copy(out, size, at, strcspn(at, "\r\n"));
    return *out != 0;
}

static yk__gpu *add_gpu(yk__nvidia *out, const char *name, const char *bus, const char *compute) {
    for (int i = 0; i < out->n_gpus; i++)
        if (*bus && strcmp(out->gpus[i].bus, bus) == 0) return NULL; /* the driver has named it already */
    if (out->n_gpus == YK__MAX_GPUS) return NULL;
    yk__gpu *gpu = &out->gpus[out->n_gpus++];
    *gpu = (yk__gpu){0};
    copy(gpu->name, sizeof gpu->name, name, strlen(name));
    copy(gpu->bus, sizeof gpu->bus, bus, strlen(bus));
    if (compute) copy(gpu->compute, sizeof gpu->compute, compute, strlen(compute));
    return gpu;
}

enum { MAX_DEVICES = 256 };

/* /proc/driver/nvidia/gpus/BUS/information, written by the driver. */
static void find_named(const yk__machine_view *view, yk__nvidia *out) {
    char folders[YK__MAX_GPUS][YK__PATH_SIZE], path[YK__PATH_SIZE + 16], text[2048], name[96];
    int n = yk__view_matching(view, "/proc/driver/nvidia/gpus", "", folders, YK__MAX_GPUS);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%.1023s/information", folders[i]);
        if (yk__view_read(view, path, text, sizeof text) == 0 || !labelled(text, "Model", name, sizeof name)) continue;
        add_gpu(out, name, yk__basename(folders[i]), yk__gpu_compute(name));
    }
}

static unsigned read_hex(const yk__machine_view *view, const char *folder, const char *file) {
    char path[YK__PATH_SIZE + 16], text[32];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    return yk__view_read(view, path, text, sizeof text) ? (unsigned)strtoul(text, NULL, 16) : 0;
}

typedef struct device_list {
    char buses[MAX_DEVICES][16];
    int n;
} device_list;

static void add_device(void *user, const char *name) {
    device_list *list = user;
    if (list->n < MAX_DEVICES && strlen(name) < sizeof list->buses[0]) strcpy(list->buses[list->n++], name);
}

static int compare_buses(const void *a, const void *b) {
    return strcmp(a, b);
}

/* The PCI bus, where also GPUs without a driver are. Numbers there come from the kernel's memory, not from the device. */
static void find_on_bus(const yk__machine_view *view, yk__nvidia *out) {
    device_list list = {.n = 0};
    yk__view_list(view, "/sys/bus/pci/devices", 4096, add_device, &list);
    qsort(list.buses, (size_t)list.n, sizeof *list.buses, compare_buses);
    for (int i = 0; i < list.n; i++) {
        char folder[64];
        snprintf(folder, sizeof folder, "/sys/bus/pci/devices/%s", list.buses[i]);
        if (read_hex(view, folder, "vendor") != 0x10de) continue;
        unsigned class = read_hex(view, folder, "class") >> 8; /* 0300 VGA, 0302 3D controller */
        if (class == 0x0300 || class == 0x0302)
            add_gpu(out, "", list.buses[i], compute_of_device(read_hex(view, folder, "device")));
    }
}

/* ---- Jetson ---- */

static void find_board(const yk__machine_view *view, yk__nvidia *out) {
    char text[256], major[8], revision[16];
    if (yk__view_read(view, "/proc/device-tree/model", text, sizeof text) && strstr(text, "NVIDIA"))
        copy(out->board, sizeof out->board, text, strcspn(text, "\n"));
    /* "# R35 (release), REVISION: 4.1, ..." */
    if (yk__view_read(view, "/etc/nv_tegra_release", text, sizeof text) &&
        sscanf(text, "# R%7[0-9] (release), REVISION: %15[0-9.]", major, revision) == 2)
        snprintf(out->tegra, sizeof out->tegra, "%s.%s", major, revision);
    const char *compute = *out->board ? yk__gpu_compute(out->board) : NULL;
    if (compute && out->n_gpus == 0) add_gpu(out, out->board, "", compute);
}

/* ---- driver ---- */

/* First word that is digits and dots with at least one dot: "535.104.05". */
static bool find_version(const char *text, char *out, size_t size) {
    for (const char *at = text; *at;) {
        size_t n = strspn(at, "0123456789."), word = strcspn(at, " \t\r\n");
        if (n > 0 && n == word && memchr(at, '.', n) && n < size) {
            copy(out, size, at, n);
            return true;
        }
        at += word;
        at += strspn(at, " \t\r\n");
    }
    return false;
}

/* The newest CUDA that a driver serves: first driver of each toolkit, from the table "CUDA Toolkit and Corresponding Driver
 * Versions" of https://docs.nvidia.com/cuda/cuda-toolkit-release-notes. */
static const char *newest_cuda(const char *driver) {
    static const struct {
        int branch;
        const char *cuda;
    } first[] = {{580, "13.0"}, {575, "12.9"}, {570, "12.8"}, {565, "12.7"}, {560, "12.6"}, {555, "12.5"}, {550, "12.4"},
                 {545, "12.3"}, {535, "12.2"}, {530, "12.1"}, {525, "12.0"}, {520, "11.8"}, {515, "11.7"}, {510, "11.6"},
                 {495, "11.5"}, {470, "11.4"}, {465, "11.3"}, {460, "11.2"}, {455, "11.1"}, {450, "11.0"}, {440, "10.2"},
                 {418, "10.1"}, {410, "10.0"}, {396, "9.2"},  {390, "9.1"},  {384, "9.0"}};
    int branch = atoi(driver);
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        if (branch >= first[i].branch && branch < 590) return first[i].cuda; /* later drivers are not in the table */
    return "";
}

static void find_driver(const yk__machine_view *view, yk__nvidia *out) {
    char text[512];
    if (!yk__view_read(view, "/proc/driver/nvidia/version", text, sizeof text)) return;
    text[strcspn(text, "\n")] = 0; /* the second line is the compiler's */
    if (!find_version(text, out->driver, sizeof out->driver)) return;
    const char *cuda = newest_cuda(out->driver);
    copy(out->newest_cuda, sizeof out->newest_cuda, cuda, strlen(cuda));
}

void yk__nvidia_find_gpus(const yk__machine_view *view, yk__nvidia *out) {
    find_driver(view, out);
    find_named(view, out);
    find_on_bus(view, out);
    find_board(view, out);
}

/* Containers may hide /proc/driver; the driver's own library carries its number too. */
static void driver_from_library(yk__nvidia *out) {
    for (int i = 0; i < out->n_libraries && !*out->driver; i++) {
        const yk__library *library = &out->libraries[i];
        if (library->kind != YK__LIBRARY_CUDA_DRIVER || !strchr(library->version, '.') || atoi(library->version) < 100)
            continue;
        copy(out->driver, sizeof out->driver, library->version, strlen(library->version));
        const char *cuda = newest_cuda(out->driver);
        copy(out->newest_cuda, sizeof out->newest_cuda, cuda, strlen(cuda));
    }
}

void yk__nvidia_find(const yk__machine_view *view, yk__nvidia *out) {
    *out = (yk__nvidia){0};
    yk__nvidia_find_gpus(view, out);
    yk__nvidia_find_libraries(view, out);
    driver_from_library(out);
}
