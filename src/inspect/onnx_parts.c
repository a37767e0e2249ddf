/* Field numbers are those of onnx.proto: ModelProto.graph 7; GraphProto.node 1, initializer 5; NodeProto.op_type 4, attribute
 * 5; AttributeProto.name 1, i 3, s 4; TensorProto.external_data 13, a list of key 1 and value 2. */
#include "inspect/onnx_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "inspect/inside.h"
#include "inspect/protobuf_walk.h"

enum { MAX_NODES = 256, MAX_INITIALIZERS = 65536, MAX_FILES = 16, MAX_TEXT = 1024 };

static bool find_graph(const yk__source *source, yk__message *graph) {
    yk__message model = yk__message_whole(source);
    yk__field field;
    for (int i = 0; i < MAX_NODES && yk__message_next(&model, &field); i++) {
        if (field.number != 7 || field.wire != 2) continue;
        *graph = yk__message_of(source, &field);
        return true;
    }
    return false;
}

static bool at_hand(const yk__source *source, const yk__field *field) {
    return field->wire == 2 && field->at <= source->n && field->length <= source->n - field->at;
}

static bool is_text(const yk__source *source, const yk__field *field, const char *text) {
    size_t n = strlen(text);
    return at_hand(source, field) && field->length == n && !memcmp(source->bytes + field->at, text, n);
}

/* A NUL-terminated copy, cut to fit. */
static void copy_text(const yk__source *source, const yk__field *field, char out[MAX_TEXT]) {
    size_t n = at_hand(source, field) ? (size_t)field->length : 0;
    if (n >= MAX_TEXT) n = yk__utf8_prefix((const char *)source->bytes + field->at, MAX_TEXT - 1);
    if (n > 0) memcpy(out, source->bytes + field->at, n);
    out[n] = '\0';
}

bool yk__onnx_has_nodes(const yk__source *source) {
    yk__message graph;
    yk__field field, part;
    if (!find_graph(source, &graph)) return false;
    for (int i = 0; i < MAX_NODES && yk__message_next(&graph, &field); i++) {
        if (field.number != 1 || field.wire != 2) continue;
        yk__message node = yk__message_of(source, &field);
        while (yk__message_next(&node, &part))
            if (part.number == 4) return yk__field_is_name(source, &part);
        return false;
    }
    return false;
}

/* ---- EPContext ---- */

/* Attributes: embed_mode 1 means that ep_cache_context is the engine itself, 0 that it is a path. */
static void add_context(const yk__source *source, yk__message node, yk__report *report) {
    yk__field field, part, name = {0}, cache = {0}, who = {0};
    uint64_t embedded = 1;
    char text[MAX_TEXT];
    while (yk__message_next(&node, &field)) {
        if (field.number != 5 || field.wire != 2) continue;
        yk__message attribute = yk__message_of(source, &field);
        uint64_t number = 0;
        yk__field string = {0};
        while (yk__message_next(&attribute, &part)) {
            if (part.number == 1) name = part;
            if (part.number == 3 && part.wire == 0) number = part.value;
            if (part.number == 4) string = part;
        }
        if (is_text(source, &name, "embed_mode")) embedded = number;
        if (is_text(source, &name, "ep_cache_context")) cache = string;
        if (is_text(source, &name, "source")) who = string;
    }
    yk__fact *facts = yk__fact_object(report, NULL, "ep_context");
    if (!facts) return;
    copy_text(source, &who, text);
    yk__fact_text(report, facts, "source", *text ? text : NULL);
    yk__fact_bool(report, facts, "embedded", embedded != 0);
    if (embedded && cache.length > 0 && cache.at < source->n) {
        size_t left = source->n - (size_t)cache.at;
        const yk__piece piece = {
            .bytes = source->bytes + cache.at, .n = cache.length < left ? (size_t)cache.length : left, .size = cache.length};
        yk__inside_alone(source, &piece, report);
    } else if (!embedded) {
        copy_text(source, &cache, text);
        yk__fact_text(report, facts, "path", text);
    }
}

