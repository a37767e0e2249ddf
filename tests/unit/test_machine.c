/* Made-up machines: trees of /proc, /sys, /etc and libraries in a folder, and what is found in them. */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "inspect/check.h"
#include "inspect/loader_cache.h"
#include "inspect/machine.h"
#include "inspect/nvidia.h"
#include "support/make_plan.h"

/* ---- a machine ---- */

static char root[64];

static void make_folders(char *path) {
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0777);
        *slash = '/';
    }
}

static void put_bytes(const char *path, const void *bytes, size_t n) {
    char full[1024];
    snprintf(full, sizeof full, "%s%s", root, path);
    make_folders(full);
    FILE *file = fopen(full, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static void put(const char *path, const char *text) {
    put_bytes(path, text, strlen(text));
}

/* A library is told by its name alone; its bytes differ so that inodes do not matter. */
static void put_library(const char *path, const char *link_name) {
    char full[1024];
    put(path, path);
    if (!link_name) return;
    snprintf(full, sizeof full, "%s%.*s%s", root, (int)(strrchr(path, '/') + 1 - path), path, link_name);
    assert_int_equal(symlink(strrchr(path, '/') + 1, full), 0);
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where) {
    (void)about, (void)kind, (void)where;
    return remove(path);
}

static int begin(void **state) {
    (void)state;
    snprintf(root, sizeof root, "/tmp/yolk-machine-XXXXXX");
    return mkdtemp(root) ? 0 : 1;
}

static int end(void **state) {
    (void)state;
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* An ld.so.cache of these names and paths, behind an older table when `old`. */
static size_t make_cache(uint8_t *out, const char *const *pairs, int n, bool old) {
    size_t start = 0;
    if (old) {
        memcpy(out, "ld.so-1.7.0\0\0\0\0\0", 16);
        start = 16;
    }
    uint8_t *at = out + start;
    memset(at, 0, 48 + 24 * (size_t)n);
    memcpy(at, "glibc-ld.so.cache1.1", 20);
    at[20] = (uint8_t)n;
    size_t strings = 48 + 24 * (size_t)n;
    for (int i = 0; i < 2 * n; i++) {
        uint8_t *field = at + 48 + 24 * (i / 2) + (i % 2 ? 8 : 4);
        field[0] = (uint8_t)strings;
        field[1] = (uint8_t)(strings >> 8);
        strcpy((char *)at + strings, pairs[i]);
        strings += strlen(pairs[i]) + 1;
    }
    return start + strings;
}

static const char *const no_environment[] = {NULL};

static yk__nvidia *find(const char *const *environment) {
    yk__nvidia *found = yk__alloc(sizeof *found);
    assert_non_null(found);
    yk__nvidia_find(&(yk__machine_view){.root = root, .environment = environment}, found);
    return found;
}

static const yk__library *library_at(const yk__nvidia *found, const char *path) {
    for (int i = 0; i < found->n_libraries; i++)
        if (strcmp(found->libraries[i].path, path) == 0) return &found->libraries[i];
    fail_msg("%s was not found", path);
    return NULL;
}

/* The machine's facts as text; free with yk__text_free. */
static yk__text describe(const char *const *environment) {
    yk__report report;
    yk__text text = {0};
    yk__machine_facts_of(&report, "png", &(yk__machine_view){.root = root, .environment = environment});
    assert_false(report.incomplete);
    yk__machine_text(&report, &text);
    yk__report_free(&report);
    return text;
}

static void expect_note(const char *const *environment, const char *words, bool wanted) {
    yk__text text = describe(environment);
    if ((strstr(text.data, words) != NULL) != wanted) fail_msg("'%s' %s in:\n%s", words, wanted ? "is not" : "is", text.data);
    yk__text_free(&text);
}

static const char model_3090[] =
    "Model: \t\t NVIDIA GeForce RTX 3090\nIRQ:   \t\t 77\nGPU UUID: \t GPU-0\nBus Location: \t 0000:01:00.0\n";
static const char driver_535[] = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\n"
                                 "GCC version:  gcc version 12.3.0 (Ubuntu)\n";

/* ---- tests ---- */

static void test_names(void **state) {
    (void)state;
    static const char *const known[][2] = {{"NVIDIA GeForce RTX 3090", "8.6"},
                                           {"NVIDIA GeForce RTX 4090 D", "8.9"},
                                           {"NVIDIA GeForce RTX 3080 Ti Laptop GPU", "8.6"},
                                           {"NVIDIA GeForce GTX 1080 Ti", "6.1"},
                                           {"NVIDIA GeForce GTX 1650", "7.5"},
                                           {"NVIDIA GeForce RTX 5070 Ti", "12.0"},
                                           {"NVIDIA A100-SXM4-80GB", "8.0"},
                                           {"NVIDIA A10G", "8.6"},
                                           {"NVIDIA A10", "8.6"},
                                           {"NVIDIA H200", "9.0"},
                                           {"NVIDIA H100 80GB HBM3", "9.0"},
                                           {"Tesla V100-SXM2-16GB", "7.0"},
                                           {"Tesla T4", "7.5"},
                                           {"NVIDIA L40S", "8.9"},
                                           {"NVIDIA RTX A6000", "8.6"},
                                           {"NVIDIA RTX 6000 Ada Generation", "8.9"},
                                           {"Quadro RTX 8000", "7.5"},
                                           {"NVIDIA TITAN V", "7.0"},
                                           {"NVIDIA TITAN RTX", "7.5"},
                                           {"Quadro P4000", "6.1"},
                                           {"NVIDIA Jetson Orin Nano Developer Kit", "8.7"},
                                           {"NVIDIA Jetson Nano Developer Kit", "5.3"},
                                           {"NVIDIA Jetson Xavier NX Developer Kit", "7.2"},
                                           {"Tesla P40", "6.1"},
                                           {"NVIDIA B200", "10.0"},
                                           {"NVIDIA RTX PRO 6000 Blackwell", "12.0"},
                                           {"Tesla P100-PCIE-16GB", "6.0"},
                                           {"NVIDIA GB10", "12.1"},
                                           {"NVIDIA T1000", "7.5"},
                                           {"NVIDIA A30", "8.0"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const char *compute = yk__gpu_compute(known[i][0]);
        if (!compute || strcmp(compute, known[i][1]) != 0) fail_msg("%s: %s", known[i][0], compute ? compute : "none");
    }
    assert_null(yk__gpu_compute(""));
    assert_null(yk__gpu_compute("NVIDIA Graphics Device"));
    assert_null(yk__gpu_compute("AMD Radeon RX 7900"));
    assert_null(yk__gpu_compute("NVIDIA A3000 something")); /* no line of the table; no part of a word counts */
}

static void test_gpus(void **state) {
    (void)state;
    put("/proc/driver/nvidia/version", driver_535);
    put("/proc/driver/nvidia/gpus/0000:01:00.0/information", model_3090);
    put("/proc/driver/nvidia/gpus/0000:41:00.0/information", "Model: \t\t Tesla T4\nBus Location: \t 0000:41:00.0\n");
    static const char *const devices[][4] = {{"0000:01:00.0", "0x10de", "0x030000", "0x2204"}, /* named by the driver already */
                                             {"0000:01:00.1", "0x10de", "0x040300", "0x1aef"}, /* its sound */
                                             {"0000:02:00.0", "0x8086", "0x030000", "0x3e92"},
                                             {"0000:61:00.0", "0x10de", "0x030200", "0x2684"}};
    for (int i = 0; i < 4; i++) {
        static const char *const files[] = {"vendor", "class", "device"};
        for (int k = 0; k < 3; k++) {
            char path[128], value[16];
            snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/%s", devices[i][0], files[k]);
            snprintf(value, sizeof value, "%s\n", devices[i][k + 1]);
            put(path, value);
        }
    }
    yk__nvidia *found = find(no_environment);
    assert_string_equal(found->driver, "535.104.05");
    assert_string_equal(found->newest_cuda, "12.2");
    assert_int_equal(found->n_gpus, 3);
    assert_string_equal(found->gpus[0].name, "NVIDIA GeForce RTX 3090");
    assert_string_equal(found->gpus[0].compute, "8.6");
    assert_string_equal(found->gpus[1].bus, "0000:41:00.0");
    assert_string_equal(found->gpus[1].compute, "7.5");
    assert_string_equal(found->gpus[2].name, "");
    assert_string_equal(found->gpus[2].compute, "8.9");
    yk__free(found);
    put("/proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  560.28.03  Release Build\n");
    found = find(no_environment);
    assert_string_equal(found->driver, "560.28.03");
    assert_string_equal(found->newest_cuda, "12.6");
    yk__free(found);
}

static void test_jetson(void **state) {
    (void)state;
    put_bytes("/proc/device-tree/model", "NVIDIA Jetson Orin Nano Developer Kit", 38);
    put("/etc/nv_tegra_release", "# R35 (release), REVISION: 4.1, GCID: 33958178, BOARD: t186ref, EABI: aarch64\n");
    put_library("/usr/lib/aarch64-linux-gnu/libnvinfer.so.8.5.2", "libnvinfer.so.8");
    put("/usr/include/aarch64-linux-gnu/NvInferVersion.h", "#define NV_TENSORRT_MAJOR 8 //!< major\n#define NV_TENSORRT_MINOR "
                                                           "5\n#define NV_TENSORRT_PATCH 2\n#define NV_TENSORRT_BUILD 2\n");
    put("/dev/nvmap", "");
    yk__nvidia *found = find(no_environment);
    assert_string_equal(found->board, "NVIDIA Jetson Orin Nano Developer Kit");
    assert_string_equal(found->tegra, "35.4.1");
    assert_int_equal(found->n_gpus, 1);
    assert_string_equal(found->gpus[0].compute, "8.7");
    const yk__library *library = library_at(found, "/usr/lib/aarch64-linux-gnu/libnvinfer.so.8");
    assert_string_equal(library->version, "8.5.2.2");
    assert_true(library->taken);
    assert_int_equal(found->n_libraries, 1); /* two names, one library */
    yk__free(found);
    expect_note(no_environment, "no NVIDIA driver is loaded", false); /* Jetson's is another */
}

/* apt's 8.6.1 on the loader's path, a tarball elsewhere, a wheel in a virtual environment */
static void test_libraries(void **state) {
    (void)state;
    uint8_t cache[2048];
    static const char *const pairs[] = {
        "libnvinfer.so.8",   "/lib/x86_64-linux-gnu/libnvinfer.so.8",        "libm.so.6",    "/lib/x86_64-linux-gnu/libm.so.6",
        "libcudart.so.11.0", "/usr/local/cuda-11.8/lib64/libcudart.so.11.0", "libgone.so.1", "/nowhere/libcudnn.so.8"};
    put_library("/lib/x86_64-linux-gnu/libnvinfer.so.8.6.1", "libnvinfer.so.8");
    put_library("/usr/local/cuda-11.8/lib64/libcudart.so.11.8.89", "libcudart.so.11.0");
    put_bytes("/etc/ld.so.cache", cache, make_cache(cache, pairs, 4, true));
    put("/usr/include/x86_64-linux-gnu/NvInferVersion.h", "#define NV_TENSORRT_MAJOR 8\n#define NV_TENSORRT_MINOR 6\n"
                                                          "#define NV_TENSORRT_PATCH 1\n#define NV_TENSORRT_BUILD 6\n");
    put_library("/opt/TensorRT-8.2.1.8/lib/libnvinfer.so.8.2.1", "libnvinfer.so.8");
    put("/opt/TensorRT-8.2.1.8/include/NvInferVersion.h", "#define NV_TENSORRT_MAJOR 8\n#define NV_TENSORRT_MINOR 2\n"
                                                          "#define NV_TENSORRT_PATCH 1\n#define NV_TENSORRT_BUILD 8\n");
    put("/home/u/venv/lib/python3.10/site-packages/tensorrt_libs/libnvinfer.so.10", "a");
    put("/home/u/venv/lib/python3.10/site-packages/tensorrt_cu12_libs-10.3.0.dist-info/METADATA", "");
    put("/home/u/venv/lib/python3.10/site-packages/nvidia/cudnn/lib/libcudnn.so.9", "b");
    put("/home/u/venv/lib/python3.10/site-packages/tensorrt_libs/libnvinfer_builder_resource.so.10.3.0",
        "c"); /* none of ours */
    const char *const environment[] = {"HOME=/home/u", "PATH=/bin", NULL};
    yk__nvidia *found = find(environment);
    const yk__library *apt = library_at(found, "/lib/x86_64-linux-gnu/libnvinfer.so.8");
    assert_string_equal(apt->version, "8.6.1.6");
    assert_string_equal(apt->soname, "libnvinfer.so.8");
    assert_int_equal(apt->place, YK__PLACE_LOADER_CACHE);
    assert_true(apt->taken);
    const yk__library *tarball = library_at(found, "/opt/TensorRT-8.2.1.8/lib/libnvinfer.so.8");
    assert_string_equal(tarball->version, "8.2.1.8");
    assert_int_equal(tarball->place, YK__PLACE_OTHER);
    assert_false(tarball->taken);
    const yk__library *wheel = library_at(found, "/home/u/venv/lib/python3.10/site-packages/tensorrt_libs/libnvinfer.so.10");
    assert_string_equal(wheel->version, "10.3.0");
    assert_string_equal(wheel->soname, "libnvinfer.so.10");
    assert_int_equal(wheel->place, YK__PLACE_PYTHON);
    const yk__library *cudart = library_at(found, "/usr/local/cuda-11.8/lib64/libcudart.so.11.0");
    assert_string_equal(cudart->version, "11.8.89");
    assert_true(cudart->taken);
    assert_int_equal(library_at(found, "/home/u/venv/lib/python3.10/site-packages/nvidia/cudnn/lib/libcudnn.so.9")->kind,
                     YK__LIBRARY_CUDNN);
    assert_int_equal(found->n_libraries, 5);
    yk__free(found);
    expect_note(environment, "More than one version of TensorRT", true);
    expect_note(environment, "Programs that ask the loader for libnvinfer.so.8 get /lib/x86_64-linux-gnu/libnvinfer.so.8.",
                true);

    /* LD_LIBRARY_PATH goes first, and names what it holds */
    const char *const path[] = {"LD_LIBRARY_PATH=:/nowhere:/opt/TensorRT-8.2.1.8/lib/", NULL};
    found = find(path);
    assert_true(library_at(found, "/opt/TensorRT-8.2.1.8/lib/libnvinfer.so.8")->taken);
    assert_int_equal(found->libraries[0].place, YK__PLACE_LD_LIBRARY_PATH);
    assert_false(library_at(found, "/lib/x86_64-linux-gnu/libnvinfer.so.8")->taken);
    yk__free(found);

    /* the same library by two roads is one */
    const char *const activated[] = {"HOME=/home/u", "VIRTUAL_ENV=/home/u/venv", NULL};
    found = find(activated);
    assert_int_equal(found->n_libraries, 5);
    yk__free(found);
}

static void test_notes(void **state) {
    (void)state;
    static const char *const hidden[] = {"CUDA_VISIBLE_DEVICES=-1", NULL}, *const shown[] = {"CUDA_VISIBLE_DEVICES=0", NULL};
    expect_note(hidden, "CUDA_VISIBLE_DEVICES hides", true);
    expect_note(shown, "CUDA_VISIBLE_DEVICES hides", false);
    put("/sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n");
    put("/sys/bus/pci/devices/0000:01:00.0/class", "0x030000\n");
    put("/sys/bus/pci/devices/0000:01:00.0/device", "0x2204\n");
    expect_note(no_environment, "no NVIDIA driver is loaded", true);
    put("/proc/driver/nvidia/version", driver_535);
    expect_note(no_environment, "no NVIDIA driver is loaded", false);
    expect_note(no_environment, "there is no /dev/nvidia*", true);
    put("/.dockerenv", "");
    put("/proc/self/mountinfo",
        "1 2 0:1 / / rw\n3 1 0:2 / /usr/bin/nvidia-smi ro\n4 1 0:2 / /usr/lib/libcuda.so.535.104.05 ro\n5 1 0:3 / /x rw");
    expect_note(no_environment, "--gpus all", true);
    expect_note(no_environment, "nvidia_mounts           2\n", true);
    put("/dev/nvidia0", "");
    expect_note(no_environment, "--gpus all", false);
    put("/opt/TensorRT-10.3.0.26/lib/libnvinfer.so.10.3.0", "x");
    expect_note(no_environment, "not where the loader looks", true);
    put("/usr/lib/libnvinfer.so.10.3.0", "y");
    expect_note(no_environment, "not where the loader looks", false);
    put("/usr/lib/libnvinfer_plugin.so.10.1.0", "z");
    expect_note(no_environment, "libnvinfer (10.3.0) and libnvinfer_plugin (10.1.0)", true);
    put("/usr/lib/libcudart.so.12", "c");
    expect_note(no_environment, "serves CUDA up to", false);
    put("/usr/lib/libcudart.so.13", "d");
    expect_note(no_environment, "libcudart.so.13 is of CUDA 13, and driver 535.104.05 serves CUDA up to 12.2", true);
    put("/sys/fs/cgroup/memory.max", "536870912\n");
    expect_note(no_environment, "limit_bytes             536870912\n", true);
}

static void test_containers(void **state) {
    (void)state;
    static const char *const kube[] = {"KUBERNETES_SERVICE_HOST=10.0.0.1", NULL}, *const nspawn[] = {"container=lxc", NULL};
    expect_note(no_environment, "inside                  no", true);
    expect_note(kube, "kind                    kubernetes", true);
    expect_note(nspawn, "kind                    container", true);
    put("/proc/1/cgroup", "0::/system.slice/docker-0123.scope\n");
    expect_note(no_environment, "kind                    docker", true);
    put("/run/.containerenv", "");
    expect_note(no_environment, "kind                    podman", true);
}

/* Pipes, loops of links, folders in place of files, thousands of names: nothing blocks, nothing overflows. */
static void test_hostile(void **state) {
    (void)state;
    char full[1024];
    put("/proc/driver/nvidia/keep", "");
    snprintf(full, sizeof full, "%s/proc/driver/nvidia/version", root);
    assert_int_equal(mkfifo(full, 0666), 0);
    snprintf(full, sizeof full, "%s/proc/driver/nvidia/gpus", root);
    assert_int_equal(symlink("gpus", full), 0);
    put("/etc/ld.so.cache/folder", "");
    for (int i = 0; i < 120; i++) {
        snprintf(full, sizeof full, "/usr/lib/libnvinfer.so.%d.%d.0", i % 7, i);
        put(full, "x");
        snprintf(full, sizeof full, "/opt/venv%d/lib/python3.8/site-packages/tensorrt_libs/libnvinfer.so.%d", i, i);
        put(full, "x");
    }
    snprintf(full, sizeof full, "%s/usr/lib/libcudnn.so.9", root);
    assert_int_equal(symlink("libcudnn.so.9", full), 0);
    put("/usr/lib/libnvinfer.so.1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21", "x");
    put("/usr/lib/libnvinfer.so.8\n.1", "x");
    put("/usr/lib/libnvinfer.sophie", "x");
    yk__nvidia *found = find(no_environment);
    assert_string_equal(found->driver, "");
    assert_int_equal(found->n_gpus, 0);
    assert_in_range(found->n_libraries, 20, YK__MAX_LIBRARIES);
    for (int i = 0; i < found->n_libraries; i++) assert_null(strstr(found->libraries[i].path, "sophie"));
    yk__free(found);
    char *longest = malloc(200000);
    assert_non_null(longest);
    strcpy(longest, "LD_LIBRARY_PATH=");
    memset(longest + 16, 'a', 199980);
    for (int i = 2000; i < 199980; i += 3) longest[i] = ':';
    longest[199990] = 0;
    const char *const environment[] = {longest, "HOME=relative", NULL};
    yk__free(find(environment));
    free(longest);
    yk__text text = describe(no_environment);
    assert_null(strstr(text.data, "8\n.1"));
    yk__text_free(&text);
}

static void count_entry(void *user, const char *soname, const char *path) {
    size_t *n = user;
    *n += strlen(soname) + strlen(path) > 0;
}

/* Every prefix, every byte changed: no step outside (AddressSanitizer sees it), no endless loop. */
static void test_cache_damage(void **state) {
    (void)state;
    uint8_t cache[2048];
    static const char *const pairs[] = {"libnvinfer.so.8", "/lib/libnvinfer.so.8", "libcudart.so.12", "/lib/libcudart.so.12"};
    for (int old = 0; old < 2; old++) {
        size_t n = make_cache(cache, pairs, 2, old), found = 0;
        yk__loader_cache_read(cache, n, count_entry, &found);
        assert_int_equal(found, 2);
        for (size_t cut = 0; cut < n; cut++) {
            uint8_t *copy = malloc(cut ? cut : 1);
            assert_non_null(copy);
            memcpy(copy, cache, cut);
            yk__loader_cache_read(copy, cut, count_entry, &found);
            free(copy);
        }
        uint8_t *copy = malloc(n);
        assert_non_null(copy);
        for (size_t i = 0; i < n; i++)
            for (int value = 0; value < 256; value += 5) {
                memcpy(copy, cache, n);
                copy[i] = (uint8_t)value;
                yk__loader_cache_read(copy, n, count_entry, &found);
            }
        free(copy);
    }
}

/* The real machine: something comes, and twice the same. */
static void test_here(void **state) {
    (void)state;
    yk__report report;
    yk__text text = {0};
    yk__machine_facts(&report, "png jpeg");
    yk__machine_text(&report, &text);
    assert_non_null(strstr(text.data, "png jpeg"));
    assert_non_null(yk__fact_get(&report.facts, "tensorrt"));
    yk__text_free(&text);
    yk__report_free(&report);
}

/* ---- plans on a made-up machine ---- */

static void check_plan(plan_layout layout, yk__report *report) {
    made_plan plan;
    char path[128];
    yk__error err;
    make_plan_of(&plan, &plan_specs[layout]);
    put_bytes("/models/a.plan", plan.bytes, plan.n);
    snprintf(path, sizeof path, "%s/models/a.plan", root);
    yk__check_options options = {.view = &(yk__machine_view){.root = root, .environment = no_environment}};
    assert_int_equal(yk__check_file(path, &options, report, &err), YK__OK);
}

static void test_plans_here(void **state) {
    (void)state;
    yk__report report;
    check_plan(PLAN_86, &report); /* nothing is here: nothing is held against the plan */
    assert_int_equal(report.verdict, YK__VERDICT_FOREIGN);
    assert_true(yk__report_has(&report, YK__FINDING_LIBRARY_NOT_FOUND));
    assert_true(yk__report_has(&report, YK__FINDING_CUDA_NO_DEVICE));
    yk__report_free(&report);
    put("/proc/driver/nvidia/gpus/0000:01:00.0/information", "Model: \t\t NVIDIA GeForce RTX 4090\n");
    put_library("/usr/lib/x86_64-linux-gnu/libnvinfer.so.8.6.1", "libnvinfer.so.8");
    check_plan(PLAN_86, &report);
    assert_int_equal(report.verdict, YK__VERDICT_FOREIGN);
    assert_false(yk__report_has(&report, YK__FINDING_LIBRARY_NOT_FOUND));
    yk__report_free(&report);
    check_plan(PLAN_82, &report);
    assert_int_equal(report.verdict, YK__VERDICT_INVALID);
    assert_int_equal(report.findings[0].id, YK__FINDING_OLDER_PLAN_ON_NEWER_RUNTIME);
    assert_true(yk__report_has(&report, YK__FINDING_COMPUTE_CAPABILITY_MISMATCH));
    yk__report_free(&report);
    /* a second TensorRT: programs get the first, the plan needs the other */
    put("/usr/lib/python3/dist-packages/tensorrt_libs/libnvinfer.so.10", "x");
    put("/usr/lib/python3/dist-packages/tensorrt_libs-10.6.0.dist-info/METADATA", "x");
    check_plan(PLAN_10_WEIGHTS, &report);
    assert_true(yk__report_has(&report, YK__FINDING_TWO_TENSORRT_INSTALLED));
    assert_false(yk__report_has(&report, YK__FINDING_EXACT_VERSION_MISMATCH));
    assert_int_equal(report.verdict, YK__VERDICT_INVALID); /* of compute capability 8.6, and the GPU has 8.9 */
    yk__report_free(&report);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plans_here, begin, end),
        cmocka_unit_test(test_names),
        cmocka_unit_test_setup_teardown(test_gpus, begin, end),
        cmocka_unit_test_setup_teardown(test_jetson, begin, end),
        cmocka_unit_test_setup_teardown(test_libraries, begin, end),
        cmocka_unit_test_setup_teardown(test_notes, begin, end),
        cmocka_unit_test_setup_teardown(test_containers, begin, end),
        cmocka_unit_test_setup_teardown(test_hostile, begin, end),
        cmocka_unit_test(test_cache_damage),
        cmocka_unit_test(test_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
