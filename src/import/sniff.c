/* First bytes to a sentence. src/inspect says more about engines; this is for whoever gave import the wrong file. */
#include "import/sniff.h"

#include <string.h>

#include "base/text.h"

typedef struct known {
    size_t at, length;
    const char *magic;
    yk__code code;
    const char *sentence;
} known;

#define PYTORCH "not one that can be read here; export it with `yolo export format=onnx`"

static const known KNOWN[] = {
    {0, 22, "version https://git-lf", YK__FORMAT,
     "this is a Git LFS pointer, not the model: fetch the real file with `git lfs pull`"},
    {0, 4, "ftrt", YK__UNSUPPORTED,
     "this is a TensorRT plan (8.6 or later), not a model: it only runs on the GPU it was built for; build it from the model "
     "that it was made from: --from MODEL"},
    {0, 4, "ptrt", YK__UNSUPPORTED,
     "this is a TensorRT plan (before 8.6), not a model: it only runs on the GPU it was built for; build it from the model "
     "that it was made from: --from MODEL"},
    {1, 3, "YLK", YK__UNSUPPORTED, "this is a yolk engine already: give it to `yolk predict` or `yolk check` as it is"},
    {0, 2, "\x80\x02", YK__UNSUPPORTED, "this is a Python pickle (an old PyTorch checkpoint): " PYTORCH},
    {0, 2, "\x80\x04", YK__UNSUPPORTED, "this is a Python pickle: " PYTORCH},
    {4, 4, "TFL3", YK__UNSUPPORTED, "this is a TensorFlow Lite model; export to ONNX instead"},
    {4, 4, "ORTM", YK__UNSUPPORTED, "this is an ONNX Runtime .ort file; give the .onnx it was made from"},
    {0, 4, "\x89HDF", YK__UNSUPPORTED, "this is an HDF5 file (Keras weights); export to ONNX instead"},
    {0, 7, "7767517", YK__UNSUPPORTED, "this is an ncnn parameter file; export to ONNX instead"},
    {0, 4, "GGUF", YK__UNSUPPORTED, "this is a GGUF file; yolk reads ONNX"},
    {0, 5, "<?xml", YK__UNSUPPORTED, "this is an XML file (an OpenVINO model?); export to ONNX instead"},
    {0, 4,
     "\x7f"
     "ELF",
     YK__UNSUPPORTED, "this is a program or library, not a model"},
    {0, 3, "\xff\xd8\xff", YK__UNSUPPORTED, "this is a JPEG picture, not a model"},
    {0, 4, "\x89PNG", YK__UNSUPPORTED, "this is a PNG picture, not a model"},
    {0, 2, "\x1f\x8b", YK__UNSUPPORTED, "this is a gzip archive: unpack it first"},
};

/* ASCII text that starts like a web page: what a download link gives when it wants a login. */
static bool is_web_page(const char *text, size_t size) {
    size_t i = 0;
    while (i < size && (text[i] == ' ' || text[i] == '\n' || text[i] == '\r' || text[i] == '\t')) i++;
    char head[16] = "";
    memcpy(head, text + i, size - i < 14 ? size - i : 14);
    head[5] = '\0';
    if (yk__compare_no_case(head, "<html") == 0) return true;
    memcpy(head, text + i, size - i < 14 ? size - i : 14);
    head[9] = '\0';
    return yk__compare_no_case(head, "<!doctype") == 0;
}

/* `yolo export format=engine` puts a length and JSON in front of the plan; Ultralytics' own reader knows, others fail on it. */
static bool is_prefixed_plan(const uint8_t *bytes, size_t size) {
    if (size < 12) return false;
    const uint32_t n = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    if (n < 2 || n > size - 8 || bytes[4] != '{' || bytes[3 + (size_t)n] != '}') return false;
    const uint8_t *const plan = bytes + 4 + n;
    return memcmp(plan, "ftrt", 4) == 0 || memcmp(plan, "ptrt", 4) == 0;
}

static bool contains(const uint8_t *bytes, size_t size, const char *word) {
    return memmem(bytes, size, word, strlen(word)) != NULL;
}

static yk__code sniff_zip(const uint8_t *bytes, size_t size, yk__error *err) {
    const size_t head = size < 4096 ? size : 4096; /* names of the first entries; torch writes the pickle first */
    const bool torch = contains(bytes, head, "data.pkl") || contains(bytes, head, ".data/serialization_id") ||
                       contains(bytes, head, "byteorder");
    return yk__fail(err, YK__UNSUPPORTED,
                    torch ? "this is a PyTorch checkpoint (.pt): " PYTORCH : "this is a zip archive: unpack it first");
}

yk__code yk__sniff_foreign(const uint8_t *bytes, size_t size, yk__error *err) {
    if (size == 0) return yk__fail(err, YK__FORMAT, "the file is empty");
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++) {
        const known *const k = &KNOWN[i];
        if (size >= k->at + k->length && memcmp(bytes + k->at, k->magic, k->length) == 0)
            return yk__fail(err, k->code, "%s", k->sentence);
    }
    if (size >= 4 && memcmp(bytes, "PK\x03\x04", 4) == 0) return sniff_zip(bytes, size, err);
    if (is_prefixed_plan(bytes, size)) {
        return yk__fail(err, YK__UNSUPPORTED,
                        "this is a TensorRT engine exported by Ultralytics, not a model: it only runs on the GPU it was "
                        "built for; build it from the model that it was made from: --from MODEL");
    }
    if (is_web_page((const char *)bytes, size)) {
        return yk__fail(err, YK__FORMAT,
                        "this is a web page, not a model: the download went wrong (a login or a missing file?)");
    }
    return YK__OK;
}
