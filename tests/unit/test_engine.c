/* The engine file: what is written is read back, byte for byte the same each time; every damage is seen and named. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "base/file.h"
#include "engine/cache.h"
#include "engine/engine_head.h"
#include "engine/engine_read.h"
#include "unit/tiny_model.h"

#define GOLDEN "tests/golden/engine/tiny-v1.yolk"

/* ---- helpers ---- */

static void same_text(const char *a, const char *b) {
    assert_int_equal(a == NULL, b == NULL);
    if (a) assert_string_equal(a, b);
}

static void same_graph(const yk__graph *a, const yk__graph *b) {
    yk__text one = {0}, two = {0};
    yk__graph_dump(a, &one);
    yk__graph_dump(b, &two);
    assert_string_equal(yk__text_get(&one), yk__text_get(&two));
    yk__text_free(&one);
    yk__text_free(&two);
    assert_int_equal(a->n_values, b->n_values);
    for (int32_t i = 0; i < a->n_values; i++) {
        size_t bytes = 0;
        assert_int_equal(a->values[i].dtype, b->values[i].dtype);
        assert_true(yk__shape_equal(&a->values[i].shape, &b->values[i].shape));
        assert_string_equal(a->values[i].name, b->values[i].name);
        assert_int_equal(a->values[i].data == NULL, b->values[i].data == NULL);
        if (!a->values[i].data) continue;
        assert_true(yk__tensor_bytes(a->values[i].dtype, &a->values[i].shape, &bytes));
        if (bytes) assert_memory_equal(a->values[i].data, b->values[i].data, bytes);
    }
    assert_int_equal(a->n_nodes, b->n_nodes);
    for (int32_t i = 0; i < a->n_nodes; i++) {
        const yk__node *x = &a->nodes[i], *y = &b->nodes[i];
        assert_int_equal(x->op, y->op);
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->n_in, y->n_in);
        assert_int_equal(x->n_out, y->n_out);
        assert_memory_equal(x->in, y->in, (size_t)x->n_in * sizeof *x->in);
        assert_memory_equal(x->out, y->out, (size_t)x->n_out * sizeof *x->out);
        assert_int_equal(x->n_attr, y->n_attr);
        for (int k = 0; k < x->n_attr; k++) {
            const yk__attr *p = &x->attr[k], *q = &y->attr[k];
            assert_string_equal(p->name, q->name);
            assert_int_equal(p->kind, q->kind);
            if (p->kind == YK__ATTR_INT) assert_int_equal(p->i, q->i);
            if (p->kind == YK__ATTR_FLOAT) assert_memory_equal(&p->f, &q->f, sizeof p->f);
            if (p->kind == YK__ATTR_STRING) assert_string_equal(p->s, q->s);
            if (p->kind == YK__ATTR_INTS || p->kind == YK__ATTR_FLOATS) assert_int_equal(p->n, q->n);
            if (p->kind == YK__ATTR_INTS && p->n) assert_memory_equal(p->ints, q->ints, (size_t)p->n * sizeof *p->ints);
            if (p->kind == YK__ATTR_FLOATS && p->n) assert_memory_equal(p->floats, q->floats, (size_t)p->n * sizeof(double));
        }
    }
}

static void same_model(const yk__model *a, const yk__model *b) {
    same_graph(&a->graph, &b->graph);
    yk__recipe x = a->recipe, y = b->recipe;
    assert_int_equal(x.n_classes, y.n_classes);
    for (int i = 0; i < x.n_classes; i++) assert_string_equal(x.names[i], y.names[i]);
    assert_int_equal(x.task, y.task);
    assert_int_equal(x.layout, y.layout);
    assert_memory_equal(x.imgsz, y.imgsz, sizeof x.imgsz);
    assert_int_equal(x.stride, y.stride);
    assert_int_equal(x.batch, y.batch);
    assert_int_equal(x.dynamic, y.dynamic);
    assert_int_equal(x.rect, y.rect);
    assert_int_equal(x.channels, y.channels);
    assert_int_equal(x.geometry, y.geometry);
    assert_int_equal(x.bgr, y.bgr);
    assert_memory_equal(&x.scale, &y.scale, sizeof x.scale);
    assert_memory_equal(x.mean, y.mean, sizeof x.mean);
    assert_memory_equal(x.std, y.std, sizeof x.std);
    assert_int_equal(x.pad_value, y.pad_value);
    assert_memory_equal(&x.conf, &y.conf, sizeof x.conf);
    assert_memory_equal(&x.iou, &y.iou, sizeof x.iou);
    assert_int_equal(x.max_det, y.max_det);
    assert_int_equal(x.agnostic, y.agnostic);
    assert_memory_equal(x.kpt_shape, y.kpt_shape, sizeof x.kpt_shape);
    assert_int_equal(x.n_extra, y.n_extra);
}

/* The tiny engine with every section, in memory of its own so that AddressSanitizer sees each step outside. */
static uint8_t *tiny_engine(size_t *size) {
    yk__model model;
    uint8_t *data;
    yk__error err;
    tiny_model(&model);
    if (yk__engine_write_memory(&data, size, &model, tiny_options(), &err)) fail_msg("%s", err.message);
    yk__model_free(&model);
    return data;
}

static void put_head_sum(uint8_t *bytes) {
    yk__put_u64(bytes + YK__HEAD_CHECKSUM, yk__xxh3_with_hole(bytes, YK__ENGINE_HEAD_BYTES, YK__HEAD_CHECKSUM, 8));
}

