/* What lies inside of files and what happened to them: archives looked into, lengths that formats tell, damage by text
 * channels, weights beside a model. All files are made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "inspect/check.h"
#include "inspect/inside.h"
#include "support/make_plan.h"
#include "support/zip_make.h"

typedef struct buffer {
    uint8_t *bytes;
    size_t n;
} buffer;

static void grow(buffer *b, const void *bytes, size_t n) {
    b->bytes = realloc(b->bytes, b->n + n + 1);
    assert_non_null(b->bytes);
    if (n) memcpy(b->bytes + b->n, bytes, n);
    b->n += n;
}

static buffer a_plan(void) {
    made_plan plan;
    buffer b = {0};
    make_plan_of(&plan, &plan_specs[PLAN_10]);
    grow(&b, plan.bytes, plan.n);
    return b;
}

/* Deflated by zlib: window_bits -15 raw, 31 gzip. Releases `of`. */
static buffer deflated(buffer of, int window_bits) {
    buffer b = {0};
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    b.bytes = malloc(deflateBound(&z, of.n) + 64);
    z.next_in = of.bytes, z.avail_in = (uInt)of.n;
    z.next_out = b.bytes, z.avail_out = (uInt)deflateBound(&z, of.n) + 64;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    b.n = z.total_out;
    deflateEnd(&z);
    free(of.bytes);
    return b;
}

static buffer gzipped(buffer of) {
    return deflated(of, 31);
}

/* A Zstandard frame of one raw block, with its content's size. Releases `of`. */
static buffer zstandard(buffer of) {
    buffer b = {0};
    uint32_t block = (uint32_t)of.n << 3 | 1, stated = (uint32_t)of.n;
    grow(&b, "\x28\xb5\x2f\xfd\xa0", 5); /* a single segment, its size in four bytes */
    grow(&b, (uint8_t[]){(uint8_t)stated, (uint8_t)(stated >> 8), (uint8_t)(stated >> 16), 0}, 4);
    grow(&b, (uint8_t[]){(uint8_t)block, (uint8_t)(block >> 8), (uint8_t)(block >> 16)}, 3);
    grow(&b, of.bytes, of.n);
    free(of.bytes);
    return b;
}

static void add_to_tar(buffer *b, const char *name, buffer of) {
    char head[512] = "";
    unsigned sum = 0;
    snprintf(head, 100, "%s", name);
    snprintf(head + 124, 12, "%011zo", of.n);
    memset(head + 148, ' ', 8);
    head[156] = '0';
    memcpy(head + 257, "ustar", 6);
    for (size_t i = 0; i < sizeof head; i++) sum += (unsigned char)head[i];
    snprintf(head + 148, 8, "%06o", sum);
    grow(b, head, sizeof head);
    grow(b, of.bytes, of.n);
    static const char zeros[1024];
    grow(b, zeros, (512 - of.n % 512) % 512);
    free(of.bytes);
}

static buffer tarred(const char *name, buffer of) {
    static const char zeros[1024];
    buffer b = {0};
    add_to_tar(&b, name, of);
    grow(&b, zeros, sizeof zeros);
    return b;
}

static buffer zipped(const char *name, buffer of, bool deflate_it) {
    zip_make z = {0};
    buffer b = {0};
    uint32_t crc = zip_make_crc(of.bytes, of.n), size = (uint32_t)of.n;
    if (deflate_it) of = deflated(of, -15);
    zip_make_raw(&z, name, deflate_it ? 8 : 0, crc, of.bytes, of.n, size);
    zip_make_finish(&z);
    grow(&b, z.bytes, z.n);
    zip_make_free(&z);
    free(of.bytes);
    return b;
}

/* In memory of exactly this size, so that AddressSanitizer sees each step outside. */
static void look(const uint8_t *bytes, size_t n, uint64_t size, yk__report *report) {
    uint8_t *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    if (n) memcpy(copy, bytes, n);
    if (n == size)
        yk__check_bytes(copy, n, report);
    else
        yk__probe(copy, n, size, report);
    free(copy);
}

