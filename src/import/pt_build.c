/* Walking modules, naming places, and the few nodes that all blocks are made of. */
#include "import/pt_build.h"

#include <stdio.h>
#include <string.h>

/* ---- messages and places ---- */

yk__code yk__pt_fail(yk__pt_build *b, yk__py module, yk__code code, const char *format, ...) {
    char class_name[64];
    va_list args;
    va_start(args, format);
    yk__fail_v(b->err, code, format, args);
    va_end(args);
    yk__pt_class(b->file, module, class_name);
    return yk__fail_prefix(b->err, code, "%s (%s)", b->path[0] ? b->path : "the model",
                           class_name[0] ? class_name : "no module");
}

yk__code yk__pt_no_memory(yk__pt_build *b) {
    return yk__arena_error(&b->graph->arena, "the network", b->err);
}

static size_t enter_text(yk__pt_build *b, const char *text) {
    const size_t mark = b->path_length, n = strlen(text), room = sizeof b->path - 1 - mark;
    const size_t fits = n < room ? n : room; /* names are ours and depth is bounded: a cut one only shortens a message */
    memcpy(b->path + mark, text, fits);
    b->path_length += fits;
    b->path[b->path_length] = '\0';
    return mark;
}

size_t yk__pt_enter(yk__pt_build *b, const char *name) {
    const size_t mark = enter_text(b, "/");
    enter_text(b, name);
    return mark;
}

size_t yk__pt_enter_item(yk__pt_build *b, int32_t i) {
    char text[16];
    snprintf(text, sizeof text, ".%d", i);
    return enter_text(b, text);
}

size_t yk__pt_enter_sequence(yk__pt_build *b, int32_t i) {
    char last[64];
    const char *const slash = strrchr(b->path, '/');
    snprintf(last, sizeof last, "%.48s.%d", slash ? slash + 1 : "", i);
    return yk__pt_enter(b, last);
}

void yk__pt_leave(yk__pt_build *b, size_t mark) {
    b->path_length = mark;
    b->path[mark] = '\0';
}

/* ---- attributes ---- */

bool yk__pt_has(const yk__pt_build *b, yk__py module, const char *name) {
    return yk__pt_some(b->file, module, name) != YK__PY_ABSENT;
}

int32_t yk__pt_list_length(const yk__pt_build *b, yk__py module, const char *list) {
    return yk__pt_children(b->file, yk__pt_some(b->file, module, list));
}

yk__code yk__pt_int(yk__pt_build *b, yk__py module, const char *name, int64_t low, int64_t high, int64_t *out) {
    if (!yk__py_int(&b->file->pickle, yk__pt_attr(b->file, module, name), out))
        return yk__pt_fail(b, module, YK__GRAPH, "it has no number \"%s\"", name);
    if (*out >= low && *out <= high) return YK__OK;
    return yk__pt_fail(b, module, YK__GRAPH, "its \"%s\" is %lld, outside %lld..%lld", name, (long long)*out, (long long)low,
                       (long long)high);
}

int64_t yk__pt_int_or(const yk__pt_build *b, yk__py module, const char *name, int64_t otherwise) {
    int64_t value;
    return yk__py_int(&b->file->pickle, yk__pt_attr(b->file, module, name), &value) ? value : otherwise;
}

bool yk__pt_flag(const yk__pt_build *b, yk__py module, const char *name) {
    return yk__py_true(&b->file->pickle, yk__pt_attr(b->file, module, name));
}

double yk__pt_number_or(const yk__pt_build *b, yk__py module, const char *name, double otherwise) {
    double value;
    return yk__py_number(&b->file->pickle, yk__pt_attr(b->file, module, name), &value) ? value : otherwise;
}

