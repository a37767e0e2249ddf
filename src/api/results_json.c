/* Results as JSON objects (docs/json.md). */
#include "api/results_mask.h"

/* A JSON string. Bytes that are not UTF-8 (file names can hold any) become U+FFFD. */
static void add_json_string(yk__text *text, const char *s) {
    yk__text_add_char(text, '"');
    while (*s) {
        unsigned char c = (unsigned char)*s;
        size_t length = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2, have = 0;
        while (have < length && s[have]) have++;
        if (c == '"' || c == '\\') {
            yk__text_add_char(text, '\\');
            yk__text_add_char(text, (char)c);
        } else if (c < 0x20 || c == 0x7f) {
            yk__text_printf(text, "\\u%04x", c);
        } else if (c < 0x80) {
            yk__text_add_char(text, (char)c);
        } else if (have == length && yk__utf8_valid(s, length)) {
            yk__text_add_n(text, s, length);
        } else {
            yk__text_add(text, "\xef\xbf\xbd");
            length = 1;
        }
        s += length;
    }
    yk__text_add_char(text, '"');
}

static void add_float(yk__text *text, float value) {
    char number[32];
    yk__format_float(number, value);
    yk__text_add(text, number);
}

static void add_ms(yk__text *text, const char *name, double ms) {
    yk__text_printf(text, "\"%s\":%.3f", name, ms);
}

static void add_class(yk__text *text, const yk_results *results, int32_t class_id, float confidence) {
    yk__text_add(text, "{\"name\":");
    add_json_string(text, yk_engine_class_name(results->engine, class_id));
    yk__text_printf(text, ",\"class\":%d,\"confidence\":", (int)class_id);
    add_float(text, confidence);
}

/* "x1", "y1", "x2" ...: n numbers as an object. */
static void add_corners(yk__text *text, const float *numbers, int n) {
    yk__text_add(text, ",\"box\":");
    for (int k = 0; k < n; k++) {
        yk__text_printf(text, "%c\"%c%d\":", k ? ',' : '{', k % 2 ? 'y' : 'x', k / 2 + 1);
        add_float(text, numbers[k]);
    }
    yk__text_add_char(text, '}');
}

/* n numbers, `step` apart, as an array. */
static void add_numbers(yk__text *text, const float *numbers, size_t n, size_t step) {
    yk__text_add_char(text, '[');
    for (size_t k = 0; k < n; k++) {
        if (k) yk__text_add_char(text, ',');
        add_float(text, numbers[k * step]);
    }
    yk__text_add_char(text, ']');
}

static void add_keypoints(yk__text *text, const float *points, const int32_t shape[2]) {
    static const char *const name[3] = {",\"keypoints\":{\"x\":", ",\"y\":", ",\"visible\":"};
    for (int32_t d = 0; d < shape[1] && d < 3; d++) {
        yk__text_add(text, name[d]);
        add_numbers(text, points + d, (size_t)shape[0], (size_t)shape[1]);
    }
    yk__text_add_char(text, '}');
}

static yk__code add_mask(yk__text *text, yk__mask_reader *reader, size_t i, yk__error *err) {
    const yk__mask_grid *grid = &reader->picture->mask_grid;
    float(*points)[2] = NULL;
    size_t n = 0;
    YK__TRY(yk__mask_reader_read(reader, i, err));
    YK__TRY(yk__mask_reader_polygon(reader, &points, &n, err));
    yk__text_add(text, ",\"segments\":{\"x\":");
    add_numbers(text, points[0], n, 2);
    yk__text_add(text, ",\"y\":");
    add_numbers(text, points[0] + 1, n, 2);
    yk__free(points);
    yk__text_printf(text, "},\"mask\":{\"size\":[%d,%d],\"counts\":", (int)grid->y.n_out, (int)grid->x.n_out);
    yk__text counts = {0};
    yk__code code = yk__mask_reader_runs(reader, &counts, err);
    if (code == YK__OK) add_json_string(text, yk__text_get(&counts)); /* the counts' alphabet has a backslash */
    yk__text_add_char(text, '}');
    yk__text_free(&counts);
    return code;
}

