/* Picture level: pictures in, results out.
 *
 *   pictures MODEL PICTURE... */
#include <stdio.h>
#include <yolk/yolk.h>

static void print_results(const yk_results *results) {
    for (size_t i = 0; i < yk_results_count(results, 0); i++) {
        yk_detection d = YK_DETECTION_INIT;
        yk_results_get(results, 0, i, &d);
        printf("  %-16s %.3f  %7.1f %7.1f %7.1f %7.1f\n", d.name, (double)d.confidence, (double)d.x1, (double)d.y1,
               (double)d.x2, (double)d.y2);
    }
}

static void print_classes(const yk_engine *engine, const yk_results *results) {
    const float *probs = yk_results_probs(results, 0, NULL);
    for (size_t rank = 0; probs && yk_results_top(results, 0, rank) >= 0; rank++) {
        int32_t c = yk_results_top(results, 0, rank);
        printf("  %-16s %.3f\n", yk_engine_class_name(engine, c), (double)probs[c]);
    }
}

int main(int argc, char **argv) {
    yk_engine *engine = NULL;
    yk_context *context = NULL;
    yk_error error = YK_ERROR_INIT;
    if (argc < 3) return fprintf(stderr, "usage: pictures MODEL PICTURE...\n"), 2;
    if (yk_engine_load(&engine, argv[1], NULL, &error) || yk_context_create(&context, engine, NULL, &error)) {
        fprintf(stderr, "%s\n", error.message);
        yk_engine_destroy(&engine);
        return 1;
    }
    for (int i = 2; i < argc; i++) {
        yk_image image = YK_IMAGE_INIT;
        yk_results *results = NULL;
        if (yk_image_read(&image, argv[i], NULL, &error) || yk_predict(context, &image, 1, NULL, &results, &error)) {
            fprintf(stderr, "%s\n", error.message);
        } else {
            printf("%s\n", argv[i]);
            print_results(results);
            print_classes(engine, results);
        }
        yk_results_destroy(&results);
        yk_image_destroy(&image);
    }
    yk_context_destroy(&context);
    yk_engine_destroy(&engine);
    return 0;
}
