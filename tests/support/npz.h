/* Reads arrays out of NumPy's .npz files, for tests: f32, i32 and u8, C order. */
#ifndef YK_TESTS_SUPPORT_NPZ_H
#define YK_TESTS_SUPPORT_NPZ_H

#include <stddef.h>
#include <stdint.h>

typedef struct npz_array {
    char type; /* 'f', 'i' or 'u' */
    int rank;
    int64_t dim[8];
    size_t count;
    void *data; /* from malloc */
} npz_array;

/* The array `name` ("output0") of the file; 0 on success, -1 when the file or the array is not there or not understood. */
int npz_read(const char *path, const char *name, npz_array *out);
void npz_free(npz_array *array);

#endif
