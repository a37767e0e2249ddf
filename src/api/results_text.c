/* Results as text: JSON objects (docs/json.md) and label lines (PARITY section 9.1). */
#include "api/api.h"

#include "base/text.h"

#include <stdio.h>

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

static void add_results(yk__text *text, const yk_results *results, const yk__picture_result *p) {
    static const char *const corner[4] = {"{\"x1\":", ",\"y1\":", ",\"x2\":", ",\"y2\":"};
    yk__text_add(text, ",\"results\":[");
    for (int32_t i = 0; i < p->n_found; i++) {
        if (i) yk__text_add_char(text, ',');
        add_class(text, results, p->found[i].class_id, p->found[i].score);
        yk__text_add(text, ",\"box\":");
        for (int k = 0; k < 4; k++) {
            yk__text_add(text, corner[k]);
            add_float(text, p->found[i].box[k]);
        }
        yk__text_add(text, "}}");
    }
    for (int32_t i = 0; i < p->n_top; i++) {
        if (i) yk__text_add_char(text, ',');
        add_class(text, results, p->top[i], p->probs[p->top[i]]);
        yk__text_add_char(text, '}');
    }
    yk__text_add_char(text, ']');
}

static void add_probs(yk__text *text, const yk_results *results, const yk__picture_result *p) {
    yk__text_add(text, ",\"probs\":[");
    for (int32_t i = 0; i < results->engine->model->recipe.n_classes; i++) {
        if (i) yk__text_add_char(text, ',');
        add_float(text, p->probs[i]);
    }
    yk__text_add_char(text, ']');
}

static yk_status hand_over(yk__text *text, char **out, yk_error *error) {
    *out = text->failed ? NULL : text->data ? text->data : yk__strdup("");
    if (*out) return YK_OK;
    yk__text_free(text);
    return yk__api_fail(error, YK_ERROR_MEMORY, "out of memory for the text of a result");
}

yk_status yk_results_to_json(const yk_results *results, size_t image, const yk_json_options *options, char **out,
                             yk_error *error) {
    yk_json_options o;
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
        return hand_over(&text, out, error);
    }
    yk__text_printf(&text, "\"frame\":%d,\"width\":%d,\"height\":%d,\"task\":\"%s\"", (int)o.frame, (int)p->width,
                    (int)p->height, yk__task_name(results->engine->model->recipe.task));
    add_results(&text, results, p);
    if (o.probs && p->probs) add_probs(&text, results, p);
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
    return hand_over(&text, out, error);
}

/* printf's form of a number, with a decimal point whatever the process locale. */
static void add_number(yk__text *text, const char *format, float value) {
    char number[64];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the two callers' formats are "%g" and "%.2f" */
    snprintf(number, sizeof number, format, (double)value);
#pragma GCC diagnostic pop
    for (char *c = number; *c; c++)
        if (*c == ',') *c = '.';
    yk__text_add(text, number);
}

yk_status yk_results_to_txt(const yk_results *results, size_t image, bool with_confidence, char **out, yk_error *error) {
    if (!results || !out || image >= results->n_pictures)
        return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_results_to_txt: no picture %zu in these results", image);
    *out = NULL;
    const yk__picture_result *p = &results->pictures[image];
    yk__text text = {0};
    for (int32_t i = 0; i < p->n_top; i++) {
        add_number(&text, "%.2f", p->probs[p->top[i]]);
        yk__text_printf(&text, " %s\n", yk_engine_class_name(results->engine, p->top[i]));
    }
    for (int32_t i = 0; i < p->n_found; i++) {
        const float *b = p->found[i].box;
        float w = (float)p->width, h = (float)p->height;
        float values[4] = {(b[0] + b[2]) / 2 / w, (b[1] + b[3]) / 2 / h, (b[2] - b[0]) / w, (b[3] - b[1]) / h};
        yk__text_printf(&text, "%d", (int)p->found[i].class_id);
        for (int k = 0; k < 4; k++) {
            yk__text_add_char(&text, ' ');
            add_number(&text, "%g", values[k]);
        }
        if (with_confidence) {
            yk__text_add_char(&text, ' ');
            add_number(&text, "%g", p->found[i].score);
        }
        yk__text_add_char(&text, '\n');
    }
    return hand_over(&text, out, error);
}
