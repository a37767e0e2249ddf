/* Naming files: a made-up sample of every kind, its prefixes and mutations; the files of the shared folder; the documents. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/file.h"
#include "base/text.h"
#include "engine/engine_format.h"
#include "inspect/check.h"
#include "inspect/machine.h"
#include "inspect/recognise.h"
#include "inspect/report_json.h"
#include "support/make_plan.h"
#include "support/zip_make.h"
#include "unit/tiny_model.h"

/* ---- samples ---- */

typedef struct sample {
    const char *kind;
    yk__verdict verdict;
    uint8_t bytes[16384];
    size_t size;
} sample;

static void put(sample *s, const void *bytes, size_t n) {
    assert_true(n <= sizeof s->bytes - s->size);
    memcpy(s->bytes + s->size, bytes, n);
    s->size += n;
}

static void put_text(sample *s, const char *text) {
    put(s, text, strlen(text));
}

static void put_number(sample *s, uint64_t number, int bytes) {
    for (int i = 0; i < bytes; i++) put(s, &(uint8_t){(uint8_t)(number >> (8 * i))}, 1);
}

static void put_zeros(sample *s, size_t n) {
    for (size_t i = 0; i < n; i++) put(s, "", 1);
}

static void put_noise(sample *s, size_t n) {
    uint32_t state = 7;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        put(s, &(uint8_t){(uint8_t)(state >> 24)}, 1);
    }
}

static void put_plan(sample *s, plan_layout layout) {
    made_plan plan;
    make_plan_of(&plan, &plan_specs[layout]);
    put(s, plan.bytes, plan.n);
}

