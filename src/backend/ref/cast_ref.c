/* Cast between all element types. Integers wrap; floats go to integers by truncation, saturating at the type's range, NaN to 0
 * (ONNX leaves both open); floats narrow by rounding to nearest even, once. Anything but zero is true. */
#include <math.h>

#include "backend/ref/ops_ref.h"

/* A double as the float from which rounding on to half or bfloat gives the same as rounding the double directly: inexact
 * values get an odd last bit, so that the second rounding never meets a tie that is none. */
static float float_for_narrowing(double x) {
    float f = (float)x;
    if (isnan(x) || isinf(f) || (double)f == x) return f;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    if (bits & 1u) return f;
    if (fabs((double)f) > fabs(x))
        bits--; /* rounded away from zero: step back to the odd neighbour */
    else
        bits++;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static double float_element(const yk__tensor *in, int64_t i) {
    switch (in->dtype) {
    case YK__DTYPE_F32: return (double)((const float *)in->data)[i];
    case YK__DTYPE_F64: return ((const double *)in->data)[i];
    case YK__DTYPE_F16: return (double)yk__half_to_float(((const uint16_t *)in->data)[i]);
    default: return (double)yk__bf16_to_float(((const uint16_t *)in->data)[i]);
    }
}

/* Truncated into an integer of `bits` bits; the result holds it modulo 2^64. */
static uint64_t truncated(double x, int bits, bool is_signed) {
    const double high = ldexp(1, bits - is_signed), low = is_signed ? -high : 0;
    const uint64_t most = UINT64_MAX >> (64 - bits + is_signed);
    if (isnan(x)) return 0;
    if (x >= high) return most;
    if (x <= low) return is_signed ? 0 - (most + 1) : 0;
    return x < 0 ? 0 - (uint64_t)-x : (uint64_t)x;
}

typedef struct cast_job {
    const yk__tensor *in, *out;
} cast_job;

#define SIGNED_CASE(ident, type) \
    case YK__DTYPE_##ident: \
        for (int64_t i = begin; i < end; i++) \
            ((type *)out->data)[i] = (type)truncated(float_element(in, i), 8 * (int)sizeof(type), true); \
        break;
#define UNSIGNED_CASE(ident, type) \
    case YK__DTYPE_##ident: \
        for (int64_t i = begin; i < end; i++) \
            ((type *)out->data)[i] = (type)truncated(float_element(in, i), 8 * (int)sizeof(type), false); \
        break;

static void from_floats(const yk__tensor *in, const yk__tensor *out, int64_t begin, int64_t end) {
    switch (out->dtype) {
        YK__REF_SIGNED(SIGNED_CASE)
        YK__REF_UNSIGNED(UNSIGNED_CASE)
    case YK__DTYPE_F32:
        for (int64_t i = begin; i < end; i++) ((float *)out->data)[i] = (float)float_element(in, i);
        break;
    case YK__DTYPE_F64:
        for (int64_t i = begin; i < end; i++) ((double *)out->data)[i] = float_element(in, i);
        break;
    case YK__DTYPE_F16:
        for (int64_t i = begin; i < end; i++)
            ((uint16_t *)out->data)[i] = yk__float_to_half(float_for_narrowing(float_element(in, i)));
        break;
    case YK__DTYPE_BF16:
        for (int64_t i = begin; i < end; i++)
            ((uint16_t *)out->data)[i] = yk__float_to_bf16(float_for_narrowing(float_element(in, i)));
        break;
    default:
        for (int64_t i = begin; i < end; i++) ((uint8_t *)out->data)[i] = float_element(in, i) != 0;
        break;
    }
}

#define INTEGER_CASE(ident, type) \
    case YK__DTYPE_##ident: \
        for (int64_t i = begin; i < end; i++) ((type *)out->data)[i] = (type)yk__ref_integer(in, i); \
        break;

/* u64 beyond 2^63 reads as a negative number: its own way to floating point. */
static double integer_as_double(const yk__tensor *in, int64_t i) {
    return in->dtype == YK__DTYPE_U64 ? (double)((const uint64_t *)in->data)[i] : (double)yk__ref_integer(in, i);
}

static void from_integers(const yk__tensor *in, const yk__tensor *out, int64_t begin, int64_t end) {
    switch (out->dtype) {
        YK__REF_INTEGERS(INTEGER_CASE)
    case YK__DTYPE_F32:
        for (int64_t i = begin; i < end; i++)
            ((float *)out->data)[i] =
                in->dtype == YK__DTYPE_U64 ? (float)((const uint64_t *)in->data)[i] : (float)yk__ref_integer(in, i);
        break;
    case YK__DTYPE_F64:
        for (int64_t i = begin; i < end; i++) ((double *)out->data)[i] = integer_as_double(in, i);
        break;
    case YK__DTYPE_F16: /* integers that a double cannot hold are far beyond a half's range */
        for (int64_t i = begin; i < end; i++)
            ((uint16_t *)out->data)[i] = yk__float_to_half(float_for_narrowing(integer_as_double(in, i)));
        break;
    case YK__DTYPE_BF16:
        for (int64_t i = begin; i < end; i++)
            ((uint16_t *)out->data)[i] = yk__float_to_bf16(float_for_narrowing(integer_as_double(in, i)));
        break;
    default:
        for (int64_t i = begin; i < end; i++) ((uint8_t *)out->data)[i] = yk__ref_integer(in, i) != 0;
        break;
    }
}

static void cast_range(void *argument, int64_t begin, int64_t end) {
    const cast_job *job = argument;
    if (job->in->dtype == job->out->dtype && job->in->dtype != YK__DTYPE_BOOL) {
        const size_t size = yk__dtype_size(job->in->dtype);
        memcpy((uint8_t *)job->out->data + (size_t)begin * size, (const uint8_t *)job->in->data + (size_t)begin * size,
               (size_t)(end - begin) * size);
    } else if (yk__dtype_is_float(job->in->dtype)) {
        from_floats(job->in, job->out, begin, end);
    } else {
        from_integers(job->in, job->out, begin, end);
    }
}

yk__code yk__ref_cast(const yk__ref_call *call, yk__error *err) {
    (void)err;
    cast_job job = {&call->in[0], &call->out[0]};
    yk__ref_ranges(call, yk__ref_count(&call->out[0].shape), YK__REF_GRAIN, cast_range, &job);
    return YK__OK;
}
