/* Any bytes as an ONNX model: probed, imported as a bare network, imported whole with both settings that change the path. The
 * verified graph is dumped, which visits all of it. The same bytes also go to the two readers of texts that import has.
 * External data is off: a fuzzer must not open files. */
#include <stdint.h>

#include "import/import.h"
#include "import/literal.h"
#include "import/names_file.h"
#include "import/probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void visit(yk__model *model) {
    yk__text text = {0};
    yk__graph_dump(&model->graph, &text);
    yk__text_free(&text);
    yk__model_free(model);
}

static void read_as_text(const uint8_t *data, size_t size) {
    yk__arena arena;
    yk__literal literal;
    const char **names;
    int32_t n;
    yk__arena_init(&arena, (size_t)64 << 20);
    char *const text = yk__arena_strndup(&arena, (const char *)data, size);
    if (text) {
        (void)!yk__literal_parse(text, &arena, &literal, NULL);
        (void)!yk__names_text_read(text, &arena, &names, &n, NULL);
    }
    yk__arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const yk__import_options choices[] = {{0}, {.task = YK__TASK_POSE, .keep_half = true, .imgsz = {64, 96}}};
    yk__error err;
    yk__model model;
    yk__arena arena;
    yk__probe_report report;
    if (size > 0) read_as_text(data, size);
    yk__arena_init(&arena, (size_t)256 << 20);
    (void)!yk__probe_onnx(data, size, &arena, &report, &err);
    yk__arena_free(&arena);
    if (yk__import_network(data, size, NULL, true, &model, &err) == YK__OK) visit(&model);
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        if (yk__import_bytes(data, size, "fuzz.onnx", NULL, &choices[i], &model, &err) == YK__OK) visit(&model);
    }
    return 0;
}