/* Opens a copy that is exactly as long as it should be. Returns the code; the first finding's id in *finding. */
static yk__code try_open(const uint8_t *bytes, size_t size, yk__finding_code *finding, yk__verdict *verdict,
                         const yk__model *wanted) {
    yk__engine_file file;
    yk__report report;
    yk__error err = {0};
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    yk__report_init(&report, "test.yolk", size);
    yk__code code = yk__engine_open_bytes(copy, size, "test.yolk", &file, &report, &err);
    assert_int_equal(code == YK__OK, report.verdict == YK__VERDICT_VALID || report.verdict == YK__VERDICT_SUBOPTIMAL);
    assert_true(report.n_findings > 0 || code == YK__OK);
    if (code) assert_int_equal(code, err.code);
    if (finding) *finding = report.n_findings ? report.findings[0].id : YK__FINDING_COUNT;
    if (verdict) *verdict = report.verdict;
    if (!code && wanted) same_model(wanted, &file.model);
    yk__engine_close(&file);
    yk__report_free(&report);
    free(copy);
    return code;
}

static void expect(const uint8_t *bytes, size_t size, yk__finding_code wanted) {
    yk__finding_code finding;
    yk__code code = try_open(bytes, size, &finding, NULL, NULL);
    if (finding != wanted)
        fail_msg("wanted %s, got %s (%d)", yk__finding_info_get(wanted)->code, yk__finding_info_get(finding)->code, code);
    if (yk__finding_info_get(wanted)->severity == YK__SEVERITY_ERROR)
        assert_int_equal(code, yk__finding_info_get(wanted)->status);
    else
        assert_int_equal(code, YK__OK);
}

/* Puts a file together from any sections: names with a leading '!' are required. */
typedef struct piece {
    const char *name;
    const void *bytes;
    size_t size;
} piece;

static uint8_t *assemble(const piece *parts, int n, const uint8_t *summary_of, size_t *size) {
    yk__head head = {.format = 1, .min_reader = 1, .n_sections = n};
    uint64_t at = YK__ENGINE_HEAD_BYTES;
    for (int i = 0; i < n; i++) {
        bool required = parts[i].name[0] == '!';
        at = (at + 63) / 64 * 64;
        head.sections[i] = (yk__head_entry){
            .flags = required, .at = at, .length = parts[i].size, .checksum = yk__xxh3(parts[i].bytes, parts[i].size)};
        snprintf(head.sections[i].name, sizeof head.sections[i].name, "%s", parts[i].name + required);
        at += parts[i].size;
    }
    head.file_bytes = at;
    uint8_t *out = calloc(1, (size_t)at);
    assert_non_null(out);
    yk__head_encode(&head, out);
    memcpy(out + YK__HEAD_SUMMARY, summary_of + YK__HEAD_SUMMARY, YK__HEAD_SUMMARY_END - YK__HEAD_SUMMARY);
    for (int i = 0; i < n; i++)
        if (parts[i].size) memcpy(out + head.sections[i].at, parts[i].bytes, parts[i].size);
    put_head_sum(out);
    *size = (size_t)at;
    return out;
}

/* The tiny engine's own sections, for replacing one. */
typedef struct pieces {
    uint8_t *engine;
    size_t size;
    piece parts[YK__ENGINE_MAX_SECTIONS];
    char names[YK__ENGINE_MAX_SECTIONS][40];
    int n;
} pieces;

static void take_apart(pieces *kit) {
    yk__head head;
    bool complete;
    yk__error err;
    kit->engine = tiny_engine(&kit->size);
    assert_int_equal(yk__head_decode(kit->engine, kit->size, kit->size, &head, &complete, NULL, &err), YK__OK);
    kit->n = head.n_sections;
    for (int i = 0; i < kit->n; i++) {
        snprintf(kit->names[i], sizeof kit->names[i], "%s%s", head.sections[i].flags ? "!" : "", head.sections[i].name);
        kit->parts[i] = (piece){kit->names[i], kit->engine + head.sections[i].at, (size_t)head.sections[i].length};
    }
}

static piece *find_part(pieces *kit, const char *name) {
    for (int i = 0; i < kit->n; i++)
        if (!strcmp(kit->parts[i].name, name)) return &kit->parts[i];
    fail_msg("no section %s", name);
    return NULL;
}

/* With `name` replaced by other bytes the file gives this finding. */
static void expect_with(const char *name, const void *bytes, size_t size, yk__finding_code wanted) {
    pieces kit;
    size_t n;
    take_apart(&kit);
    piece *part = find_part(&kit, name);
    part->bytes = bytes;
    part->size = size;
    uint8_t *file = assemble(kit.parts, kit.n, kit.engine, &n);
    if (!strcmp(name, "!weights")) {
        yk__put_u64(file + YK__HEAD_SUMMARY + YK__SUMMARY_WEIGHTS, size);
        put_head_sum(file);
    }
    expect(file, n, wanted);
    free(file);
    yk__free(kit.engine);
}

static void expect_with_text(const char *name, const char *text, yk__finding_code wanted) {
    expect_with(name, text, strlen(text), wanted);
}

/* A section's text with the first `from` replaced by `to`. */
static void expect_edited(const char *name, const char *from, const char *to, yk__finding_code wanted) {
    pieces kit;
    take_apart(&kit);
    piece *part = find_part(&kit, name);
    char *text = calloc(1, part->size + strlen(to) + 1), *copy = calloc(1, part->size + 1);
    assert_non_null(text);
    assert_non_null(copy);
    memcpy(copy, part->bytes, part->size);
    const char *at = strstr(copy, from);
    if (!at) fail_msg("%s does not hold %s:\n%s", name, from, copy);
    sprintf(text, "%.*s%s%s", (int)(at - copy), copy, to, at + strlen(from));
    expect_with_text(name, text, wanted);
    free(text);
    free(copy);
    yk__free(kit.engine);
}

/* ---- tests ---- */

