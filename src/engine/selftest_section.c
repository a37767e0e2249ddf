/* The self test as bytes and back. Running it is src/api's. */
#include "engine/selftest_section.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "engine/engine_format.h"
#include "engine/json_read.h"
#include "engine/json_text.h"

static const char where[] = "section selftest";

/* Recorded elements of an output. */
static bool count_samples(const yk__selftest_output *output, int64_t *n) {
    int64_t count;
    if (!yk__shape_count(&output->shape, &count) || output->first < 0 || count <= output->first || output->step < 1)
        return false;
    *n = (count - output->first - 1) / output->step + 1;
    return true;
}

static yk__code check(const yk__selftest *selftest, yk__error *err) {
    const yk__tensor *input = &selftest->input;
    const yk__shape *shape = &input->shape;
    size_t bytes;
    bool pictures = input->dtype == YK__DTYPE_U8 && shape->rank == 4 && shape->dim[3] == 3;
    bool prepared = input->dtype == YK__DTYPE_F32 && shape->rank == 4;
    if ((!pictures && !prepared) || !yk__tensor_bytes(input->dtype, shape, &bytes) || bytes == 0)
        return yk__fail(err, YK__ARGUMENT, "%s: the input must be u8 N x H x W x 3 or f32 N x C x H x W", where);
    if (!(selftest->tolerance > 0) || !isfinite(selftest->tolerance))
        return yk__fail(err, YK__ARGUMENT, "%s: tolerance %g is not above 0", where, selftest->tolerance);
    if (selftest->n_outputs < 1 || selftest->n_outputs > YK__SELFTEST_MAX_OUTPUTS)
        return yk__fail(err, YK__ARGUMENT, "%s: %d outputs, outside 1..%d", where, selftest->n_outputs,
                        YK__SELFTEST_MAX_OUTPUTS);
    for (int i = 0; i < selftest->n_outputs; i++) {
        const yk__selftest_output *output = &selftest->outputs[i];
        int64_t n;
        if (output->index < 0 || !count_samples(output, &n) || n != output->n)
            return yk__fail(err, YK__ARGUMENT, "%s: output %d does not record every step-th element of its shape", where, i);
    }
    return YK__OK;
}

/* ---- writing ---- */

static uint64_t write_tensor(yk__text *out, uint64_t at, uint64_t bytes) {
    yk__text_printf(out, ",\"at\":%" PRIu64 ",\"bytes\":%" PRIu64 "}", at, bytes);
    return (at + bytes + YK__ENGINE_ALIGN - 1) / YK__ENGINE_ALIGN * YK__ENGINE_ALIGN;
}

/* The text with tensors from `at` on. */
static void write_json(const yk__selftest *selftest, uint64_t at, size_t input_bytes, yk__text *out) {
    yk__text_add(out, "{\"tolerance\":");
    yk__json_real(out, selftest->tolerance);
    yk__text_add(out, ",\n\"input\":{\"dtype\":");
    yk__json_string(out, yk__dtype_name(selftest->input.dtype));
    yk__text_add(out, ",\"shape\":");
    yk__json_ints(out, selftest->input.shape.dim, selftest->input.shape.rank);
    at = write_tensor(out, at, input_bytes);
    yk__text_add(out, ",\n\"outputs\":[");
    for (int i = 0; i < selftest->n_outputs; i++) {
        const yk__selftest_output *output = &selftest->outputs[i];
        yk__text_printf(out, "%s\n{\"index\":%d,\"shape\":", i ? "," : "", output->index);
        yk__json_ints(out, output->shape.dim, output->shape.rank);
        if (output->first > 0) yk__text_printf(out, ",\"first\":%" PRId64, output->first);
        yk__text_printf(out, ",\"step\":%" PRId64, output->step);
        at = write_tensor(out, at, (uint64_t)output->n * sizeof(float));
    }
    yk__text_add(out, "\n]}\n");
}

static void pad(yk__text *out, size_t from) {
    static const char zeros[YK__ENGINE_ALIGN];
    size_t length = out->length - from;
    yk__text_add_n(out, zeros, yk__round_up(length, YK__ENGINE_ALIGN) - length);
}

/* Offsets stand in the text, and the text's length decides the offsets: the text lies in a block of at least twice what it
 * needs with small offsets, which also holds it with large ones. */
yk__code yk__selftest_encode(const yk__selftest *selftest, yk__text *out, yk__error *err) {
    uint8_t length[4];
    size_t input_bytes = 0, start = out->length;
    yk__text json = {0};
    YK__TRY(check(selftest, err));
    if (!yk__tensor_bytes(selftest->input.dtype, &selftest->input.shape, &input_bytes))
        return yk__fail(err, YK__ARGUMENT, "%s: the input has no size", where);
    write_json(selftest, 0, input_bytes, &json);
    uint64_t block = yk__round_up(4 + 2 * json.length, YK__ENGINE_ALIGN);
    yk__text_free(&json);
    write_json(selftest, block, input_bytes, &json);
    yk__put_u32(length, (uint32_t)json.length);
    yk__text_add_n(out, (const char *)length, sizeof length);
    yk__text_add_n(out, yk__text_get(&json), json.length);
    while (!out->failed && !json.failed && out->length - start < block) yk__text_add_char(out, '\0');
    yk__text_add_n(out, selftest->input.data, input_bytes);
    for (int i = 0; i < selftest->n_outputs; i++) {
        pad(out, start);
        yk__text_add_n(out, (const char *)selftest->outputs[i].expected, (size_t)selftest->outputs[i].n * sizeof(float));
    }
    bool failed = json.failed || out->failed;
    yk__text_free(&json);
    return failed ? yk__fail(err, YK__MEMORY, "%s: out of memory", where) : YK__OK;
}

