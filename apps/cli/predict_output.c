/* Writing answers. A failure to write one thing is said and remembered; the next picture goes on. */
#include "predict_output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- names ---- */

static uint64_t hash(const char *text) { /* FNV-1a */
    uint64_t h = 14695981039346656037u;
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 1099511628211u;
    return h;
}

/* True when the name is new; it is taken over (from malloc). False: it was there (freed) or there is no memory. */
static bool take_name(name_set *set, char *name) {
    if (2 * (set->n + 1) > set->capacity) {
        size_t capacity = set->capacity ? 2 * set->capacity : 256;
        char **slots = calloc(capacity, sizeof *slots);
        if (!slots) return free(name), false;
        for (size_t i = 0; i < set->capacity; i++) {
            if (!set->slots[i]) continue;
            size_t at = hash(set->slots[i]) & (capacity - 1);
            while (slots[at]) at = (at + 1) & (capacity - 1);
            slots[at] = set->slots[i];
        }
        free(set->slots);
        set->slots = slots;
        set->capacity = capacity;
    }
    size_t at = hash(name) & (set->capacity - 1);
    for (; set->slots[at]; at = (at + 1) & (set->capacity - 1))
        if (strcmp(set->slots[at], name) == 0) return free(name), false;
    set->slots[at] = name;
    set->n++;
    return true;
}

/* "folder/stem.suffix", or with -2, -3 ... behind the stem when an earlier picture of this run has it. Valid until the next
 * call of anything here that takes names; NULL when out of memory. */
static const char *unique_path(name_set *set, const char *folder, const char *stem, int stem_length, const char *suffix) {
    for (int number = 1; number < 1000000; number++) {
        size_t n = strlen(folder) + (size_t)stem_length + strlen(suffix) + 16;
        char *path = malloc(n);
        if (!path) return NULL;
        if (number == 1)
            snprintf(path, n, "%s/%.*s%s", folder, stem_length, stem, suffix);
        else
            snprintf(path, n, "%s/%.*s-%d%s", folder, stem_length, stem, number, suffix);
        const char *kept = path;
        if (take_name(set, path)) return kept;
    }
    return NULL;
}

static const char *base_name(const char *path) {
    return strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
}

static int stem_length(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && dot != name ? (int)(dot - name) : (int)strlen(name);
}

/* The name that files of this source get: its base name; standard input is called "stdin". */
static const char *file_name(const cli_source *source) {
    return strcmp(source->name, "-") == 0 ? "stdin" : base_name(source->name);
}

/* Makes the folder and those above it. */
static int make_folder(const char *path) {
    char *copy = strdup(path);
    if (!copy) return EXIT_RESOURCE;
    for (char *slash = copy + 1;; slash++) {
        if (*slash && *slash != '/') continue;
        char end = *slash;
        *slash = 0;
        if (mkdir(copy, 0777) != 0 && errno != EEXIST) {
            cli_say("%s: cannot make the folder: %s", copy, strerror(errno));
            free(copy);
            return EXIT_INPUT;
        }
        *slash = end;
        if (!end) break;
    }
    struct stat folder;
    int status = stat(copy, &folder) == 0 && S_ISDIR(folder.st_mode) ? EXIT_DONE : EXIT_INPUT;
    if (status != EXIT_DONE) cli_say("%s: there is a file of that name, a folder is needed", path);
    free(copy);
    return status;
}

/* ---- the kinds of output ---- */

static int write_json(predict_output *o, const yk_results *results, size_t image, const char *name) {
    yk_json_options options = {.size = sizeof options, .source = name, .probs = o->probs};
    char *text = NULL;
    yk_error error = YK_ERROR_INIT;
    if (yk_results_to_json(results, image, &options, &text, &error) != YK_OK) return cli_fail(&error);
    fputs(text, o->json);
    fputc('\n', o->json);
    yk_text_destroy(&text);
    return EXIT_DONE;
}

static int write_txt(predict_output *o, const yk_results *results, size_t image, const cli_source *source) {
    const char *name = file_name(source), *path = unique_path(&o->names, o->txt, name, stem_length(name), ".txt");
    char *text = NULL;
    yk_error error = YK_ERROR_INIT;
    if (!path) return EXIT_RESOURCE;
    if (yk_results_to_txt(results, image, o->save_conf, &text, &error) != YK_OK) return cli_fail(&error);
    int status = EXIT_DONE;
    remove(path); /* of an earlier run; no lines, no file */
    if (*text) {
        FILE *f = fopen(path, "w");
        bool written = f && fputs(text, f) >= 0;
        if (f && fclose(f) != 0) written = false;
        if (!written) {
            cli_say("%s: %s", path, strerror(errno));
            status = EXIT_INPUT;
        }
    }
    yk_text_destroy(&text);
    return status;
}

