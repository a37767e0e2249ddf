/* Reads the elements of ONNX tensors, wherever a writer may have put them: raw bytes in the file, typed lists, or files beside
 * the model. Large raw data is used in place or copied once, and never unpacked by protobuf. */
#include "import/onnx_tensor.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bool is_half(yk__dtype dtype) {
    return dtype == YK__DTYPE_F16 || dtype == YK__DTYPE_BF16;
}

yk__dtype yk__onnx_tensor_dtype(int32_t onnx_type, bool keep_half) {
    const yk__dtype dtype = yk__onnx_dtype(onnx_type);
    return is_half(dtype) && !keep_half ? YK__DTYPE_F32 : dtype;
}

/* What a tensor says of itself, checked. */
typedef struct header {
    const char *name;
    yk__dtype stored, wanted; /* element type in the file, and in the graph */
    yk__shape shape;
    int64_t count;
    size_t stored_bytes;
} header;

static yk__code read_header(const Onnx__TensorProto *proto, bool keep_half, header *out, yk__error *err) {
    *out = (header){.name = proto->name ? proto->name : "(unnamed)"};
    out->stored = yk__onnx_dtype(proto->data_type);
    out->wanted = yk__onnx_tensor_dtype(proto->data_type, keep_half);
    if (out->stored == YK__DTYPE_NONE) {
        return yk__fail(err, YK__UNSUPPORTED, "tensor \"%.100s\" has elements %s (ONNX type %d), which yolk does not support",
                        out->name, yk__onnx_dtype_name(proto->data_type), proto->data_type);
    }
    if (proto->n_dims > YK__MAX_RANK) {
        return yk__fail(err, YK__UNSUPPORTED, "tensor \"%.100s\" has %zu dimensions; at most %d are supported", out->name,
                        proto->n_dims, YK__MAX_RANK);
    }
    out->shape.rank = (int32_t)proto->n_dims;
    for (size_t i = 0; i < proto->n_dims; i++) {
        if (proto->dims[i] < 0) {
            return yk__fail(err, YK__FORMAT, "tensor \"%.100s\" has a dimension of %lld", out->name, (long long)proto->dims[i]);
        }
        out->shape.dim[i] = proto->dims[i];
    }
    size_t wanted_bytes;
    if (!yk__shape_count(&out->shape, &out->count) || !yk__tensor_bytes(out->stored, &out->shape, &out->stored_bytes) ||
        !yk__tensor_bytes(out->wanted, &out->shape, &wanted_bytes)) {
        return yk__fail(err, YK__FORMAT, "tensor \"%.100s\" has more elements than can be counted", out->name);
    }
    return YK__OK;
}

static yk__code wrong_length(const header *tensor, const char *where, size_t have, yk__error *err) {
    char text[128];
    return yk__fail(err, YK__FORMAT, "tensor \"%.100s\" is %s %s and needs %zu bytes, but %s holds %zu", tensor->name,
                    yk__dtype_name(tensor->stored), yk__shape_text(&tensor->shape, text), tensor->stored_bytes, where, have);
}

/* The file's pages behind a large copy are not needed again: given back, or importing would hold the weights twice. Only ever
 * on a mapping of a file, where they can be read again; other memory would lose its content. */
static void forget_pages(const void *bytes, size_t size) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const uintptr_t begin = yk__round_up((uintptr_t)bytes, page), end = ((uintptr_t)bytes + size) & ~(page - 1);
    if (end > begin + 16 * page) (void)madvise((void *)begin, end - begin, MADV_DONTNEED); /* a hint: failing costs nothing */
}

static void widen_halves(float *out, const uint8_t *bytes, int64_t count, yk__dtype from) {
    for (int64_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, bytes + 2 * i, sizeof half);
        out[i] = from == YK__DTYPE_F16 ? yk__half_to_float(half) : yk__bf16_to_float(half);
    }
}

