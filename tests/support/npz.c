/* An .npz is a zip of .npy files: a magic, a header that is a Python dictionary, then the elements. */
#include "support/npz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

static int parse_header(const char *header, npz_array *out) {
    const char *descr = strstr(header, "'descr': '"), *shape = strstr(header, "'shape': (");
    if (!descr || !shape || strstr(header, "'fortran_order': True")) return -1;
    descr += strlen("'descr': '");
    if (strncmp(descr, "<f4'", 4) == 0)
        out->type = 'f';
    else if (strncmp(descr, "|u1'", 4) == 0)
        out->type = 'u';
    else if (strncmp(descr, "<i4'", 4) == 0)
        out->type = 'i';
    else
        return -1;
    shape += strlen("'shape': (");
    out->count = 1;
    while (*shape != ')' && out->rank < 8) {
        char *end;
        long long n = strtoll(shape, &end, 10);
        if (end == shape || n < 0) return -1;
        out->dim[out->rank++] = n;
        out->count *= (size_t)n;
        shape = end;
        while (*shape == ',' || *shape == ' ') shape++;
    }
    return 0;
}

static int parse(const unsigned char *bytes, size_t size, npz_array *out) {
    char header[1024];
    if (size < 10 || memcmp(bytes, "\x93NUMPY", 6) != 0) return -1;
    size_t length = bytes[8] | (size_t)bytes[9] << 8, start = 10 + length;
    if (bytes[6] != 1 || length >= sizeof header || start > size) return -1;
    memcpy(header, bytes + 10, length);
    header[length] = 0;
    if (parse_header(header, out) != 0) return -1;
    size_t need = out->count * (out->type == 'u' ? 1 : 4);
    if (size - start < need) return -1;
    out->data = malloc(need ? need : 1);
    if (out->data) memcpy(out->data, bytes + start, need);
    return out->data ? 0 : -1;
}

int npz_read(const char *path, const char *name, npz_array *out) {
    char entry[256];
    int error, result = -1;
    zip_stat_t stat;
    *out = (npz_array){0};
    snprintf(entry, sizeof entry, "%s.npy", name);
    zip_t *zip = zip_open(path, ZIP_RDONLY, &error);
    if (!zip) return -1;
    zip_file_t *file = zip_stat(zip, entry, 0, &stat) == 0 ? zip_fopen(zip, entry, 0) : NULL;
    unsigned char *bytes = file ? malloc(stat.size ? stat.size : 1) : NULL;
    if (bytes && zip_fread(file, bytes, stat.size) == (zip_int64_t)stat.size) result = parse(bytes, stat.size, out);
    free(bytes);
    if (file) zip_fclose(file);
    zip_discard(zip);
    return result;
}

void npz_free(npz_array *array) {
    free(array->data);
    *array = (npz_array){0};
}
