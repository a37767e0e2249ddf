/* One picture between the caller and the network: its pixels, where they go in the network's input, and the way back. */
#ifndef YK_API_API_PICTURE_H
#define YK_API_API_PICTURE_H

#include "api/api.h"
#include "task/classify_crop.h"
#include "task/letterbox.h"

typedef struct yk__api_picture {
    yk__image_view view; /* BGR8 */
    yk__image converted; /* behind the view when the caller's picture is in another format */
    yk__image made;      /* the network's input, where it was made while the file was read; the view is then empty */
    bool crop;           /* classify */
    bool square;         /* classify: the view is the picture's central square, to be resized */
    uint8_t pad;         /* the letterbox's border */
    yk__letterbox letterbox;
    yk__classify_crop classify;
    int32_t network_width, network_height;
} yk__api_picture;

/* Decides the network input for a picture. imgsz: height, width, multiples of the stride. The view must stay valid until
 * yk__api_picture_make. */
yk__code yk__api_picture_plan(yk__api_picture *picture, const yk__image_view *view, const yk__recipe *recipe,
                              const int32_t imgsz[2], bool rect, yk__error *err) YK__MUST_USE;
/* Decodes a file's bytes. Where rows can go straight into the network's input, they do (picture->made) and the decoded picture
 * never exists; else it is in *whole, which must be empty and outlive yk__api_picture_make. */
yk__code yk__api_picture_decode(yk__api_picture *picture, const void *bytes, size_t size, const char *name, yk__image *whole,
                                const yk__recipe *recipe, const int32_t imgsz[2], bool rect, yk__error *err) YK__MUST_USE;
/* Where it is not yet made: writes the network's input, network_height rows of network_width BGR pixels without gaps. */
yk__code yk__api_picture_make(yk__api_picture *picture, uint8_t *pixels, yk__pool *pool, yk__error *err) YK__MUST_USE;
/* The way from network pixels to pixels of the picture. Not for classify. */
yk__scale_back yk__api_picture_back(const yk__api_picture *picture, const yk__recipe *recipe);
void yk__api_picture_free(yk__api_picture *picture);

#endif
