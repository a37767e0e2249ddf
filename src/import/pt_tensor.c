/* Pickled tensors: a storage's name, an offset, sizes and strides, brought to rows of f32. Nothing of a view is believed before
 * it has been held against its storage. */
#include <stdlib.h>
#include <string.h>

#include "import/pt_file.h"

/* torch's storage classes. Untyped ones (and the tensors that use them) come with a dtype of their own. */
static const struct {
    const char *name;
    yk__dtype dtype;
} storages[] = {
    {"HalfStorage", YK__DTYPE_F16},   {"FloatStorage", YK__DTYPE_F32},  {"BFloat16Storage", YK__DTYPE_BF16},
    {"DoubleStorage", YK__DTYPE_F64}, {"LongStorage", YK__DTYPE_I64},   {"IntStorage", YK__DTYPE_I32},
    {"ShortStorage", YK__DTYPE_I16},  {"CharStorage", YK__DTYPE_I8},    {"ByteStorage", YK__DTYPE_U8},
    {"BoolStorage", YK__DTYPE_BOOL},  {"UntypedStorage", YK__DTYPE_U8},
};

static const struct {
    const char *name;
    yk__dtype dtype;
} dtypes[] = {
    {"float16", YK__DTYPE_F16},   {"half", YK__DTYPE_F16},    {"float32", YK__DTYPE_F32}, {"float", YK__DTYPE_F32},
    {"bfloat16", YK__DTYPE_BF16}, {"float64", YK__DTYPE_F64}, {"double", YK__DTYPE_F64},  {"int64", YK__DTYPE_I64},
    {"int32", YK__DTYPE_I32},     {"int16", YK__DTYPE_I16},   {"int8", YK__DTYPE_I8},     {"uint8", YK__DTYPE_U8},
    {"uint16", YK__DTYPE_U16},    {"uint32", YK__DTYPE_U32},  {"uint64", YK__DTYPE_U64},  {"bool", YK__DTYPE_BOOL},
};

/* A tensor as pickled: the storage's persistent id is ("storage", class, key, device, elements). */
typedef struct view {
    yk__py id; /* the tuple */
    yk__dtype dtype;
    int64_t offset, elements; /* where it starts, and how many the storage has, in elements of dtype */
    yk__shape shape;
    int64_t stride[YK__MAX_RANK];
} view;

static yk__py args_of(const yk__pickle *p, yk__py tensor, bool *typed) {
    const yk__py_value *const v = yk__py_at(p, tensor);
    *typed = false;
    if (v->kind != YK__PY_OBJECT) return YK__PY_ABSENT;
    if (yk__py_is_global(p, v->class_of, "torch._utils", "_rebuild_tensor_v2") ||
        yk__py_is_global(p, v->class_of, "torch._utils", "_rebuild_tensor"))
        return v->args;
    *typed = yk__py_is_global(p, v->class_of, "torch._utils", "_rebuild_tensor_v3");
    return *typed ? v->args : YK__PY_ABSENT;
}

bool yk__pt_is_tensor(const yk__pt_file *file, yk__py value) {
    bool typed;
    return args_of(&file->pickle, value, &typed) != YK__PY_ABSENT;
}

static yk__dtype storage_dtype(const yk__pickle *p, yk__py class_of, char name[64]) {
    const yk__py_value *const v = yk__py_at(p, class_of);
    name[0] = '\0';
    if (v->kind != YK__PY_GLOBAL) return YK__DTYPE_NONE;
    yk__py_show(p, v->name, name, 64);
    for (size_t i = 0; i < sizeof storages / sizeof *storages; i++)
        if (strcmp(name, storages[i].name) == 0) return storages[i].dtype;
    return YK__DTYPE_NONE;
}

static yk__dtype tensor_dtype(const yk__pickle *p, yk__py dtype) {
    const yk__py_value *const v = yk__py_at(p, dtype);
    if (v->kind != YK__PY_GLOBAL || !yk__py_is(p, v->module, "torch")) return YK__DTYPE_NONE;
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (yk__py_is(p, v->name, dtypes[i].name)) return dtypes[i].dtype;
    return YK__DTYPE_NONE;
}

