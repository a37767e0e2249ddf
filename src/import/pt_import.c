/* A checkpoint becomes a model: open, find the module, walk its layers, complete the recipe, put ImageInput in front. */
#include "import/pt_import.h"

#include <string.h>

#include "base/checksum.h"
#include "base/text.h"
#include "import/pt_build.h"
#include "import/pt_recipe.h"
#include "import/pt_refuse.h"

/* Layers of a model: yolov9e has 43, yolo26-p6 some 40. */
enum { MAX_LAYERS = 1000 };

bool yk__pt_claims(const uint8_t *bytes, size_t size) {
    if (size >= 4 && memcmp(bytes, "PK\003\004", 4) == 0) return true;
    /* PROTO 2..5, and nothing that begins so is a protobuf message of ONNX: 0x80 opens a field number of several bytes */
    return size >= 2 && bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5;
}

/* ---- ImageInput ---- */

static yk__code add_image_input(yk__pt_build *b, int32_t *picture) {
    const yk__shape shape = {.rank = 4, .dim = {-1, 3, -1, -1}};
    const int32_t input = yk__graph_add_value(b->graph, "images", YK__DTYPE_F32, &shape, NULL);
    *picture = yk__graph_add_value(b->graph, "image_input", YK__DTYPE_F32, &shape, NULL);
    int32_t *const inputs = yk__arena_array(&b->graph->arena, 1, sizeof *inputs);
    if (input < 0 || *picture < 0 || !inputs) return yk__pt_no_memory(b);
    if (yk__graph_add_node(b->graph, YK__OP_IMAGE_INPUT, "image_input", &input, 1, picture, 1) < 0) return yk__pt_no_memory(b);
    inputs[0] = input;
    b->graph->inputs = inputs;
    b->graph->n_inputs = 1;
    return yk__pt_set_reduction(b, *picture, 1);
}

/* Once the recipe is known: what the node must do. It is the graph's first. */
static yk__code finish_image_input(yk__graph *graph, const yk__recipe *recipe, yk__error *err) {
    double mean[3], std[3];
    bool normalises = false;
    yk__node *const node = &graph->nodes[0];
    for (int c = 0; c < 3; c++) {
        mean[c] = (double)recipe->mean[c];
        std[c] = (double)recipe->std[c];
        normalises = normalises || mean[c] != 0 || std[c] != 1;
    }
    bool set = yk__node_set_string(graph, node, "order", recipe->bgr ? "bgr" : "rgb") &&
               yk__node_set_float(graph, node, "scale", (double)recipe->scale);
    if (normalises)
        set = set && yk__node_set_floats(graph, node, "mean", mean, 3) && yk__node_set_floats(graph, node, "std", std, 3);
    return set ? YK__OK : yk__arena_error(&graph->arena, "the network's input", err);
}

/* ---- layers ---- */

/* The layer that source `from` of layer i means: -1 the one before, other negatives further back, else its number. -1 is the
 * picture. */
static yk__code source_index(yk__pt_build *b, yk__py layer, int64_t from, int32_t i, int32_t *out) {
    if (from >= -(int64_t)i - 1 && from < i) {
        *out = (int32_t)(from < 0 ? i + from : from);
        return YK__OK;
    }
    return yk__pt_fail(b, layer, YK__GRAPH, "it takes its input from layer %lld, which does not come before it",
                       (long long)from);
}

/* Gathers the inputs of layer i, as its attribute `f` lists them. flows[0] is the picture, flows[j + 1] what layer j gave. */
static yk__code gather(yk__pt_build *b, yk__py layer, int32_t i, const yk__pt_flow *flows, yk__pt_flow *in, int *n_in) {
    const yk__pickle *const p = &b->file->pickle;
    const yk__py sources = yk__pt_attr(b->file, layer, "f");
    const int32_t n = yk__py_count(p, sources);
    int64_t from;
    int32_t index = 0;
    if (n > YK__PT_MAX_FLOW) return yk__pt_fail(b, layer, YK__LIMIT, "it takes %d inputs", n);
    *n_in = n > 0 ? n : 1;
    for (int32_t k = 0; k < *n_in; k++) {
        if (!yk__py_int(p, n > 0 ? yk__py_item(p, sources, k) : sources, &from))
            return yk__pt_fail(b, layer, YK__GRAPH, "it does not say where its input comes from (attribute \"f\")");
        YK__TRY(source_index(b, layer, from, i, &index));
        in[k] = flows[index + 1];
        if (in[k].n == 0) return yk__pt_fail(b, layer, YK__GRAPH, "layer %d, where it takes its input from, gives none", index);
    }
    return YK__OK;
}

