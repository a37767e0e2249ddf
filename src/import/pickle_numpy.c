/* See pickle_numpy.h. */
#include "import/pickle_numpy.h"

#include <string.h>

#include "graph/tensor.h"

enum { MAX_BYTES = 8 };

/* Bytes as such, or as protocol 2 spells them for Python 2: _codecs.encode(text, "latin1"). */
static bool read_bytes(const yk__pickle *p, yk__py value, uint8_t out[MAX_BYTES], size_t *n) {
    const yk__py_value *v = yk__py_at(p, value);
    *n = 0;
    if (v->kind == YK__PY_BYTES) {
        if (v->length > MAX_BYTES) return false;
        memcpy(out, v->text, v->length);
        *n = v->length;
        return true;
    }
    if (v->kind != YK__PY_OBJECT || !yk__py_is_global(p, v->class_of, "_codecs", "encode")) return false;
    v = yk__py_at(p, yk__py_item(p, v->args, 0));
    if (v->kind != YK__PY_STR) return false;
    for (uint32_t i = 0; i < v->length; i++) { /* UTF-8 of characters up to 255 */
        unsigned c = (unsigned char)v->text[i];
        if (*n == MAX_BYTES) return false;
        if (c >= 0x80) {
            if ((c & 0xfc) != 0xc0 || ++i == v->length || ((unsigned char)v->text[i] & 0xc0) != 0x80) return false;
            c = (c & 3) << 6 | ((unsigned char)v->text[i] & 0x3f);
        }
        out[(*n)++] = (uint8_t)c;
    }
    return true;
}

/* "f8" and the like out of dtype("f8", ...); 0 when it is none or its state says big-endian. */
static char read_dtype(const yk__pickle *p, yk__py dtype, size_t *size) {
    const yk__py_value *const object = yk__py_at(p, dtype);
    if (object->kind != YK__PY_OBJECT || yk__py_kind_of(p, object->class_of) != YK__PY_GLOBAL) return 0;
    const yk__py_value *const name = yk__py_at(p, yk__py_item(p, object->args, 0));
    if (name->kind != YK__PY_STR || name->length != 2 || yk__py_is(p, yk__py_item(p, object->state, 1), ">")) return 0;
    *size = (size_t)(name->text[1] - '0');
    return name->text[0];
}

bool yk__pickle_numpy_scalar(const yk__pickle *p, yk__py dtype, yk__py bytes, yk__py_value *out) {
    uint8_t b[MAX_BYTES];
    size_t n, size = 0;
    uint64_t bits = 0;
    const char kind = read_dtype(p, dtype, &size);
    if (!kind || !read_bytes(p, bytes, b, &n) || n != size || n < 1) return false;
    for (size_t i = n; i-- > 0;) bits = bits << 8 | b[i];
    if (kind == 'b' && n == 1) {
        *out = (yk__py_value){.kind = YK__PY_BOOL, .boolean = bits != 0};
    } else if (kind == 'i' || (kind == 'u' && bits <= INT64_MAX)) {
        if (kind == 'i' && n < 8 && bits >> (8 * n - 1)) bits |= UINT64_MAX << (8 * n);
        *out = (yk__py_value){.kind = YK__PY_INT, .integer = (int64_t)bits};
    } else if (kind == 'f' && n == 8) {
        *out = (yk__py_value){.kind = YK__PY_FLOAT};
        memcpy(&out->number, &bits, sizeof bits);
    } else if (kind == 'f' && n == 4) {
        float number;
        memcpy(&number, b, sizeof number);
        *out = (yk__py_value){.kind = YK__PY_FLOAT, .number = (double)number};
    } else if (kind == 'f' && n == 2) {
        *out = (yk__py_value){.kind = YK__PY_FLOAT, .number = (double)yk__half_to_float((uint16_t)bits)};
    } else {
        return false;
    }
    return true;
}