static yk__code add_found(yk__text *text, const yk_results *results, const yk__found *found, yk__mask_reader *reader, size_t i,
                          yk__error *err) {
    const yk__recipe *recipe = &results->engine->model->recipe;
    yk__code code = YK__OK;
    add_class(text, results, found->class_id, found->score);
    if (recipe->task == YK__TASK_OBB) {
        add_corners(text, found->corners[0], 8);
        yk__text_add(text, ",\"xywhr\":");
        add_numbers(text, found->xywhr, 5, 1);
    } else {
        add_corners(text, found->box, 4);
    }
    if (recipe->task == YK__TASK_POSE) add_keypoints(text, found->extra, recipe->kpt_shape);
    if (recipe->task == YK__TASK_SEGMENT) code = add_mask(text, reader, i, err);
    yk__text_add_char(text, '}');
    return code;
}

static yk__code add_results(yk__text *text, const yk_results *results, const yk__picture_result *p, yk__error *err) {
    yk__mask_reader reader = {0};
    yk__code code = yk__mask_reader_fits(p) ? yk__mask_reader_open(&reader, p, err) : YK__OK;
    yk__text_add(text, ",\"results\":[");
    for (int32_t i = 0; i < p->n_found && code == YK__OK; i++) {
        if (i) yk__text_add_char(text, ',');
        code = add_found(text, results, &p->found[i], &reader, (size_t)i, err);
    }
    for (int32_t i = 0; i < p->n_top; i++) {
        if (i) yk__text_add_char(text, ',');
        add_class(text, results, p->top[i], p->probs[p->top[i]]);
        yk__text_add_char(text, '}');
    }
    yk__text_add_char(text, ']');
    yk__mask_reader_close(&reader);
    return code;
}

yk_status yk_results_to_json(const yk_results *results, size_t image, const yk_json_options *options, char **out,
                             yk_error *error) {
    yk_json_options o;
    yk__error e = {0};
    yk__api_options(&o, sizeof o, options, sizeof o);
    if (!results || !out || image >= results->n_pictures)
        return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_results_to_json: no picture %zu in these results", image);
    *out = NULL;
    const yk__picture_result *p = &results->pictures[image];
    yk__text text = {0};
    yk__text_add_char(&text, '{');
    if (o.source) {
        yk__text_add(&text, "\"source\":");
        add_json_string(&text, o.source);
        yk__text_add_char(&text, ',');
    }
    if (p->status != YK__OK) {
        yk__text_printf(&text, "\"error\":{\"code\":\"%s\",\"message\":", yk__code_name(p->status));
        add_json_string(&text, p->message ? p->message : "");
        yk__text_add(&text, "}}");
        return yk__api_hand_over(&text, out, error);
    }
    yk__text_printf(&text, "\"frame\":%d,\"width\":%d,\"height\":%d,\"task\":\"%s\"", (int)o.frame, (int)p->width,
                    (int)p->height, yk__task_name(results->engine->model->recipe.task));
    yk__code code = add_results(&text, results, p, &e);
    if (code != YK__OK) {
        yk__text_free(&text);
        return yk__api_status(error, code, &e);
    }
    if (o.probs && p->probs) {
        yk__text_add(&text, ",\"probs\":");
        add_numbers(&text, p->probs, (size_t)results->engine->model->recipe.n_classes, 1);
    }
    if (!o.no_speed) {
        yk__text_add(&text, ",\"speed_ms\":{");
        add_ms(&text, "decode", p->speed.decode_ms);
        yk__text_add_char(&text, ',');
        add_ms(&text, "preprocess", p->speed.preprocess_ms);
        yk__text_add_char(&text, ',');
        add_ms(&text, "inference", p->speed.inference_ms);
        yk__text_add_char(&text, ',');
        add_ms(&text, "postprocess", p->speed.postprocess_ms);
        yk__text_add_char(&text, '}');
    }
    yk__text_add_char(&text, '}');
    return yk__api_hand_over(&text, out, error);
}