yk__code yk__pt_pair(yk__pt_build *b, yk__py module, const char *name, int64_t low, int64_t high, int64_t out[2]) {
    const yk__pickle *const p = &b->file->pickle;
    const yk__py value = yk__pt_attr(b->file, module, name);
    bool valid = yk__py_int(p, value, &out[0]);
    if (valid) {
        out[1] = out[0];
    } else {
        valid = yk__py_count(p, value) == 2 && yk__py_int(p, yk__py_item(p, value, 0), &out[0]) &&
                yk__py_int(p, yk__py_item(p, value, 1), &out[1]);
    }
    if (valid && out[0] >= low && out[0] <= high && out[1] >= low && out[1] <= high) return YK__OK;
    return yk__pt_fail(b, module, YK__GRAPH, "its \"%s\" is no number or pair of numbers within %lld..%lld", name,
                       (long long)low, (long long)high);
}

yk__code yk__pt_vector(yk__pt_build *b, yk__py module, const char *name, int64_t *n, float **out) {
    yk__shape shape;
    char text[128];
    const yk__py tensor = yk__pt_attr(b->file, module, name);
    if (!yk__pt_is_tensor(b->file, tensor)) return yk__pt_fail(b, module, YK__GRAPH, "it has no tensor \"%s\"", name);
    const yk__code code = yk__pt_tensor_read(b->file, tensor, &b->graph->arena, &shape, out, b->err);
    if (code != YK__OK) return yk__fail_prefix(b->err, code, "%s, \"%s\"", b->path, name);
    if (shape.rank != 1 || (*n >= 0 && shape.dim[0] != *n)) {
        return yk__pt_fail(b, module, YK__GRAPH, "its \"%s\" is a tensor of %s; %lld numbers were expected", name,
                           yk__shape_text(&shape, text), (long long)*n);
    }
    *n = shape.dim[0];
    return YK__OK;
}

/* ---- modules ---- */

/* Counts a module in before it is built, and out again. */
static yk__code go_in(yk__pt_build *b, yk__py module) {
    if (b->depth >= YK__PT_MAX_DEPTH)
        return yk__pt_fail(b, module, YK__LIMIT, "modules are nested over %d deep", YK__PT_MAX_DEPTH);
    if (b->n_modules >= YK__PT_MAX_MODULES)
        return yk__pt_fail(b, module, YK__LIMIT, "the model uses over %d modules", YK__PT_MAX_MODULES);
    b->depth++;
    b->n_modules++;
    return YK__OK;
}

static yk__code unknown(yk__pt_build *b, yk__py module, const char *class_name) {
    const yk__py_value *const object = yk__py_at(&b->file->pickle, module);
    char module_text[128] = "";
    if (object->kind != YK__PY_OBJECT) return yk__pt_fail(b, module, YK__GRAPH, "a module was expected here");
    yk__py_show(&b->file->pickle, yk__py_at(&b->file->pickle, object->class_of)->module, module_text, sizeof module_text);
    return yk__fail(
        b->err, YK__UNSUPPORTED,
        "%s is a %s of %s, a block that yolk cannot build; docs/checkpoints.md lists those it can. Exporting the model "
        "to ONNX may help",
        b->path, class_name[0] ? class_name : "class without name", module_text[0] ? module_text : "an unknown module");
}

yk__code yk__pt_run(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    char class_name[64];
    const yk__pt_block *const block = yk__pt_block_find(yk__pt_class(b->file, module, class_name));
    if (!block) return unknown(b, module, class_name);
    if (!block->build) return yk__pt_fail(b, module, YK__UNSUPPORTED, "this kind of layer cannot stand inside another");
    YK__TRY(go_in(b, module));
    YK__TRY(block->build(b, module, x, y));
    b->depth--;
    return YK__OK;
}

yk__code yk__pt_part(yk__pt_build *b, yk__py module, const char *name, int32_t x, int32_t *y) {
    const yk__py part = yk__pt_some(b->file, module, name);
    if (part == YK__PY_ABSENT) return yk__pt_fail(b, module, YK__GRAPH, "it has no part \"%s\"", name);
    const size_t mark = yk__pt_enter(b, name);
    YK__TRY(yk__pt_run(b, part, x, y));
    yk__pt_leave(b, mark);
    return YK__OK;
}