/* The kinds, joined by slashes. */
static void assert_kinds(const yk__report *report, const char *wanted) {
    char text[256] = "";
    for (int i = 0; i < report->n_container; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? "/" : "", report->container[i]);
    assert_string_equal(text, wanted);
    assert_string_equal(report->container[0], report->kind);
}

/* Checks and releases b. code: a finding it must have, or -1; then it must be foreign and whole. */
static void assert_looks(buffer b, const char *kinds, int code) {
    yk__report report;
    look(b.bytes, b.n, b.n, &report);
    assert_kinds(&report, kinds);
    if (code >= 0) assert_true(yk__report_has(&report, (yk__finding_code)code));
    assert_int_equal(report.verdict, code >= 0 ? YK__VERDICT_INVALID : YK__VERDICT_FOREIGN);
    yk__report_free(&report);
    free(b.bytes);
}

static buffer cut(buffer b, size_t n) {
    assert_true(n < b.n);
    b.n -= n;
    return b;
}

static buffer longer(buffer b, size_t n) {
    for (size_t i = 0; i < n; i++) grow(&b, "x", 1);
    return b;
}

/* ---- archives ---- */

static void archives_are_looked_into(void **state) {
    (void)state;
    assert_looks(gzipped(a_plan()), "gzip/tensorrt-plan", -1);
    assert_looks(zipped("best.engine", a_plan(), false), "zip/tensorrt-plan", -1);
    assert_looks(zipped("best.engine", a_plan(), true), "zip/tensorrt-plan", -1);
    assert_looks(tarred("best.engine", a_plan()), "tar/tensorrt-plan", -1);
    assert_looks(gzipped(tarred("best.engine", a_plan())), "gzip/tar/tensorrt-plan", -1);
    assert_looks(zipped("a.tar.gz", gzipped(tarred("best.engine", a_plan())), false), "zip/gzip/tar/tensorrt-plan", -1);
    if (YK__WITH_ZSTD) assert_looks(zstandard(a_plan()), "zstd/tensorrt-plan", -1);
    if (YK__WITH_ZSTD) assert_looks(zstandard(tarred("a", gzipped(a_plan()))), "zstd/tar/gzip/tensorrt-plan", -1);
}

static void depth_is_bounded(void **state) {
    (void)state;
    buffer b = a_plan();
    for (int i = 0; i < 12; i++) b = gzipped(b);
    assert_looks(b, "gzip/gzip/gzip/gzip/gzip", -1);
}

static void facts_of_the_inside_are_told(void **state) {
    (void)state;
    yk__report report;
    buffer b = gzipped(a_plan());
    look(b.bytes, b.n, b.n, &report);
    const yk__fact *trt = yk__fact_get(&report.facts, "tensorrt");
    assert_non_null(trt);
    assert_string_equal(yk__fact_get(trt, "version")->text, "10.3.0.30");
    bool inside = false;
    for (int i = 0; i < report.n_findings; i++) inside |= !strncmp(report.findings[i].where, "inside", 6);
    assert_true(inside);
    yk__report_free(&report);
    free(b.bytes);
}

static void the_most_telling_entry_is_named(void **state) {
    (void)state;
    static const char text[] = "read me first, please\n";
    buffer words = {0}, b = {0};
    yk__report report;
    grow(&words, text, strlen(text));
    add_to_tar(&b, "readme", words);
    add_to_tar(&b, "empty", (buffer){0});
    add_to_tar(&b, "best.engine", cut(a_plan(), 1)); /* damage of one of several says nothing about the archive */
    for (int i = 0; i < 30; i++) {
        buffer more = {0};
        grow(&more, text, strlen(text));
        add_to_tar(&b, "more", more);
    }
    longer(b, 0);
    look(b.bytes, b.n, b.n, &report);
    assert_kinds(&report, "tar/tensorrt-plan");
    assert_int_equal(report.verdict, YK__VERDICT_FOREIGN);
    assert_int_equal(yk__fact_get(&report.facts, "n_entries")->number, 33);
    int n = 0;
    for (const yk__fact *entry = yk__fact_get(&report.facts, "entries")->first; entry; entry = entry->next, n++)
        if (n == 2) assert_string_equal(yk__fact_get(entry, "kind")->text, "tensorrt-plan");
    assert_int_equal(n, YK__INSIDE_ENTRIES);
    yk__report_free(&report);
    free(b.bytes);
}

