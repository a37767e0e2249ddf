/* Candidates out of output tensors: which layout has what where. */
#include "api/api_answer.h"
#include "task/read_tensor.h"

static yk__code reserve(yk__candidates *raw, int32_t capacity, int64_t n_extra, yk__error *err) {
    if (capacity <= raw->capacity && n_extra <= raw->n_extra) {
        raw->n_extra = (int32_t)n_extra;
        return YK__OK;
    }
    yk__free(raw->items);
    yk__free(raw->extra);
    *raw = (yk__candidates){0};
    raw->items = yk__alloc_array((size_t)capacity, sizeof *raw->items);
    raw->extra = yk__alloc_array((size_t)capacity * (size_t)(n_extra + 1), sizeof *raw->extra);
    if (!raw->items || !raw->extra) return yk__fail(err, YK__MEMORY, "out of memory for %d candidates", (int)capacity);
    raw->capacity = capacity;
    raw->n_extra = (int32_t)n_extra;
    return YK__OK;
}

yk__code yk__api_read_candidates(const yk__answer_request *request, int32_t i, yk__error *err) {
    yk_context *context = request->context;
    const yk__recipe *recipe = request->recipe;
    yk__tensor tensor = yk__context_output(&context->run, 0);
    if (tensor.dtype != YK__DTYPE_F32 || tensor.shape.rank != 3 || tensor.shape.dim[0] <= i)
        return yk__fail(err, YK__UNSUPPORTED, "the network's first output is not an f32 tensor N x rows x columns");
    int64_t rows = tensor.shape.dim[1], columns = tensor.shape.dim[2];
    yk__layout layout = recipe->layout;
    bool anchor_major = layout != YK__LAYOUT_V8;
    int64_t anchors = anchor_major ? rows : columns, channels = anchor_major ? columns : rows;
    int32_t n_classes = recipe->n_classes;
    int64_t first_class = layout == YK__LAYOUT_V8 ? 4 : 5;
    bool chosen = layout == YK__LAYOUT_V8_END2END || layout == YK__LAYOUT_NMS;
    int64_t n_extra = channels - (chosen ? 6 : first_class + n_classes);
    if (n_extra < 0 || anchors > INT32_MAX / 64 || channels > INT32_MAX / 64)
        return yk__fail(err, YK__SHAPE, "output of %lld x %lld does not fit layout %s with %d classes", (long long)rows,
                        (long long)columns, yk__layout_name(layout), (int)n_classes);
    yk__candidates *raw = &context->raw;
    YK__TRY(reserve(raw, anchors < YK__MAX_CANDIDATES ? (int32_t)anchors : YK__MAX_CANDIDATES, n_extra, err));
    yk__head_params params = {.conf = request->conf, .class_mask = request->class_mask};
    yk__raw_rows view = {.data = (const float *)tensor.data + (int64_t)i * rows * columns,
                         .n_channels = (int32_t)channels,
                         .n_anchors = (int32_t)anchors,
                         .anchor_major = anchor_major};
    switch (layout) {
    case YK__LAYOUT_V8: yk__read_v8(&view, n_classes, recipe->task != YK__TASK_OBB, &params, raw); return YK__OK;
    case YK__LAYOUT_V8_END2END:
    case YK__LAYOUT_NMS: yk__read_rows(&view, n_classes, &params, raw); return YK__OK;
    case YK__LAYOUT_V5: yk__read_v5(&view, n_classes, &params, raw); return YK__OK;
    case YK__LAYOUT_YOLOX:
        return yk__read_yolox(&view, n_classes, context->run.key.height, context->run.key.width, &params, raw, err);
    default: return yk__fail(err, YK__UNSUPPORTED, "layout %s has no boxes to read", yk__layout_name(layout));
    }
}