static void test_round_trip(void **state) {
    (void)state;
    size_t size;
    uint8_t *bytes = tiny_engine(&size);
    yk__model model;
    yk__engine_file file;
    yk__report report;
    yk__error err;
    tiny_model(&model);
    yk__report_init(&report, "x", size);
    if (yk__engine_open_bytes(bytes, size, "x", &file, &report, &err)) fail_msg("%s", err.message);
    assert_int_equal(report.verdict, YK__VERDICT_VALID);
    assert_int_equal(report.n_findings, 0);
    assert_string_equal(report.kind, "yolk-engine");
    same_model(&model, &file.model);
    same_text(model.provenance.source_name, file.model.provenance.source_name);
    same_text(model.provenance.source_sha256, file.model.provenance.source_sha256);
    same_text(model.provenance.source_format, file.model.provenance.source_format);
    same_text(model.provenance.options, file.model.provenance.options);
    same_text(model.provenance.author, file.model.provenance.author);
    assert_null(file.model.provenance.license);
    const yk__engine_write_options *options = tiny_options();
    assert_int_equal(file.n_choices, options->n_choices);
    for (int i = 0; i < file.n_choices; i++) {
        assert_string_equal(file.choices[i].node, options->choices[i].node);
        assert_string_equal(file.choices[i].kernel, options->choices[i].kernel);
    }
    assert_int_equal(file.selftest.n_outputs, 1);
    assert_true(file.selftest.tolerance == options->selftest->tolerance);
    assert_int_equal(file.selftest.input.dtype, YK__DTYPE_U8);
    assert_memory_equal(file.selftest.input.data, options->selftest->input.data, 8 * 8 * 3);
    assert_int_equal(file.selftest.outputs[0].n, 2);
    assert_memory_equal(file.selftest.outputs[0].expected, options->selftest->outputs[0].expected, 2 * sizeof(float));
    assert_int_equal(file.n_plans, 2);
    assert_string_equal(file.plans[0].backend, "cpu");
    assert_string_equal(file.plans[0].isa, "avx2");
    assert_string_equal(file.plans[0].fingerprint, "kernels-1");
    assert_int_equal(file.plans[0].size, 26);
    assert_memory_equal(file.plans[0].bytes, "packed bytes of no meaning", 26);
    assert_int_equal(file.plans[1].size, 0);
    assert_string_equal(file.precision, "fp32");
    /* equal constants share their bytes, and every constant is aligned */
    const yk__graph *graph = &file.model.graph;
    assert_ptr_equal(graph->values[2].data, graph->values[3].data);
    for (int i = 0; i < graph->n_values; i++)
        if (graph->values[i].data) assert_int_equal(((const uint8_t *)graph->values[i].data - bytes) % 64, 0);
    yk__engine_close(&file);
    yk__engine_close(&file);
    yk__report_free(&report);
    yk__model_free(&model);
    yk__free(bytes);
}

/* A file that was read and is written again is the same file; so is one written by way of the disk. */
static void test_reproducible(void **state) {
    (void)state;
    size_t size, again_size;
    uint8_t *bytes = tiny_engine(&size), *again;
    yk__engine_file file;
    yk__error err;
    yk__map map;
    char path[] = "/tmp/yolk-test-XXXXXX";
    assert_int_equal(yk__engine_open_bytes(bytes, size, "x", &file, NULL, &err), YK__OK);
    yk__engine_write_options options = {.choices = file.choices,
                                        .n_choices = file.n_choices,
                                        .selftest = &file.selftest,
                                        .plans = file.plans,
                                        .n_plans = file.n_plans};
    assert_int_equal(yk__engine_write_memory(&again, &again_size, &file.model, &options, &err), YK__OK);
    assert_int_equal(size, again_size);
    assert_memory_equal(bytes, again, size);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(yk__engine_write(path, &file.model, &options, &err), YK__OK);
    yk__engine_close(&file);
    assert_int_equal(yk__map_open(&map, path, 0, &err), YK__OK);
    assert_int_equal(map.size, size);
    assert_memory_equal(map.data, bytes, size);
    yk__map_close(&map);
    assert_int_equal(yk__engine_open(path, &file, NULL, &err), YK__OK);
    yk__engine_close(&file);
    unlink(path);
    assert_int_equal(yk__engine_open(path, &file, NULL, &err), YK__NOT_FOUND);
    yk__free(again);
    yk__free(bytes);
}

static void test_misaligned_bytes(void **state) {
    (void)state;
    size_t size;
    uint8_t *bytes = tiny_engine(&size), *moved = malloc(size + 1);
    yk__model model;
    yk__engine_file file;
    yk__error err;
    tiny_model(&model);
    assert_non_null(moved);
    memcpy(moved + 1, bytes, size);
    assert_int_equal(yk__engine_open_bytes(moved + 1, size, "x", &file, NULL, &err), YK__OK);
    free(moved);
    same_model(&model, &file.model);
    yk__engine_close(&file);
    yk__model_free(&model);
    yk__free(bytes);
}

static void test_cut_everywhere(void **state) {
    (void)state;
    size_t size;
    uint8_t *bytes = tiny_engine(&size);
    for (size_t n = 0; n < size; n++) expect(bytes, n, n ? YK__FINDING_TRUNCATED : YK__FINDING_EMPTY_FILE);
    yk__free(bytes);
}

static void test_longer(void **state) {
    (void)state;
    size_t size;
    uint8_t *bytes = tiny_engine(&size), *more = calloc(1, size + 5000);
    assert_non_null(more);
    memcpy(more, bytes, size);
    expect(more, size + 1, YK__FINDING_TRAILING_BYTES);
    expect(more, size + 5000, YK__FINDING_TRAILING_BYTES);
    free(more);
    yk__free(bytes);
}