/* The storage's tuple, element type of its class and number of elements of that type. */
static bool read_id(const yk__pickle *p, yk__py storage, yk__py *id, yk__dtype *dtype, int64_t *elements, char name[64]) {
    const yk__py_value *const v = yk__py_at(p, storage);
    name[0] = '\0';
    if (v->kind != YK__PY_PERSISTENT || yk__py_kind_of(p, v->id) != YK__PY_TUPLE || yk__py_count(p, v->id) < 5 ||
        !yk__py_is(p, yk__py_item(p, v->id, 0), "storage") || yk__py_kind_of(p, yk__py_item(p, v->id, 2)) != YK__PY_STR)
        return false;
    *id = v->id;
    *dtype = storage_dtype(p, yk__py_item(p, v->id, 1), name);
    return yk__py_int(p, yk__py_item(p, v->id, 4), elements) && *elements >= 0;
}

static yk__code read_shape(const yk__pickle *p, yk__py sizes, yk__py strides, view *out, yk__error *err) {
    const int32_t rank = yk__py_count(p, sizes);
    if (rank > YK__MAX_RANK || yk__py_count(p, strides) != rank)
        return yk__fail(err, YK__FORMAT, "a tensor with %d sizes and %d strides; at most %d, as many as sizes", rank,
                        yk__py_count(p, strides), YK__MAX_RANK);
    out->shape.rank = rank;
    for (int32_t i = 0; i < rank; i++) {
        if (!yk__py_int(p, yk__py_item(p, sizes, i), &out->shape.dim[i]) || out->shape.dim[i] < 0 ||
            !yk__py_int(p, yk__py_item(p, strides, i), &out->stride[i]) || out->stride[i] < 0)
            return yk__fail(err, YK__FORMAT, "a tensor whose sizes or strides are no numbers of 0 and more");
    }
    return YK__OK;
}

static yk__code read_view(const yk__pickle *p, yk__py tensor, view *out, yk__error *err) {
    bool typed;
    const yk__py args = args_of(p, tensor, &typed);
    char name[64];
    *out = (view){.id = YK__PY_ABSENT};
    if (args == YK__PY_ABSENT || yk__py_count(p, args) < 4) return yk__fail(err, YK__FORMAT, "this is no tensor");
    if (!read_id(p, yk__py_item(p, args, 0), &out->id, &out->dtype, &out->elements, name))
        return yk__fail(err, YK__FORMAT, "a tensor without a storage");
    if (typed) {
        const yk__dtype dtype = tensor_dtype(p, yk__py_item(p, args, 6));
        if (dtype == YK__DTYPE_NONE) return yk__fail(err, YK__UNSUPPORTED, "a tensor of a type that yolk has not");
        out->elements /= (int64_t)yk__dtype_size(dtype); /* of an untyped storage: bytes */
        out->dtype = dtype;
    } else if (out->dtype == YK__DTYPE_NONE) {
        return yk__fail(err, YK__UNSUPPORTED, "a tensor in a %s, a type that yolk has not",
                        name[0] ? name : "nameless storage");
    }
    if (!yk__py_int(p, yk__py_item(p, args, 1), &out->offset) || out->offset < 0)
        return yk__fail(err, YK__FORMAT, "a tensor that starts before its storage");
    return read_shape(p, yk__py_item(p, args, 2), yk__py_item(p, args, 3), out, err);
}

