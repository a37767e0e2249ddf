/* Many threads on one engine: the engine is shared, each thread has its context.
 *
 *   threads MODEL PICTURE [THREADS] */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <yolk/yolk.h>

typedef struct worker {
    pthread_t thread;
    yk_engine *engine;
    const yk_image *image;
    size_t n_found;
    yk_error error;
} worker;

static void *work(void *argument) {
    worker *w = argument;
    yk_context *context = NULL;
    if (yk_context_create(&context, w->engine, NULL, &w->error)) return NULL;
    for (int run = 0; run < 10 && w->error.status == YK_OK; run++) {
        yk_results *results = NULL;
        if (yk_predict(context, w->image, 1, NULL, &results, &w->error) == YK_OK) w->n_found = yk_results_count(results, 0);
        yk_results_destroy(&results);
    }
    yk_context_destroy(&context);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 3) return fprintf(stderr, "usage: threads MODEL PICTURE [THREADS]\n"), 2;
    int n = argc > 3 ? atoi(argv[3]) : 4;
    /* one thread per engine run here: the parallelism is in the pictures */
    yk_engine_options options = {.size = sizeof options, .n_threads = 1};
    yk_engine *engine = NULL;
    yk_image image = YK_IMAGE_INIT;
    yk_error error = YK_ERROR_INIT;
    if (yk_engine_load(&engine, argv[1], &options, &error) || yk_image_read(&image, argv[2], NULL, &error)) {
        fprintf(stderr, "%s\n", error.message);
        yk_engine_destroy(&engine);
        return 1;
    }
    worker *workers = calloc(n > 0 ? (size_t)n : 1, sizeof *workers);
    int started = 0, status = workers ? 0 : 1;
    for (; workers && started < n; started++) {
        workers[started] = (worker){.engine = engine, .image = &image, .error = YK_ERROR_INIT};
        if (pthread_create(&workers[started].thread, NULL, work, &workers[started]) != 0) break;
    }
    for (int i = 0; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
        if (workers[i].error.status)
            status = 1, fprintf(stderr, "thread %d: %s\n", i, workers[i].error.message);
        else
            printf("thread %d: %zu detections\n", i, workers[i].n_found);
    }
    free(workers);
    yk_image_destroy(&image);
    yk_engine_destroy(&engine);
    return status;
}
