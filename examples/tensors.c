/* Tensor level: a prepared tensor in, the network's own output tensors out; no picture code involved.
 *
 *   tensors MODEL */
#include <stdio.h>
#include <stdlib.h>
#include <yolk/yolk.h>

/* A grey ramp in place of a picture: N x C x H x W, RGB planes, 0..1. */
static float *make_input(const yk_engine_info *info, yk_tensor *input) {
    size_t n = (size_t)info->channels * (size_t)info->imgsz[0] * (size_t)info->imgsz[1];
    float *data = malloc(n * sizeof *data);
    if (!data) return NULL;
    for (size_t i = 0; i < n; i++) data[i] = (float)(i % (size_t)info->imgsz[1]) / (float)info->imgsz[1];
    *input = (yk_tensor){.size = sizeof *input,
                         .dtype = YK_F32,
                         .rank = 4,
                         .dim = {1, info->channels, info->imgsz[0], info->imgsz[1]},
                         .data = data};
    return data;
}

int main(int argc, char **argv) {
    yk_engine *engine = NULL;
    yk_context *context = NULL;
    yk_context_options options = {.size = sizeof options, .dense = true};
    yk_engine_info info = YK_ENGINE_INFO_INIT;
    yk_error error = YK_ERROR_INIT;
    if (argc != 2) return fprintf(stderr, "usage: tensors MODEL\n"), 2;
    if (yk_engine_load(&engine, argv[1], NULL, &error) || yk_context_create(&context, engine, &options, &error) ||
        yk_engine_get_info(engine, &info, &error)) {
        fprintf(stderr, "%s\n", error.message);
        yk_engine_destroy(&engine);
        return 1;
    }
    yk_tensor input;
    float *data = make_input(&info, &input);
    const yk_tensor *outputs;
    size_t n;
    int status = 1;
    if (data && yk_context_run(context, &input, &outputs, &n, &error) == YK_OK) {
        for (size_t i = 0; i < n; i++) {
            printf("%s:", outputs[i].name);
            for (int d = 0; d < outputs[i].rank; d++) printf("%s%lld", d ? "x" : " ", (long long)outputs[i].dim[d]);
            printf(", first element %g\n", (double)((const float *)outputs[i].data)[0]);
        }
        status = 0;
    } else {
        fprintf(stderr, "%s\n", error.message);
    }
    free(data);
    yk_context_destroy(&context);
    yk_engine_destroy(&engine);
    return status;
}