/* The elements the view has, after its last one was found inside the storage. */
static yk__code check_view(const view *v, int64_t *count, yk__error *err) {
    char text[128];
    int64_t last = v->offset, step;
    if (!yk__shape_count(&v->shape, count))
        return yk__fail(err, YK__LIMIT, "a tensor of %s elements", yk__shape_text(&v->shape, text));
    if (*count == 0) return YK__OK;
    for (int i = 0; i < v->shape.rank; i++) {
        if (!yk__mul_i64(v->shape.dim[i] - 1, v->stride[i], &step) || !yk__add_i64(last, step, &last)) last = INT64_MAX;
        if (last >= v->elements) break;
    }
    if (last < v->elements) return YK__OK;
    return yk__fail(err, YK__FORMAT, "a tensor of %s from element %lld reaches beyond its storage of %lld elements",
                    yk__shape_text(&v->shape, text), (long long)v->offset, (long long)v->elements);
}

static bool is_dense(const view *v) {
    int64_t expected = 1;
    for (int i = v->shape.rank - 1; i >= 0; i--) {
        if (v->shape.dim[i] != 1 && v->stride[i] != expected) return false;
        expected *= v->shape.dim[i];
    }
    return true;
}

/* ---- storages ---- */

/* The archive's entry for a storage, large enough for what the view says about it. */
static yk__code find_storage(const yk__pt_file *file, const view *v, int32_t *entry, yk__error *err) {
    char name[96];
    size_t wanted;
    memcpy(name, "data/", 6);
    yk__py_show(&file->pickle, yk__py_item(&file->pickle, v->id, 2), name + 5, sizeof name - 5);
    *entry = yk__pt_zip_find(&file->zip, name);
    if (*entry < 0)
        return yk__fail(err, YK__TRUNCATED, "the archive lacks the weights \"%s\" that the checkpoint refers to", name);
    if (!yk__mul_size((size_t)v->elements, yk__dtype_size(v->dtype), &wanted)) wanted = SIZE_MAX;
    if (wanted <= yk__pt_zip_size(&file->zip, *entry)) return YK__OK;
    return yk__fail(err, YK__FORMAT, "the weights \"%s\" have %llu bytes where the checkpoint says %zu", name,
                    (unsigned long long)yk__pt_zip_size(&file->zip, *entry), wanted);
}

/* The storage's bytes. *owned: the caller frees them; those that other tensors may share stay with the file. */
static yk__code load_storage(yk__pt_file *file, const view *v, bool shared, uint8_t **bytes, bool *owned, yk__error *err) {
    int32_t entry;
    size_t size;
    YK__TRY(find_storage(file, v, &entry, err));
    *owned = !shared;
    if (!file->kept) file->kept = yk__alloc_array((size_t)file->zip.n, sizeof *file->kept);
    if (!file->kept) return yk__fail(err, YK__MEMORY, "out of memory for the weights");
    *bytes = file->kept[entry];
    if (*bytes) {
        *owned = false;
        return YK__OK;
    }
    YK__TRY(yk__pt_zip_read(&file->zip, entry, bytes, &size, err));
    if (shared) file->kept[entry] = *bytes;
    return YK__OK;
}

/* ---- elements ---- */

/* Element i of a storage as f32; the bytes may be unaligned. */
static float element(yk__dtype dtype, const uint8_t *bytes, int64_t i) {
#define AS(type) \
    type value; \
    memcpy(&value, bytes + (size_t)i * sizeof value, sizeof value)
    switch (dtype) {
    case YK__DTYPE_F32: {
        AS(float);
        return value;
    }
    case YK__DTYPE_F16: {
        AS(uint16_t);
        return yk__half_to_float(value);
    }
    case YK__DTYPE_BF16: {
        AS(uint16_t);
        return yk__bf16_to_float(value);
    }
    case YK__DTYPE_F64: {
        AS(double);
        return (float)value;
    }
    case YK__DTYPE_I64: {
        AS(int64_t);
        return (float)value;
    }
    case YK__DTYPE_I32: {
        AS(int32_t);
        return (float)value;
    }
    case YK__DTYPE_I16: {
        AS(int16_t);
        return (float)value;
    }
    case YK__DTYPE_I8: {
        AS(int8_t);
        return (float)value;
    }
    case YK__DTYPE_U64: {
        AS(uint64_t);
        return (float)value;
    }
    case YK__DTYPE_U32: {
        AS(uint32_t);
        return (float)value;
    }
    case YK__DTYPE_U16: {
        AS(uint16_t);
        return (float)value;
    }
    case YK__DTYPE_U8: {
        AS(uint8_t);
        return (float)value;
    }
    case YK__DTYPE_BOOL: {
        AS(uint8_t);
        return value != 0;
    }
    default: return 0;
    }
#undef AS
}

