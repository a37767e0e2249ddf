/* Libraries of CUDA, cuDNN and TensorRT: on the loader's path in its order, in Python environments, in the usual other places.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "inspect/loader_cache.h"
#include "inspect/nvidia.h"

static const char *const bases[YK__LIBRARY_KINDS] = {"libnvinfer.so", "libnvinfer_plugin.so", "libcuda.so",
                                                     "libcudart.so",  "libcublas.so",         "libcudnn.so"};

typedef struct search {
    const yk__machine_view *view;
    yk__nvidia *out;
    yk__library_place place;
    int folders_left; /* how many folders may still be listed */
} search;

/* A made-up home or a PATH of thousands must not make doctor slow. */
enum { MAX_FOLDERS = 400, MAX_NAMES = 20000, MAX_CACHE = 8 << 20, MAX_FOUND = 64 };

/* ---- one library ---- */

/* The kind of "libnvinfer.so.8.6.1"; KINDS when it is none of these. */
static yk__library_kind kind_of(const char *name) {
    for (int kind = 0; kind < YK__LIBRARY_KINDS; kind++) {
        size_t n = strlen(bases[kind]);
        if (strncmp(name, bases[kind], n) != 0) continue;
        if (name[n] == 0 || (name[n] == '.' && name[n + 1 + strspn(name + n + 1, "0123456789.")] == 0 && name[n + 1]))
            return (yk__library_kind)kind;
    }
    return YK__LIBRARY_KINDS;
}

static const char *suffix_of(const char *name, yk__library_kind kind) {
    const char *end = name + strlen(bases[kind]);
    return *end == '.' ? end + 1 : "";
}

static int n_parts(const char *version) {
    int n = *version != 0;
    for (; *version; version++) n += *version == '.';
    return n;
}

/* The longest number that the name or the links behind it show: libnvinfer.so.8 -> libnvinfer.so.8.6.1. */
static void read_version(const yk__machine_view *view, const char *folder, const char *name, yk__library *out) {
    char current[128], path[YK__PATH_SIZE], target[128];
    snprintf(out->version, sizeof out->version, "%.31s", suffix_of(name, out->kind));
    snprintf(current, sizeof current, "%.127s", name);
    for (int i = 0; i < 5; i++) {
        int n = snprintf(path, sizeof path, "%s/%s", folder, current);
        if (n >= (int)sizeof path || !yk__view_link(view, path, target, sizeof target)) return;
        if (kind_of(target) != out->kind) return;
        const char *version = suffix_of(target, out->kind);
        if (n_parts(version) > n_parts(out->version)) snprintf(out->version, sizeof out->version, "%.31s", version);
        memcpy(current, target, sizeof current);
    }
}

/* What programs ask for: the name with the first part of the version, "libnvinfer.so.8"; of the driver always 1, and of the
 * runtime before CUDA 12 two parts, "libcudart.so.11.0". */
static void set_soname(yk__library *library) {
    char version[sizeof library->version];
    memcpy(version, library->version, sizeof version);
    size_t n = strcspn(version, ".");
    if (library->kind == YK__LIBRARY_CUDA_RUNTIME && atoi(version) < 12 && version[n] == '.')
        n += 1 + strcspn(version + n + 1, ".");
    if (library->kind == YK__LIBRARY_CUDA_DRIVER) {
        n = 1;
        version[0] = '1';
    }
    snprintf(library->soname, sizeof library->soname, "%s%s%.*s", bases[library->kind], n ? "." : "", (int)n, version);
}

static yk__library *find_same(yk__nvidia *out, const uint64_t identity[2], yk__library_kind kind) {
    for (int i = 0; i < out->n_libraries; i++)
        if (out->libraries[i].kind == kind && !memcmp(out->libraries[i].identity, identity, sizeof out->libraries[i].identity))
            return &out->libraries[i];
    return NULL;
}

/* Loaders take the first that has the soname. */
static bool is_first_of_soname(const yk__nvidia *out, const char *soname) {
    for (int i = 0; i < out->n_libraries; i++)
        if (out->libraries[i].taken && strcmp(out->libraries[i].soname, soname) == 0) return false;
    return true;
}

