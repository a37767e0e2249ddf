/* A model file becomes a model: recognise, lift the network, read the recipe from what the file says, put ImageInput in
 * front. The steps themselves live in their own files; this one holds their order. */
#include "import/import.h"

#include <string.h>
#include <sys/mman.h>

#include "base/checksum.h"
#include "base/file.h"
#include "import/metadata.h"
#include "import/names_file.h"
#include "import/onnx_lift.h"
#include "import/probe.h"
#include "import/pt_import.h"
#include "import/reading.h"
#include "import/sniff.h"
#include "import/yolox_tail.h"

/* What a graph may take: names, nodes and small constants, and copies of the weights. A typed list of i64 unpacks to 8 bytes
 * from 1, f16 weights to f32 twice. */
#define GRAPH_FLOOR    ((size_t)64 << 20)
#define GRAPH_PER_BYTE 8

/* Names when the file counts no classes (rows of a finished selection): as many as Ultralytics makes up. */
#define NAMELESS_CLASSES 999

/* ---- the network ---- */

static yk__code lift(const yk__onnx_file *file, yk__external *external, bool keep_half, bool drop_pages, yk__model *out,
                     yk__error *err) {
    yk__onnx_tensors tensors = {file, external, &out->graph, keep_half, drop_pages, out->graph.arena.budget};
    YK__TRY(yk__lift_model(file->model, &tensors, err));
    const int32_t n_files = external->n_files;
    yk__external_take(external, &out->more_mappings, &out->n_more_mappings);
    if (out->n_more_mappings != n_files) return yk__fail(err, YK__MEMORY, "out of memory");
    return YK__OK;
}

static size_t graph_budget(size_t size) {
    size_t budget;
    return yk__mul_size(size, GRAPH_PER_BYTE, &budget) && yk__add_size(budget, GRAPH_FLOOR, &budget) ? budget : PTRDIFF_MAX;
}

/* ---- the recipe ---- */

/* A text for people, in the graph's arena: cut, and what is not UTF-8 replaced. */
static const char *clean_text(yk__arena *arena, const char *text) {
    if (!text || !text[0]) return NULL;
    const size_t n = yk__utf8_prefix(text, strnlen(text, 4096));
    char *const copy = yk__arena_strndup(arena, text, n);
    if (copy && !yk__utf8_valid(copy, n)) {
        for (char *c = copy; *c; c++) {
            if ((unsigned char)*c >= 0x80) *c = '?';
        }
    }
    return copy;
}

static void fill_provenance(const yk__onnx_file *file, const char *name, yk__model *out) {
    yk__arena *const arena = &out->graph.arena;
    yk__provenance *const p = &out->provenance;
    p->source_name = clean_text(arena, yk__basename(name));
    p->source_format = "onnx";
    p->description = clean_text(arena, yk__onnx_metadata(file->model, "description"));
    p->author = clean_text(arena, yk__onnx_metadata(file->model, "author"));
    p->license = clean_text(arena, yk__onnx_metadata(file->model, "license"));
    p->version = clean_text(arena, yk__onnx_metadata(file->model, "version"));
    p->date = clean_text(arena, yk__onnx_metadata(file->model, "date"));
}

static yk__code check_input(const yk__graph *graph, const yk__metadata *metadata, yk__error *err) {
    char text[128];
    if (graph->n_inputs != 1) {
        return yk__fail(err, YK__UNSUPPORTED, "the network has %d inputs; yolk runs networks with one, a picture",
                        graph->n_inputs);
    }
    const yk__value *const input = &graph->values[graph->inputs[0]];
    const bool type = input->dtype == YK__DTYPE_F32 || input->dtype == YK__DTYPE_F16 || input->dtype == YK__DTYPE_U8;
    if (!type || input->shape.rank != 4) {
        return yk__fail(err, YK__UNSUPPORTED, "the network's input \"%.80s\" is %s %s; a picture is f32 N x 3 x H x W",
                        input->name, yk__dtype_name(input->dtype), yk__shape_text(&input->shape, text));
    }
    const int64_t channels = input->shape.dim[1] >= 0 ? input->shape.dim[1] : metadata->channels > 0 ? metadata->channels : 3;
    if (channels != 3) {
        return yk__fail(err, YK__UNSUPPORTED,
                        "the network's input \"%.80s\" (%s) has %lld channels; yolk feeds 3 (N x 3 x H x W)", input->name,
                        yk__shape_text(&input->shape, text), (long long)channels);
    }
    for (int i = 0; i < 4; i++) {
        if (input->shape.dim[i] == 0 || input->shape.dim[i] > 32768) {
            return yk__fail(err, YK__UNSUPPORTED, "the network's input \"%.80s\" is %s; sides of 1 to 32768 are supported",
                            input->name, yk__shape_text(&input->shape, text));
        }
    }
    return YK__OK;
}

