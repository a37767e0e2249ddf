/* The header is a Python dictionary literal of three known keys (NumPy, "NPY format"): it is searched for them, not parsed. */
#include "base/npy.h"

#include <string.h>

#include "base/memory.h"

#define MOST_HEADER 4096 /* NumPy pads to 64 bytes; eight dimensions fit into 256 */

/* The text behind "'key':" and spaces, or NULL. */
static const char *value_of(const char *header, const char *key) {
    const char *at = strstr(header, key);
    if (!at) return NULL;
    for (at += strlen(key); *at == ' ' || *at == ':'; at++) continue;
    return at;
}

static yk__code read_type(const char *descr, const char *name, yk__npy *out, yk__error *err) {
    bool known = descr && descr[0] == '\'' && strchr("<|", descr[1]) && descr[1] && strchr("fiub", descr[2]) && descr[2] &&
                 strchr("1248", descr[3]) && descr[3] && descr[4] == '\'';
    if (!known || (descr[2] == 'f' && descr[3] == '1'))
        return yk__fail(err, YK__UNSUPPORTED,
                        "%s: elements of type %.12s; little-endian floats, integers and booleans can be read", name,
                        descr ? descr : "(none)");
    out->kind = descr[2];
    out->item_bytes = descr[3] - '0';
    return YK__OK;
}

/* "(1, 84, 8400)", "(3,)" or "()". */
static yk__code read_shape(const char *shape, const char *name, yk__npy *out, yk__error *err) {
    out->count = 1;
    if (!shape || *shape != '(') return yk__fail(err, YK__FORMAT, "%s: the array's header has no shape", name);
    shape++;
    while (*shape != ')') {
        int64_t n = 0;
        const char *first = shape;
        for (; *shape >= '0' && *shape <= '9'; shape++)
            if (!yk__mul_i64(n, 10, &n) || !yk__add_i64(n, *shape - '0', &n))
                return yk__fail(err, YK__LIMIT, "%s: a dimension is too large", name);
        if (shape == first || out->rank == YK__NPY_MAX_RANK || !yk__mul_size(out->count, (size_t)n, &out->count))
            return yk__fail(err, YK__FORMAT, "%s: the array's shape is not a list of at most %d sizes", name, YK__NPY_MAX_RANK);
        out->dim[out->rank++] = n;
        while (*shape == ',' || *shape == ' ') shape++;
    }
    return YK__OK;
}

yk__code yk__npy_parse(const uint8_t *bytes, size_t n, const char *name, yk__npy *out, yk__error *err) {
    char header[MOST_HEADER + 1];
    *out = (yk__npy){0};
    if (n < 12 || memcmp(bytes, "\x93NUMPY", 6) != 0) return yk__fail(err, YK__FORMAT, "%s: not a NumPy array", name);
    size_t prefix = bytes[6] >= 2 ? 12 : 10, length = bytes[8] | (size_t)bytes[9] << 8;
    if (prefix == 12) length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (bytes[6] < 1 || bytes[6] > 3 || length > MOST_HEADER)
        return yk__fail(err, YK__FORMAT, "%s: NumPy format %d with a header of %zu bytes; 1 to 3 and %d are known", name,
                        bytes[6], length, MOST_HEADER);
    if (n - prefix < length) return yk__fail(err, YK__TRUNCATED, "%s: ends inside the array's header", name);
    memcpy(header, bytes + prefix, length);
    header[length] = 0;
    const char *order = value_of(header, "'fortran_order'");
    YK__TRY(read_type(value_of(header, "'descr'"), name, out, err));
    if (!order || strncmp(order, "False", 5) != 0)
        return yk__fail(err, YK__UNSUPPORTED, "%s: the array lies in Fortran order; save numpy.ascontiguousarray of it", name);
    YK__TRY(read_shape(value_of(header, "'shape'"), name, out, err));
    size_t bytes_needed;
    if (!yk__mul_size(out->count, (size_t)out->item_bytes, &bytes_needed) || n - prefix - length < bytes_needed)
        return yk__fail(err, YK__TRUNCATED, "%s: the array has %zu elements of %d bytes, the file %zu bytes for them", name,
                        out->count, out->item_bytes, n - prefix - length);
    out->data = bytes + prefix + length;
    return YK__OK;
}
