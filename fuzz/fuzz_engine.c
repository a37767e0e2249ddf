/* Loading engine files. Each input is opened as it is and again with its checksums put right, so that the fuzzer gets past
 * them; what opens is walked through as an engine's user would. The mutator keeps the file's frame and changes one section. */
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "engine/engine_head.h"
#include "engine/engine_read.h"
#include "engine/engine_write.h"
#include "graph/infer.h"

/* Offset, length and entry of section i as the file states them; false when they do not lie in the file. */
static bool section_at(const uint8_t *bytes, size_t size, int i, size_t *at, size_t *length) {
    const uint8_t *entry = bytes + YK__HEAD_TABLE + (size_t)i * YK__ENTRY_BYTES;
    uint64_t from = yk__get_u64(entry + YK__ENTRY_AT), n = yk__get_u64(entry + YK__ENTRY_LENGTH);
    if (from > size || n > size - from) return false;
    *at = (size_t)from;
    *length = (size_t)n;
    return true;
}

static int n_sections(const uint8_t *bytes, size_t size) {
    if (size < YK__ENGINE_HEAD_BYTES) return 0;
    uint32_t n = yk__get_u32(bytes + YK__HEAD_N_SECTIONS);
    return n <= YK__ENGINE_MAX_SECTIONS ? (int)n : 0;
}

static void fix_sums(uint8_t *bytes, size_t size) {
    size_t at, length;
    if (size < YK__ENGINE_HEAD_BYTES) return;
    memcpy(bytes, YK__ENGINE_MAGIC, YK__ENGINE_MAGIC_BYTES);
    for (int i = 0; i < n_sections(bytes, size); i++)
        if (section_at(bytes, size, i, &at, &length))
            yk__put_u64(bytes + YK__HEAD_TABLE + (size_t)i * YK__ENTRY_BYTES + YK__ENTRY_CHECKSUM,
                        yk__xxh3(bytes + at, length));
    yk__put_u64(bytes + YK__HEAD_CHECKSUM, yk__xxh3_with_hole(bytes, YK__ENGINE_HEAD_BYTES, YK__HEAD_CHECKSUM, 8));
}

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

#if defined(YK__LIBFUZZER)
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* Replaces section `which` by other bytes of another length; the sections behind it move. */
static size_t replace_section(uint8_t *data, size_t size, size_t max_size, int which, const uint8_t *with, size_t n_with) {
    uint8_t *out = calloc(1, max_size);
    size_t to = YK__ENGINE_HEAD_BYTES, at, length;
    if (!out) return 0;
    memcpy(out, data, YK__ENGINE_HEAD_BYTES);
    for (int i = 0; i < n_sections(data, size); i++) {
        uint8_t *entry = out + YK__HEAD_TABLE + (size_t)i * YK__ENTRY_BYTES;
        bool in_file = section_at(data, size, i, &at, &length);
        const uint8_t *from = i == which ? with : data + at;
        size_t n = i == which ? n_with : length;
        to = (to + YK__ENGINE_ALIGN - 1) / YK__ENGINE_ALIGN * YK__ENGINE_ALIGN;
        if (!in_file || to > max_size || n > max_size - to) {
            free(out);
            return 0;
        }
        memcpy(out + to, from, n);
        yk__put_u64(entry + YK__ENTRY_AT, to);
        yk__put_u64(entry + YK__ENTRY_LENGTH, n);
        if (!memcmp(entry, "weights", 8)) yk__put_u64(out + YK__HEAD_SUMMARY + YK__SUMMARY_WEIGHTS, n);
        to += n;
    }
    yk__put_u64(out + YK__HEAD_FILE_BYTES, to);
    fix_sums(out, to);
    memcpy(data, out, to);
    free(out);
    return to;
}

/* In three of four cases the content of one section; otherwise any byte of the file. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed) {
    int n = n_sections(data, size);
    size_t at, length, made = 0;
    if (n == 0 || seed % 4 == 0) return LLVMFuzzerMutate(data, size, max_size);
    int which = (int)(seed / 4 % (unsigned)n);
    if (!section_at(data, size, which, &at, &length)) return LLVMFuzzerMutate(data, size, max_size);
    size_t room = length + 512;
    uint8_t *section = malloc(room);
    if (!section) return size;
    memcpy(section, data + at, length);
    length = LLVMFuzzerMutate(section, length, room);
    made = replace_section(data, size, max_size, which, section, length);
    free(section);
    return made ? made : LLVMFuzzerMutate(data, size, max_size);
}
#endif