static yk__code apply_known(const yk__known *known, yk__metadata *m, yk__error *err) {
    if (!known) return YK__OK;
    if (known->task && m->task && known->task != m->task)
        return yk__fail(err, YK__ARGUMENT, "the model's task is %s and the engine's is %s: they are not of one model",
                        yk__task_name(m->task), yk__task_name(known->task));
    if (known->names && m->names && known->n_names != m->n_names)
        return yk__fail(err, YK__ARGUMENT, "the model has %d classes and the engine %d: they are not of one model", m->n_names,
                        known->n_names);
    if (known->task) m->task = known->task;
    if (known->kpt_shape[0] > 0) memcpy(m->kpt_shape, known->kpt_shape, sizeof m->kpt_shape);
    if (known->names) {
        m->names = (const char **)(uintptr_t)known->names; /* read only from here on */
        m->n_names = known->n_names;
    }
    return YK__OK;
}

/* The names that the user or the file gives; *n 0 when neither does. */
static yk__code find_names(const yk__import_options *options, const yk__metadata *metadata, yk__arena *arena,
                           const char ***names, int32_t *n, yk__error *err) {
    *names = metadata->names;
    *n = metadata->n_names;
    return options->names_file ? yk__names_file_read(options->names_file, arena, names, n, err) : YK__OK;
}

/* The recipe's own copy of the names, made up where there are none. */
static yk__code set_names(yk__model *out, const char **names, int32_t n_names, int32_t n_classes, yk__error *err) {
    yk__arena *const arena = &out->graph.arena;
    if (n_classes == 0) n_classes = n_names > 0 ? n_names : NAMELESS_CLASSES;
    if (n_names > 0 && n_names != n_classes) {
        return yk__fail(err, YK__ARGUMENT, "%d class names for a network with %d classes", n_names, n_classes);
    }
    out->recipe.names = yk__arena_array(arena, (size_t)n_classes, sizeof *out->recipe.names);
    if (!out->recipe.names) return yk__arena_error(arena, "class names", err);
    for (int32_t i = 0; i < n_classes; i++) {
        out->recipe.names[i] = n_names > 0 ? yk__arena_strdup(arena, names[i]) : yk__arena_printf(arena, "class%d", i);
        if (!out->recipe.names[i]) return yk__arena_error(arena, "class names", err);
    }
    out->recipe.n_classes = n_classes;
    return YK__OK;
}

static int32_t round_up(int64_t side, int32_t stride) {
    return (int32_t)((side + stride - 1) / stride * stride);
}

/* PARITY section 1: a static export's size is its own, a dynamic one's the metadata's, and the user's comes before both. */
static yk__code set_sizes(yk__recipe *recipe, const yk__value *input, const yk__value *output, const yk__metadata *m,
                          const yk__import_options *options, yk__error *err) {
    const int64_t *const dim = input->shape.dim;
    const bool free_sides = dim[2] < 0 || dim[3] < 0;
    const bool free_batch = output->dtype != YK__DTYPE_NONE && output->shape.rank > 0 && output->shape.dim[0] < 0;
    if (m->stride > 0) recipe->stride = m->stride;
    for (int i = 0; i < 2; i++) {
        if (m->imgsz[i] > 0) recipe->imgsz[i] = m->imgsz[i];
        if (dim[2 + i] > 0) recipe->imgsz[i] = (int32_t)dim[2 + i];
        if (options->imgsz[i] < 0 || options->imgsz[i] > 32768) {
            return yk__fail(err, YK__ARGUMENT, "--imgsz %d is outside 1..32768", options->imgsz[i]);
        }
        if (options->imgsz[i] > 0) recipe->imgsz[i] = round_up(options->imgsz[i], recipe->stride);
    }
    recipe->batch = dim[0] > 0 ? (int32_t)dim[0] : m->batch > 0 ? m->batch : 1;
    /* Ultralytics goes by args, else by the first output's batch; a network whose sides are fixed is not free whatever it says.
     */
    recipe->dynamic = free_sides && (m->has_dynamic ? m->dynamic : free_batch);
    recipe->rect = recipe->dynamic && recipe->task != YK__TASK_CLASSIFY && recipe->layout != YK__LAYOUT_V5 &&
                   recipe->layout != YK__LAYOUT_YOLOX;
    return YK__OK;
}

static yk__code check_end2end(const yk__recipe *recipe, const yk__import_options *options, yk__error *err) {
    if (!options->end2end || recipe->layout == YK__LAYOUT_V8_END2END) return YK__OK;
    return yk__fail(err, YK__ARGUMENT,
                    "--end2end: this export holds no one-to-one head (its layout is %s), and an export holds one head only; "
                    "export again with nms=False",
                    yk__layout_name(recipe->layout));
}