static void damaged_archives_are_invalid(void **state) {
    (void)state;
    assert_looks(cut(gzipped(a_plan()), 5), "gzip/tensorrt-plan", YK__FINDING_TRUNCATED);
    assert_looks(cut(zipped("a", a_plan(), false), 5), "zip/tensorrt-plan", YK__FINDING_TRUNCATED);
    assert_looks(longer(zipped("a", a_plan(), false), 5), "zip/tensorrt-plan", YK__FINDING_TRAILING_BYTES);
    assert_looks(longer(zipped("a", a_plan(), false), 70000), "zip/tensorrt-plan", YK__FINDING_TRAILING_BYTES);
    assert_looks(cut(tarred("a", a_plan()), 1024 + 400), "tar/tensorrt-plan", YK__FINDING_TRUNCATED);
    if (YK__WITH_ZSTD) assert_looks(cut(zstandard(a_plan()), 5), "zstd/tensorrt-plan", YK__FINDING_TRUNCATED);
    assert_looks(longer(gzipped(a_plan()), 9), "gzip/tensorrt-plan", YK__FINDING_TRAILING_BYTES);
    if (YK__WITH_ZSTD) assert_looks(longer(zstandard(a_plan()), 9), "zstd/tensorrt-plan", YK__FINDING_TRAILING_BYTES);
    /* what is alone inside, and cut there */
    assert_looks(gzipped(cut(a_plan(), 9)), "gzip/tensorrt-plan", YK__FINDING_TRUNCATED);
    assert_looks(zipped("a", longer(a_plan(), 9), true), "zip/tensorrt-plan", YK__FINDING_TRAILING_BYTES);
    buffer b = gzipped(a_plan());
    b.bytes[b.n - 6] ^= 1; /* its checksum */
    assert_looks(b, "gzip/tensorrt-plan", YK__FINDING_ARCHIVE_DAMAGED);
    b = tarred("a", a_plan());
    buffer other = tarred("b", a_plan());
    b.n -= 1024;
    other.bytes[3] ^= 1; /* the second entry's head */
    grow(&b, other.bytes, other.n);
    free(other.bytes);
    assert_looks(b, "tar/tensorrt-plan", YK__FINDING_ARCHIVE_DAMAGED);
}