static void *room_for(yk__onnx_tensors *tensors, const header *tensor, yk__error *err) {
    size_t bytes = 0;
    if (!yk__tensor_bytes(tensor->wanted, &tensor->shape, &bytes)) return NULL; /* checked in read_header */
    void *const room = yk__arena_aligned(&tensors->graph->arena, bytes, YK__CACHE_LINE);
    if (!room) (void)yk__arena_error(&tensors->graph->arena, tensor->name, err);
    return room;
}

/* Little-endian elements, as all of yolk's machines hold them. */
static yk__code take_bytes(yk__onnx_tensors *tensors, const header *tensor, const uint8_t *bytes, const void **data,
                           yk__error *err) {
    if (tensor->wanted == tensor->stored && tensor->count > 0 && (uintptr_t)bytes % yk__dtype_size(tensor->stored) == 0) {
        *data = bytes;
        return YK__OK;
    }
    void *const copy = room_for(tensors, tensor, err);
    if (!copy) return yk__arena_error(&tensors->graph->arena, tensor->name, err);
    if (tensor->wanted != tensor->stored) {
        widen_halves(copy, bytes, tensor->count, tensor->stored);
    } else if (tensor->stored_bytes > 0) {
        memcpy(copy, bytes, tensor->stored_bytes);
    }
    if (tensors->drop_pages) forget_pages(bytes, tensor->stored_bytes);
    *data = copy;
    return YK__OK;
}

static const char *entry_value(const Onnx__TensorProto *proto, const char *key) {
    for (size_t i = 0; i < proto->n_external_data; i++) {
        const Onnx__StringStringEntryProto *const entry = proto->external_data[i];
        if (entry->key && entry->value && strcmp(entry->key, key) == 0) return entry->value;
    }
    return NULL;
}

static yk__code external_number(const Onnx__TensorProto *proto, const header *tensor, const char *key, int64_t otherwise,
                                int64_t *out, yk__error *err) {
    const char *const text = entry_value(proto, key);
    *out = otherwise;
    if (!text || (yk__parse_i64(text, out) && *out >= 0)) return YK__OK;
    return yk__fail(err, YK__FORMAT, "tensor \"%.100s\": external data %s \"%.40s\" is not a number", tensor->name, key, text);
}

static yk__code take_external(yk__onnx_tensors *tensors, const Onnx__TensorProto *proto, const header *tensor,
                              const void **data, yk__error *err) {
    const char *const location = entry_value(proto, "location");
    if (!location) return yk__fail(err, YK__FORMAT, "tensor \"%.100s\": external data without a location", tensor->name);
    int64_t offset, length;
    YK__TRY(external_number(proto, tensor, "offset", 0, &offset, err));
    YK__TRY(external_number(proto, tensor, "length", (int64_t)tensor->stored_bytes, &length, err));
    if ((size_t)length != tensor->stored_bytes) return wrong_length(tensor, "its external data", (size_t)length, err);
    const uint8_t *bytes;
    size_t size;
    const yk__code code = yk__external_bytes(tensors->external, location, offset, length, &bytes, &size, err);
    if (code != YK__OK) return yk__fail_prefix(err, code, "tensor \"%.100s\"", tensor->name);
    tensors->graph->arena.budget = tensors->plain_budget + 2 * tensors->external->total_bytes;
    return take_bytes(tensors, tensor, bytes, data, err);
}

/* raw_data, or packed float_data or double_data: the walk left it in the file and wrote down where. */
static yk__code take_payload(yk__onnx_tensors *tensors, const Onnx__TensorProto *proto, const header *tensor, const void **data,
                             yk__error *err) {
    const size_t begin = (size_t)proto->segment->begin, size = (size_t)(proto->segment->end - proto->segment->begin);
    const bool fits_list = tensor->stored == YK__DTYPE_F32 || tensor->stored == YK__DTYPE_F64;
    if (!proto->has_raw_data && !fits_list) return wrong_length(tensor, "its list of floating-point numbers", size, err);
    if (size != tensor->stored_bytes) return wrong_length(tensor, "its data", size, err);
    return take_bytes(tensors, tensor, tensors->file->bytes + begin, data, err);
}