static int write_picture(predict_output *o, const yk_results *results, size_t image, const cli_source *source) {
    const char *name = file_name(source), *dot = strrchr(name, '.');
    bool png = dot && (strcmp(dot, ".png") == 0 || strcmp(dot, ".PNG") == 0);
    const char *path = unique_path(&o->names, o->save, name, stem_length(name), png ? ".png" : ".jpg");
    yk_image picture = YK_IMAGE_INIT;
    yk_error error = YK_ERROR_INIT;
    if (!path) return EXIT_RESOURCE;
    yk_status status = yk_image_read(&picture, source->path, NULL, &error);
    if (status == YK_OK) status = yk_results_draw(results, image, &picture, NULL, &error);
    if (status == YK_OK) status = yk_image_write(&picture, path, 0, &error);
    yk_image_destroy(&picture);
    return status == YK_OK ? EXIT_DONE : cli_fail(&error);
}

/* A class name as a folder's name: no separators, no dots in front, never empty. */
static void safe_name(char out[256], const char *name) {
    size_t n = 0;
    for (; *name && n < 255; name++) {
        bool bad = *name == '/' || *name == '\\' || (unsigned char)*name < 0x20 || (n == 0 && *name == '.');
        out[n++] = bad ? '_' : *name;
    }
    if (n == 0) out[n++] = '_';
    out[n] = 0;
}

/* The box made 2 % and 10 pixels larger about its centre, cut to whole pixels and to the picture; an oriented one as it is,
 * turned upright: both as Ultralytics cuts them out. */
static yk_status cut_out(yk_image *crop, const yk_image *picture, const yk_detection *d, bool oriented, yk_error *error) {
    if (oriented) return yk_image_crop_oriented(crop, picture, d->xywhr, error);
    float cx = (d->x1 + d->x2) / 2, cy = (d->y1 + d->y2) / 2;
    float w = (d->x2 - d->x1) * 1.02f + 10, h = (d->y2 - d->y1) * 1.02f + 10;
    int x1 = (int)(cx - w / 2), y1 = (int)(cy - h / 2), x2 = (int)(cx + w / 2), y2 = (int)(cy + h / 2);
    if (x1 < 0) x1 = 0;
    if (y1 < 0) y1 = 0;
    return yk_image_crop(crop, picture, x1, y1, x2 - x1, y2 - y1, error);
}

static int write_crop(predict_output *o, const yk_image *picture, const yk_detection *d, bool oriented, const char *name) {
    char class_name[256], folder[4096];
    safe_name(class_name, d->name);
    if (snprintf(folder, sizeof folder, "%s/%s", o->crop, class_name) >= (int)sizeof folder) return EXIT_INPUT;
    int status = make_folder(folder);
    if (status != EXIT_DONE) return status;
    const char *path = unique_path(&o->names, folder, name, stem_length(name), ".jpg");
    yk_image crop = YK_IMAGE_INIT;
    yk_error error = YK_ERROR_INIT;
    if (!path) return EXIT_RESOURCE;
    yk_status result = cut_out(&crop, picture, d, oriented, &error);
    if (result == YK_OK) result = yk_image_write(&crop, path, 95, &error);
    yk_image_destroy(&crop);
    return result == YK_OK ? EXIT_DONE : cli_fail(&error);
}

static int write_crops(predict_output *o, const yk_engine *engine, const yk_results *results, size_t image,
                       const cli_source *source) {
    yk_engine_info info = YK_ENGINE_INFO_INIT;
    yk_image picture = YK_IMAGE_INIT;
    yk_error error = YK_ERROR_INIT;
    if (yk_results_count(results, image) == 0) return EXIT_DONE;
    yk_engine_get_info(engine, &info, NULL);
    if (yk_image_read(&picture, source->path, NULL, &error) != YK_OK) return cli_fail(&error);
    int worst = EXIT_DONE;
    for (size_t i = 0; i < yk_results_count(results, image); i++) {
        yk_detection d = YK_DETECTION_INIT;
        yk_results_get(results, image, i, &d);
        int status = write_crop(o, &picture, &d, info.task == YK_TASK_OBB, file_name(source));
        if (status > worst) worst = status;
    }
    yk_image_destroy(&picture);
    return worst;
}