/* The first 4 KiB, each byte changed in several ways. */
static void test_damaged_head(void **state) {
    (void)state;
    static const uint8_t masks[] = {0x01, 0x80, 0xff, 0x20};
    size_t size;
    uint8_t *bytes = tiny_engine(&size);
    for (size_t at = 0; at < YK__ENGINE_HEAD_BYTES; at++)
        for (size_t k = 0; k < sizeof masks; k++) {
            bytes[at] ^= masks[k];
            expect(bytes, size, at < 8 ? YK__FINDING_MAGIC_DAMAGED : YK__FINDING_HEAD_DAMAGED);
            bytes[at] ^= masks[k];
        }
    yk__free(bytes);
}

/* Every later byte: refused where it matters, the same model where it does not. */
static void test_damaged_sections(void **state) {
    (void)state;
    size_t size, n_padding = 0, n_optional = 0;
    uint8_t *bytes = tiny_engine(&size);
    yk__head head;
    bool complete;
    yk__model model;
    tiny_model(&model);
    assert_int_equal(yk__head_decode(bytes, size, size, &head, &complete, NULL, NULL), YK__OK);
    for (size_t at = YK__ENGINE_HEAD_BYTES; at < size; at++) {
        const yk__head_entry *in = NULL;
        for (int i = 0; i < head.n_sections; i++)
            if (at >= head.sections[i].at && at < head.sections[i].at + head.sections[i].length) in = &head.sections[i];
        yk__finding_code finding;
        yk__verdict verdict;
        bytes[at] ^= (uint8_t)(1u << at % 8);
        yk__code code = try_open(bytes, size, &finding, &verdict, &model);
        bytes[at] ^= (uint8_t)(1u << at % 8);
        if (in && in->flags) {
            assert_int_equal(code, YK__CHECKSUM);
            assert_int_equal(finding, YK__FINDING_SECTION_DAMAGED);
            continue;
        }
        assert_int_equal(code, YK__OK);
        assert_int_equal(verdict, YK__VERDICT_SUBOPTIMAL);
        assert_int_equal(finding, in ? YK__FINDING_OPTIONAL_SECTION_DAMAGED : YK__FINDING_PADDING_NOT_ZERO);
        n_optional += in != NULL;
        n_padding += in == NULL;
    }
    assert_true(n_optional > 100 && n_padding > 10);
    yk__model_free(&model);
    yk__free(bytes);
}

/* What text-mode programs do to a whole file. */
static size_t translate(const uint8_t *in, size_t n, uint8_t *out, int how) {
    size_t to = 0;
    for (size_t i = 0; i < n; i++) {
        bool crlf = in[i] == '\r' && i + 1 < n && in[i + 1] == '\n';
        if (how == 0 && in[i] == '\n') out[to++] = '\r';                         /* LF to CR LF */
        if (how == 1 && crlf) continue;                                          /* CR LF to LF */
        if (how == 2 && in[i] >= 0x80) out[to++] = (uint8_t)(0xc0 | in[i] >> 6); /* Latin-1 to UTF-8 */
        uint8_t byte = in[i];
        if (how == 2 && byte >= 0x80) byte = 0x80 | (byte & 0x3f);
        if (how == 3) byte &= 0x7f;
        if (how == 4 && byte == '\r') byte = '\n';
        if (how == 5 && byte >= 0x80) { /* invalid bytes to U+FFFD */
            memcpy(out + to, "\xef\xbf", 2);
            to += 2;
            byte = 0xbd;
        }
        out[to++] = byte;
    }
    return to;
}

static void test_text_damage(void **state) {
    (void)state;
    static const yk__finding_code wanted[] = {YK__FINDING_TEXT_MODE_DAMAGE, YK__FINDING_TEXT_MODE_DAMAGE,
                                              YK__FINDING_UTF8_DAMAGE,      YK__FINDING_HIGH_BIT_STRIPPED,
                                              YK__FINDING_TEXT_MODE_DAMAGE, YK__FINDING_UTF8_DAMAGE};
    size_t size;
    uint8_t *bytes = tiny_engine(&size), *other = malloc(3 * size);
    assert_non_null(other);
    for (int how = 0; how < 6; how++) expect(other, translate(bytes, size, other, how), wanted[how]);
    memset(other, 0, size);
    expect(other, size, YK__FINDING_NOT_AN_ENGINE);
    free(other);
    yk__free(bytes);
}

