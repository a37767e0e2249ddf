/* Pictures are read and answered a chunk at a time: enough of them that batches of one shape can form, few enough that a
 * folder of any size fits into memory. Lanes take the chunks in order and may be ahead of the writer, which is the calling
 * thread, by no more than the ring holds. */
#include "predict_run.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct chunk {
    size_t n;
    const char **paths;
    yk_results *results; /* NULL: it failed */
    yk_error error;
    bool done;
} chunk;

typedef struct runner {
    const cli_sources *sources;
    const yk_predict_options *options;
    size_t chunk_size, n_chunks;
    size_t taken, written; /* chunks that lanes began, that the writer is done with */
    bool stop;
    chunk *ring;
    size_t ring_size;
    const char **paths; /* of the whole ring */
    pthread_mutex_t lock;
    pthread_cond_t changed;
} runner;

typedef struct lane {
    runner *runner;
    yk_context *context;
    pthread_t thread;
    bool started;
} lane;

static void answer(const runner *r, yk_context *context, size_t index, chunk *c) {
    const size_t first = index * r->chunk_size;
    c->n = r->sources->n - first < r->chunk_size ? r->sources->n - first : r->chunk_size;
    c->error = (yk_error)YK_ERROR_INIT;
    for (size_t i = 0; i < c->n; i++) c->paths[i] = r->sources->items[first + i].path;
    if (yk_predict_files(context, c->paths, c->n, r->options, &c->results, &c->error) != YK_OK) c->results = NULL;
}

static void *run_lane(void *argument) {
    lane *own = argument;
    runner *r = own->runner;
    pthread_mutex_lock(&r->lock);
    for (;;) {
        while (!r->stop && r->taken < r->n_chunks && r->taken - r->written >= r->ring_size)
            pthread_cond_wait(&r->changed, &r->lock);
        if (r->stop || r->taken >= r->n_chunks) break;
        const size_t index = r->taken++;
        chunk *c = &r->ring[index % r->ring_size];
        pthread_mutex_unlock(&r->lock);
        answer(r, own->context, index, c);
        pthread_mutex_lock(&r->lock);
        c->done = true;
        pthread_cond_broadcast(&r->changed);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

static void progress(const predict_output *output, bool shown) {
    enum { WIDTH = 30 };
    int filled = (int)(output->n_done * WIDTH / output->n_total);
    if (!shown) return;
    fprintf(stderr, "\r[%.*s%*s] %zu/%zu", filled, "##############################", WIDTH - filled, "", output->n_done,
            output->n_total);
    if (output->n_done == output->n_total) fprintf(stderr, "\r%60s\r", "");
}

/* *fatal: the request itself is at fault; the other pictures would fail alike. */
static int write_chunk(const runner *r, const yk_engine *engine, size_t index, chunk *c, predict_output *output, bool *fatal) {
    const bool bar = !output->lines && r->sources->n > 1 && isatty(STDERR_FILENO);
    int worst = EXIT_DONE;
    *fatal = !c->results;
    if (*fatal) return cli_fail(&c->error);
    for (size_t i = 0; i < c->n; i++) {
        int status = predict_output_write(output, engine, c->results, i, &r->sources->items[index * r->chunk_size + i]);
        if (status > worst) worst = status;
        progress(output, bar);
    }
    yk_results_destroy(&c->results);
    return worst;
}

/* The next chunk in order: made here by the only lane, or by whichever lane took it. */
static chunk *next_chunk(runner *r, lane *lanes, size_t index) {
    chunk *c = &r->ring[index % r->ring_size];
    if (!lanes[0].started) {
        answer(r, lanes[0].context, index, c);
        return c;
    }
    pthread_mutex_lock(&r->lock);
    while (!c->done) pthread_cond_wait(&r->changed, &r->lock);
    c->done = false;
    pthread_mutex_unlock(&r->lock);
    return c;
}

static int write_all(runner *r, lane *lanes, const yk_engine *engine, predict_output *output) {
    int worst = EXIT_DONE;
    bool fatal = false;
    output->n_total = r->sources->n;
    for (size_t index = 0; index < r->n_chunks && !fatal; index++) {
        int status = write_chunk(r, engine, index, next_chunk(r, lanes, index), output, &fatal);
        if (status > worst) worst = status;
        pthread_mutex_lock(&r->lock);
        r->written++;
        r->stop = fatal;
        pthread_cond_broadcast(&r->changed);
        pthread_mutex_unlock(&r->lock);
    }
    return worst;
}

/* One lane needs no thread. Fewer threads than asked for will do, none will not. */
static int start(runner *r, lane *lanes, int n_lanes, yk_engine *engine) {
    for (int i = 0; i < n_lanes; i++) {
        yk_error error = YK_ERROR_INIT;
        lanes[i].runner = r;
        if (yk_context_create(&lanes[i].context, engine, NULL, &error) != YK_OK) return cli_fail(&error);
    }
    for (int i = 0; i < n_lanes && n_lanes > 1; i++) {
        lanes[i].started = pthread_create(&lanes[i].thread, NULL, run_lane, &lanes[i]) == 0;
        if (!lanes[i].started) break;
    }
    return EXIT_DONE;
}

static bool make_ring(runner *r, int n_lanes) {
    r->ring_size = n_lanes > 1 ? 2 * (size_t)n_lanes : 1;
    r->ring = calloc(r->ring_size, sizeof *r->ring);
    r->paths = calloc(r->ring_size * r->chunk_size, sizeof *r->paths);
    for (size_t i = 0; r->ring && r->paths && i < r->ring_size; i++) r->ring[i].paths = r->paths + i * r->chunk_size;
    return r->ring && r->paths;
}

static void finish(runner *r, lane *lanes, int n_lanes) {
    for (int i = 0; lanes && i < n_lanes; i++) {
        if (lanes[i].started) pthread_join(lanes[i].thread, NULL);
        yk_context_destroy(&lanes[i].context);
    }
    for (size_t i = 0; r->ring && i < r->ring_size; i++) yk_results_destroy(&r->ring[i].results); /* made, never written */
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r->paths);
    free(r->ring);
    free(lanes);
}

int predict_run(yk_engine *engine, int n_lanes, const cli_sources *sources, const yk_predict_options *options,
                predict_output *output) {
    runner r = {.sources = sources, .options = options, .chunk_size = options->batch > 1 ? 4 * (size_t)options->batch : 1};
    r.n_chunks = (sources->n + r.chunk_size - 1) / r.chunk_size;
    if ((size_t)n_lanes > r.n_chunks) n_lanes = (int)r.n_chunks;
    lane *lanes = calloc((size_t)n_lanes, sizeof *lanes);
    pthread_mutex_init(&r.lock, NULL);
    pthread_cond_init(&r.changed, NULL);
    int status = lanes && make_ring(&r, n_lanes) ? start(&r, lanes, n_lanes, engine) : EXIT_RESOURCE;
    if (status == EXIT_DONE) status = write_all(&r, lanes, engine, output);
    finish(&r, lanes, n_lanes);
    return status;
}