static yk__code fill_recipe(const yk__onnx_file *file, const yk__import_options *options, yk__arena *scratch, yk__model *out,
                            yk__error *err) {
    yk__metadata metadata;
    yk__reading reading;
    const char **names;
    int32_t n_names;
    YK__TRY(yk__metadata_read(file->model, scratch, &metadata, err));
    YK__TRY(apply_known(options->known, &metadata, err));
    if (metadata.unknown_task) {
        return yk__fail(err, YK__UNSUPPORTED,
                        "the file's task is \"%.40s\"; yolk knows detect, segment, classify, pose and obb",
                        metadata.unknown_task);
    }
    YK__TRY(check_input(&out->graph, &metadata, err));
    YK__TRY(find_names(options, &metadata, scratch, &names, &n_names, err));
    YK__TRY(yk__reading_find(&out->graph, &metadata, options, n_names, &reading, err));
    const yk__value *const input = &out->graph.values[out->graph.inputs[0]];
    out->recipe = yk__recipe_defaults(reading.task, reading.layout);
    YK__TRY(yk__metadata_defaults(file->model, scratch, &out->recipe, err));
    out->recipe.n_extra = reading.n_extra;
    memcpy(out->recipe.kpt_shape, reading.kpt_shape, sizeof out->recipe.kpt_shape);
    if (input->dtype == YK__DTYPE_U8) out->recipe.scale = 1; /* the network normalises by itself */
    YK__TRY(set_names(out, names, n_names, reading.n_classes, err));
    YK__TRY(set_sizes(&out->recipe, input, &out->graph.values[out->graph.outputs[0]], &metadata, options, err));
    YK__TRY(check_end2end(&out->recipe, options, err));
    out->graph.n_outputs = reading.n_outputs;
    if (reading.logits) YK__TRY(yk__yolox_finish(&out->graph, 5 + reading.n_classes, &out->recipe, err));
    YK__TRY(yk__metadata_metrics(file->model, scratch, &out->graph.arena, &out->provenance, err));
    return yk__recipe_verify(&out->recipe, err);
}

/* ---- ImageInput ---- */

static yk__code add_to_front(yk__graph *graph, yk__op op, const char *name, int32_t in, int32_t out, yk__node **made,
                             yk__error *err) {
    if (yk__graph_add_node(graph, op, name, &in, 1, &out, 1) < 0)
        return yk__arena_error(&graph->arena, "the network's input", err);
    const yk__node node = graph->nodes[graph->n_nodes - 1];
    memmove(graph->nodes + 1, graph->nodes, (size_t)(graph->n_nodes - 1) * sizeof *graph->nodes);
    graph->nodes[0] = node;
    *made = &graph->nodes[0];
    return YK__OK;
}

static bool set_attributes(yk__graph *graph, yk__node *node, const yk__recipe *recipe) {
    double mean[3], std[3];
    bool normalises = false;
    for (int c = 0; c < 3; c++) {
        mean[c] = (double)recipe->mean[c];
        std[c] = (double)recipe->std[c];
        normalises = normalises || mean[c] != 0 || std[c] != 1;
    }
    if (normalises && !(yk__node_set_floats(graph, node, "mean", mean, 3) && yk__node_set_floats(graph, node, "std", std, 3)))
        return false;
    return yk__node_set_string(graph, node, "order", recipe->bgr ? "bgr" : "rgb") &&
           yk__node_set_float(graph, node, "scale", (double)recipe->scale);
}

/* The network's input becomes ImageInput's, whose output is what the network used; a network that wants another type gets a
 * Cast in between. */
static yk__code add_image_input(yk__model *model, yk__error *err) {
    yk__graph *const graph = &model->graph;
    const int32_t input = graph->inputs[0];
    const yk__dtype wanted = graph->values[input].dtype;
    yk__shape shape = graph->values[input].shape;
    shape.dim[1] = 3;
    graph->values[input].dtype = YK__DTYPE_F32;
    graph->values[input].shape = shape;
    const int32_t picture = yk__graph_add_value(graph, "image_input", YK__DTYPE_F32, &shape, NULL);
    const int32_t converted =
        wanted == YK__DTYPE_F32 ? picture : yk__graph_add_value(graph, "image_input/cast", wanted, &shape, NULL);
    if (picture < 0 || converted < 0) return yk__arena_error(&graph->arena, "the network's input", err);
    yk__graph_replace_uses(graph, input, converted);
    yk__node *node = NULL;
    if (converted != picture) {
        YK__TRY(add_to_front(graph, YK__OP_CAST, "image_input/cast", picture, converted, &node, err));
        if (!yk__node_set_string(graph, node, "to", yk__dtype_name(wanted)))
            return yk__arena_error(&graph->arena, "the network's input", err);
    }
    YK__TRY(add_to_front(graph, YK__OP_IMAGE_INPUT, "image_input", input, picture, &node, err));
    return set_attributes(graph, node, &model->recipe) ? YK__OK : yk__arena_error(&graph->arena, "the network's input", err);
}