void yk__onnx_look_for_engine(const yk__source *source, yk__report *report) {
    yk__message graph;
    yk__field field, part;
    if (!find_graph(source, &graph)) return;
    for (int i = 0; i < MAX_NODES && yk__message_next(&graph, &field); i++) {
        if (field.number != 1 || field.wire != 2) continue;
        yk__message node = yk__message_of(source, &field);
        while (yk__message_next(&node, &part)) {
            if (part.number != 4 || !is_text(source, &part, "EPContext")) continue;
            add_context(source, yk__message_of(source, &field), report);
            return;
        }
    }
}

/* ---- external data ---- */

typedef struct data_files {
    struct {
        char name[MAX_TEXT];
        uint64_t needed; /* bytes up to the end of the last tensor in it */
    } files[MAX_FILES];
    int n;
} data_files;

static void add_tensor(data_files *found, const char *name, uint64_t offset, uint64_t length) {
    int i = 0;
    while (i < found->n && strcmp(found->files[i].name, name) != 0) i++;
    if (i == MAX_FILES || !*name) return;
    if (i == found->n) snprintf(found->files[found->n++].name, MAX_TEXT, "%s", name);
    uint64_t end = offset > UINT64_MAX - length ? UINT64_MAX : offset + length;
    if (end > found->files[i].needed) found->files[i].needed = end;
}

static void read_tensor(const yk__source *source, yk__message tensor, data_files *found) {
    yk__field field, part, key = {0};
    char location[MAX_TEXT] = "", text[MAX_TEXT];
    uint64_t offset = 0, length = 0;
    while (yk__message_next(&tensor, &field)) {
        if (field.number != 13 || field.wire != 2) continue;
        yk__message entry = yk__message_of(source, &field);
        while (yk__message_next(&entry, &part)) {
            if (part.number == 1) key = part;
            if (part.number != 2) continue;
            copy_text(source, &part, text);
            if (is_text(source, &key, "location")) memcpy(location, text, sizeof location);
            if (is_text(source, &key, "offset")) offset = strtoull(text, NULL, 10);
            if (is_text(source, &key, "length")) length = strtoull(text, NULL, 10);
        }
    }
    add_tensor(found, location, offset, length);
}

/* Beside the model: its folder, then the location, which must stay inside of it. */
static void check_beside(const char *model, const char *name, uint64_t needed, yk__report *report) {
    char path[8192], wanted[64], found[64];
    uint64_t size = 0;
    int folder = (int)(yk__basename(model) - model);
    bool inside = name[0] != '/' && !strstr(name, "..");
    int n = snprintf(path, sizeof path, "%.*s%s", folder, model, name);
    bool there = inside && n > 0 && n < (int)sizeof path && yk__file_size(path, &size);
    if (there && size >= needed) return;
    snprintf(wanted, sizeof wanted, "%" PRIu64 " bytes", needed);
    snprintf(found, sizeof found, "%" PRIu64 " bytes", size);
    yk__report_add(report, YK__FINDING_EXTERNAL_DATA_MISSING, name, wanted,
                   there    ? found
                   : inside ? "no such file"
                            : "a place outside of the model's folder");
}

void yk__onnx_look_for_files(const yk__source *source, yk__report *report) {
    yk__message graph;
    yk__field field;
    data_files *found = find_graph(source, &graph) ? yk__alloc(sizeof *found) : NULL;
    if (!found) return;
    for (int i = 0; i < MAX_INITIALIZERS && yk__message_next(&graph, &field); i++)
        if (field.number == 5 && field.wire == 2) read_tensor(source, yk__message_of(source, &field), found);
    yk__fact *list = found->n ? yk__fact_list(report, NULL, "external_data") : NULL;
    for (int i = 0; list && i < found->n; i++) {
        yk__fact *file = yk__fact_object(report, list, NULL);
        if (!file) break;
        yk__fact_text(report, file, "location", found->files[i].name);
        yk__fact_int(report, file, "needed", (int64_t)(found->files[i].needed & INT64_MAX));
        if (source->deep && report->file && *report->file)
            check_beside(report->file, found->files[i].name, found->files[i].needed, report);
    }
    yk__free(found);
}
