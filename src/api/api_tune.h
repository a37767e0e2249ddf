/* Kernel choices that were measured instead of estimated (`build --tune`), or taken over from another engine. */
#ifndef YK_API_API_TUNE_H
#define YK_API_API_TUNE_H

#include "api/api.h"

/* Choices for the engine's core. Their strings live in the arena. */
typedef struct yk__tuned {
    yk__choice *choices;
    int32_t n;
} yk__tuned;

/* Runs the network at its default size on this machine's cpu backend, once for every kernel that some node could use, and
 * records for each node the fastest where it is not the one that the cost model takes. Takes seconds. */
yk__code yk__api_tune(const yk__model *model, yk__pool *pool, yk__arena *arena, yk__tuned *out, yk__error *err) YK__MUST_USE;
/* The choices recorded in the engine file at path. */
yk__code yk__api_choices_from(const char *path, yk__arena *arena, yk__tuned *out, yk__error *err) YK__MUST_USE;

#endif