/* ---- whole files ---- */

/* Where the bytes come from. */
typedef struct source {
    const uint8_t *bytes;
    size_t size;
    const char *name, *folder;
    bool is_file; /* the bytes are a mapping of a file */
} source;

static yk__code import_onnx(const source *from, const yk__onnx_file *file, yk__external *external,
                            const yk__import_options *options, yk__model *out, yk__error *err) {
    /* Hashing reads the whole file; its pages are given back before the weights are copied, so that both are never held. */
    yk__sha256_hex(file->bytes, file->size, out->provenance.source_sha256);
    if (from->is_file) (void)madvise((void *)((uintptr_t)from->bytes), from->size, MADV_DONTNEED);
    YK__TRY(lift(file, external, options->keep_half, from->is_file, out, err));
    yk__arena scratch;
    yk__arena_init(&scratch, ((size_t)32 << 20) + 64 * file->structure_bytes);
    yk__code code = fill_recipe(file, options, &scratch, out, err);
    yk__arena_free(&scratch);
    if (code == YK__OK) code = add_image_input(out, err);
    if (code == YK__OK) code = yk__graph_compact(&out->graph, err);
    if (code == YK__OK) code = yk__graph_verify(&out->graph, err);
    if (code == YK__OK) fill_provenance(file, from->name, out);
    return code;
}

/* Opens the bytes as ONNX after everything else they may be was ruled out. */
static yk__code open_onnx(yk__onnx_file *file, const uint8_t *bytes, size_t size, yk__error *err) {
    YK__TRY(yk__sniff_foreign(bytes, size, err));
    if (!yk__probe_is_onnx(bytes, size)) {
        return yk__fail(err, YK__FORMAT, "this is not an ONNX model, nor any other kind of model file that yolk knows");
    }
    return yk__onnx_open(file, bytes, size, err);
}

static yk__code import_source(const source *from, const yk__import_options *options, yk__model *out, yk__error *err) {
    static const yk__import_options defaults = {0};
    yk__onnx_file file;
    yk__external external = {.folder = from->folder};
    yk__model_init(out, graph_budget(from->size));
    const bool checkpoint = yk__pt_claims(from->bytes, from->size);
    yk__code code = checkpoint ? yk__import_pt(from->bytes, from->size, from->name, options ? options : &defaults, out, err)
                               : open_onnx(&file, from->bytes, from->size, err);
    if (code == YK__OK && !checkpoint) {
        code = import_onnx(from, &file, &external, options ? options : &defaults, out, err);
        yk__onnx_close(&file);
    }
    yk__external_free(&external);
    if (code != YK__OK) {
        yk__model_free(out);
        return yk__fail_prefix(err, code, "%.300s", from->name);
    }
    return YK__OK;
}

yk__code yk__import_bytes(const uint8_t *bytes, size_t size, const char *name, const char *folder,
                          const yk__import_options *options, yk__model *out, yk__error *err) {
    return import_source(&(source){bytes, size, name, folder, false}, options, out, err);
}

yk__code yk__import_network(const uint8_t *bytes, size_t size, const char *folder, bool keep_half, yk__model *out,
                            yk__error *err) {
    yk__onnx_file file;
    yk__external external = {.folder = folder};
    yk__model_init(out, graph_budget(size));
    yk__code code = open_onnx(&file, bytes, size, err);
    if (code == YK__OK) {
        code = lift(&file, &external, keep_half, false, out, err);
        if (code == YK__OK) code = yk__graph_verify(&out->graph, err);
        yk__onnx_close(&file);
    }
    yk__external_free(&external);
    if (code != YK__OK) yk__model_free(out);
    return code;
}

/* The folder part of a path, "." when there is none. */
static char *folder_of(const char *path) {
    const size_t n = (size_t)(yk__basename(path) - path);
    return n > 0 ? yk__strndup(path, n) : yk__strdup(".");
}

yk__code yk__import_model(const char *path, const yk__import_options *options, yk__model *out, yk__error *err) {
    yk__map *const map = yk__alloc(sizeof *map);
    char *const folder = folder_of(path);
    yk__code code = map && folder ? yk__map_open(map, path, 0, err) : yk__fail(err, YK__MEMORY, "out of memory");
    if (code == YK__OK) {
        code = import_source(&(source){map->data, map->size, path, folder, map->mapped}, options, out, err);
        if (code == YK__OK) {
            out->mapping = map;
        } else {
            yk__map_close(map);
        }
    }
    yk__free(folder);
    if (code != YK__OK) {
        yk__free(map);
        memset(out, 0, sizeof *out);
    }
    return code;
}