yk__code yk__pt_list_part(yk__pt_build *b, yk__py module, const char *list, int32_t i, int32_t x, int32_t *y) {
    const yk__py part = yk__pt_child(b->file, yk__pt_some(b->file, module, list), i);
    if (part == YK__PY_ABSENT) return yk__pt_fail(b, module, YK__GRAPH, "its list \"%s\" has no module %d", list, i);
    const size_t mark = yk__pt_enter(b, list);
    yk__pt_enter_item(b, i);
    YK__TRY(yk__pt_run(b, part, x, y));
    yk__pt_leave(b, mark);
    return YK__OK;
}

yk__code yk__pt_run_layer(yk__pt_build *b, yk__py module, const yk__pt_flow *in, int n_in, yk__pt_flow *out) {
    char class_name[64];
    const yk__pt_block *const block = yk__pt_block_find(yk__pt_class(b->file, module, class_name));
    if (!block) return unknown(b, module, class_name);
    YK__TRY(go_in(b, module));
    if (block->layer) {
        YK__TRY(block->layer(b, module, in, n_in, out));
    } else {
        if (n_in != 1 || in[0].n != 1) return yk__pt_fail(b, module, YK__GRAPH, "it takes one input and is given several");
        out->n = 1;
        YK__TRY(block->build(b, module, in[0].value[0], &out->value[0]));
    }
    b->depth--;
    return YK__OK;
}

const yk__pt_block *yk__pt_block_find(const char *name) {
    static const yk__pt_block *const tables[] = {yk__pt_blocks_conv,      yk__pt_blocks_csp, yk__pt_blocks_pool,
                                                 yk__pt_blocks_attention, yk__pt_heads,      yk__pt_heads_v5};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const yk__pt_block *block = tables[t]; block->name; block++)
            if (strcmp(block->name, name) == 0) return block;
    return NULL;
}

/* ---- nodes ---- */

int64_t yk__pt_channels(const yk__pt_build *b, int32_t value) {
    const yk__shape *const shape = &b->graph->values[value].shape;
    return shape->rank == 4 ? shape->dim[1] : -1;
}

int32_t yk__pt_reduction(const yk__pt_build *b, int32_t value) {
    return value >= 0 && value < b->reduction_capacity ? b->reduction[value] : 0;
}

yk__code yk__pt_set_reduction(yk__pt_build *b, int32_t value, int64_t reduction) {
    if (value >= b->reduction_capacity) {
        const int32_t more = value < 512 ? 1024 : 2 * value;
        int32_t *const grown = yk__realloc_array(b->reduction, (size_t)more, sizeof *grown);
        if (!grown) return yk__pt_no_memory(b);
        memset(grown + b->reduction_capacity, 0, (size_t)(more - b->reduction_capacity) * sizeof *grown);
        b->reduction = grown;
        b->reduction_capacity = more;
    }
    b->reduction[value] = reduction > 0 && reduction <= INT32_MAX ? (int32_t)reduction : 0;
    return YK__OK;
}

/* "/model.2/cv1/conv" + "Conv", and "_1", "_2" ... where one module makes several of a kind: as exports count them. Nodes of
 * one module stand close together. */
static void name_node(const yk__pt_build *b, const char *suffix, char out[600]) {
    enum { CLOSE = 256 };
    const size_t length = (size_t)snprintf(out, 600, "%s/%s", b->path, suffix);
    int same = 0;
    for (int32_t i = b->graph->n_nodes - 1; i >= 0 && i >= b->graph->n_nodes - CLOSE; i--) {
        const char *const other = b->graph->nodes[i].name;
        if (strncmp(other, out, length) == 0 && (other[length] == '\0' || other[length] == '_')) same++;
    }
    if (same > 0 && length < 580) snprintf(out + length, 600 - length, "_%d", same);
}