/* The list that holds the layers stands under the name `model`, in the model and in the names of nodes. */
static yk__code build_layers(yk__pt_build *b, yk__py layers, yk__pt_flow *flows, int32_t n) {
    yk__pt_flow in[YK__PT_MAX_FLOW];
    int n_in = 0;
    YK__TRY(add_image_input(b, &flows[0].value[0]));
    flows[0].n = 1;
    for (int32_t i = 0; i < n; i++) {
        const yk__py layer = yk__pt_child(b->file, layers, i);
        const size_t mark = yk__pt_enter(b, "model");
        yk__pt_enter_item(b, i);
        YK__TRY(gather(b, layer, i, flows, in, &n_in));
        YK__TRY(yk__pt_run_layer(b, layer, in, n_in, &flows[i + 1]));
        yk__pt_leave(b, mark);
    }
    return YK__OK;
}

static yk__code set_outputs(yk__pt_build *b, yk__py last, const yk__pt_flow *flow) {
    if (b->recipe.task == YK__TASK_NONE) {
        return yk__pt_fail(b, last, YK__UNSUPPORTED,
                           "the last layer is no head that yolk knows: detect, segment, pose, obb, classify");
    }
    int32_t *const outputs = yk__arena_copy(&b->graph->arena, flow->value, (size_t)flow->n * sizeof *outputs);
    if (!outputs) return yk__pt_no_memory(b);
    b->graph->outputs = outputs;
    b->graph->n_outputs = flow->n;
    return YK__OK;
}

static yk__code build_graph(yk__pt_build *b, yk__py model) {
    const yk__py layers = yk__pt_some(b->file, model, "model");
    const int32_t n = yk__pt_children(b->file, layers);
    if (n < 1 || n > MAX_LAYERS) return yk__fail(b->err, YK__LIMIT, "the model has %d layers", n);
    yk__pt_flow *const flows = yk__alloc_array((size_t)n + 1, sizeof *flows);
    if (!flows) return yk__fail(b->err, YK__MEMORY, "out of memory for the model's layers");
    yk__code code = build_layers(b, layers, flows, n);
    if (code == YK__OK) code = set_outputs(b, yk__pt_child(b->file, layers, n - 1), &flows[n]);
    yk__free(flows);
    return code;
}

/* ---- whole files ---- */

static yk__code import_file(yk__pt_file *file, const yk__import_options *options, yk__model *out, yk__error *err) {
    yk__py model;
    YK__TRY(yk__pt_find_model(file, &model, err));
    yk__pt_build build = {.file = file, .graph = &out->graph, .err = err, .end2end = options->end2end};
    yk__code code = build_graph(&build, model);
    yk__free(build.reduction);
    if (code != YK__OK) return code;
    out->recipe = build.recipe;
    YK__TRY(yk__pt_fill_recipe(file, model, options, &out->graph.arena, &out->recipe, err));
    YK__TRY(finish_image_input(&out->graph, &out->recipe, err));
    YK__TRY(yk__graph_compact(&out->graph, err));
    YK__TRY(yk__graph_verify(&out->graph, err));
    yk__pt_fill_provenance(file, &out->graph.arena, &out->provenance);
    return YK__OK;
}

yk__code yk__import_pt(const uint8_t *bytes, size_t size, const char *name, const yk__import_options *options, yk__model *out,
                       yk__error *err) {
    yk__pt_file file;
    yk__error own; /* explaining looks at more than the caller's may hold */
    yk__error *const e = err ? err : &own;
    if (size >= 1 && bytes[0] == 0x80) return yk__pt_refuse_pickle(bytes, size, e);
    yk__code code = yk__pt_file_open(&file, bytes, size, e);
    if (code == YK__OK) {
        code = import_file(&file, options, out, e);
        yk__pt_file_close(&file);
    }
    if (code != YK__OK) return yk__pt_explain(bytes, size, code, e);
    out->provenance.source_name = yk__arena_strdup(&out->graph.arena, yk__basename(name));
    yk__sha256_hex(bytes, size, out->provenance.source_sha256);
    return YK__OK;
}
