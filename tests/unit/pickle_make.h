/* Pickles written opcode by opcode. */
#ifndef YK_TESTS_UNIT_PICKLE_MAKE_H
#define YK_TESTS_UNIT_PICKLE_MAKE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct pickle_make {
    uint8_t *bytes;
    size_t n, capacity;
} pickle_make;

static inline void p_put(pickle_make *p, const void *bytes, size_t n) {
    if (p->n + n > p->capacity) {
        p->capacity = 2 * (p->n + n);
        p->bytes = realloc(p->bytes, p->capacity);
        if (!p->bytes) abort();
    }
    if (n > 0) memcpy(p->bytes + p->n, bytes, n);
    p->n += n;
}

/* Opcodes without an argument, one per character. */
static inline void p_ops(pickle_make *p, const char *ops) {
    p_put(p, ops, strlen(ops));
}

static inline void p_op(pickle_make *p, int op) {
    p_put(p, (uint8_t[]){(uint8_t)op}, 1);
}

static inline void p_begin(pickle_make *p) {
    p->n = 0;
    p_put(p, "\x80\x02", 2);
}

static inline void p_u32(pickle_make *p, uint32_t v) {
    p_put(p, (uint8_t[]){(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)}, 4);
}

static inline void p_str(pickle_make *p, const char *text) {
    p_op(p, 'X');
    p_u32(p, (uint32_t)strlen(text));
    p_put(p, text, strlen(text));
}

static inline void p_int(pickle_make *p, int32_t v) {
    p_op(p, 'J');
    p_u32(p, (uint32_t)v);
}

static inline void p_float(pickle_make *p, double v) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    p_op(p, 'G');
    for (int i = 7; i >= 0; i--) p_op(p, (int)(bits >> (8 * i) & 0xff));
}

static inline void p_global(pickle_make *p, const char *module, const char *name) {
    p_op(p, 'c');
    p_put(p, module, strlen(module));
    p_op(p, '\n');
    p_put(p, name, strlen(name));
    p_op(p, '\n');
}

/* A tuple of integers. */
static inline void p_ints(pickle_make *p, const int *values, int n) {
    p_op(p, '(');
    for (int i = 0; i < n; i++) p_int(p, values[i]);
    p_op(p, 't');
}

/* torch._utils._rebuild_tensor_v2((storage), offset, size, stride, False, {}) */
static inline void p_tensor(pickle_make *p, const char *storage_class, const char *key, int numel, int offset, const int *size,
                            const int *stride, int rank) {
    p_global(p, "torch._utils", "_rebuild_tensor_v2");
    p_ops(p, "((");
    p_str(p, "storage");
    p_global(p, "torch", storage_class);
    p_str(p, key);
    p_str(p, "cpu");
    p_int(p, numel);
    p_ops(p, "tQ");
    p_int(p, offset);
    p_ints(p, size, rank);
    p_ints(p, stride, rank);
    p_put(p, "\x89}", 2);
    p_ops(p, "tR");
}

static inline void pickle_make_free(pickle_make *p) {
    free(p->bytes);
    *p = (pickle_make){0};
}

#endif