static void store_int(void *out, int64_t at, yk__dtype dtype, uint64_t bits) {
    switch (yk__dtype_size(dtype)) {
    case 1: ((uint8_t *)out)[at] = dtype == YK__DTYPE_BOOL ? bits != 0 : (uint8_t)bits; break;
    case 2: ((uint16_t *)out)[at] = (uint16_t)bits; break;
    case 4: ((uint32_t *)out)[at] = (uint32_t)bits; break;
    default: ((uint64_t *)out)[at] = bits;
    }
}

/* A typed list that protobuf unpacked. ONNX: int32_data holds every type of up to 32 bits but u32, halves as their bits. */
static yk__code take_list(yk__onnx_tensors *tensors, const Onnx__TensorProto *proto, const header *tensor, const void **data,
                          yk__error *err) {
    size_t n = 0;
    switch (tensor->stored) {
    case YK__DTYPE_F32: n = proto->n_float_data; break;
    case YK__DTYPE_F64: n = proto->n_double_data; break;
    case YK__DTYPE_I64: n = proto->n_int64_data; break;
    case YK__DTYPE_U32:
    case YK__DTYPE_U64: n = proto->n_uint64_data; break;
    default: n = proto->n_int32_data;
    }
    if (n != (size_t)tensor->count) {
        return yk__fail(err, YK__FORMAT, "tensor \"%.100s\" needs %lld elements, but its list holds %zu", tensor->name,
                        (long long)tensor->count, n);
    }
    void *const out = room_for(tensors, tensor, err);
    if (!out) return yk__arena_error(&tensors->graph->arena, tensor->name, err);
    for (size_t i = 0; i < n; i++) {
        switch (tensor->stored) {
        case YK__DTYPE_F32: ((float *)out)[i] = proto->float_data[i]; break;
        case YK__DTYPE_F64: ((double *)out)[i] = proto->double_data[i]; break;
        case YK__DTYPE_I64: store_int(out, (int64_t)i, tensor->stored, (uint64_t)proto->int64_data[i]); break;
        case YK__DTYPE_U32:
        case YK__DTYPE_U64: store_int(out, (int64_t)i, tensor->stored, proto->uint64_data[i]); break;
        default: {
            const uint16_t bits = (uint16_t)proto->int32_data[i];
            if (tensor->wanted == tensor->stored) {
                store_int(out, (int64_t)i, tensor->stored, (uint64_t)(int64_t)proto->int32_data[i]);
            } else {
                ((float *)out)[i] = tensor->stored == YK__DTYPE_F16 ? yk__half_to_float(bits) : yk__bf16_to_float(bits);
            }
        }
        }
    }
    *data = out;
    return YK__OK;
}

/* Booleans are 0 or 1 everywhere in yolk; raw bytes of a file may be anything. */
static yk__code check_bools(const header *tensor, const uint8_t *data, yk__error *err) {
    if (tensor->wanted != YK__DTYPE_BOOL) return YK__OK;
    for (int64_t i = 0; i < tensor->count; i++) {
        if (data[i] > 1) {
            return yk__fail(err, YK__FORMAT, "tensor \"%.100s\" is bool, but element %lld is %d", tensor->name, (long long)i,
                            data[i]);
        }
    }
    return YK__OK;
}

yk__code yk__onnx_tensor_read(yk__onnx_tensors *tensors, const Onnx__TensorProto *proto, yk__dtype *dtype, yk__shape *shape,
                              const void **data, yk__error *err) {
    header tensor;
    YK__TRY(read_header(proto, tensors->keep_half, &tensor, err));
    if (proto->has_data_location && proto->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL) {
        YK__TRY(take_external(tensors, proto, &tensor, data, err));
    } else if (proto->segment) {
        YK__TRY(take_payload(tensors, proto, &tensor, data, err));
    } else {
        YK__TRY(take_list(tensors, proto, &tensor, data, err));
    }
    YK__TRY(check_bools(&tensor, *data, err));
    *dtype = tensor.wanted;
    *shape = tensor.shape;
    return YK__OK;
}
