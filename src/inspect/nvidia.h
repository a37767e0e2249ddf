/* What of NVIDIA's is on a machine: GPUs, driver, and the libraries of CUDA, cuDNN and TensorRT, each with its version and
 * whether the loader would take it. All from names, links and texts: no library is loaded, no driver is called, no program
 * runs. */
#ifndef YK_INSPECT_NVIDIA_H
#define YK_INSPECT_NVIDIA_H

#include "base/status.h"
#include "inspect/machine_view.h"

#define YK__MAX_GPUS      16
#define YK__MAX_LIBRARIES 96

typedef struct yk__gpu {
    char name[96];   /* "NVIDIA GeForce RTX 3090"; "" where only the bus tells */
    char bus[16];    /* "0000:01:00.0", "" for boards with the GPU inside */
    char compute[8]; /* "8.6", read off the name or the PCI number: likely; "" where not known */
} yk__gpu;

typedef enum yk__library_kind {
    YK__LIBRARY_TENSORRT,        /* libnvinfer.so */
    YK__LIBRARY_TENSORRT_PLUGIN, /* libnvinfer_plugin.so */
    YK__LIBRARY_CUDA_DRIVER,     /* libcuda.so */
    YK__LIBRARY_CUDA_RUNTIME,    /* libcudart.so */
    YK__LIBRARY_CUBLAS,
    YK__LIBRARY_CUDNN,
    YK__LIBRARY_KINDS
} yk__library_kind;

typedef enum yk__library_place {
    YK__PLACE_LD_LIBRARY_PATH,
    YK__PLACE_LOADER_CACHE,   /* /etc/ld.so.cache */
    YK__PLACE_LOADER_DEFAULT, /* /usr/lib and its kin */
    YK__PLACE_PYTHON,         /* a Python environment: its own packages load it themselves */
    YK__PLACE_OTHER           /* a usual place that the loader does not search */
} yk__library_place;

typedef struct yk__library {
    yk__library_kind kind;
    yk__library_place place;
    char path[YK__PATH_SIZE];
    char soname[48];  /* "libnvinfer.so.8": what programs ask for */
    char version[32]; /* "8.6.1.6", "10"; "" where the name says nothing */
    bool taken;       /* the loader takes this one for programs that ask for its soname */
    uint64_t identity[2];
} yk__library;

typedef struct yk__nvidia {
    yk__gpu gpus[YK__MAX_GPUS];
    int n_gpus;
    char driver[24];                          /* "535.104.05", "" */
    char newest_cuda[8];                      /* that this driver serves, likely; "" */
    char tegra[32];                           /* release of Linux for Tegra, "35.4.1", "" */
    char board[96];                           /* "NVIDIA Jetson Orin Nano Developer Kit", "" */
    yk__library libraries[YK__MAX_LIBRARIES]; /* in the order of the loader, then Python's, then others */
    int n_libraries;
} yk__nvidia;

/* Fills out, which is large: allocate it. Finds what it can; nothing is an error. */
void yk__nvidia_find(const yk__machine_view *view, yk__nvidia *out);

/* Parts of it. */
void yk__nvidia_find_gpus(const yk__machine_view *view, yk__nvidia *out);
void yk__nvidia_find_libraries(const yk__machine_view *view, yk__nvidia *out);
/* "8.6" for a GPU's or board's name, NULL when it is not known. */
const char *yk__gpu_compute(const char *name);

#endif