static void add_library(search *s, const char *folder, const char *name) {
    yk__library library = {.kind = kind_of(name), .place = s->place};
    if (library.kind == YK__LIBRARY_KINDS) return;
    int n = snprintf(library.path, sizeof library.path, "%s/%s", folder, name);
    if (n >= (int)sizeof library.path || !yk__view_identity(s->view, library.path, library.identity)) return;
    read_version(s->view, folder, name, &library);
    set_soname(&library);
    yk__library *same = find_same(s->out, library.identity, library.kind);
    if (same) { /* another name of one that is listed; the fuller version counts */
        if (n_parts(library.version) > n_parts(same->version)) memcpy(same->version, library.version, sizeof same->version);
        return;
    }
    if (s->out->n_libraries == YK__MAX_LIBRARIES) return;
    library.taken = s->place <= YK__PLACE_LOADER_DEFAULT && is_first_of_soname(s->out, library.soname);
    s->out->libraries[s->out->n_libraries++] = library;
}

/* ---- folders ---- */

typedef struct names {
    char list[MAX_FOUND][96];
    int n;
} names;

static void keep_name(void *user, const char *name) {
    names *found = user;
    if (kind_of(name) != YK__LIBRARY_KINDS && found->n < MAX_FOUND && strlen(name) < sizeof found->list[0])
        strcpy(found->list[found->n++], name);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(a, b);
}

/* Sorted, so that "libnvinfer.so.8" comes before "libnvinfer.so.8.6.1" and names the entry. */
static void search_folder(search *s, const char *folder) {
    names found = {.n = 0};
    if (s->folders_left-- <= 0) return;
    yk__view_list(s->view, folder, MAX_NAMES, keep_name, &found);
    qsort(found.list, (size_t)found.n, sizeof *found.list, compare_names);
    for (int i = 0; i < found.n; i++) add_library(s, folder, found.list[i]);
}

/* Folders of `parent` that begin with `prefix`, each with `rest` behind it. */
static void search_matching(search *s, const char *parent, const char *prefix, const char *rest) {
    char folders[16][YK__PATH_SIZE], path[YK__PATH_SIZE];
    int n = yk__view_matching(s->view, parent, prefix, folders, 16);
    for (int i = 0; i < n; i++)
        if (snprintf(path, sizeof path, "%s%s", folders[i], rest) < (int)sizeof path) search_folder(s, path);
}

/* ---- the loader's own order: ld.so(8) ---- */

static void search_variable(search *s, const char *list) {
    char folder[YK__PATH_SIZE];
    s->place = YK__PLACE_LD_LIBRARY_PATH;
    while (list && *list) {
        size_t n = strcspn(list, ":;");
        if (n > 1 && n < sizeof folder) { /* an empty one is the working folder, which says nothing about the machine */
            memcpy(folder, list, n);
            folder[n] = 0;
            while (n > 1 && folder[n - 1] == '/') folder[--n] = 0;
            search_folder(s, folder);
        }
        list += strcspn(list, ":;");
        list += *list != 0;
    }
}

static void add_cached(void *user, const char *soname, const char *path) {
    search *s = user;
    char folder[YK__PATH_SIZE];
    const char *name = yk__basename(path);
    size_t n = (size_t)(name - path);
    (void)soname;
    if (n < 2 || n > sizeof folder) return;
    memcpy(folder, path, n - 1);
    folder[n - 1] = 0;
    add_library(s, folder, name);
}

static void search_cache(search *s) {
    char *bytes = yk__alloc(MAX_CACHE);
    if (!bytes) return;
    s->place = YK__PLACE_LOADER_CACHE;
    size_t n = yk__view_read(s->view, "/etc/ld.so.cache", bytes, MAX_CACHE);
    yk__loader_cache_read((const uint8_t *)bytes, n, add_cached, s);
    yk__free(bytes);
}

static const char *const multiarch[] = {"x86_64-linux-gnu", "aarch64-linux-gnu"};

static void search_defaults(search *s) {
    static const char *const folders[] = {"/lib64", "/usr/lib64", "/lib", "/usr/lib"};
    char path[64];
    s->place = YK__PLACE_LOADER_DEFAULT;
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/lib/%s", multiarch[i]);
        search_folder(s, path);
        snprintf(path, sizeof path, "/usr/lib/%s", multiarch[i]);
        search_folder(s, path);
    }
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) search_folder(s, folders[i]);
}

/* ---- Python environments ---- */

