/* From the network's outputs to the answer for one picture: candidates, NMS, what the task adds, back to the picture. */
#ifndef YK_API_API_ANSWER_H
#define YK_API_API_ANSWER_H

#include "api/api_picture.h"

typedef struct yk__answer_request {
    yk_context *context; /* after its run; its working memory is used and grown */
    const yk__recipe *recipe;
    float conf;
    yk__nms_options nms;
    const uint8_t *class_mask; /* n_classes bytes, 0 drops; NULL keeps all */
    bool retina;               /* masks at the picture's size */
    yk__arena *arena;          /* of the results */
} yk__answer_request;

/* Picture i of the run that the context has just done. result->width ... network_height must be set. MEMORY; SHAPE and
 * UNSUPPORTED when the outputs do not fit the recipe. */
yk__code yk__api_answer(const yk__answer_request *request, const yk__api_picture *picture, int32_t i,
                        yk__picture_result *result, yk__error *err) YK__MUST_USE;

/* Candidates of picture i out of the network's first output tensor, for networks whose tail runs as written and for dense
 * contexts: they go to context->raw. */
yk__code yk__api_read_candidates(const yk__answer_request *request, int32_t i, yk__error *err) YK__MUST_USE;

#endif
