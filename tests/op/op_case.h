/* One operator at a time through shape inference and the ref backend, for tests: inputs in, operator run, outputs compared. */
#ifndef YK_TESTS_OP_CASE_H
#define YK_TESTS_OP_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backend/backend.h"

#define OP_CASE_OPERANDS 16

typedef struct op_case {
    yk__graph graph; /* holds the node and all memory */
    yk__node *node;
    yk__tensor in[OP_CASE_OPERANDS], out[OP_CASE_OPERANDS];
    int n_in;
    yk__error err;
} op_case;

/* Shapes are texts: "2x3", "" for a scalar, "0x4" for an empty tensor. */
void op_begin(op_case *c, yk__op op);
void op_end(op_case *c);
void op_input(op_case *c, yk__dtype dtype, const char *shape, const void *elements); /* copied */
void op_absent(op_case *c);
void op_int(op_case *c, const char *name, int64_t value);
void op_float(op_case *c, const char *name, double value);
void op_text(op_case *c, const char *name, const char *value);
void op_ints(op_case *c, const char *name, int n, const int64_t *values);
void op_floats(op_case *c, const char *name, int n, const double *values);

/* Infers and evaluates; the code of the first that fails. */
yk__code op_try(op_case *c, int n_out);
/* The same, must succeed. */
void op_run(op_case *c, int n_out);
/* Must fail with this code, from inference or from the operator. */
void op_fails(op_case *c, int n_out, yk__code code);

/* Dtype, shape and elements of an output; floats within `bound` of what is expected, NaN equal to NaN. */
void op_expect_floats(const op_case *c, int output, const char *shape, double bound, const float *want);
void op_expect(const op_case *c, int output, yk__dtype dtype, const char *shape, const void *want);

#define OP_F32(c, shape, ...)  op_input(c, YK__DTYPE_F32, shape, (const float[]){__VA_ARGS__})
#define OP_I64(c, shape, ...)  op_input(c, YK__DTYPE_I64, shape, (const int64_t[]){__VA_ARGS__})
#define OP_I32(c, shape, ...)  op_input(c, YK__DTYPE_I32, shape, (const int32_t[]){__VA_ARGS__})
#define OP_U8(c, shape, ...)   op_input(c, YK__DTYPE_U8, shape, (const uint8_t[]){__VA_ARGS__})
#define OP_BOOL(c, shape, ...) op_input(c, YK__DTYPE_BOOL, shape, (const uint8_t[]){__VA_ARGS__})
#define OP_INTS(c, name, ...) \
    op_ints(c, name, (int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__})
#define OP_FLOATS(c, name, ...) \
    op_floats(c, name, (int)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double)), (const double[]){__VA_ARGS__})

#define EXPECT_F32(c, output, shape, bound, ...) op_expect_floats(c, output, shape, bound, (const float[]){__VA_ARGS__})
#define EXPECT_I64(c, output, shape, ...)        op_expect(c, output, YK__DTYPE_I64, shape, (const int64_t[]){__VA_ARGS__})
#define EXPECT_I32(c, output, shape, ...)        op_expect(c, output, YK__DTYPE_I32, shape, (const int32_t[]){__VA_ARGS__})
#define EXPECT_U8(c, output, shape, ...)         op_expect(c, output, YK__DTYPE_U8, shape, (const uint8_t[]){__VA_ARGS__})
#define EXPECT_BOOL(c, output, shape, ...)       op_expect(c, output, YK__DTYPE_BOOL, shape, (const uint8_t[]){__VA_ARGS__})

/* The same numbers on every machine: uniform in -1 .. 1. */
float op_random(uint32_t *seed);

#endif