/* ---- lines for people ---- */

static void print_counts(const yk_engine *engine, const yk_results *results, size_t image) {
    yk_engine_info info = YK_ENGINE_INFO_INIT;
    size_t n = yk_results_count(results, image);
    yk_engine_get_info(engine, &info, NULL);
    if (n == 0) printf("(no detections), ");
    for (int32_t c = 0; c < info.n_classes && n; c++) {
        int count = 0;
        for (size_t i = 0; i < n; i++) {
            yk_detection d = YK_DETECTION_INIT;
            yk_results_get(results, image, i, &d);
            count += d.class_id == c;
        }
        if (count) printf("%d %s%s, ", count, yk_engine_class_name(engine, c), count > 1 ? "s" : "");
    }
}

static void print_top(const yk_engine *engine, const yk_results *results, size_t image) {
    const float *probs = yk_results_probs(results, image, NULL);
    int32_t c;
    for (size_t rank = 0; (c = yk_results_top(results, image, rank)) >= 0; rank++)
        printf("%s %.2f, ", yk_engine_class_name(engine, c), (double)probs[c]);
}

static void print_line(predict_output *o, const yk_engine *engine, const yk_results *results, size_t image, const char *name) {
    int32_t width = 0, height = 0;
    yk_speed speed = YK_SPEED_INIT;
    yk_results_size(results, image, NULL, NULL, &width, &height);
    yk_results_speed(results, image, &speed);
    printf("picture %zu/%zu %s: %dx%d ", o->n_done, o->n_total, name, (int)height, (int)width);
    if (yk_results_probs(results, image, NULL))
        print_top(engine, results, image);
    else
        print_counts(engine, results, image);
    printf("%.1f ms\n", speed.inference_ms);
}

/* ---- the whole ---- */

int predict_output_open(predict_output *o, const cli_args *args) {
    *o = (predict_output){.json_path = cli_value(args, "--json"),
                          .txt = cli_value(args, "--txt"),
                          .save = cli_value(args, "--save"),
                          .crop = cli_value(args, "--crop"),
                          .probs = cli_has(args, "--probs"),
                          .save_conf = cli_has(args, "--save-conf")};
    int status = EXIT_DONE;
    if (o->txt) status = make_folder(o->txt);
    if (status == EXIT_DONE && o->save) status = make_folder(o->save);
    if (status == EXIT_DONE && o->crop) status = make_folder(o->crop);
    if (status == EXIT_DONE && o->json_path) {
        o->json = strcmp(o->json_path, "-") == 0 ? stdout : fopen(o->json_path, "w");
        if (!o->json) {
            cli_say("%s: %s", o->json_path, strerror(errno));
            status = EXIT_INPUT;
        }
    }
    o->lines = o->json != stdout && !cli_has(args, "--quiet");
    return status;
}

int predict_output_write(predict_output *o, const yk_engine *engine, const yk_results *results, size_t image,
                         const cli_source *source) {
    const char *message = NULL;
    int worst = EXIT_DONE, status;
    o->n_done++;
    if (o->json) worst = write_json(o, results, image, source->name);
    if (yk_results_status(results, image, &message) != YK_OK) {
        cli_say("%s", message);
        return EXIT_INPUT;
    }
    if (o->lines) print_line(o, engine, results, image, source->name);
    if (o->txt && (status = write_txt(o, results, image, source)) > worst) worst = status;
    if (o->save && (status = write_picture(o, results, image, source)) > worst) worst = status;
    if (o->crop && (status = write_crops(o, engine, results, image, source)) > worst) worst = status;
    return worst;
}

int predict_output_close(predict_output *o, int status) {
    if (o->json && o->json != stdout && (fflush(o->json) != 0 || ferror(o->json) || fclose(o->json) != 0)) {
        cli_say("%s: %s", o->json_path, strerror(errno));
        if (status == EXIT_DONE) status = EXIT_INPUT;
    }
    for (size_t i = 0; i < o->names.capacity; i++) free(o->names.slots[i]);
    free(o->names.slots);
    return status;
}
