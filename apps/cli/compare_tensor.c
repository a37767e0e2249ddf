/* Tensors number by number. */
#include "compare.h"

#include <math.h>
#include <string.h>

static bool has_numbers(yk_dtype dtype) {
    return dtype == YK_F32 || dtype == YK_F64 || dtype == YK_U8 || dtype == YK_I8 || dtype == YK_I32 || dtype == YK_I64 ||
           dtype == YK_BOOL;
}

static double number_at(const yk_tensor *t, size_t i) {
    switch (t->dtype) {
    case YK_F32: return (double)((const float *)t->data)[i];
    case YK_F64: return ((const double *)t->data)[i];
    case YK_I8: return ((const int8_t *)t->data)[i];
    case YK_I32: return ((const int32_t *)t->data)[i];
    case YK_I64: return (double)((const int64_t *)t->data)[i];
    default: return ((const uint8_t *)t->data)[i];
    }
}

static bool same_shape(const yk_tensor *a, const yk_tensor *b, size_t *n) {
    *n = 1;
    if (a->rank != b->rank) return false;
    for (int d = 0; d < a->rank; d++) {
        if (a->dim[d] != b->dim[d] || a->dim[d] < 0) return false;
        *n *= (size_t)a->dim[d];
    }
    return true;
}

static void name_place(const yk_tensor *t, size_t i, char out[128]) {
    size_t index[8] = {0}, used = 1;
    for (int d = t->rank - 1; d >= 0; d--) {
        index[d] = i % (size_t)t->dim[d];
        i /= (size_t)t->dim[d];
    }
    strcpy(out, "[");
    for (int d = 0; d < t->rank && used < 100; d++)
        used += (size_t)snprintf(out + used, 128 - used, "%s%zu", d ? "," : "", index[d]);
    snprintf(out + used, 128 - used, "]");
}

static double difference(double a, double b) {
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b) ? 0 : INFINITY;
    return a == b ? 0 : fabs(a - b); /* equal infinities are equal */
}

bool compare_tensors(const yk_tensor *a, const yk_tensor *b, double tolerance, compare_difference *out) {
    size_t n, worst = 0;
    double largest = 0;
    *out = (compare_difference){0};
    if (!has_numbers(a->dtype) || !has_numbers(b->dtype) || !same_shape(a, b, &n)) return false;
    for (size_t i = 0; i < n; i++) {
        double x = number_at(a, i), y = number_at(b, i), d = difference(x, y);
        if (d > out->worst) {
            out->worst = d;
            worst = i;
        }
        if (isfinite(x)) largest = fmax(largest, fabs(x));
        if (isfinite(y)) largest = fmax(largest, fabs(y));
    }
    out->n = n;
    out->relative = out->worst > 0 ? out->worst / fmax(largest, 1) : 0;
    out->equal = out->relative <= tolerance;
    if (n > 0) {
        out->a = number_at(a, worst);
        out->b = number_at(b, worst);
        name_place(a, worst, out->where);
    }
    return true;
}