static void put_zip_entry(sample *s, const char *name, size_t *at, char *directory, size_t *n_directory) {
    size_t n = strlen(name);
    at[0] = s->size;
    put(s, "PK\3\4\24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 26);
    put_number(s, n, 2);
    put_number(s, 0, 2);
    put_text(s, name);
    uint8_t entry[46] = {'P', 'K', 1, 2};
    entry[28] = (uint8_t)n;
    memcpy(directory + *n_directory, entry, 46);
    memcpy(directory + *n_directory + 46, name, n);
    *n_directory += 46 + n;
}

static void put_zip(sample *s, const char *const *names, int n) {
    char directory[1024];
    size_t at, n_directory = 0;
    for (int i = 0; i < n; i++) put_zip_entry(s, names[i], &at, directory, &n_directory);
    size_t start = s->size;
    put(s, directory, n_directory);
    put(s, "PK\5\6\0\0\0\0", 8);
    put_number(s, (uint64_t)n, 2);
    put_number(s, (uint64_t)n, 2);
    put_number(s, n_directory, 4);
    put_number(s, start, 4);
    put_number(s, 0, 2);
}

/* ModelProto: ir_version 8, producer "test", opset 17, a graph of one Relu from x to y. */
static void put_onnx(sample *s) {
    put(s, "\x08\x08\x12\x04test", 8);
    static const char graph[] = "\x0a\x0f"
                                "\x0a\x01x\x12\x01y\x1a\x01n\"\x04Relu"
                                "\x12\x01g"
                                "Z\x11\x0a\x01x\x12\x0c\x0a\x0a\x08\x01\x12\x06\x0a\x04\x08\x01\x12\x00"
                                "b\x11\x0a\x01y\x12\x0c\x0a\x0a\x08\x01\x12\x06\x0a\x04\x08\x01\x12\x00";
    put(s, "\x3a", 1);
    put_number(s, sizeof graph - 1, 1);
    put(s, graph, sizeof graph - 1);
    put(s, "\x42\x04\x0a\x00\x10\x11", 6);
}

/* A gzip file of one stored block. */
static void put_gzip(sample *s, const char *bytes, size_t n) {
    put(s, "\x1f\x8b\x08\0\0\0\0\0\0\3\1", 11);
    put_number(s, n, 2);
    put_number(s, ~n & 0xffff, 2);
    put(s, bytes, n);
    put_number(s, zip_make_crc((const uint8_t *)bytes, n), 4);
    put_number(s, n, 4);
}

/* One entry: a head of 512 bytes, its content in blocks of 512. */
static void put_tar(sample *s, const char *name, const char *bytes, size_t n) {
    char head[512] = "";
    unsigned sum = 0;
    snprintf(head, 100, "%s", name);
    snprintf(head + 124, 12, "%011zo", n);
    memcpy(head + 148, "        0", 9);
    memcpy(head + 257,
           "ustar\0"
           "00",
           8);
    for (size_t i = 0; i < sizeof head; i++) sum += (unsigned char)head[i];
    snprintf(head + 148, 8, "%06o", sum);
    put(s, head, sizeof head);
    put(s, bytes, n);
    put_zeros(s, (512 - n % 512) % 512);
}

/* A Net of one operator: root offset, vtable of 12 fields, table, vectors. */
static void put_mnn(sample *s) {
    static const unsigned fields[12] = {[3] = 4, [4] = 8, [7] = 12};
    put_number(s, 32, 4);
    put_number(s, 28, 2);
    put_number(s, 16, 2);
    for (int i = 0; i < 12; i++) put_number(s, fields[i], 2);
    put_number(s, 28, 4); /* at 32: the table; back to its vtable at 4 */
    put_number(s, 12, 4); /* at 36: operators at 48 */
    put_number(s, 16, 4); /* at 40: output names at 56 */
    put_number(s, 12, 4); /* at 44: tensor names, the same vector */
    put_number(s, 1, 4);  /* at 48 */
    put_number(s, 20, 4); /* at 52: the operator's table at 72 */
    put_number(s, 1, 4);  /* at 56 */
    put_number(s, 4, 4);  /* at 60: the name at 64 */
    put(s, "\1\0\0\0x\0\0\0", 8);
    put_zeros(s, 16);
}

static int make_samples(sample *out) {
    static const char metadata[] =
        "{\"task\": \"classify\", \"names\": {\"0\": \"cat\"}, \"imgsz\": [64, 64], \"args\": {\"half\": false}}";
    int n = 0;
#define SAMPLE(name, its_verdict) \
    for (sample *s = &out[n++]; s->kind == NULL && (s->kind = name, s->verdict = YK__VERDICT_##its_verdict, true);)
    SAMPLE("yolk-engine", VALID) {
        yk__model model;
        uint8_t *data;
        size_t size;
        tiny_model(&model);
        assert_int_equal(yk__engine_write_memory(&data, &size, &model, tiny_options(), NULL), YK__OK);
        put(s, data, size);
        yk__free(data);
        yk__model_free(&model);
    }
    SAMPLE("tensorrt-plan", FOREIGN) put_plan(s, PLAN_10);
    SAMPLE("tensorrt-plan", FOREIGN) put_plan(s, PLAN_82);
    SAMPLE("tensorrt-plan", FOREIGN) { /* TensorRT 5 */
        put_number(s, 1000, 8);
        put_number(s, 16, 4);
        put_noise(s, 988);
    }
    SAMPLE("ultralytics-engine", FOREIGN) {
        put_number(s, sizeof metadata - 1, 4);
        put_text(s, metadata);
        put_plan(s, PLAN_10);
    }
    SAMPLE("tensorrt-envelope", FOREIGN) {
        put_text(s, "TR01");
        put_number(s, 32, 4);
        put_number(s, 2, 4);
        put_number(s, 48, 4);
        size_t size_at = s->size;
        put_zeros(s, 16);
        put_text(s, "{}");
        put_zeros(s, 14);
        put_plan(s, PLAN_86);
        s->bytes[size_at] = (uint8_t)(s->size - 48), s->bytes[size_at + 1] = (uint8_t)((s->size - 48) >> 8);
    }
    SAMPLE("tensorrt-timing-cache", FOREIGN) { /* an archive that begins with something else than a version */
        put(s, "ptrt\0\0\0\0\xec\0\0\0\0\0\0\0", 16);
        put_number(s, 100, 8);
        put(s, "\x33\x80\1\0", 4);
        put_noise(s, 96);
    }
    SAMPLE("tensorrt-calibration", FOREIGN) put_text(s, "TRT-8601-EntropyCalibration2\nimages: 3c010a14\n");
    SAMPLE("onnx", INVALID) { /* a network, but not of pictures */
        put_onnx(s);
        if (!YK__WITH_BUILDER) s->verdict = YK__VERDICT_FOREIGN;
    }
    SAMPLE("pytorch-checkpoint", INVALID) { /* its entries are empty */
        put_zip(s, (const char *[]){"best/data.pkl", "best/version", "best/data/0"}, 3);
        if (!YK__WITH_BUILDER) s->verdict = YK__VERDICT_FOREIGN;
    }
    SAMPLE("torchscript", FOREIGN) put_zip(s, (const char *[]){"m/data.pkl", "m/code/__torch__.py", "m/constants.pkl"}, 3);
    SAMPLE("keras", FOREIGN) put_zip(s, (const char *[]){"metadata.json", "config.json", "model.weights.h5"}, 3);
    SAMPLE("numpy", FOREIGN) put_zip(s, (const char *[]){"a.npy", "b.npy"}, 2);
    SAMPLE("numpy", FOREIGN) {
        put(s, "\x93NUMPY\1\0\x3a\0", 10);
        put_text(s, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}\n");
        put_zeros(s, 24);
    }
    SAMPLE("zip", FOREIGN) put_zip(s, (const char *[]){"readme.txt", "x.npy"}, 2);
    SAMPLE("zip", FOREIGN) put_zip(s, NULL, 0);
    SAMPLE("pickle", FOREIGN) put(s, "\x80\2}q\0X\1\0\0\0aq\1K\1s.", 17);
    SAMPLE("tflite", FOREIGN) put(s, "\x0c\0\0\0TFL3\x14\0\x20\0\4\0\1\0", 16);
    SAMPLE("onnxruntime-model", FOREIGN) put(s, "\x0c\0\0\0ORTM\x14\0\x20\0\4\0\1\0", 16);
    SAMPLE("executorch", FOREIGN)
    put(s,
        "\x0c\0\0\0"
        "ET12\x14\0\x20\0\4\0\1\0",
        16);
    SAMPLE("torch-export", FOREIGN) put_zip(s, (const char *[]){"m/archive_format", "m/models/model.json"}, 2);
    SAMPLE("coreml", FOREIGN) put_zip(s, (const char *[]){"m/Manifest.json", "m/Data/com.apple.CoreML/model.mlmodel"}, 2);
    SAMPLE("coreml", FOREIGN) put(s, "\x08\x04\x12\x05\x0a\x03\x0a\x01x\xa2\x1f\x00", 12);
    SAMPLE("savedmodel", FOREIGN)
    put(s,
        "\x08\x01\x12\x07\x0a\x05\x2a\x03"
        "2.1",
        11);
    SAMPLE("tensorflow-graph", FOREIGN) put(s, "\x0a\x10\x0a\x01x\x12\x0bPlaceholder", 18);
    SAMPLE("caffe", FOREIGN)
    put(s,
        "\x0a\0\xa2\x06\x0d\x0a\x04"
        "data\x12\x05Input",
        18);
    SAMPLE("ncnn", FOREIGN) put(s, "\xdd\x85\x76\0\x4b\0\0\0\x53\0\0\0", 12);
    SAMPLE("tensorflow-js", FOREIGN) put_text(s, "{\"format\": \"graph-model\", \"modelTopology\": {}}");
    SAMPLE("paddle", FOREIGN) {
        put(s, "\x0a\x10\x08\0\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\x1a\1\0", 18);
    }
    SAMPLE("paddle", FOREIGN) { /* parameters: one tensor of 2 x 3 */
        put_zeros(s, 16);
        put(s, "\6\0\0\0\x08\5\x10\2\x10\3", 10);
        put_noise(s, 24);
    }
    SAMPLE("paddle", FOREIGN) put_text(s, "{\"base_code\":{\"magic\":\"pir\",\"trainable\":false}}");
    SAMPLE("mnn", FOREIGN) put_mnn(s);
    SAMPLE("darknet", FOREIGN) put_text(s, "# yolo\n[net]\nbatch=1\n\n[convolutional]\nfilters=16\n");
    SAMPLE("darknet", FOREIGN) {
        put(s, "\0\0\0\0\2\0\0\0\5\0\0\0\0\x48\xe8\1\0\0\0\0", 20);
        put_noise(s, 2000);
    }
    SAMPLE("rknn", FOREIGN) put(s, "RKNN\0\0\0\0\6\0\0\0\0\0\0\0", 16);
    SAMPLE("hailo", FOREIGN) put(s, "\1HEF\0\0\0\1........", 16);
    SAMPLE("ascend", FOREIGN) put(s, "IMOD\0\1\0\0........", 16);
    SAMPLE("openvino", FOREIGN)
    put_text(s, "<?xml version=\"1.0\"?>\n<net name=\"m\" version=\"11\">\n<layers>\n</layers></net>");
    SAMPLE("ncnn", FOREIGN) { /* weights of half precision */
        put(s, "\x47\x6b\x30\1", 4);
        put_noise(s, 200);
    }
    SAMPLE("ncnn", FOREIGN) put_text(s, "7767517\n168 197\nInput images 0 1 in0\n");
    SAMPLE("safetensors", FOREIGN) {
        static const char header[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}   ";
        put_number(s, sizeof header - 1, 8);
        put_text(s, header);
        put_zeros(s, 4);
    }
    SAMPLE("hdf5", FOREIGN) put_text(s, "\x89HDF\r\n\x1a\n..........");
    SAMPLE("gguf", FOREIGN) put_text(s, "GGUF\3...........");
    SAMPLE("git-lfs-pointer", FOREIGN)
    put_text(s, "version https://git-lfs.github.com/spec/v1\noid "
                "sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n");
    SAMPLE("html", FOREIGN) put_text(s, "\n <!DOCTYPE html><html><title>Sign in</title></html>");
    SAMPLE("html", FOREIGN) put_text(s, "<HTML><HEAD></HEAD></HTML>");
    SAMPLE("xml", FOREIGN) put_text(s, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code></Error>");
    SAMPLE("json", FOREIGN) put_text(s, "{\"message\": \"Not Found\", \"status\": \"404\"}");
    SAMPLE("json", FOREIGN) put_text(s, "[1, 2, {\"a\": null}]\n");
    SAMPLE("text", FOREIGN) put_text(s, "0 0.5 0.5 0.1 0.1\n");
    SAMPLE("text", FOREIGN) put_text(s, "{ not json, gr\xc3\xbc\xc3\x9f\x65 }");
    SAMPLE("text", FOREIGN)
    put_text(s, "In Latin-1: Gr\xfc\xdf"
                "e aus M\xfcnchen, und dann noch sehr viel mehr Text, damit es zu sehen ist.\n");
    SAMPLE("html", FOREIGN)
    put_text(s, "<html><head><meta "
                "charset=gbk><title>\xc4\xe3\xba\xc3\xca\xc0\xbd\xe7\xc4\xe3\xba\xc3\xca\xc0\xbd\xe7</title></head></html>");
    SAMPLE("text", FOREIGN) put(s, "\xff\xfeh\0i\0\n\0", 8);
    SAMPLE("text", FOREIGN) put_text(s, "404: Not Found");
    SAMPLE("gzip", FOREIGN) put_gzip(s, "hello", 5);
    SAMPLE("zstd", FOREIGN) put(s, "\x28\xb5\x2f\xfd\x20\x05\x29\0\0hello", 14);
    SAMPLE("lz4", FOREIGN) put(s, "\4\x22\x4d\x18\x60\x40\x82\0\0\0\0", 11);
    SAMPLE("xz", FOREIGN)
    put(s,
        "\xfd"
        "7zXZ\0..........................YZ",
        34);
    SAMPLE("bzip2", FOREIGN) put_text(s, "BZh91AY&SY......");
    SAMPLE("7z", FOREIGN) put(s, "7z\xbc\xaf\x27\x1c\0\4....\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0....", 32);
    SAMPLE("rar", FOREIGN) put_text(s, "Rar!\x1a\x07........");
    SAMPLE("tar", FOREIGN) {
        put_tar(s, "notes", "hello", 5);
        put_zeros(s, 1024);
    }
    SAMPLE("elf", FOREIGN)
    put_text(s, "\x7f"
                "ELF\2\1\1........");
    SAMPLE("pe", FOREIGN) {
        put_text(s, "MZ");
        put_zeros(s, 0x3c - 2);
        put_number(s, 0x40, 4);
        put(s, "PE\0\0", 4);
    }
    SAMPLE("macho", FOREIGN) put_text(s, "\xcf\xfa\xed\xfe.......");
    SAMPLE("pdf", FOREIGN) put_text(s, "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n");
    SAMPLE("sqlite", FOREIGN) {
        put(s, "SQLite format 3", 16);
        put_zeros(s, 84);
    }
    SAMPLE("encrypted", FOREIGN) put_text(s, "Salted__abcdefgh........");
    SAMPLE("image", FOREIGN) put_text(s, "\xff\xd8\xff\xe0..JFIF......");
    SAMPLE("image", FOREIGN) {
        put(s, "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0....", 33);
        put(s, "\0\0\0\0IEND\xae\x42\x60\x82", 12);
    }
    SAMPLE("image", FOREIGN) put_text(s, "P6\n2 2\n255\n............");
    SAMPLE("image", FOREIGN) put(s, "BM\x1a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0........", 26);
    SAMPLE("video", FOREIGN)
    put(s,
        "\0\0\0\x10"
        "ftypisom....",
        16);
    SAMPLE("audio", FOREIGN) put_text(s, "OggS............");
    SAMPLE("wasm", FOREIGN) put(s, "\0asm\1\0\0\0", 8);
    SAMPLE("parquet", FOREIGN) put_text(s, "PAR1........PAR1");
    SAMPLE("image", FOREIGN)
    put(s,
        "\0\0\0\x10"
        "ftypavif....",
        16);
    SAMPLE("empty", INVALID) s->size = 0;
    SAMPLE("zeros", INVALID) put_zeros(s, 5000);
    SAMPLE("unknown", FOREIGN) put_noise(s, 3000);
#undef SAMPLE
    return n;
}

enum { MAX_SAMPLES = 120 };
static sample *samples;
static int n_samples;

static int make_all(void **state) {
    (void)state;
    samples = calloc(MAX_SAMPLES, sizeof *samples);
    n_samples = samples ? make_samples(samples) : 0;
    return samples && n_samples <= MAX_SAMPLES ? 0 : -1;
}

static int free_all(void **state) {
    (void)state;
    free(samples);
    return 0;
}

/* In memory of exactly this size, so that AddressSanitizer sees each step outside. */
static void look(const uint8_t *bytes, size_t n, uint64_t file_size, yk__report *report) {
    uint8_t *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    if (n) memcpy(copy, bytes, n);
    if (n == file_size)
        yk__check_bytes(copy, n, report);
    else
        yk__probe(copy, n, file_size, report);
    free(copy);
}

static bool is_engine(const yk__report *report) {
    return strstr(report->kind, "engine") || strstr(report->kind, "tensorrt");
}

static const sample *sample_of(const char *kind) {
    for (int i = 0; i < n_samples; i++)
        if (!strcmp(samples[i].kind, kind)) return &samples[i];
    fail_msg("no sample of %s", kind);
    return NULL;
}

/* ---- tests ---- */

static void test_kinds(void **state) {
    (void)state;
    bool seen[YK__FILE_KIND_COUNT] = {false};
    for (int i = 0; i < n_samples; i++) {
        yk__report report;
        look(samples[i].bytes, samples[i].size, samples[i].size, &report);
        if (strcmp(report.kind, samples[i].kind) != 0 || report.verdict != samples[i].verdict)
            fail_msg("sample %d (%s): %s, %s", i, samples[i].kind, report.kind, yk__verdict_name(report.verdict));
        assert_false(report.incomplete);
        for (int k = 0; k < YK__FILE_KIND_COUNT; k++)
            seen[k] |= !strcmp(yk__file_kind_info_get((yk__file_kind)k)->name, report.kind);
        yk__report_free(&report);
    }
    for (int k = 0; k < YK__FILE_KIND_COUNT; k++)
        if (!seen[k]) fail_msg("no sample of kind %s", yk__file_kind_info_get((yk__file_kind)k)->name);
}

/* Codes that the samples above and small changes of them give. */
static void test_findings(void **state) {
    (void)state;
    const struct {
        const char *kind;
        yk__finding_code code;
    } plain[] = {{"empty", YK__FINDING_EMPTY_FILE},
                 {"zeros", YK__FINDING_ALL_ZEROS},
                 {"onnx", YK__WITH_BUILDER ? YK__FINDING_MODEL_UNSUPPORTED : YK__FINDING_BUILT_WITHOUT_IMPORT},
                 {"ultralytics-engine", YK__FINDING_ULTRALYTICS_PREFIX},
                 {"tensorrt-plan", YK__FINDING_FOREIGN_ENGINE},
                 {"git-lfs-pointer", YK__FINDING_GIT_LFS_POINTER},
                 {"html", YK__FINDING_ERROR_PAGE},
                 {"json", YK__FINDING_ERROR_PAGE},
                 {"xml", YK__FINDING_ERROR_PAGE},
                 {"gzip", YK__FINDING_ARCHIVE},
                 {"image", YK__FINDING_FOREIGN_FILE},
                 {"unknown", YK__FINDING_UNKNOWN_KIND}};
    yk__report report;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        const sample *s = sample_of(plain[i].kind);
        look(s->bytes, s->size, s->size, &report);
        assert_true(yk__report_has(&report, plain[i].code));
        yk__report_free(&report);
    }
}

static void expect_change(const char *kind, size_t keep, const char *add, yk__finding_code wanted, yk__verdict verdict) {
    sample *s = calloc(1, sizeof *s);
    yk__report report;
    assert_non_null(s);
    put(s, sample_of(kind)->bytes, keep < sample_of(kind)->size ? keep : sample_of(kind)->size);
    put_text(s, add);
    look(s->bytes, s->size, s->size, &report);
    assert_string_equal(report.kind, kind);
    if (!yk__report_has(&report, wanted)) fail_msg("%s of %zu bytes: no %s", kind, keep, yk__finding_info_get(wanted)->code);
    assert_int_equal(report.verdict, verdict);
    yk__report_free(&report);
    free(s);
}

/* The kind's sample with some bytes of it replaced. */
static void expect_overwrite(const char *kind, size_t at, const char *with, yk__finding_code wanted) {
    sample *s = malloc(sizeof *s);
    yk__report report;
    assert_non_null(s);
    *s = *sample_of(kind);
    memcpy(s->bytes + at, with, strlen(with));
    look(s->bytes, s->size, s->size, &report);
    assert_string_equal(report.kind, kind);
    if (!yk__report_has(&report, wanted)) fail_msg("%s at %zu: no %s", kind, at, yk__finding_info_get(wanted)->code);
    assert_int_equal(report.verdict, YK__VERDICT_INVALID);
    yk__report_free(&report);
    free(s);
}

static void test_damage(void **state) {
    (void)state;
    expect_change("tensorrt-plan", 150, "", YK__FINDING_TRUNCATED, YK__VERDICT_INVALID);
    expect_change("tensorrt-plan", 20, "", YK__FINDING_TRUNCATED, YK__VERDICT_INVALID);
    expect_change("tensorrt-plan", 9999, "xx", YK__FINDING_TRAILING_BYTES, YK__VERDICT_INVALID);
    expect_change("tensorrt-plan", 24, "\r\n\3 ........", YK__FINDING_TEXT_MODE_DAMAGE, YK__VERDICT_INVALID);
    expect_change("ultralytics-engine", sample_of("ultralytics-engine")->size - 3, "", YK__FINDING_TRUNCATED,
                  YK__VERDICT_INVALID);
    const size_t plan = 4 + yk__get_u32(sample_of("ultralytics-engine")->bytes);
    expect_overwrite("ultralytics-engine", 0, "\1", YK__FINDING_PREFIX_DAMAGED);
    expect_overwrite("ultralytics-engine", plan, "plan", YK__FINDING_PREFIX_UNKNOWN_PLAN);
    expect_change("pytorch-checkpoint", 120, "", YK__FINDING_TRUNCATED, YK__VERDICT_INVALID);
    expect_change("onnx", 40, "", YK__FINDING_TRUNCATED, YK__VERDICT_INVALID);
    expect_change("onnx", 9999, "\xff\xff\xff", YK__FINDING_MODEL_DAMAGED, YK__VERDICT_INVALID);
    sample *s = calloc(1, sizeof *s);
    yk__report report;
    assert_non_null(s);
    *s = *sample_of("onnx");
    put_zeros(s, 100);
    look(s->bytes, s->size, s->size, &report);
    assert_true(yk__report_has(&report, YK__FINDING_TRAILING_BYTES));
    yk__report_free(&report);
    free(s);
    expect_change("yolk-engine", 5000, "", YK__FINDING_TRUNCATED, YK__VERDICT_INVALID);
    expect_change("yolk-engine", 3, "", YK__FINDING_TRUNCATED, YK__VERDICT_INVALID);
    expect_change("safetensors", 40, "", YK__FINDING_TRUNCATED, YK__VERDICT_INVALID);
}

static void test_facts(void **state) {
    (void)state;
    const sample *s = sample_of("ultralytics-engine");
    yk__report report;
    look(s->bytes, s->size, s->size, &report);
    const yk__fact *ultralytics = yk__fact_get(&report.facts, "ultralytics"), *trt = yk__fact_get(&report.facts, "tensorrt");
    assert_non_null(ultralytics);
    assert_non_null(trt);
    assert_string_equal(yk__fact_get(ultralytics, "task")->text, "classify");
    assert_string_equal(yk__fact_get(yk__fact_get(ultralytics, "names"), "0")->text, "cat");
    assert_string_equal(yk__fact_get(trt, "version")->text, "10.3.0.30");
    assert_string_equal(yk__fact_get(trt, "platform")->text, "linux-aarch64");
    assert_int_equal(yk__fact_get(trt, "serialization")->number, 239);
    assert_int_equal(report.n_container, 2);
    assert_string_equal(report.container[1], "tensorrt-plan");
    yk__report_free(&report);
    s = sample_of("git-lfs-pointer");
    look(s->bytes, s->size, s->size, &report);
    assert_int_equal(yk__fact_get(&report.facts, "pointed_size")->number, 12345);
    yk__report_free(&report);
}

/* Every prefix, given as a whole file and as the beginning of a longer one. */
static void test_prefixes(void **state) {
    (void)state;
    for (int i = 0; i < n_samples; i++)
        for (size_t n = 0; n <= samples[i].size; n += n < 600 ? 1 : 97) {
            yk__report report;
            const bool engine = strstr(samples[i].kind, "engine") || strstr(samples[i].kind, "tensorrt");
            look(samples[i].bytes, n, n, &report);
            if (!engine && is_engine(&report)) fail_msg("%s cut at %zu is called %s", samples[i].kind, n, report.kind);
            yk__report_free(&report);
            look(samples[i].bytes, n, samples[i].size + 1000, &report);
            if (!engine && is_engine(&report)) fail_msg("%s, first %zu bytes, is called %s", samples[i].kind, n, report.kind);
            yk__report_free(&report);
        }
}

/* A prefix of 4 KiB names each sample as the whole file does. */
static void test_probe(void **state) {
    (void)state;
    for (int i = 0; i < n_samples; i++) {
        yk__report report;
        look(samples[i].bytes, samples[i].size < 4096 ? samples[i].size : 4096, samples[i].size, &report);
        if (strcmp(report.kind, samples[i].kind) != 0) fail_msg("%s is called %s", samples[i].kind, report.kind);
        yk__report_free(&report);
    }
    /* of a huge file only the start is looked at */
    yk__report report;
    look(sample_of("gzip")->bytes, 19, (uint64_t)1 << 60, &report);
    assert_string_equal(report.kind, "gzip");
    yk__report_free(&report);
}

static void test_mutations(void **state) {
    (void)state;
    uint64_t random = 88172645463325252u;
    sample *s = malloc(sizeof *s);
    assert_non_null(s);
    for (int round = 0; round < 20000; round++) {
        yk__report report;
        *s = samples[(size_t)round % (size_t)n_samples];
        if (s->size == 0) continue;
        for (int k = 0; k < 1 + round % 5; k++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17; /* xorshift64 */
            s->bytes[random % (s->size < 200 || k % 2 ? s->size : 200)] = (uint8_t)(random >> 40);
        }
        look(s->bytes, s->size, s->size, &report);
        assert_true(report.n_findings > 0 || report.verdict == YK__VERDICT_VALID);
        yk__report_free(&report);
    }
    free(s);
}

/* Bytes of no meaning are never called an engine. */
static void test_random_files(void **state) {
    (void)state;
    uint64_t random = 1181783497276652981u;
    uint8_t bytes[600];
    for (int round = 0; round < 5000; round++) {
        yk__report report;
        for (size_t i = 0; i < sizeof bytes; i++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            bytes[i] = round % 3 == 0 ? (uint8_t)(random >> 60) : (uint8_t)(random >> 40);
        }
        look(bytes, sizeof bytes, sizeof bytes, &report);
        if (is_engine(&report)) fail_msg("round %d is called %s", round, report.kind);
        yk__report_free(&report);
    }
}

static void test_json_and_text(void **state) {
    (void)state;
    for (int i = 0; i < n_samples; i++) {
        yk__report report;
        yk__text text = {0};
        yk__error err;
        look(samples[i].bytes, samples[i].size, samples[i].size, &report);
        assert_int_equal(yk__report_json(&report, &text, &err), YK__OK);
        assert_null(strchr(yk__text_get(&text), '\n'));
        json_t *root = json_loads(yk__text_get(&text), JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(root);
        assert_string_equal(json_string_value(json_object_get(root, "kind")), samples[i].kind);
        assert_string_equal(json_string_value(json_object_get(root, "verdict")), yk__verdict_name(samples[i].verdict));
        assert_int_equal(json_integer_value(json_object_get(root, "size")), samples[i].size);
        assert_true(json_is_object(json_object_get(root, "facts")));
        assert_true(json_is_array(json_object_get(root, "container")));
        assert_null(json_object_get(root, "sha256"));
        for (size_t k = 0; k < json_array_size(json_object_get(root, "findings")); k++) {
            static const char *const keys[] = {"code", "certainty", "severity", "where", "expected", "found", "remedy"};
            const json_t *finding = json_array_get(json_object_get(root, "findings"), k);
            assert_int_equal(json_object_size(finding), 7);
            for (size_t q = 0; q < 7; q++) assert_true(json_is_string(json_object_get(finding, keys[q])));
        }
        json_decref(root);
        yk__text_free(&text);
        assert_int_equal(yk__report_text(&report, &text, &err), YK__OK);
        assert_non_null(strstr(yk__text_get(&text), samples[i].kind));
        yk__text_free(&text);
        yk__report_free(&report);
    }
}

static void test_files(void **state) {
    (void)state;
    char path[] = "/tmp/yolk-check-XXXXXX";
    yk__report report;
    yk__error err;
    yk__text text = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "abc", 3), 3);
    yk__check_options options = {.sha256 = true};
    assert_int_equal(yk__check_file(path, &options, &report, &err), YK__OK);
    assert_string_equal(report.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); /* FIPS 180-2 */
    assert_int_equal(yk__report_json(&report, &text, &err), YK__OK);
    assert_non_null(strstr(yk__text_get(&text), "\"sha256\":\"ba7816bf"));
    yk__text_free(&text);
    yk__report_free(&report);
    /* 4 GiB of nothing: a hole, named from samples */
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(ftruncate(fd, (off_t)4 << 30), 0);
    assert_int_equal(yk__check_file(path, NULL, &report, &err), YK__OK);
    assert_string_equal(report.kind, "zeros");
    assert_int_equal(report.kind_certainty, YK__CERTAINTY_LIKELY);
    yk__report_free(&report);
    close(fd);
    unlink(path);
    assert_int_equal(yk__check_file(path, NULL, &report, &err), YK__NOT_FOUND);
    assert_true(yk__report_has(&report, YK__FINDING_FILE_UNREADABLE));
    yk__report_free(&report);
    assert_int_equal(yk__check_file("/", NULL, &report, &err), YK__IO);
    yk__report_free(&report);
}

static void test_machine(void **state) {
    (void)state;
    yk__report report;
    yk__text text = {0};
    yk__error err;
    yk__machine_facts(&report, "jpeg png\nbuilder");
    assert_non_null(yk__fact_get(yk__fact_get(&report.facts, "cpu"), "isa"));
    assert_true(yk__fact_get(yk__fact_get(&report.facts, "memory"), "total_bytes")->number > 0);
    const yk__fact *features = yk__fact_get(yk__fact_get(&report.facts, "yolk"), "features");
    assert_string_equal(features->last->text, "builder");
    assert_int_equal(yk__facts_json(&report, &text, &err), YK__OK);
    json_t *root = json_loads(yk__text_get(&text), 0, NULL);
    assert_true(json_is_object(root));
    json_decref(root);
    yk__text_free(&text);
    assert_int_equal(yk__facts_text(&report, &text, &err), YK__OK);
    yk__text_free(&text);
    yk__report_free(&report);
}

static void test_report_bounds(void **state) {
    (void)state;
    yk__report report;
    yk__report_init(&report,
                    "a\xff"
                    "b",
                    1);
    assert_string_equal(report.file, "a\xef\xbf\xbd"
                                     "b");
    for (int i = 0; i < 1000; i++) yk__report_find(&report, YK__FINDING_PADDING_NOT_ZERO, "x", "y", "%d", i);
    yk__report_add(&report, YK__FINDING_OPTIONAL_SECTION_UNKNOWN, NULL, NULL, NULL);
    assert_int_equal(report.n_findings, YK__REPORT_MAX_FINDINGS);
    assert_true(report.incomplete);
    assert_int_equal(report.verdict, YK__VERDICT_SUBOPTIMAL);
    yk__report_add(&report, YK__FINDING_TRUNCATED, NULL, NULL, NULL); /* takes the place of a warning */
    assert_int_equal(report.verdict, YK__VERDICT_INVALID);
    assert_int_equal(report.n_findings, YK__REPORT_MAX_FINDINGS);
    assert_int_equal(report.findings[0].id, YK__FINDING_TRUNCATED);
    yk__report_free(&report);
    /* errors come before what was found earlier */
    yk__report_init(&report, NULL, 1);
    yk__report_add(&report, YK__FINDING_NEEDS_BUILD, NULL, NULL, NULL);
    yk__report_add(&report, YK__FINDING_PLAN_FOREIGN, NULL, NULL, NULL);
    yk__report_add(&report, YK__FINDING_TRUNCATED, NULL, NULL, NULL);
    assert_int_equal(report.findings[0].id, YK__FINDING_TRUNCATED);
    assert_int_equal(report.findings[1].id, YK__FINDING_PLAN_FOREIGN);
    assert_int_equal(report.findings[2].id, YK__FINDING_NEEDS_BUILD);
    yk__report_free(&report);
    yk__report_add(NULL, YK__FINDING_TRUNCATED, "x", NULL, NULL);
    yk__fact_int(NULL, NULL, "x", 1);
}

/* ---- the documents ---- */

static void add_tables(yk__text *out) {
    for (int i = 0; i < YK__FINDING_COUNT; i++) {
        const yk__finding_info *info = yk__finding_info_get((yk__finding_code)i);
        yk__text_printf(out, "| `%s` | %s | %s | %s |\n", info->code, yk__severity_name(info->severity), info->sentence,
                        info->remedy);
    }
    for (int i = 0; i < YK__FILE_KIND_COUNT; i++) {
        const yk__file_kind_info *info = yk__file_kind_info_get((yk__file_kind)i);
        const char *code = info->finding < 0 ? "" : yk__finding_info_get((yk__finding_code)info->finding)->code;
        yk__text_printf(out, "| `%s` | %s | %s |\n", info->name, info->what, code);
    }
}

/* docs/verdicts.md lists exactly the codes and kinds of the .def files: its table rows, in order. */
static void test_document(void **state) {
    (void)state;
    yk__map map;
    yk__error err;
    yk__text wanted = {0}, found = {0};
    assert_int_equal(yk__map_open(&map, "docs/verdicts.md", 0, &err), YK__OK);
    for (const char *at = (const char *)map.data, *end = at + map.size; at < end;) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        size_t n = line_end ? (size_t)(line_end - at) + 1 : (size_t)(end - at);
        if (n > 3 && !memcmp(at, "| `", 3)) yk__text_add_n(&found, at, n);
        at += n;
    }
    add_tables(&wanted);
    if (strcmp(yk__text_get(&wanted), yk__text_get(&found)) != 0)
        fail_msg("docs/verdicts.md differs from the .def files; `test_check --tables` prints its rows");
    yk__text_free(&wanted);
    yk__text_free(&found);
    yk__map_close(&map);
}

/* ---- the shared folder ---- */

/* What a file must be called, by its suffix and place; NULL: anything that is no engine. */
static const char *wanted_kind(const char *path) {
    static const struct {
        const char *end, *kind;
    } ends[] = {{"lfs-pointer.engine", "git-lfs-pointer"},
                {"git-lfs-pointer.onnx", "git-lfs-pointer"},
                {"html-404.pt", "html"},
                {"empty.pt", "empty"},
                {".engine", "tensorrt-plan"},
                {".plan", "tensorrt-plan"},
                {".onnx", "onnx"},
                {".pt", "pytorch-checkpoint"},
                {".pkl", "pickle"},
                {".jpg", "image"},
                {".jpeg", "image"},
                {".JPEG", "image"},
                {".png", "image"},
                {".bmp", "image"},
                {".gif", "image"},
                {".tif", "image"},
                {".webp", "image"},
                {".mp4", "video"},
                {".npz", "numpy"},
                {".json", "json"},
                {".md", "text"},
                {".txt", "text"},
                {".py", "text"},
                {".c", "text"},
                {".yaml", "text"},
                {".sh", "text"},
                {".enc", "encrypted"}};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (yk__ends_with(path, ends[i].end)) return ends[i].kind;
    return NULL;
}

static int check_folder(const char *folder, int depth) {
    int n = 0;
    DIR *stream = opendir(folder);
    const struct dirent *item;
    while (stream && (item = readdir(stream)) != NULL) {
        char path[4096];
        struct stat info;
        if (item->d_name[0] == '.' || snprintf(path, sizeof path, "%s/%s", folder, item->d_name) >= (int)sizeof path) continue;
        if (lstat(path, &info) != 0) continue;
        if (S_ISDIR(info.st_mode) && depth > 0) n += check_folder(path, depth - 1);
        if (!S_ISREG(info.st_mode)) continue;
        yk__report report;
        yk__error err;
        const char *kind = wanted_kind(path);
        if (yk__check_file(path, NULL, &report, &err)) fail_msg("%s", err.message);
        if (kind ? strcmp(report.kind, kind) != 0 : is_engine(&report)) fail_msg("%s is called %s", path, report.kind);
        if (yk__starts_with(item->d_name, "cut-")) assert_int_equal(report.verdict, YK__VERDICT_INVALID);
        yk__report_free(&report);
        n++;
    }
    if (stream) closedir(stream);
    return n;
}

static void test_shared(void **state) {
    (void)state;
    const char *shared = getenv("YOLK_SHARED") ? getenv("YOLK_SHARED") : "../shared";
    if (access(shared, R_OK) != 0) {
        printf("skipped: no folder %s\n", shared);
        skip();
    }
    assert_true(check_folder(shared, 6) > 0);
}

/* The samples as files: seeds for fuzz_check. */
static int write_samples(const char *folder) {
    if (make_all(NULL)) return 1;
    for (int i = 0; i < n_samples; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%02d-%s", folder, i, samples[i].kind);
        FILE *file = fopen(path, "wb");
        if (!file || fwrite(samples[i].bytes, 1, samples[i].size, file) != samples[i].size || fclose(file)) return 1;
    }
    return free_all(NULL);
}

int main(int argc, char **argv) {
    if (argc > 2 && !strcmp(argv[1], "--samples")) return write_samples(argv[2]);
    if (argc > 1 && !strcmp(argv[1], "--tables")) {
        yk__text text = {0};
        add_tables(&text);
        fputs(yk__text_get(&text), stdout);
        yk__text_free(&text);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),     cmocka_unit_test(test_findings),     cmocka_unit_test(test_damage),
        cmocka_unit_test(test_facts),     cmocka_unit_test(test_prefixes),     cmocka_unit_test(test_probe),
        cmocka_unit_test(test_mutations), cmocka_unit_test(test_random_files), cmocka_unit_test(test_json_and_text),
        cmocka_unit_test(test_files),     cmocka_unit_test(test_machine),      cmocka_unit_test(test_report_bounds),
        cmocka_unit_test(test_document),  cmocka_unit_test(test_shared),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}