/* Fields that a faulty or newer writer could set, with checksums that match. */
static void test_head_fields(void **state) {
    (void)state;
    static const struct {
        size_t at;
        int bytes;
        uint64_t number;
        yk__finding_code wanted;
    } cases[] = {
        {YK__HEAD_FORMAT, 4, 0, YK__FINDING_HEAD_INVALID},
        {YK__HEAD_FORMAT, 4, 2, YK__FINDING_COUNT}, /* a newer format that this reader may still read */
        {YK__HEAD_MIN_READER, 4, 0, YK__FINDING_HEAD_INVALID},
        {YK__HEAD_MIN_READER, 4, 2, YK__FINDING_HEAD_INVALID}, /* more than the format version */
        {YK__HEAD_FORMAT, 8, 0x200000002, YK__FINDING_NEWER_FORMAT},
        {YK__HEAD_FILE_BYTES, 8, UINT64_MAX, YK__FINDING_HEAD_INVALID},
        {YK__HEAD_FILE_BYTES, 8, INT64_MAX, YK__FINDING_SECTION_TABLE_INVALID},
        {YK__HEAD_TABLE_AT, 4, 4096, YK__FINDING_SECTION_TABLE_INVALID},
        {YK__HEAD_N_SECTIONS, 4, 0, YK__FINDING_SECTION_TABLE_INVALID},
        {YK__HEAD_N_SECTIONS, 4, 49, YK__FINDING_SECTION_TABLE_INVALID},
        {YK__HEAD_N_SECTIONS, 4, UINT32_MAX, YK__FINDING_SECTION_TABLE_INVALID},
        {YK__HEAD_ENTRY_BYTES, 4, 0, YK__FINDING_SECTION_TABLE_INVALID},
        {YK__HEAD_ZERO, 4, 1, YK__FINDING_HEAD_INVALID},
        {YK__HEAD_SUMMARY_END, 4, 1, YK__FINDING_HEAD_INVALID},
        {4092, 4, 1, YK__FINDING_HEAD_INVALID},
        {YK__HEAD_SUMMARY + YK__SUMMARY_TASK + 12, 4, 0x41414141, YK__FINDING_HEAD_INVALID},
        {YK__HEAD_SUMMARY + YK__SUMMARY_CLASSES, 4, 3, YK__FINDING_SUMMARY_DIFFERS},
        {YK__HEAD_SUMMARY + YK__SUMMARY_WEIGHTS, 8, 3, YK__FINDING_SUMMARY_DIFFERS},
        {YK__HEAD_TABLE + YK__ENTRY_FLAGS, 4, 3, YK__FINDING_SECTION_TABLE_INVALID},
        {YK__HEAD_TABLE + YK__ENTRY_FLAGS, 4, 0, YK__FINDING_SECTION_TABLE_INVALID},
        {YK__HEAD_TABLE + YK__ENTRY_AT, 8, 0, YK__FINDING_SECTION_TABLE_INVALID},
        {YK__HEAD_TABLE + YK__ENTRY_AT, 8, 4160, YK__FINDING_SECTION_TABLE_INVALID},
        {YK__HEAD_TABLE + YK__ENTRY_LENGTH, 8, UINT64_MAX, YK__FINDING_SECTION_TABLE_INVALID},
        {YK__HEAD_TABLE + YK__ENTRY_LENGTH, 8, UINT64_MAX - 4095, YK__FINDING_SECTION_TABLE_INVALID},
        {YK__HEAD_TABLE + YK__ENTRY_NAME, 4, 0, YK__FINDING_SECTION_TABLE_INVALID},
        {YK__HEAD_TABLE + YK__ENTRY_NAME, 4, 0x41, YK__FINDING_SECTION_TABLE_INVALID},
    };
    size_t size;
    uint8_t *bytes = tiny_engine(&size), *copy = malloc(size);
    assert_non_null(copy);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memcpy(copy, bytes, size);
        for (int k = 0; k < cases[i].bytes; k++) copy[cases[i].at + (size_t)k] = (uint8_t)(cases[i].number >> (8 * k));
        put_head_sum(copy);
        if (cases[i].wanted == YK__FINDING_COUNT)
            assert_int_equal(try_open(copy, size, NULL, NULL, NULL), YK__OK);
        else
            expect(copy, size, cases[i].wanted);
    }
    free(copy);
    yk__free(bytes);
}

/* Files of other makers: sections missing, unknown, doubled. */
static void test_section_sets(void **state) {
    (void)state;
    static const char *const needed[] = {"!recipe", "!graph", "!weights"};
    static const char *const spare[] = {"provenance", "selftest", "plan.cpu.avx2", "!choices"};
    pieces kit;
    size_t n;
    uint8_t *file;
    take_apart(&kit);
    piece all[YK__ENGINE_MAX_SECTIONS];
    memcpy(all, kit.parts, sizeof all);
    for (size_t i = 0; i < 7; i++) {
        const char *name = i < 3 ? needed[i] : spare[i - 3];
        int kept = 0;
        for (int k = 0; k < kit.n; k++)
            if (strcmp(all[k].name, name) != 0) kit.parts[kept++] = all[k];
        file = assemble(kit.parts, kept, kit.engine, &n);
        if (i < 3)
            expect(file, n, YK__FINDING_SECTION_MISSING);
        else
            assert_int_equal(try_open(file, n, NULL, NULL, NULL), YK__OK);
        free(file);
    }
    memcpy(kit.parts, all, sizeof all);
    kit.parts[kit.n] = (piece){"!later", "new", 3};
    file = assemble(kit.parts, kit.n + 1, kit.engine, &n);
    expect(file, n, YK__FINDING_SECTION_UNKNOWN);
    free(file);
    kit.parts[kit.n].name = "later";
    file = assemble(kit.parts, kit.n + 1, kit.engine, &n);
    expect(file, n, YK__FINDING_OPTIONAL_SECTION_UNKNOWN);
    yk__verdict verdict;
    assert_int_equal(try_open(file, n, NULL, &verdict, NULL), YK__OK);
    assert_int_equal(verdict, YK__VERDICT_VALID);
    free(file);
    kit.parts[kit.n] = all[0];
    file = assemble(kit.parts, kit.n + 1, kit.engine, &n);
    expect(file, n, YK__FINDING_SECTION_TABLE_INVALID);
    free(file);
    kit.parts[kit.n] = (piece){"plan.x", "", 0};
    file = assemble(kit.parts, kit.n + 1, kit.engine, &n);
    expect(file, n, YK__FINDING_OPTIONAL_SECTION_INVALID);
    free(file);
    yk__free(kit.engine);
}

