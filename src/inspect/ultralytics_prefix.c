/* Reads and writes the prefix, and measures the plan behind it. Changes nothing and repairs nothing. */
#include "inspect/ultralytics_prefix.h"

#include <inttypes.h>
#include <string.h>

#include "engine/engine_format.h"
#include "engine/json_read.h"
#include "inspect/plan_read.h"

/* ---- the plan's own length ---- */

yk__code yk__plan_length(const uint8_t *bytes, size_t n, uint64_t *length, yk__error *err) {
    yk__plan plan;
    if (!yk__plan_read(bytes, n, &plan))
        return yk__fail(err, YK__FORMAT, "no TensorRT plan: it must begin with \"ftrt\" or \"ptrt\"");
    if (!plan.whole_header && n < 0x20) return yk__fail(err, YK__TRUNCATED, "the plan ends inside its header: %zu bytes", n);
    if (!plan.whole_header)
        return yk__fail(err, YK__FORMAT, "the plan's header has no layout that yolk knows, so its length cannot be checked");
    if (plan.total == 0) return yk__fail(err, YK__FORMAT, "the plan's header states an impossible length");
    *length = plan.total;
    return YK__OK;
}

yk__code yk__plan_check_whole(const uint8_t *plan, size_t n, yk__error *err) {
    uint64_t length = 0;
    YK__TRY(yk__plan_length(plan, n, &length, err));
    if (n < length)
        return yk__fail(err, YK__TRUNCATED,
                        "the plan is cut: its header states %" PRIu64 " bytes, %zu are there; copy the file again", length, n);
    if (n > length)
        return yk__fail(err, YK__FORMAT,
                        "the plan's header states %" PRIu64
                        " bytes, and %zu are there: something was appended or changed; copy the file "
                        "again",
                        length, n);
    return YK__OK;
}

/* ---- reading ---- */

/* Bytes that hold n_characters of UTF-8, at most limit; 0 when there are not so many. */
static size_t bytes_of_characters(const uint8_t *text, size_t n_characters, size_t limit) {
    size_t at = 0, count = 0;
    for (; at < limit; at++) {
        if ((text[at] & 0xc0) != 0x80 && count++ == n_characters) return at;
    }
    return count == n_characters ? at : 0;
}

static bool ends_like_json(const uint8_t *bytes, size_t n, size_t size) {
    return size >= 2 && size <= n - 4 && bytes[4] == '{' && bytes[3 + size] == '}';
}

yk__code yk__prefix_read(const uint8_t *bytes, size_t n, yk__prefix *out, json_t **metadata, yk__error *err) {
    if (metadata) *metadata = NULL;
    if (n < 8 || bytes[4] != '{')
        return yk__fail(err, YK__FORMAT, "no Ultralytics metadata in front: byte 4 must be '{', behind four bytes of length");
    uint32_t stated = yk__get_u32(bytes);
    if (stated < 2 || stated > n - 4)
        return yk__fail(err, stated > n - 4 ? YK__TRUNCATED : YK__FORMAT,
                        "the first four bytes state %" PRIu32 " bytes of metadata, and %zu follow", stated, n - 4);
    if (stated > YK__PREFIX_MAX_JSON)
        return yk__fail(err, YK__LIMIT, "%" PRIu32 " bytes of metadata; at most %" PRIu32 " are read", stated,
                        YK__PREFIX_MAX_JSON);
    const size_t most = n - 4 < 4 * (size_t)stated ? n - 4 : 4 * (size_t)stated;
    const size_t sizes[2] = {stated, bytes_of_characters(bytes + 4, stated, most)};
    json_t *root = NULL;
    size_t size = 0;
    yk__code code = YK__FORMAT;
    for (int i = 0; i < 2 && code == YK__FORMAT; i++) {
        if (!ends_like_json(bytes, n, sizes[i])) continue;
        size = sizes[i];
        code = yk__json_parse_within(bytes + 4, size, YK__PREFIX_MAX_WEIGHT, "metadata", &root, err);
    }
    if (!size)
        return yk__fail(err, YK__FORMAT, "what stands in front is no JSON object of the %" PRIu32 " bytes that are stated",
                        stated);
    if (code != YK__OK) return code;
    *out = (yk__prefix){.json_at = 4, .json_size = size, .plan_at = 4 + size};
    if (metadata)
        *metadata = root;
    else
        json_decref(root);
    return YK__OK;
}

/* ---- writing ---- */

/* One UTF-8 character as \uXXXX, beyond U+FFFF as a pair. The text is valid UTF-8. Returns its bytes. */
static size_t add_escaped(yk__text *out, const unsigned char *at) {
    size_t size = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    uint32_t code = at[0] & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++) code = code << 6 | (at[i] & 0x3fu);
    if (code < 0x10000)
        yk__text_printf(out, "\\u%04x", code);
    else
        yk__text_printf(out, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 0x3ff));
    return size;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

yk__code yk__prefix_write(const char *json, size_t n, yk__text *out, yk__error *err) {
    json_t *root = NULL;
    while (n > 0 && is_blank(json[n - 1])) n--;
    for (; n > 0 && is_blank(*json); n--) json++;
    if (n > YK__PREFIX_MAX_JSON)
        return yk__fail(err, YK__LIMIT, "%zu bytes of metadata; at most %" PRIu32 " are written", n, YK__PREFIX_MAX_JSON);
    YK__TRY(yk__json_parse((const uint8_t *)json, n, "metadata", &root, err));
    bool object = json_is_object(root);
    json_decref(root);
    if (!object) return yk__fail(err, YK__FORMAT, "the metadata must be a JSON object: {\"task\": ..., \"names\": ...}");
    yk__text_add_n(out, "\0\0\0\0", 4);
    for (size_t i = 0; i < n;) {
        if ((unsigned char)json[i] >= 0x80)
            i += add_escaped(out, (const unsigned char *)json + i);
        else
            yk__text_add_char(out, json[i++]);
    }
    if (out->failed) return yk__fail(err, YK__MEMORY, "out of memory for %zu bytes of metadata", n);
    size_t size = out->length - 4;
    for (int i = 0; i < 4; i++) out->data[i] = (char)(size >> (8 * i) & 0xff);
    return YK__OK;
}
