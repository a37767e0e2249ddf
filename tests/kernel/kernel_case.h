/* One kernel on one node, without a plan: operands are laid out here, inside guarded memory, so that a test sees everything a
 * kernel writes, and a bench times nothing else. */
#ifndef YK_TESTS_KERNEL_CASE_H
#define YK_TESTS_KERNEL_CASE_H

#include "backend/backend.h"

#define KERNEL_CASE_OPERANDS 12

typedef struct kernel_case {
    /* the caller's */
    yk__graph graph; /* holds the node; constants are graph constants */
    int32_t node;
    const float *data[KERNEL_CASE_OPERANDS]; /* PLAIN elements of each input that is not constant */
    bool dense;
    yk__network_input input; /* for ImageInput and what is fused with it: used when data[0] is NULL */
    int32_t maker;           /* node to offer for fusing, or -1 */
    yk__head_params params;
    yk__candidates *candidates;
    int32_t extra_halo;                  /* added to what the kernel asks, on every blocked operand */
    int32_t blocks_before, blocks_after; /* neighbours of every blocked operand in its buffer */
    /* made by kernel_case_prepare */
    yk__need need;
    yk__step step;
    yk__exec exec;
    yk__inferred facts[2 * KERNEL_CASE_OPERANDS];
    yk__operand operands[2 * KERNEL_CASE_OPERANDS];
    size_t begin[2 * KERNEL_CASE_OPERANDS], bytes[2 * KERNEL_CASE_OPERANDS]; /* of each operand's buffer, without guards */
    void *packed;
    uint8_t *memory, *before;
    size_t memory_bytes;
    yk__arena arena;
} kernel_case;

/* An empty case with a graph to fill. */
void kernel_case_init(kernel_case *c);
/* Values and the node, in the order of the node's operands. */
int32_t kernel_case_input(kernel_case *c, int rank, const int64_t *dim, const float *data);
int32_t kernel_case_constant(kernel_case *c, int rank, const int64_t *dim, const float *data);
/* The same in bf16; data are still floats, rounded here (they are given as bf16 can hold them). */
int32_t kernel_case_input_bf16(kernel_case *c, int rank, const int64_t *dim, const float *data);
int32_t kernel_case_constant_bf16(kernel_case *c, int rank, const int64_t *dim, const float *data);
/* Shapes of outputs are inferred; name the number of outputs. */
yk__node *kernel_case_node(kernel_case *c, yk__op op, const int32_t *in, int n_in, int n_out);
/* Asks the kernel and lays everything out. 1: ready; 0: the kernel does not accept; -1: a failure, text in err. */
int kernel_case_prepare(kernel_case *c, const yk__backend *backend, const yk__kernel *kernel, yk__pool *pool, yk__error *err);
yk__code kernel_case_run(kernel_case *c, yk__error *err);
/* Output i as PLAIN elements (of its dtype, bf16 as floats; count through *count); free with free(). */
void *kernel_case_output(const kernel_case *c, int i, int64_t *count);
/* What the kernel did outside its outputs and scratch: NULL when nothing, else a text (static). Blocked outputs must have a
 * zero halo and zero unused lanes. */
const char *kernel_case_damage(const kernel_case *c);
/* Frees what prepare made (release) or everything (free). */
void kernel_case_release(kernel_case *c);
void kernel_case_free(kernel_case *c);

#endif