/* Version of a wheel: the folder "tensorrt_cu12_libs-10.3.0.dist-info" beside the libraries. */
static void read_wheel_version(const yk__machine_view *view, const char *site, yk__library *library) {
    char found[32][YK__PATH_SIZE];
    int n = yk__view_matching(view, site, "tensorrt", found, 32);
    for (int i = 0; i < n; i++) {
        const char *name = yk__basename(found[i]), *dash = strchr(name, '-');
        if (!dash || !yk__ends_with(name, ".dist-info")) continue;
        size_t digits = strspn(dash + 1, "0123456789.");
        char version[32] = "";
        if (digits && dash[digits] == '.') digits--; /* the dot of ".dist-info" */
        if (digits == 0 || digits >= sizeof version) continue;
        memcpy(version, dash + 1, digits);
        size_t major = strcspn(library->version, ".");
        bool fits = !*library->version ||
                    (strncmp(version, library->version, major) == 0 && (version[major] == '.' || !version[major]));
        if (fits && n_parts(version) > n_parts(library->version)) memcpy(library->version, version, sizeof version);
    }
}

static void search_site(search *s, const char *site) {
    static const char *const folders[] = {"tensorrt_libs",           "tensorrt",         "tensorrt_lean_libs",
                                          "tensorrt_dispatch_libs",  "nvidia/cudnn/lib", "nvidia/cublas/lib",
                                          "nvidia/cuda_runtime/lib", "nvidia/cu13/lib"};
    char path[YK__PATH_SIZE];
    int before = s->out->n_libraries;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (snprintf(path, sizeof path, "%s/%s", site, folders[i]) < (int)sizeof path && yk__view_exists(s->view, path))
            search_folder(s, path);
    for (int i = before; i < s->out->n_libraries; i++) {
        yk__library *library = &s->out->libraries[i];
        if (library->kind == YK__LIBRARY_TENSORRT || library->kind == YK__LIBRARY_TENSORRT_PLUGIN) {
            read_wheel_version(s->view, site, library);
            set_soname(library);
        }
    }
}

/* PREFIX/lib/python3.N/{site,dist}-packages */
static void search_prefix(search *s, const char *prefix) {
    static const char *const libs[] = {"lib", "lib64"}, *const sites[] = {"site-packages", "dist-packages"};
    char lib[YK__PATH_SIZE], versions[8][YK__PATH_SIZE], site[YK__PATH_SIZE];
    if (!prefix || !*prefix || strlen(prefix) > YK__PATH_SIZE / 2 || s->folders_left <= 0) return;
    for (int l = 0; l < 2; l++) {
        snprintf(lib, sizeof lib, "%s/%s", prefix, libs[l]);
        int n = yk__view_matching(s->view, lib, "python3", versions, 8);
        s->folders_left--;
        for (int i = 0; i < 2 * n; i++)
            if (snprintf(site, sizeof site, "%s/%s", versions[i / 2], sites[i % 2]) < (int)sizeof site &&
                yk__view_exists(s->view, site))
                search_site(s, site);
    }
}

static void search_prefixes(search *s, const char *parent, const char *prefix) {
    char found[16][YK__PATH_SIZE];
    int n = yk__view_matching(s->view, parent, prefix, found, 16);
    for (int i = 0; i < n; i++) search_prefix(s, found[i]);
}

static void search_home(search *s, const char *home) {
    static const char *const inside[] = {".local", "venv", ".venv", "miniconda3", "anaconda3", "miniforge3"};
    static const char *const parents[] = {".pyenv/versions", ".virtualenvs", "miniconda3/envs", "anaconda3/envs",
                                          "miniforge3/envs"};
    char path[YK__PATH_SIZE];
    if (!home || !*home || strlen(home) > YK__PATH_SIZE / 2) return;
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        snprintf(path, sizeof path, "%s/%s", home, inside[i]);
        search_prefix(s, path);
    }
    for (size_t i = 0; i < sizeof parents / sizeof *parents; i++) {
        snprintf(path, sizeof path, "%s/%s", home, parents[i]);
        search_prefixes(s, path, "");
    }
}