static void test_nonsense_in_sections(void **state) {
    (void)state;
    char *deep = malloc(100000);
    assert_non_null(deep);
    memset(deep, '[', 100000);
    expect_with("!graph", deep, 100000, YK__FINDING_JSON_TOO_LARGE);
    expect_with("!recipe", deep, 100000, YK__FINDING_JSON_TOO_LARGE);
    free(deep);
    char *many = malloc(5000000);
    assert_non_null(many);
    memset(many, ',', 5000000);
    expect_with("!graph", many, 5000000, YK__FINDING_JSON_TOO_LARGE);
    free(many);
    expect_with_text("!graph", "", YK__FINDING_JSON_INVALID);
    expect_with_text("!graph", "[1,2", YK__FINDING_JSON_INVALID);
    expect_with_text("!graph", "{}", YK__FINDING_JSON_INVALID);
    expect_with_text("!graph", "7", YK__FINDING_JSON_INVALID);
    expect_with_text("!graph", "{\"a\":1,\"a\":2}", YK__FINDING_JSON_INVALID);
    expect_with("!graph", "{\0}", 3, YK__FINDING_JSON_INVALID);
    expect_with_text("!graph", "{\"inputs\":[],\"outputs\":[],\"values\":[],\"nodes\":[]}", YK__FINDING_GRAPH_INVALID);
    expect_edited("!graph", "\"inputs\":[0]", "\"inputs\":[99]", YK__FINDING_GRAPH_INVALID);
    expect_edited("!graph", "\"inputs\":[0]", "\"inputs\":[-2]", YK__FINDING_JSON_INVALID);
    expect_edited("!graph", "\"inputs\":[0]", "\"inputs\":[9999999999]", YK__FINDING_JSON_INVALID);
    expect_edited("!graph", "\"inputs\":[0]", "\"inputs\":0", YK__FINDING_JSON_INVALID);
    expect_edited("!graph", "\"Conv\"", "\"Konv\"", YK__FINDING_JSON_INVALID);
    expect_edited("!graph", "\"Gemm\"", "\"MatMul\"", YK__FINDING_JSON_INVALID); /* has no transB */
    expect_edited("!graph", "\"strides\":[2,2]", "\"strides\":[2,2.5]", YK__FINDING_JSON_INVALID);
    expect_edited("!graph", "\"strides\":[2,2]", "\"strides\":[2,99999999999999999999]", YK__FINDING_JSON_INVALID);
    expect_edited("!graph", "\"strides\":[2,2]", "\"strides\":2", YK__FINDING_JSON_INVALID);
    expect_edited("!graph", "\"leaky_relu\"", "\"leaky\\u0000relu\"", YK__FINDING_JSON_INVALID);
    expect_edited("!graph", "\"act\":\"leaky_relu\"", "\"act\":3", YK__FINDING_JSON_INVALID);
    expect_edited("!graph", "\"dtype\":\"i64\"", "\"dtype\":\"i128\"", YK__FINDING_JSON_INVALID);
    expect_edited("!graph", "\"shape\":[4,3,3,3]", "\"shape\":[4,3,3,4]", YK__FINDING_WEIGHTS_OUT_OF_RANGE);
    expect_edited("!graph", "\"shape\":[4,3,3,3]", "\"shape\":[-1,3,3,3]", YK__FINDING_WEIGHTS_OUT_OF_RANGE);
    expect_edited("!graph", "\"shape\":[4,3,3,3]", "\"shape\":[-4,3,3,3]", YK__FINDING_JSON_INVALID);
    expect_edited("!graph", "\"shape\":[4,3,3,3]", "\"shape\":[9223372036854775807,9223372036854775807,3,3]",
                  YK__FINDING_WEIGHTS_OUT_OF_RANGE);
    expect_edited("!graph", "\"at\":0,", "\"at\":64000,", YK__FINDING_WEIGHTS_OUT_OF_RANGE);
    expect_edited("!graph", "\"at\":0,", "\"at\":8,", YK__FINDING_WEIGHTS_OUT_OF_RANGE);
    expect_edited("!graph", "\"at\":0,", "\"at\":-64,", YK__FINDING_WEIGHTS_OUT_OF_RANGE);
    expect_edited("!graph", "\"dtype\":\"f16\",\"shape\":[2]", "\"dtype\":\"bool\",\"shape\":[4]",
                  YK__FINDING_WEIGHTS_OUT_OF_RANGE); /* elements that are neither 0 nor 1 */
    expect_with("!weights", "", 0, YK__FINDING_WEIGHTS_OUT_OF_RANGE);
    expect_edited("!recipe", "\"classify\"", "\"paint\"", YK__FINDING_JSON_INVALID);
    expect_edited("!recipe", "\"stride\":1", "\"stride\":0", YK__FINDING_RECIPE_INVALID);
    expect_edited("!recipe", "\"scale\":255.0", "\"scale\":\"nan\"", YK__FINDING_RECIPE_INVALID);
    expect_edited("!recipe", "\"scale\":255.0", "\"scale\":1e200", YK__FINDING_JSON_INVALID);
    expect_edited("!recipe", "\"agnostic\":false", "\"agnostic\":2", YK__FINDING_JSON_INVALID);
    expect_edited("!recipe", "\"imgsz\":[8,8]", "\"imgsz\":[8]", YK__FINDING_JSON_INVALID);
    expect_edited("!recipe", "\"imgsz\":[8,8]", "\"imgsz\":[8,16]", YK__FINDING_SUMMARY_DIFFERS);
    expect_with_text("!choices", "{}", YK__FINDING_CHOICES_INVALID);
    expect_with_text("!choices", "[{}]", YK__FINDING_CHOICES_INVALID);
    expect_with_text("provenance", "[]", YK__FINDING_OPTIONAL_SECTION_INVALID);
    expect_edited("provenance", "aaaaaaaa", "zzzzzzzz", YK__FINDING_OPTIONAL_SECTION_INVALID);
    expect_edited("provenance", "\"metrics\":{}", "\"metrics\":{\"map50\":\"good\"}", YK__FINDING_OPTIONAL_SECTION_INVALID);
    expect_edited("provenance", "\"metrics\":{}", "\"metrics\":{\"a b\":1}", YK__FINDING_OPTIONAL_SECTION_INVALID);
    expect_with_text("selftest", "abc", YK__FINDING_OPTIONAL_SECTION_INVALID);
    expect_with("selftest", "\2\0\0\0{}", 6, YK__FINDING_OPTIONAL_SECTION_INVALID);
    expect_with("selftest", "\xff\xff\xff\xff{}", 6, YK__FINDING_OPTIONAL_SECTION_INVALID);
    expect_with_text("plan.cpu.avx2", "short", YK__FINDING_OPTIONAL_SECTION_INVALID);
}

