/* Geometry by recipe: letterbox or classification crop. */
#include "api/api_picture.h"

#include "image/decode.h"
#include "image/resize.h"

/* YOLOX's own convention: the picture lies in the upper left corner, its scaled sides cut to whole pixels, not rounded. */
static void move_to_corner(yk__letterbox *box) {
    double gain_x = (double)box->width / box->source_width, gain_y = (double)box->height / box->source_height;
    double gain = gain_x < gain_y ? gain_x : gain_y;
    box->left = box->top = 0;
    box->scaled_width = (int32_t)(box->source_width * gain) > 0 ? (int32_t)(box->source_width * gain) : 1;
    box->scaled_height = (int32_t)(box->source_height * gain) > 0 ? (int32_t)(box->source_height * gain) : 1;
}

/* PARITY 4.1, very old checkpoints: the side is the shorter one, offsets are cut to whole pixels. */
static void take_square(yk__image_view *view) {
    const int32_t side = view->width < view->height ? view->width : view->height;
    view->planes[0] += (size_t)((view->height - side) / 2) * view->stride_bytes[0] + (size_t)((view->width - side) / 2) * 3;
    view->width = view->height = side;
}

static yk__code plan_letterbox(yk__api_picture *picture, int32_t width, int32_t height, const yk__recipe *recipe,
                               const int32_t imgsz[2], bool rect, yk__error *err) {
    YK__TRY(yk__letterbox_fit(width, height, imgsz[1], imgsz[0], rect ? recipe->stride : 0, &picture->letterbox, err));
    if (recipe->layout == YK__LAYOUT_YOLOX) move_to_corner(&picture->letterbox);
    picture->network_width = picture->letterbox.width;
    picture->network_height = picture->letterbox.height;
    return YK__OK;
}

yk__code yk__api_picture_plan(yk__api_picture *picture, const yk__image_view *view, const yk__recipe *recipe,
                              const int32_t imgsz[2], bool rect, yk__error *err) {
    *picture =
        (yk__api_picture){.view = *view, .crop = recipe->geometry != YK__GEOMETRY_LETTERBOX, .pad = (uint8_t)recipe->pad_value};
    if (view->format != YK__PIXEL_BGR8) {
        YK__TRY(yk__image_to_bgr(view, &picture->converted, err));
        picture->view = yk__image_as_view(&picture->converted);
    }
    if (picture->crop) {
        picture->network_width = imgsz[1];
        picture->network_height = imgsz[0];
        picture->square = recipe->geometry == YK__GEOMETRY_CLASSIFY_SQUARE;
        if (picture->square) take_square(&picture->view);
        if (picture->square) return YK__OK;
        return yk__classify_crop_fit(view->width, view->height, imgsz[1], imgsz[0], &picture->classify, err);
    }
    return plan_letterbox(picture, view->width, view->height, recipe, imgsz, rect, err);
}

/* ---- rows of a file straight into the network's input ---- */

typedef struct intake {
    yk__api_picture *picture;
    const yk__recipe *recipe;
    const int32_t *imgsz;
    bool rect;
    yk__resize_rows *rows;
} intake;

static yk__code begin_intake(void *user, int32_t width, int32_t height, bool *take, yk__error *err) {
    intake *i = user;
    yk__api_picture *p = i->picture;
    *take = i->recipe->geometry == YK__GEOMETRY_LETTERBOX;
    if (!*take) return YK__OK;
    YK__TRY(plan_letterbox(p, width, height, i->recipe, i->imgsz, i->rect, err));
    YK__TRY(yk__image_create(&p->made, p->network_width, p->network_height, err));
    return yk__letterbox_rows(&p->letterbox, p->pad, p->made.pixels, p->made.stride_bytes, &i->rows, err);
}

static void take_row(void *user, const uint8_t *bgr) {
    yk__resize_rows_push(((intake *)user)->rows, bgr);
}

yk__code yk__api_picture_decode(yk__api_picture *picture, const void *bytes, size_t size, const char *name, yk__image *whole,
                                const yk__recipe *recipe, const int32_t imgsz[2], bool rect, yk__error *err) {
    *picture = (yk__api_picture){.pad = (uint8_t)recipe->pad_value};
    intake to = {.picture = picture, .recipe = recipe, .imgsz = imgsz, .rect = rect};
    yk__row_sink sink = {.begin = begin_intake, .row = take_row, .user = &to};
    yk__code code = yk__image_decode_rows(bytes, size, name, NULL, &sink, whole, err);
    yk__resize_rows_end(&to.rows);
    if (code != YK__OK || sink.taken) return code;
    const yk__image_view view = yk__image_as_view(whole);
    return yk__api_picture_plan(picture, &view, recipe, imgsz, rect, err);
}

yk__code yk__api_picture_make(yk__api_picture *picture, uint8_t *pixels, yk__pool *pool, yk__error *err) {
    size_t stride = (size_t)picture->network_width * 3;
    if (picture->square)
        return yk__resize_bilinear(&picture->view, pixels, picture->network_width, picture->network_height, stride, NULL, pool,
                                   err);
    if (picture->crop) return yk__classify_crop_apply(&picture->classify, &picture->view, false, pixels, stride, err);
    return yk__letterbox_apply(&picture->letterbox, &picture->view, picture->pad, pixels, stride, NULL, pool, err);
}

yk__scale_back yk__api_picture_back(const yk__api_picture *picture, const yk__recipe *recipe) {
    const yk__letterbox *l = &picture->letterbox;
    yk__scale_back back = recipe->layout == YK__LAYOUT_V5
                              ? yk__scale_back_make_v5(l->width, l->height, l->source_width, l->source_height)
                              : yk__scale_back_make(l->width, l->height, l->source_width, l->source_height);
    if (recipe->layout == YK__LAYOUT_YOLOX) {
        double gain_x = (double)l->width / l->source_width, gain_y = (double)l->height / l->source_height;
        back.gain_x = back.gain_y = (float)(gain_x < gain_y ? gain_x : gain_y);
        back.pad_x = back.pad_y = 0;
    }
    return back;
}

void yk__api_picture_free(yk__api_picture *picture) {
    yk__image_free(&picture->converted);
    yk__image_free(&picture->made);
}