yk__code yk__pt_node(yk__pt_build *b, yk__op op, const char *suffix, const int32_t *in, int n_in, int64_t channels, int32_t *y,
                     yk__node **node) {
    char name[600], value_name[620];
    yk__shape shape = {.rank = 4, .dim = {-1, channels, -1, -1}};
    if (channels < 0) shape = (yk__shape){.rank = 0};
    name_node(b, suffix, name);
    snprintf(value_name, sizeof value_name, "%s_output_0", name);
    const int32_t value =
        yk__graph_add_value(b->graph, value_name, channels < 0 ? YK__DTYPE_NONE : YK__DTYPE_F32, &shape, NULL);
    const int32_t made = value < 0 ? -1 : yk__graph_add_node(b->graph, op, name, in, n_in, &value, 1);
    if (made < 0) return yk__pt_no_memory(b);
    const int32_t reduction = n_in > 0 ? yk__pt_reduction(b, in[0]) : 0;
    *y = value; /* last: callers may chain, with y as the input too */
    if (node) *node = &b->graph->nodes[made];
    return yk__pt_set_reduction(b, value, reduction);
}

yk__code yk__pt_constant(yk__pt_build *b, const char *suffix, yk__dtype dtype, const yk__shape *shape, const void *data,
                         int32_t *y) {
    char name[600];
    name_node(b, suffix, name);
    *y = yk__graph_add_constant(b->graph, name, dtype, shape, data);
    return *y < 0 ? yk__pt_no_memory(b) : YK__OK;
}

yk__code yk__pt_ints(yk__pt_build *b, const char *suffix, const int64_t *values, int64_t n, int32_t *y) {
    const yk__shape shape = yk__shape_make(1, &n);
    return yk__pt_constant(b, suffix, YK__DTYPE_I64, &shape, values, y);
}

yk__code yk__pt_floats(yk__pt_build *b, const char *suffix, const float *values, const yk__shape *shape, int32_t *y) {
    return yk__pt_constant(b, suffix, YK__DTYPE_F32, shape, values, y);
}

static yk__code set_failed(yk__pt_build *b, bool set) {
    return set ? YK__OK : yk__pt_no_memory(b);
}

yk__code yk__pt_concat(yk__pt_build *b, const int32_t *parts, int n, int32_t *y) {
    yk__node *node;
    int64_t channels = 0;
    for (int i = 0; i < n; i++) {
        const int64_t more = yk__pt_channels(b, parts[i]);
        if (more < 0 || !yk__add_i64(channels, more, &channels))
            return yk__pt_fail(b, YK__PY_ABSENT, YK__GRAPH, "what is put together here are no feature maps");
    }
    YK__TRY(yk__pt_node(b, YK__OP_CONCAT, "Concat", parts, n, channels, y, &node));
    return set_failed(b, yk__node_set_int(b->graph, node, "axis", 1));
}

yk__code yk__pt_split(yk__pt_build *b, int32_t x, const int64_t *sizes, int n, int32_t *parts) {
    char name[600], value_name[640];
    int64_t total = 0;
    int32_t in[2] = {x, YK__NO_VALUE};
    for (int i = 0; i < n; i++) {
        if (sizes[i] < 1 || !yk__add_i64(total, sizes[i], &total)) total = -1;
        if (total < 0) break;
    }
    if (total != yk__pt_channels(b, x) || n < 1) {
        return yk__pt_fail(b, YK__PY_ABSENT, YK__GRAPH, "%lld channels cannot be cut into the parts that are asked for",
                           (long long)yk__pt_channels(b, x));
    }
    YK__TRY(yk__pt_ints(b, "Split_sizes", sizes, n, &in[1]));
    name_node(b, "Split", name);
    for (int i = 0; i < n; i++) {
        const yk__shape shape = {.rank = 4, .dim = {-1, sizes[i], -1, -1}};
        snprintf(value_name, sizeof value_name, "%s_output_%d", name, i);
        parts[i] = yk__graph_add_value(b->graph, value_name, YK__DTYPE_F32, &shape, NULL);
        if (parts[i] < 0) return yk__pt_no_memory(b);
        YK__TRY(yk__pt_set_reduction(b, parts[i], yk__pt_reduction(b, x)));
    }
    const int32_t made = yk__graph_add_node(b->graph, YK__OP_SPLIT, name, in, 2, parts, n);
    return set_failed(b, made >= 0 && yk__node_set_int(b->graph, &b->graph->nodes[made], "axis", 1));
}

