/* Results as label lines, the form of Ultralytics' save_txt (PARITY section 9.1): numbers as "%g", parted by spaces. */
#include "api/results_mask.h"

#include <stdio.h>

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

static void add_value(yk__text *text, float value) {
    yk__text_add_char(text, ' ');
    add_number(text, "%g", value);
}

/* A point of the picture as fractions of its sides. */
static void add_point(yk__text *text, const yk__picture_result *p, const float point[2]) {
    add_value(text, point[0] / (float)p->width);
    add_value(text, point[1] / (float)p->height);
}

static void add_box(yk__text *text, const yk__picture_result *p, const float b[4]) {
    float w = (float)p->width, h = (float)p->height;
    add_value(text, (b[0] + b[2]) / 2 / w);
    add_value(text, (b[1] + b[3]) / 2 / h);
    add_value(text, (b[2] - b[0]) / w);
    add_value(text, (b[3] - b[1]) / h);
}

/* The outline, or nothing and *any false when it has fewer than three points. */
static yk__code add_polygon(yk__text *text, yk__mask_reader *reader, size_t i, bool *any, yk__error *err) {
    float(*points)[2] = NULL;
    size_t n = 0;
    YK__TRY(yk__mask_reader_read(reader, i, err));
    YK__TRY(yk__mask_reader_polygon(reader, &points, &n, err));
    *any = n >= 3;
    for (size_t k = 0; *any && k < n; k++) add_point(text, reader->picture, points[k]);
    yk__free(points);
    return YK__OK;
}

static yk__code add_line(yk__text *text, const yk__recipe *recipe, const yk__picture_result *p, yk__mask_reader *reader,
                         int32_t i, bool with_confidence, yk__error *err) {
    const yk__found *found = &p->found[i];
    size_t line = text->length;
    bool any = true;
    yk__text_printf(text, "%d", (int)found->class_id);
    if (recipe->task == YK__TASK_SEGMENT)
        YK__TRY(add_polygon(text, reader, (size_t)i, &any, err));
    else if (recipe->task == YK__TASK_OBB)
        for (int k = 0; k < 4; k++) add_point(text, p, found->corners[k]);
    else
        add_box(text, p, found->box);
    for (int32_t k = 0; recipe->task == YK__TASK_POSE && k < recipe->kpt_shape[0]; k++) {
        const float *point = found->extra + (size_t)k * (size_t)recipe->kpt_shape[1];
        add_point(text, p, point);
        if (recipe->kpt_shape[1] > 2) add_value(text, point[2]);
    }
    if (with_confidence) add_value(text, found->score);
    yk__text_add_char(text, '\n');
    if (!any && !text->failed) text->data[text->length = line] = 0;
    return YK__OK;
}

yk_status yk_results_to_txt(const yk_results *results, size_t image, bool with_confidence, char **out, yk_error *error) {
    if (!results || !out || image >= results->n_pictures)
        return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_results_to_txt: no picture %zu in these results", image);
    *out = NULL;
    const yk__picture_result *p = &results->pictures[image];
    yk__text text = {0};
    yk__error e = {0};
    yk__mask_reader reader = {0};
    for (int32_t i = 0; i < p->n_top; i++) {
        add_number(&text, "%.2f", p->probs[p->top[i]]);
        yk__text_printf(&text, " %s\n", yk_engine_class_name(results->engine, p->top[i]));
    }
    yk__code code = yk__mask_reader_fits(p) ? yk__mask_reader_open(&reader, p, &e) : YK__OK;
    for (int32_t i = 0; i < p->n_found && code == YK__OK; i++)
        code = add_line(&text, &results->engine->model->recipe, p, &reader, i, with_confidence, &e);
    yk__mask_reader_close(&reader);
    if (code == YK__OK) return yk__api_hand_over(&text, out, error);
    yk__text_free(&text);
    return yk__api_status(error, code, &e);
}