static void search_python(search *s) {
    s->place = YK__PLACE_PYTHON;
    search_prefix(s, yk__view_variable(s->view, "VIRTUAL_ENV"));
    search_prefix(s, yk__view_variable(s->view, "CONDA_PREFIX"));
    search_home(s, yk__view_variable(s->view, "HOME"));
    search_prefix(s, "/usr/local");
    search_site(s, "/usr/lib/python3/dist-packages");
    search_prefix(s, "/usr");
    search_prefixes(s, "/opt", "venv");
    search_prefixes(s, "/opt", "conda");
    search_prefixes(s, "/opt", "miniconda");
    search_prefixes(s, "/opt/conda/envs", "");
}

/* ---- other places ---- */

static void search_others(search *s) {
    const char *home = yk__view_variable(s->view, "HOME");
    s->place = YK__PLACE_OTHER;
    search_matching(s, "/usr/local", "cuda", "/lib64");
    search_matching(s, "/usr/local", "TensorRT", "/lib");
    search_matching(s, "/usr/local", "tensorrt", "/lib");
    search_matching(s, "/opt", "TensorRT", "/lib");
    search_matching(s, "/opt", "tensorrt", "/lib");
    if (home && *home && strlen(home) < YK__PATH_SIZE / 2) search_matching(s, home, "TensorRT", "/lib");
    search_folder(s, "/usr/lib/aarch64-linux-gnu/tegra");
    search_folder(s, "/usr/lib/aarch64-linux-gnu/nvidia");
    search_folder(s, "/usr/lib/wsl/lib");
    search_folder(s, "/opt/tritonserver/lib");
    search_folder(s, "/usr/local/nvidia/lib64");
}

/* ---- the fourth part of TensorRT's version ---- */

/* The number that a line "#define NAME number" gives; -1. Later headers say NV_TENSORRT_x = TRT_x_ENTERPRISE. */
static int defined(const char *text, const char *part) {
    char lines[2][64];
    snprintf(lines[0], sizeof lines[0], "#define NV_TENSORRT_%s ", part);
    snprintf(lines[1], sizeof lines[1], "#define TRT_%s_ENTERPRISE ", part);
    for (int i = 0; i < 2; i++)
        for (const char *at = text; (at = strstr(at, lines[i])) != NULL; at++) {
            const char *number = at + strlen(lines[i]);
            number += strspn(number, " ");
            if (*number >= '0' && *number <= '9') return atoi(number);
        }
    return -1;
}

/* A header beside the library names the build too: "8.6.1" becomes "8.6.1.6" where the first parts agree. */
static void read_header(const yk__machine_view *view, const char *path, yk__library *library) {
    static const char *const parts[] = {"MAJOR", "MINOR", "PATCH", "BUILD"};
    char text[4096], version[32];
    int numbers[4];
    if (n_parts(library->version) >= 4 || !yk__view_read(view, path, text, sizeof text)) return;
    for (int i = 0; i < 4; i++) {
        numbers[i] = defined(text, parts[i]);
        if (numbers[i] < 0 || numbers[i] > 9999) return;
    }
    snprintf(version, sizeof version, "%d.%d.%d.%d", numbers[0], numbers[1], numbers[2], numbers[3]);
    size_t known = strlen(library->version);
    if (strncmp(version, library->version, known) == 0 && version[known] == '.')
        memcpy(library->version, version, sizeof version);
}

static void read_builds(search *s) {
    char path[YK__PATH_SIZE + 64];
    for (int i = 0; i < s->out->n_libraries; i++) {
        yk__library *library = &s->out->libraries[i];
        if (library->kind > YK__LIBRARY_TENSORRT_PLUGIN || library->place == YK__PLACE_PYTHON) continue;
        size_t folder = (size_t)(yk__basename(library->path) - library->path);
        snprintf(path, sizeof path, "%.*s../include/NvInferVersion.h", (int)folder, library->path);
        read_header(s->view, path, library);
        read_header(s->view, "/usr/include/NvInferVersion.h", library);
        for (int m = 0; m < 2; m++) {
            snprintf(path, sizeof path, "/usr/include/%s/NvInferVersion.h", multiarch[m]);
            read_header(s->view, path, library);
        }
    }
}

void yk__nvidia_find_libraries(const yk__machine_view *view, yk__nvidia *out) {
    search s = {.view = view, .out = out, .folders_left = MAX_FOLDERS};
    search_variable(&s, yk__view_variable(view, "LD_LIBRARY_PATH"));
    search_cache(&s);
    search_defaults(&s);
    search_python(&s);
    search_others(&s);
    read_builds(&s);
}
