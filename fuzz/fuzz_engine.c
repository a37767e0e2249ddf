/* Loading engine files. Each input is opened as it is and again with its checksums put right, so that the fuzzer gets past
 * them; what opens is walked through as an engine's user would. */
#include <stdlib.h>
#include <string.h>

#include "engine/engine_read.h"
#include "engine/engine_write.h"
#include "graph/infer.h"

#include "engine_sums.h"

/* Every byte that the open file promises is read. */
static void use(const yk__engine_file *file) {
    static volatile uint64_t kept;
    uint64_t sum = 0;
    size_t bytes;
    const yk__graph *graph = &file->model.graph;
    for (int32_t i = 0; i < graph->n_values; i++)
        if (graph->values[i].data && yk__tensor_bytes(graph->values[i].dtype, &graph->values[i].shape, &bytes))
            sum += yk__xxh3(graph->values[i].data, bytes);
    for (int i = 0; i < file->n_plans; i++) {
        sum += yk__xxh3(file->plans[i].bytes, file->plans[i].size);
        sum += strlen(file->plans[i].fingerprint);
    }
    for (int i = 0; i < file->selftest.n_outputs; i++)
        sum += yk__xxh3(file->selftest.outputs[i].expected, (size_t)file->selftest.outputs[i].n * sizeof(float));
    if (file->selftest.n_outputs && yk__tensor_bytes(file->selftest.input.dtype, &file->selftest.input.shape, &bytes))
        sum += yk__xxh3(file->selftest.input.data, bytes);
    kept = kept ^ sum;
}

/* Shapes at a small input: what happens first to every engine that is loaded. */
static void infer(const yk__graph *graph) {
    yk__shape shapes[4];
    yk__arena arena;
    if (graph->n_inputs < 1 || graph->n_inputs > 4) return;
    for (int i = 0; i < graph->n_inputs; i++) {
        shapes[i] = graph->values[graph->inputs[i]].shape;
        for (int k = 0; k < shapes[i].rank; k++)
            if (shapes[i].dim[k] < 0 || shapes[i].dim[k] > 64) shapes[i].dim[k] = k == 0 ? 1 : 8;
    }
    yk__arena_init(&arena, (size_t)64 << 20);
    yk__inferred *out = yk__arena_array(&arena, (size_t)graph->n_values, sizeof *out);
    if (out && yk__infer_graph(graph, shapes, NULL, 1024, &arena, out, NULL) == YK__OK) {
    }
    yk__arena_free(&arena);
}

/* What could be read can be written, and gives the same again. */
static void write_again(const yk__engine_file *file) {
    uint8_t *bytes;
    size_t size;
    yk__engine_file again;
    yk__engine_write_options options = {
        .choices = file->choices, .n_choices = file->n_choices, .selftest = file->selftest.n_outputs ? &file->selftest : NULL};
    if (yk__engine_write_memory(&bytes, &size, &file->model, &options, NULL)) return; /* over a bound */
    if (yk__engine_open_bytes(bytes, size, "again", &again, NULL, NULL)) abort();
    if (again.model.graph.n_nodes != file->model.graph.n_nodes) abort();
    yk__engine_close(&again);
    yk__free(bytes);
}

static void open_one(const uint8_t *bytes, size_t size) {
    yk__engine_file file;
    yk__report report;
    yk__error err;
    yk__report_init(&report, "fuzz", size);
    yk__code code = yk__engine_open_bytes(bytes, size, "fuzz", &file, &report, &err);
    if ((code == YK__OK) != (report.verdict == YK__VERDICT_VALID || report.verdict == YK__VERDICT_SUBOPTIMAL)) abort();
    if (code && !report.n_findings && code != YK__MEMORY) abort();
    if (!code) {
        use(&file);
        infer(&file.model.graph);
        write_again(&file);
    }
    yk__engine_close(&file);
    yk__report_free(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    open_one(data, size);
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy) return 0;
    memcpy(copy, data, size);
    fix_sums(copy, size);
    open_one(copy, size);
    free(copy);
    return 0;
}