/* ---- reading ---- */

typedef struct reader {
    const uint8_t *bytes;
    size_t n;
} reader;

static yk__code read_shape(const json_t *object, yk__shape *shape, yk__error *err) {
    const json_t *array;
    YK__TRY(yk__json_get_array(object, "shape", YK__MAX_RANK, where, &array, err));
    shape->rank = (int32_t)json_array_size(array);
    for (int i = 0; i < shape->rank; i++) {
        shape->dim[i] = json_integer_value(json_array_get(array, (size_t)i));
        if (shape->dim[i] < 1) return yk__fail(err, YK__FORMAT, "%s: \"shape\" holds something else than sizes", where);
    }
    return YK__OK;
}

/* A tensor of exactly `wanted` bytes. */
static yk__code read_place(const reader *r, const json_t *object, size_t wanted, const void **data, yk__error *err) {
    int64_t at, bytes;
    YK__TRY(yk__json_get_int(object, "at", 0, INT64_MAX, where, &at, err));
    YK__TRY(yk__json_get_int(object, "bytes", 0, INT64_MAX, where, &bytes, err));
    if ((uint64_t)bytes != wanted || at % YK__ENGINE_ALIGN || (uint64_t)at > r->n || (uint64_t)bytes > r->n - (uint64_t)at)
        return yk__fail(err, YK__FORMAT, "%s: a tensor lies outside the section or does not fit its shape", where);
    *data = r->bytes + at;
    return YK__OK;
}

static yk__code read_input(const reader *r, const json_t *object, yk__tensor *input, yk__error *err) {
    const char *dtype;
    const void *data;
    size_t bytes;
    YK__TRY(yk__json_get_string(object, "dtype", where, &dtype, err));
    input->dtype = yk__dtype_from_name(dtype);
    YK__TRY(read_shape(object, &input->shape, err));
    if (!yk__tensor_bytes(input->dtype, &input->shape, &bytes))
        return yk__fail(err, YK__FORMAT, "%s: the input has no size", where);
    YK__TRY(read_place(r, object, bytes, &data, err));
    input->data = (void *)(uintptr_t)data; /* yk__tensor has one kind of pointer; readers do not write through it */
    return YK__OK;
}

static yk__code read_output(const reader *r, const json_t *object, yk__selftest_output *output, yk__error *err) {
    int64_t index;
    size_t bytes;
    const void *data;
    YK__TRY(yk__json_get_int(object, "index", 0, INT32_MAX, where, &index, err));
    YK__TRY(yk__json_get_int(object, "step", 1, INT64_MAX, where, &output->step, err));
    if (json_object_get(object, "first")) YK__TRY(yk__json_get_int(object, "first", 0, INT64_MAX, where, &output->first, err));
    YK__TRY(read_shape(object, &output->shape, err));
    output->index = (int32_t)index;
    if (!count_samples(output, &output->n) || !yk__mul_size((size_t)output->n, sizeof(float), &bytes))
        return yk__fail(err, YK__FORMAT, "%s: an output has no size", where);
    YK__TRY(read_place(r, object, bytes, &data, err));
    output->expected = data;
    return YK__OK;
}

static yk__code read_root(const reader *r, const json_t *root, yk__selftest *selftest, yk__error *err) {
    const json_t *outputs;
    YK__TRY(yk__json_get_real(root, "tolerance", where, &selftest->tolerance, err));
    YK__TRY(read_input(r, json_object_get(root, "input"), &selftest->input, err));
    YK__TRY(yk__json_get_array(root, "outputs", YK__SELFTEST_MAX_OUTPUTS, where, &outputs, err));
    for (size_t i = 0; i < json_array_size(outputs); i++) {
        YK__TRY(read_output(r, json_array_get(outputs, i), &selftest->outputs[i], err));
        selftest->n_outputs++;
    }
    return check(selftest, err);
}

yk__code yk__selftest_decode(const uint8_t *bytes, size_t n, yk__selftest *selftest, yk__error *err) {
    reader r = {bytes, n};
    json_t *root = NULL;
    memset(selftest, 0, sizeof *selftest);
    if (n < 4 || yk__get_u32(bytes) > n - 4) return yk__fail(err, YK__FORMAT, "%s: shorter than its text", where);
    yk__code code = yk__json_parse(bytes + 4, yk__get_u32(bytes), where, &root, err);
    if (!code) code = read_root(&r, root, selftest, err);
    json_decref(root);
    if (code) memset(selftest, 0, sizeof *selftest);
    return code;
}