/* As torch.save writes: sizes behind the data, a directory with the 64-bit records in front of its end. */
static buffer streamed_zip(void) {
    static const char name[] = "m/data.pkl",
                      data[] = "\x80\2}q\0PK\7\10....PK\3\4."; /* signatures in the data mislead nobody */
    uint32_t n = sizeof data - 1, crc = zip_make_crc((const uint8_t *)data, n);
    buffer b = {0};
    zip_make z = {0};
    zip_make_put(&z, "PK\3\4\0\0\x08\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 26);
    zip_make_u16(&z, sizeof name - 1);
    zip_make_u16(&z, 0);
    zip_make_put(&z, name, sizeof name - 1);
    zip_make_put(&z, data, n);
    zip_make_put(&z, "PK\7\10", 4);
    zip_make_u32(&z, crc);
    zip_make_u32(&z, n);
    zip_make_u32(&z, n);
    const uint32_t directory = (uint32_t)z.n;
    zip_make_put(&z, "PK\1\2\0\0\0\0\x08\x08\0\0\0\0\0\0", 16);
    zip_make_u32(&z, crc);
    zip_make_u32(&z, n);
    zip_make_u32(&z, n);
    zip_make_u16(&z, sizeof name - 1);
    zip_make_put(&z, (char[16]){0}, 16);
    zip_make_put(&z, name, sizeof name - 1);
    const uint32_t size = (uint32_t)z.n - directory;
    zip_make_put(&z, (char[56]){"PK\6\6"}, 56);
    zip_make_put(&z, (char[20]){"PK\6\7"}, 20);
    zip_make_put(&z, "PK\5\6\0\0\0\0\1\0\1", 12);
    zip_make_u32(&z, size);
    zip_make_u32(&z, directory);
    zip_make_u16(&z, 0);
    grow(&b, z.bytes, z.n);
    zip_make_free(&z);
    return b;
}

static void streamed_archives_are_measured(void **state) {
    (void)state;
    yk__report report;
    buffer b = streamed_zip();
    look(b.bytes, b.n, b.n, &report);
    assert_kinds(&report, "pytorch-checkpoint");
    assert_false(yk__report_has(&report, YK__FINDING_TRUNCATED) || yk__report_has(&report, YK__FINDING_TRAILING_BYTES));
    yk__report_free(&report);
    for (size_t more = 1; more < 100000; more = more * 7 + 1)
        assert_looks(longer(streamed_zip(), more), "pytorch-checkpoint", YK__FINDING_TRAILING_BYTES);
    for (size_t less = 1; less + 20 < b.n; less += 9)
        assert_looks(cut(streamed_zip(), less), less + 40 < b.n ? "pytorch-checkpoint" : "zip", YK__FINDING_TRUNCATED);
    free(b.bytes);
}

/* 1,000 times larger than it looks, and no more is unpacked for it. */
static void bombs_are_bounded(void **state) {
    (void)state;
    buffer zeros = {.bytes = calloc(64, 1 << 20), .n = (size_t)64 << 20};
    assert_non_null(zeros.bytes);
    buffer b = gzipped(gzipped(zeros));
    yk__report report;
    look(b.bytes, b.n, b.n, &report);
    assert_kinds(&report, "gzip/gzip/zeros");
    yk__report_free(&report);
    free(b.bytes);
}

/* A zip of 16 entries that all are the same bytes, n of them, four times around a file of zeros: 65,536 ways lead there. */
static void repetition_is_bounded(void **state) {
    (void)state;
    buffer b = {.bytes = calloc(1, 1 << 20), .n = 1 << 20};
    assert_non_null(b.bytes);
    b = gzipped(b);
    for (int depth = 0; depth < 5; depth++) {
        zip_make z = {0};
        zip_make_add(&z, "a", b.bytes, b.n);
        for (int i = 1; i < 16; i++) z.entries[z.n_entries++] = z.entries[0];
        zip_make_finish(&z);
        free(b.bytes);
        b = (buffer){0};
        grow(&b, z.bytes, z.n);
        zip_make_free(&z);
    }
    struct timespec start, end;
    yk__report report;
    clock_gettime(CLOCK_MONOTONIC, &start);
    look(b.bytes, b.n, b.n, &report);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_string_equal(report.kind, "zip");
    assert_false(report.incomplete); /* 65,536 lists of entries would not fit */
    if (end.tv_sec - start.tv_sec > 5) fail_msg("it takes %ld s", (long)(end.tv_sec - start.tv_sec));
    yk__report_free(&report);
    free(b.bytes);
}

static void streams_have_no_end(void **state) {
    (void)state;
    yk__report report;
    buffer b = a_plan();
    look(b.bytes, b.n, YK__SIZE_UNKNOWN, &report);
    assert_kinds(&report, "tensorrt-plan");
    assert_false(yk__report_has(&report, YK__FINDING_TRUNCATED) || yk__report_has(&report, YK__FINDING_TRAILING_BYTES));
    yk__report_free(&report);
    b = gzipped(b);
    look(b.bytes, 64, YK__SIZE_UNKNOWN, &report);
    assert_kinds(&report, "gzip/tensorrt-plan");
    assert_int_equal(report.verdict, YK__VERDICT_FOREIGN);
    yk__report_free(&report);
    free(b.bytes);
}

/* ---- engines in models ---- */

static void engines_in_checkpoints_are_found(void **state) {
    (void)state;
    zip_make z = {0};
    yk__report report;
    buffer plan = a_plan(), pickle = {0};
    grow(&pickle, "\x80\2}q\0X\6\0\0\0engineq\1", 16);
    grow(&pickle, plan.bytes, plan.n);
    grow(&pickle, ".", 1);
    zip_make_add(&z, "m/data.pkl", pickle.bytes, pickle.n);
    zip_make_add(&z, "m/version", "3\n", 2);
    zip_make_finish(&z);
    look(z.bytes, z.n, z.n, &report);
    assert_kinds(&report, "pytorch-checkpoint/tensorrt-plan");
    yk__report_free(&report);
    look(pickle.bytes, pickle.n, pickle.n, &report);
    assert_kinds(&report, "pickle/tensorrt-plan");
    yk__report_free(&report);
    zip_make_free(&z);
    free(plan.bytes);
    free(pickle.bytes);
    static const char code[] = "x = __torch__.torch.classes.tensorrt.Engine";
    zip_make_add(&z, "m/code/__torch__.py", "", 0);
    zip_make_add(&z, "m/extra/config.txt", "{\"task\": \"detect\"}", 18);
    zip_make_add(&z, "m/data.pkl", code, sizeof code - 1);
    zip_make_finish(&z);
    look(z.bytes, z.n, z.n, &report);
    assert_kinds(&report, "torchscript/tensorrt-plan");
    assert_string_equal(yk__fact_get(yk__fact_get(&report.facts, "ultralytics"), "task")->text, "detect");
    yk__report_free(&report);
    zip_make_free(&z);
}

/* ModelProto { ir_version 8, graph { node { op_type, attributes } }, opset 17 }: lengths below 16,384 in two bytes. */
static void put_field(buffer *b, int number, const void *bytes, size_t n) {
    grow(b, (uint8_t[]){(uint8_t)(number << 3 | 2), (uint8_t)(n & 0x7f) | 0x80, (uint8_t)(n >> 7)}, 3);
    grow(b, bytes, n);
}

static void put_attribute(buffer *node, const char *name, const void *bytes, size_t n) {
    buffer attribute = {0};
    put_field(&attribute, 1, name, strlen(name));
    put_field(&attribute, 4, bytes, n);
    put_field(node, 5, attribute.bytes, attribute.n);
    free(attribute.bytes);
}

static buffer a_model(const buffer *graph) {
    buffer b = {0};
    grow(&b, "\x08\x08", 2);
    put_field(&b, 2, "test", 4);
    put_field(&b, 7, graph->bytes, graph->n);
    put_field(&b, 8, "\x0a\0\x10\x11", 4);
    return b;
}

static void engines_in_onnx_are_found(void **state) {
    (void)state;
    buffer plan = a_plan(), node = {0}, graph = {0};
    put_field(&node, 4, "EPContext", 9);
    put_attribute(&node, "source", "TensorrtExecutionProvider", 25);
    put_attribute(&node, "ep_cache_context", plan.bytes, plan.n);
    put_field(&graph, 1, node.bytes, node.n);
    buffer model = a_model(&graph);
    yk__report report;
    look(model.bytes, model.n, model.n, &report);
    assert_kinds(&report, "onnx/tensorrt-plan");
    const yk__fact *facts = yk__fact_get(&report.facts, "ep_context");
    assert_string_equal(yk__fact_get(facts, "source")->text, "TensorrtExecutionProvider");
    yk__report_free(&report);
    free(model.bytes), free(graph.bytes), free(node.bytes), free(plan.bytes);
}

/* ---- weights beside a model ---- */

static void put_string_pair(buffer *tensor, const char *key, const char *value) {
    buffer pair = {0};
    put_field(&pair, 1, key, strlen(key));
    put_field(&pair, 2, value, strlen(value));
    put_field(tensor, 13, pair.bytes, pair.n);
    free(pair.bytes);
}

static buffer model_with_data(const char *location) {
    buffer tensor = {0}, graph = {0};
    put_string_pair(&tensor, "location", location);
    put_string_pair(&tensor, "offset", "64");
    put_string_pair(&tensor, "length", "36");
    put_field(&graph, 5, tensor.bytes, tensor.n);
    buffer model = a_model(&graph);
    free(tensor.bytes), free(graph.bytes);
    return model;
}

static void write_file(const char *path, const void *bytes, size_t n) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static void external_data_are_looked_for(void **state) {
    (void)state;
    char folder[] = "/tmp/yolk-inside-XXXXXX", model[64], data[64];
    static const char bytes[100];
    assert_non_null(mkdtemp(folder));
    snprintf(model, sizeof model, "%s/m.onnx", folder);
    snprintf(data, sizeof data, "%s/m.onnx.data", folder);
    static const struct {
        const char *location;
        size_t n; /* bytes of the file beside it */
        bool missing;
    } cases[] = {{"m.onnx.data", 100, false},
                 {"m.onnx.data", 99, true},
                 {"other.data", 100, true},
                 {"../m.onnx.data", 100, true},
                 {"/etc/passwd", 100, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yk__report report;
        buffer b = model_with_data(cases[i].location);
        write_file(model, b.bytes, b.n);
        write_file(data, bytes, cases[i].n);
        assert_int_equal(yk__check_file(model, NULL, &report, NULL), YK__OK);
        assert_string_equal(report.kind, "onnx");
        if (yk__report_has(&report, YK__FINDING_EXTERNAL_DATA_MISSING) != cases[i].missing) fail_msg("case %zu", i);
        assert_string_equal(yk__fact_get(yk__fact_get(&report.facts, "external_data")->first, "location")->text,
                            cases[i].location);
        yk__report_free(&report);
        free(b.bytes);
    }
    unlink(model), unlink(data), rmdir(folder);
}

/* ---- lengths ---- */

static void assert_length(const void *bytes, size_t n, size_t whole, const char *kind) {
    buffer b = {0};
    char wanted[32];
    yk__report report;
    grow(&b, bytes, n);
    while (b.n < whole) grow(&b, "", 1);
    look(b.bytes, b.n, b.n, &report);
    assert_string_equal(report.kind, kind);
    if (yk__report_has(&report, YK__FINDING_TRUNCATED)) fail_msg("%s is cut: %s", kind, report.findings[0].expected);
    yk__report_free(&report);
    look(b.bytes, b.n - 1, b.n - 1, &report);
    assert_string_equal(report.kind, kind);
    assert_true(yk__report_has(&report, YK__FINDING_TRUNCATED));
    assert_int_equal(report.verdict, YK__VERDICT_INVALID);
    snprintf(wanted, sizeof wanted, "%zu bytes", b.n);
    assert_string_equal(report.findings[0].expected, wanted);
    yk__report_free(&report);
    look(b.bytes, n, b.n, &report); /* the head of a whole file */
    assert_false(yk__report_has(&report, YK__FINDING_TRUNCATED));
    yk__report_free(&report);
    free(b.bytes);
}

static void formats_tell_their_length(void **state) {
    (void)state;
    uint8_t hdf5[60] = "\x89HDF\r\n\x1a\n";
    hdf5[8] = 0, hdf5[13] = 8, hdf5[41] = 2; /* version 0: the file ends at 512 */
    assert_length(hdf5, sizeof hdf5, 512, "hdf5");
    hdf5[8] = 2, hdf5[9] = 8, hdf5[29] = 1; /* version 2: at 256 */
    assert_length(hdf5, sizeof hdf5, 256, "hdf5");
    assert_length("RIFF\x64\0\0\0WEBPVP8 ", 16, 108, "image");
    assert_length("RIFF\x64\0\0\0AVI LIST", 16, 108, "video");
    assert_length("\0\0\0\x10"
                  "ftypisom\0\0\0\0\0\0\0\x40moov\0\0\0\0\0\0\0\0",
                  32, 80, "video");
    assert_length("7z\xbc\xaf\x27\x1c\0\4\0\0\0\0\x40\0\0\0\0\0\0\0\x20\0\0\0\0\0\0\0\0\0\0\0", 32, 128, "7z");
    static const char npy[] = "\x93NUMPY\1\0\x36\0{'descr': '<f8', 'fortran_order': False, 'shape': (4,)}";
    assert_length(npy, sizeof npy - 1, 64 + 32, "numpy");
    static const char safetensors[] = "\x38\0\0\0\0\0\0\0{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}  ";
    assert_length(safetensors, 64, 80, "safetensors");
    uint8_t elf[64] = "\x7f"
                      "ELF\2\1\1";
    elf[40] = 100, elf[58] = 64, elf[60] = 2; /* two section headers at 100 */
    assert_length(elf, sizeof elf, 228, "elf");
    uint8_t sqlite[100] = "SQLite format 3";
    sqlite[16] = 2, sqlite[31] = 3; /* three pages of 512 */
    assert_length(sqlite, sizeof sqlite, 1536, "sqlite");
}

/* ---- text channels ---- */

typedef void channel(buffer *to, uint8_t byte);

static void with_crlf(buffer *to, uint8_t byte) {
    grow(to, byte == '\n' ? "\r\n" : (char[]){(char)byte, 0}, byte == '\n' ? 2 : 1);
}
static void without_cr(buffer *to, uint8_t byte) {
    if (byte != '\r') grow(to, &byte, 1);
}
static void as_utf8(buffer *to, uint8_t byte) {
    uint8_t pair[2] = {(uint8_t)(0xc0 | byte >> 6), (uint8_t)(0x80 | (byte & 0x3f))};
    grow(to, byte < 0x80 ? &byte : pair, byte < 0x80 ? 1 : 2);
}
static void replaced(buffer *to, uint8_t byte) {
    grow(to, byte < 0x80 ? (const void *)&byte : "\xef\xbf\xbd", byte < 0x80 ? 1 : 3);
}
static void seven_bits(buffer *to, uint8_t byte) {
    byte &= 0x7f;
    grow(to, &byte, 1);
}

/* The first n bytes, then noise in which every byte occurs. */
static buffer noisy(const char *bytes, size_t n) {
    buffer b = {0};
    uint32_t state = 7;
    grow(&b, bytes, n);
    for (int i = 0; i < 6000; i++) {
        state = state * 1664525u + 1013904223u;
        grow(&b, &(uint8_t){(uint8_t)(state >> 24)}, 1);
    }
    return b;
}

static void text_channels_leave_traces(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *kind;
    } files[] = {{"\x89PNG\r\n\x1a\n", 8, "image"},
                 {"\x89HDF\r\n\x1a\n", 8, "hdf5"},
                 {"\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15, "pickle"},
                 {"GGUF\3\0\0\0", 8, "gguf"},
                 {"\x0c\0\0\0TFL3", 8, "tflite"},
                 {"\xff\xd8\xff\xe0\0\x10JFIF", 10, "image"}};
    static const struct {
        channel *send;
        yk__finding_code code;
    } channels[] = {
        {with_crlf, YK__FINDING_TEXT_MODE_DAMAGE}, {as_utf8, YK__FINDING_UTF8_DAMAGE}, {replaced, YK__FINDING_UTF8_DAMAGE}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        buffer whole = noisy(files[i].bytes, files[i].n);
        yk__report report;
        look(whole.bytes, whole.n, whole.n, &report);
        assert_string_equal(report.kind, files[i].kind);
        assert_false(yk__report_has(&report, YK__FINDING_TEXT_MODE_DAMAGE) || yk__report_has(&report, YK__FINDING_UTF8_DAMAGE));
        yk__report_free(&report);
        for (size_t k = 0; k < sizeof channels / sizeof *channels; k++) {
            buffer sent = {0};
            for (size_t j = 0; j < whole.n; j++) channels[k].send(&sent, whole.bytes[j]);
            look(sent.bytes, sent.n, sent.n, &report);
            if (strcmp(report.kind, files[i].kind) != 0 || report.findings[0].id != channels[k].code)
                fail_msg("%s over channel %zu is %s, %s", files[i].kind, k, report.kind, report.findings[0].code);
            assert_int_equal(report.verdict, YK__VERDICT_INVALID);
            yk__report_free(&report);
            free(sent.bytes);
        }
        free(whole.bytes);
    }
}

static void signatures_show_other_channels(void **state) {
    (void)state;
    buffer png = noisy("\x89PNG\r\n\x1a\n", 8), sent = {0};
    for (size_t j = 0; j < png.n; j++) without_cr(&sent, png.bytes[j]);
    assert_looks(sent, "image", YK__FINDING_TEXT_MODE_DAMAGE);
    sent = (buffer){0};
    for (size_t j = 0; j < png.n; j++) seven_bits(&sent, png.bytes[j]);
    assert_looks(sent, "image", YK__FINDING_HIGH_BIT_STRIPPED);
    free(png.bytes);
}

/* What PowerShell's > makes of a program's output: a mark, a unit for each byte, line ends of Windows. */
static void utf16_is_told_by_its_mark(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *kind;
    } files[] = {{"\x89PNG\r\n\x1a\n", 8, "image"},
                 {"PK\3\4", 4, "zip"},
                 {"GGUF\3\0\0\0", 8, "gguf"},
                 {"ftrt\0\0\0\0", 8, "tensorrt-plan"},
                 {"\3\7\0\0{\"task\": 1}", 15, "ultralytics-engine"},
                 {"\x08\x08\x12", 3, "unknown"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        buffer whole = noisy(files[i].bytes, files[i].n), sent = {0};
        grow(&sent, "\xff\xfe", 2);
        for (size_t j = 0; j < whole.n; j++) {
            uint8_t byte = whole.bytes[j];
            if (byte == '\n') grow(&sent, "\r\0", 2);
            grow(&sent, byte < 0x80 ? (uint8_t[]){byte, 0} : (uint8_t[]){(uint8_t)(byte ^ 0x3c), 0x25}, 2);
        }
        assert_looks(sent, files[i].kind, YK__FINDING_UTF16_DAMAGE);
        free(whole.bytes);
    }
    buffer text = {0};
    grow(&text, "\xff\xfe", 2);
    for (int i = 0; i < 100; i++) grow(&text, "h\0i\0\r\0\n\0", 8);
    assert_looks(text, "text", -1);
}

/* Line ends and characters that belong there. */
static void texts_are_not_damaged(void **state) {
    (void)state;
    buffer text = {0};
    for (int i = 0; i < 300; i++)
        grow(&text,
             "gr\xc3\xbc\xc3\x9f"
             "e\r\n",
             9);
    buffer stored = {0};
    grow(&stored, text.bytes, text.n);
    assert_looks(zipped("readme.txt", stored, false), "zip/text", -1);
    assert_looks(text, "text", -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(archives_are_looked_into),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(facts_of_the_inside_are_told),
        cmocka_unit_test(the_most_telling_entry_is_named),
        cmocka_unit_test(damaged_archives_are_invalid),
        cmocka_unit_test(streamed_archives_are_measured),
        cmocka_unit_test(bombs_are_bounded),
        cmocka_unit_test(repetition_is_bounded),
        cmocka_unit_test(streams_have_no_end),
        cmocka_unit_test(engines_in_checkpoints_are_found),
        cmocka_unit_test(engines_in_onnx_are_found),
        cmocka_unit_test(external_data_are_looked_for),
        cmocka_unit_test(formats_tell_their_length),
        cmocka_unit_test(text_channels_leave_traces),
        cmocka_unit_test(signatures_show_other_channels),
        cmocka_unit_test(utf16_is_told_by_its_mark),
        cmocka_unit_test(texts_are_not_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
