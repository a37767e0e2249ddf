/* Weights that stand beside a model description, and models known by their shape alone: MNN, PaddlePaddle's parameters,
 * ncnn's and Darknet's weights. */
#include <string.h>

#include "engine/engine_format.h"
#include "inspect/recognise.h"

/* ---- MNN: a FlatBuffer without an identifier ---- */

/* Where field i of the table at `table` lies; 0 when it is not there. */
static uint64_t table_field(const yk__source *source, uint64_t table, unsigned i) {
    if (table + 4 > source->n) return 0;
    int32_t back = (int32_t)yk__get_u32(source->bytes + table);
    int64_t vtable = (int64_t)table - back;
    if (vtable < 4 || (uint64_t)vtable + 4 > source->n) return 0;
    const uint8_t *v = source->bytes + vtable;
    unsigned bytes = v[0] | (unsigned)v[1] << 8, table_bytes = v[2] | (unsigned)v[3] << 8;
    if (bytes < 4 || bytes % 2 || bytes > 64 || table_bytes < 4 || (uint64_t)vtable + bytes > source->n) return 0;
    if (4 + 2 * i + 2 > bytes) return 0;
    unsigned at = v[4 + 2 * i] | (unsigned)v[5 + 2 * i] << 8;
    return at >= 4 && at < table_bytes ? table + at : 0;
}

/* Follows the offset at `at`; 0 when it leads out of the file. */
static uint64_t follow(const yk__source *source, uint64_t at) {
    if (at == 0 || at + 4 > source->n) return 0;
    uint64_t to = at + yk__get_u32(source->bytes + at);
    return to > at && to + 4 <= source->size ? to : 0;
}

/* A vector of strings of which the first is a name at hand; not at hand: unknown, which is not against it. */
static bool names_possible(const yk__source *source, uint64_t vector) {
    if (vector == 0 || vector + 8 > source->n) return vector != 0;
    uint32_t n = yk__get_u32(source->bytes + vector);
    uint64_t text = follow(source, vector + 4);
    if (n == 0 || n > 1u << 20 || text == 0) return false;
    if (text + 8 > source->n) return true;
    uint32_t length = yk__get_u32(source->bytes + text);
    return length < 4096 && source->bytes[text + 4] >= 0x20;
}

/* Net: 0 bizCode, 1 extraTensorDescribe, 2 extraInfo, 3 oplists, 4 outputName, 5 preferForwardType, 6 sourceType, 7 tensorName,
 * 8 tensorNumber, 9 usage, 10 subgraphs, 11 mnn_uuid. The root table of such a file stands near its start. */
bool yk__recognise_mnn(const yk__source *source, yk__report *report) {
    enum { ROOT_LIMIT = 1024, MAX_OPERATORS = 1 << 20 };
    if (source->n < 64) return false;
    uint32_t root = yk__get_u32(source->bytes);
    if (root < 8 || root > ROOT_LIMIT || root % 2) return false;
    uint64_t operators = follow(source, table_field(source, root, 3)), names = follow(source, table_field(source, root, 7));
    if (operators == 0 || names == 0 || operators % 4 || names % 4) return false;
    if (operators + 4 <= source->n) {
        uint32_t n = yk__get_u32(source->bytes + operators);
        if (n == 0 || n > MAX_OPERATORS || (uint64_t)n * 4 > source->size - operators) return false;
    }
    uint64_t outputs = follow(source, table_field(source, root, 4));
    if (!names_possible(source, names) || (outputs != 0 && !names_possible(source, outputs))) return false;
    yk__claim(report, YK__FILE_KIND_MNN, YK__CERTAINTY_LIKELY);
    return true;
}

/* ---- parameters and weights ---- */

/* A tensor as PaddlePaddle writes it: u32 version 0, u64 levels 0, u32 version 0, i32 length of a TensorDesc
 * { type = 1; repeated int64 dims = 2 }. */
static bool is_paddle(const yk__source *source) {
    if (source->n < 26) return false;
    const uint8_t *b = source->bytes;
    uint32_t length = yk__get_u32(b + 16);
    for (int i = 0; i < 16; i++)
        if (b[i]) return false;
    return length >= 4 && length <= 256 && b[20] == 0x08 && b[21] <= 30 && (b[22] == 0x10 || b[22] == 0x12);
}

/* i32 major, minor, revision, then the pictures seen: u64 from 0.2 on, u32 before. */
static bool is_darknet(const yk__source *source) {
    static const uint8_t yolo[] = {0, 0, 0, 0, 2, 0, 0, 0}, old[] = {0, 0, 0, 0, 1, 0, 0, 0};
    if (source->size < 1000 || source->n < 20 || source->size % 4) return false;
    if (!yk__source_has(source, 0, yolo, 8) && !yk__source_has(source, 0, old, 8)) return false;
    return yk__get_u32(source->bytes + 8) <= 5 && yk__get_u32(source->bytes + 16) == 0;
}

/* ncnn marks weights that are not plain float32: half precision 0x01306b47, int8 0x000d4b38. */
static bool is_ncnn(const yk__source *source) {
    return source->size > 64 &&
           (yk__source_has(source, 0, "\x47\x6b\x30\x01", 4) || yk__source_has(source, 0, "\x38\x4b\x0d\0", 4));
}

bool yk__recognise_weights(const yk__source *source, yk__report *report) {
    yk__file_kind kind = is_paddle(source)    ? YK__FILE_KIND_PADDLE
                         : is_darknet(source) ? YK__FILE_KIND_DARKNET
                         : is_ncnn(source)    ? YK__FILE_KIND_NCNN
                                              : YK__FILE_KIND_COUNT;
    if (kind == YK__FILE_KIND_COUNT) return false;
    yk__claim(report, kind, YK__CERTAINTY_LIKELY);
    yk__fact_text(report, NULL, "part", "weights");
    return true;
}