/* What cannot be read back is not written. */
static void test_refuses_to_write(void **state) {
    (void)state;
    yk__model model;
    uint8_t *data;
    size_t size;
    yk__error err;
    yk__engine_write_options options = *tiny_options();
    tiny_model(&model);
    model.recipe.stride = 0;
    assert_int_equal(yk__engine_write_memory(&data, &size, &model, &options, &err), YK__GRAPH);
    model.recipe.stride = 1;
    model.graph.outputs[0] = 77;
    assert_int_equal(yk__engine_write_memory(&data, &size, &model, &options, &err), YK__GRAPH);
    assert_null(data);
    yk__model_free(&model);
    tiny_model(&model);
    yk__selftest selftest = *options.selftest;
    selftest.outputs[0].n = 3;
    options.selftest = &selftest;
    assert_int_equal(yk__engine_write_memory(&data, &size, &model, &options, &err), YK__ARGUMENT);
    options = *tiny_options();
    const yk__engine_plan twice[] = {options.plans[0], options.plans[0]};
    options.plans = twice;
    assert_int_equal(yk__engine_write_memory(&data, &size, &model, &options, &err), YK__ARGUMENT);
    const yk__engine_plan shouting = {"CPU", "avx2", "x", NULL, 0};
    options.plans = &shouting;
    options.n_plans = 1;
    assert_int_equal(yk__engine_write_memory(&data, &size, &model, &options, &err), YK__ARGUMENT);
    assert_int_equal(yk__engine_write("/no/such/folder/x.yolk", &model, NULL, &err), YK__NOT_FOUND);
    yk__model_free(&model);
}

/* Every second element of an output and a prepared input. */
static void test_selftest_samples(void **state) {
    (void)state;
    float input[3 * 4 * 4], expected[3] = {1, 2, 3};
    yk__selftest selftest = {.n_outputs = 2, .tolerance = 0.5};
    yk__engine_write_options options = {.selftest = &selftest};
    yk__model model;
    yk__engine_file file;
    uint8_t *data;
    size_t size;
    yk__error err;
    for (int i = 0; i < 48; i++) input[i] = (float)i / 7;
    selftest.input = (yk__tensor){YK__DTYPE_F32, yk__shape_make(4, (int64_t[]){1, 3, 4, 4}), input};
    selftest.outputs[0] = (yk__selftest_output){0, yk__shape_make(2, (int64_t[]){1, 5}), 2, 3, expected, 0};
    selftest.outputs[1] = (yk__selftest_output){1, yk__shape_make(1, (int64_t[]){300}), 200, 1, expected, 100};
    tiny_model(&model);
    if (yk__engine_write_memory(&data, &size, &model, &options, &err)) fail_msg("%s", err.message);
    if (yk__engine_open_bytes(data, size, "x", &file, NULL, &err)) fail_msg("%s", err.message);
    assert_int_equal(file.selftest.n_outputs, 2);
    assert_memory_equal(file.selftest.input.data, input, sizeof input);
    assert_memory_equal(file.selftest.outputs[0].expected, expected, 3 * sizeof(float));
    assert_int_equal(file.selftest.outputs[1].step, 200);
    assert_int_equal(file.selftest.outputs[1].first, 100); /* and 300 is beyond the end */
    assert_int_equal(file.selftest.outputs[1].index, 1);
    assert_memory_equal(file.selftest.outputs[1].expected, expected, sizeof(float));
    yk__engine_close(&file);
    yk__model_free(&model);
    yk__free(data);
}

/* Each allocation fails once: an error, nothing lost (AddressSanitizer's leak check sees to that). */
static void test_out_of_memory(void **state) {
    (void)state;
    size_t size;
    uint8_t *bytes = tiny_engine(&size), *data;
    yk__engine_file file;
    yk__model model;
    yk__error err;
    yk__code code = YK__MEMORY;
    tiny_model(&model);
    for (uint64_t n = 1; code; n++) {
        yk__alloc_fail_after(n);
        code = yk__engine_open_bytes(bytes, size, "x", &file, NULL, &err);
        yk__alloc_fail_after(0);
        if (code) assert_int_equal(code, YK__MEMORY);
        assert_true(n < 10000);
    }
    yk__engine_close(&file);
    code = YK__MEMORY;
    for (uint64_t n = 1; code; n++) {
        yk__alloc_fail_after(n);
        code = yk__engine_write_memory(&data, &size, &model, tiny_options(), &err);
        yk__alloc_fail_after(0);
        if (code) assert_int_equal(code, YK__MEMORY);
        assert_true(n < 10000);
    }
    yk__free(data);
    yk__model_free(&model);
    yk__free(bytes);
}