yk__code yk__pt_halves(yk__pt_build *b, int32_t x, int32_t parts[2]) {
    const int64_t channels = yk__pt_channels(b, x), sizes[2] = {channels / 2, channels / 2};
    return yk__pt_split(b, x, sizes, 2, parts);
}

yk__code yk__pt_add(yk__pt_build *b, const char *suffix, int32_t a, int32_t c, int32_t *y) {
    const int32_t in[2] = {a, c};
    const int64_t channels = yk__pt_channels(b, a);
    if (channels < 0 || channels != yk__pt_channels(b, c)) {
        return yk__pt_fail(b, YK__PY_ABSENT, YK__GRAPH, "it adds %lld channels to %lld", (long long)yk__pt_channels(b, c),
                           (long long)channels);
    }
    return yk__pt_node(b, YK__OP_ADD, suffix, in, 2, channels, y, NULL);
}

yk__code yk__pt_enlarge(yk__pt_build *b, const char *suffix, int32_t x, double factor, int32_t *y) {
    const float scales[4] = {1, 1, (float)factor, (float)factor};
    const yk__shape shape = {.rank = 1, .dim = {4}};
    int32_t in[3] = {x, YK__NO_VALUE, YK__NO_VALUE};
    char name[64];
    yk__node *node;
    snprintf(name, sizeof name, "%.40s_scales", suffix);
    YK__TRY(yk__pt_floats(b, name, scales, &shape, &in[2]));
    YK__TRY(yk__pt_node(b, YK__OP_RESIZE, suffix, in, 3, yk__pt_channels(b, x), y, &node));
    YK__TRY(yk__pt_set_reduction(b, *y, yk__pt_reduction(b, x) / (int32_t)factor));
    yk__graph *const g = b->graph;
    return set_failed(b, yk__node_set_string(g, node, "coordinate_transformation_mode", "asymmetric") &&
                             yk__node_set_string(g, node, "mode", "nearest") &&
                             yk__node_set_string(g, node, "nearest_mode", "floor"));
}

yk__code yk__pt_max_pool(yk__pt_build *b, const char *suffix, int32_t x, const int64_t kernel[2], const int64_t stride[2],
                         const int64_t pad[2], const int64_t dilation[2], bool ceil_mode, int32_t *y) {
    const int64_t pads[4] = {pad[0], pad[1], pad[0], pad[1]};
    yk__node *node;
    YK__TRY(yk__pt_node(b, YK__OP_MAX_POOL, suffix, &x, 1, yk__pt_channels(b, x), y, &node));
    YK__TRY(yk__pt_set_reduction(b, *y, yk__pt_reduction(b, x) * stride[0]));
    yk__graph *const g = b->graph;
    return set_failed(b, yk__node_set_int(g, node, "ceil_mode", ceil_mode) &&
                             yk__node_set_ints(g, node, "dilations", dilation, 2) &&
                             yk__node_set_ints(g, node, "kernel_shape", kernel, 2) &&
                             yk__node_set_ints(g, node, "pads", pads, 4) && yk__node_set_ints(g, node, "strides", stride, 2));
}