static void copy_dense(const view *v, const uint8_t *bytes, int64_t count, float *out) {
    if (v->dtype == YK__DTYPE_F32) {
        if (count) memcpy(out, bytes + (size_t)v->offset * sizeof *out, (size_t)count * sizeof *out);
        return;
    }
    for (int64_t i = 0; i < count; i++) out[i] = element(v->dtype, bytes, v->offset + i);
}

static void copy_strided(const view *v, const uint8_t *bytes, int64_t count, float *out) {
    int64_t at[YK__MAX_RANK] = {0}, from = v->offset;
    for (int64_t i = 0; i < count; i++) {
        out[i] = element(v->dtype, bytes, from);
        for (int d = v->shape.rank - 1; d >= 0; d--) {
            from += v->stride[d];
            if (++at[d] < v->shape.dim[d]) break;
            from -= at[d] * v->stride[d];
            at[d] = 0;
        }
    }
}

yk__code yk__pt_tensor_shape(const yk__pt_file *file, yk__py tensor, yk__shape *shape, yk__error *err) {
    view v;
    YK__TRY(read_view(&file->pickle, tensor, &v, err));
    *shape = v.shape;
    return YK__OK;
}

yk__code yk__pt_tensor_read(yk__pt_file *file, yk__py tensor, yk__arena *arena, yk__shape *shape, float **out, yk__error *err) {
    view v;
    int64_t count;
    uint8_t *bytes;
    bool owned;
    YK__TRY(read_view(&file->pickle, tensor, &v, err));
    YK__TRY(check_view(&v, &count, err));
    *out = yk__arena_array(arena, (size_t)count, sizeof **out);
    if (!*out) return yk__arena_error(arena, "the weights", err);
    YK__TRY(load_storage(file, &v, count < v.elements, &bytes, &owned, err));
    if (is_dense(&v)) {
        copy_dense(&v, bytes, count, *out);
    } else {
        copy_strided(&v, bytes, count, *out);
    }
    if (owned) yk__free(bytes);
    *shape = v.shape;
    return YK__OK;
}

/* One storage that the pickle mentions. */
typedef struct mention {
    const yk__py_value *key;
    uint64_t bytes;
} mention;

static int by_key(const void *a, const void *b) {
    const yk__py_value *const x = ((const mention *)a)->key, *const y = ((const mention *)b)->key;
    if (x->length != y->length) return x->length < y->length ? -1 : 1;
    return x->length ? memcmp(x->text, y->text, x->length) : 0;
}

uint64_t yk__pt_storage_bytes(const yk__pickle *p) {
    mention *const mentions = yk__alloc_array((size_t)p->n_values + 1, sizeof *mentions);
    size_t n = 0;
    uint64_t total = 0;
    for (yk__py i = 0; mentions && i < p->n_values; i++) {
        yk__py id;
        yk__dtype dtype;
        int64_t elements;
        char name[64];
        if (!read_id(p, i, &id, &dtype, &elements, name)) continue;
        mention *const m = &mentions[n++];
        m->key = yk__py_at(p, yk__py_item(p, id, 2));
        if (__builtin_mul_overflow((uint64_t)elements, yk__dtype_size(dtype), &m->bytes)) m->bytes = 0;
    }
    if (n > 0) qsort(mentions, n, sizeof *mentions, by_key);
    for (size_t i = 0; i < n; i++)
        if ((i == 0 || by_key(&mentions[i - 1], &mentions[i]) != 0) && __builtin_add_overflow(total, mentions[i].bytes, &total))
            total = UINT64_MAX / 2;
    yk__free(mentions);
    return total;
}