static void test_cache(void **state) {
    (void)state;
    char folder[] = "/tmp/yolk-cache-XXXXXX", deep[64], key[65], other[65];
    yk__cache cache;
    assert_non_null(mkdtemp(folder));
    snprintf(deep, sizeof deep, "%s/a/b", folder);
    assert_true(yk__cache_open(&cache, deep));
    yk__cache_key(key, "abc", "--imgsz 8");
    yk__cache_key(other, "abc\n", "--imgsz 8");
    assert_string_not_equal(key, other);
    yk__cache_key(other, "abc", "--imgsz 8");
    assert_string_equal(key, other);
    assert_null(yk__cache_path(&cache, "../../etc"));
    char *paths[3];
    for (int i = 0; i < 3; i++) {
        char options[16];
        snprintf(options, sizeof options, "%d", i);
        yk__cache_key(key, "abc", options);
        paths[i] = yk__cache_path(&cache, key);
        assert_non_null(paths[i]);
        assert_false(yk__cache_touch(paths[i]));
        FILE *file = fopen(paths[i], "wb");
        assert_non_null(file);
        for (int k = 0; k < 1000; k++) fputc('x', file);
        fclose(file);
        const struct timespec times[2] = {{1000 + i, 0}, {1000 + i, 0}};
        assert_int_equal(utimensat(AT_FDCWD, paths[i], times, 0), 0);
    }
    assert_true(yk__cache_touch(paths[0])); /* the oldest becomes the newest */
    char stranger[128], leftover[128];
    snprintf(stranger, sizeof stranger, "%s/notes.txt", deep);
    snprintf(leftover, sizeof leftover, "%s/.yolk-0123456789ab", deep);
    fclose(fopen(stranger, "wb"));
    fclose(fopen(leftover, "wb"));
    const struct timespec old[2] = {{1000, 0}, {1000, 0}};
    assert_int_equal(utimensat(AT_FDCWD, leftover, old, 0), 0);
    yk__cache_trim(&cache, 2500, NULL);
    assert_int_equal(access(paths[1], F_OK), -1);
    assert_int_equal(access(paths[0], F_OK), 0);
    assert_int_equal(access(paths[2], F_OK), 0);
    assert_int_equal(access(stranger, F_OK), 0);
    assert_int_equal(access(leftover, F_OK), -1);
    yk__cache_trim(&cache, 0, paths[2]);
    assert_int_equal(access(paths[0], F_OK), -1);
    assert_int_equal(access(paths[2], F_OK), 0);
    yk__cache_drop(paths[2]);
    assert_int_equal(access(paths[2], F_OK), -1);
    for (int i = 0; i < 3; i++) yk__free(paths[i]);
    yk__cache_close(&cache);
    /* a place that cannot be a folder means no cache, and nothing else */
    assert_false(yk__cache_open(&cache, stranger));
    assert_null(yk__cache_path(&cache, key));
    yk__cache_trim(&cache, 0, NULL);
    unlink(stranger);
    rmdir(deep);
    deep[strlen(deep) - 2] = '\0';
    rmdir(deep);
    rmdir(folder);
}

/* A file written by the first version of the format. It must load for ever: when this fails, the reader is wrong. */
static void test_golden(void **state) {
    (void)state;
    yk__engine_file file;
    yk__model model;
    yk__report report;
    yk__error err;
    tiny_model(&model);
    yk__report_init(&report, GOLDEN, 0);
    if (yk__engine_open(GOLDEN, &file, &report, &err)) fail_msg("%s", err.message);
    assert_int_equal(report.verdict, YK__VERDICT_VALID);
    assert_int_equal(file.format, 1);
    same_model(&model, &file.model);
    assert_int_equal(file.selftest.n_outputs, 1);
    assert_int_equal(file.n_plans, 2);
    assert_int_equal(file.n_choices, 2);
    yk__engine_close(&file);
    yk__report_free(&report);
    yk__model_free(&model);
}

static int write_one(const char *path, void (*make)(yk__model *), const yk__engine_write_options *options) {
    yk__model model;
    yk__error err = {0};
    make(&model);
    yk__code code = yk__engine_write(path, &model, options, &err);
    if (code) fprintf(stderr, "%s\n", err.message);
    yk__model_free(&model);
    return code ? 1 : 0;
}

static void test_detector(void **state) {
    (void)state;
    yk__model model;
    yk__engine_file file;
    uint8_t *data;
    size_t size;
    yk__error err;
    const yk__metric metrics[] = {{"map50", 0.97}, {"pictures", 1000}};
    tiny_detector(&model);
    model.recipe.agnostic = true;
    model.provenance.metrics = metrics;
    model.provenance.n_metrics = 2;
    if (yk__engine_write_memory(&data, &size, &model, NULL, &err)) fail_msg("%s", err.message);
    if (yk__engine_open_bytes(data, size, "x", &file, NULL, &err)) fail_msg("%s", err.message);
    same_model(&model, &file.model);
    assert_null(file.model.provenance.source_name);
    assert_int_equal(file.model.provenance.n_metrics, 2);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(file.model.provenance.metrics[i].name, metrics[i].name);
        assert_true(file.model.provenance.metrics[i].value == metrics[i].value);
    }
    yk__engine_close(&file);
    yk__free(data);
    yk__model_free(&model);
}

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "--write")) return write_one(GOLDEN, tiny_model, tiny_options());
    if (argc > 2 && !strcmp(argv[1], "--seed")) return write_one(argv[2], tiny_detector, NULL); /* for fuzz_run */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_reproducible),
        cmocka_unit_test(test_misaligned_bytes),
        cmocka_unit_test(test_cut_everywhere),
        cmocka_unit_test(test_longer),
        cmocka_unit_test(test_damaged_head),
        cmocka_unit_test(test_damaged_sections),
        cmocka_unit_test(test_text_damage),
        cmocka_unit_test(test_head_fields),
        cmocka_unit_test(test_section_sets),
        cmocka_unit_test(test_nonsense_in_sections),
        cmocka_unit_test(test_refuses_to_write),
        cmocka_unit_test(test_selftest_samples),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_detector),
        cmocka_unit_test(test_golden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
