/* yolk compare: where two engines, two backends, or an engine and saved arrays part. */
#include "compare.h"

#include "cli_sources.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const cli_option options[] = {
    {"--summary", NULL, "compare answers only, over all pictures: lost, added, renamed; mean, 95 % and worst differences"},
    {"--device-b", "D", "the device of B; default: that of A, and ref when A and B are the same file"},
    {"--conf", "C", "compare detections above C; default: the model's (0.25)"},
    {"--iou", "I", "NMS threshold; default: the model's"},
    {"--rect", NULL, "pad pictures only to a multiple of the stride"},
    {"--no-rect", NULL, "pad pictures to the full input size"},
    {"--tolerance", "F", "multiply all tolerances by F; default: 1"},
    {"--threads", "N|auto", "threads; default: one per core"},
    {"--json", NULL, "one JSON object"},
    {NULL, NULL, NULL}};

/* A folder or a zip: saved arrays. What is neither is a model. */
static bool is_arrays(const char *path) {
    struct stat file;
    size_t n = strlen(path);
    if (stat(path, &file) == 0 && S_ISDIR(file.st_mode)) return true;
    return n > 4 && strcmp(path + n - 4, ".npz") == 0;
}

static bool same_file(const char *a, const char *b) {
    struct stat first, second;
    if (strcmp(a, b) == 0) return true;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

static int open_side(const cli_args *args, compare_side *side, const char *name, const char *device, bool as_built,
                     bool layers) {
    yk_error error = YK_ERROR_INIT;
    side->name = name;
    if (is_arrays(name)) return yk_arrays_open(&side->arrays, name, &error) == YK_OK ? EXIT_DONE : cli_fail(&error);
    int status = cli_load_on(args, name, device, as_built, &side->engine);
    if (status != EXIT_DONE) return status;
    const yk_context_options kept = {.size = sizeof kept, .keep_layers = layers};
    side->info = (yk_engine_info)YK_ENGINE_INFO_INIT;
    if (yk_context_create(&side->context, side->engine, &kept, &error) != YK_OK ||
        yk_engine_get_info(side->engine, &side->info, &error) != YK_OK)
        return cli_fail(&error);
    side->device = side->info.device;
    return EXIT_DONE;
}

static void close_side(compare_side *side) {
    yk_context_destroy(&side->context);
    yk_engine_destroy(&side->engine);
    yk_arrays_destroy(&side->arrays);
}

static int open_sides(const cli_args *args, compare_setup *setup) {
    const char *a = args->arguments[0], *b = args->arguments[1];
    const char *device = cli_value(args, "--device"), *device_b = cli_value(args, "--device-b");
    bool layers = !cli_has(args, "--summary");
    if (is_arrays(a)) return cli_usage_error(args, "A must be a model; saved arrays go second");
    if (is_arrays(b) && !layers) return cli_usage_error(args, "--summary compares two models, and %s is saved arrays", b);
    if (!device_b) device_b = same_file(a, b) && !device ? "ref" : device;
    /* Of an engine and a model, the options of a build are the model's. */
    bool a_engine = cli_is_engine(a), b_engine = cli_is_engine(b), mixed = a_engine != b_engine && !is_arrays(b);
    int status = open_side(args, &setup->a, a, device, mixed && a_engine, layers);
    return status == EXIT_DONE ? open_side(args, &setup->b, b, device_b, mixed && b_engine, layers) : status;
}

/* One input size and one way of padding for both. Saved arrays say their size. */
static int choose_shape(const cli_args *args, compare_setup *setup) {
    const compare_side *a = &setup->a, *b = &setup->b, *from = b->engine && a->info.any_size && !b->info.any_size ? b : a;
    yk_predict_options *o = &setup->predict;
    yk_tensor input;
    int status = cli_imgsz(args, o->imgsz);
    bool fixed = b->engine && !a->info.any_size && !b->info.any_size;
    if (fixed && (a->info.imgsz[0] != b->info.imgsz[0] || a->info.imgsz[1] != b->info.imgsz[1]))
        return cli_usage_error(args, "%s runs only at %dx%d and %s only at %dx%d (height, width): there is nothing to compare",
                               a->name, (int)a->info.imgsz[0], (int)a->info.imgsz[1], b->name, (int)b->info.imgsz[0],
                               (int)b->info.imgsz[1]);
    bool rect = a->info.rect && (!b->engine || b->info.rect);
    bool sized = o->imgsz[0] > 0;
    if (b->arrays && !sized && yk_arrays_get(b->arrays, "input", &input, NULL) == YK_OK && input.rank == 3) {
        o->imgsz[0] = (int32_t)input.dim[0], o->imgsz[1] = (int32_t)input.dim[1];
        rect = false;
    } else if (!sized) {
        o->imgsz[0] = from->info.imgsz[0], o->imgsz[1] = from->info.imgsz[1];
    }
    o->rect = cli_has(args, "--rect") || (rect && !cli_has(args, "--no-rect")) ? YK_ON : YK_OFF;
    return status;
}

static int read_options(const cli_args *args, compare_setup *setup) {
    float slack = 1;
    yk_predict_options *o = &setup->predict;
    *o = (yk_predict_options){.size = sizeof *o};
    int status = cli_float(args, "--conf", 0, 1, &o->conf);
    if (status == EXIT_DONE) status = cli_float(args, "--iou", 0, 1, &o->iou);
    if (status == EXIT_DONE) status = cli_float(args, "--tolerance", 0, 1e9, &slack);
    if (status == EXIT_DONE && cli_has(args, "--rect") && cli_has(args, "--no-rect"))
        status = cli_usage_error(args, "--rect and --no-rect exclude each other");
    if (cli_has(args, "--conf") && o->conf == 0) o->conf = -1; /* the API's word for "everything" */
    if (cli_has(args, "--iou") && o->iou == 0) o->iou = -1;
    setup->slack = (double)slack;
    setup->json = cli_has(args, "--json");
    return status;
}

static int compare_pictures(const cli_args *args, compare_setup *setup) {
    cli_sources sources = {.stdin_copy = -1};
    int status = cli_sources_find(&sources, args, 2);
    bool summary = cli_has(args, "--summary");
    if (status == EXIT_DONE && !summary && sources.n != 1)
        status = cli_usage_error(args, "%zu pictures: give one, or --summary for many", sources.n);
    const char **pictures = calloc(sources.n + 1, sizeof *pictures);
    if (status == EXIT_DONE && !pictures) status = EXIT_RESOURCE;
    for (size_t i = 0; pictures && i < sources.n; i++) pictures[i] = sources.items[i].path;
    if (status == EXIT_DONE)
        status = summary ? compare_summary(setup, pictures, sources.n) : compare_stages(setup, pictures[0]);
    free(pictures);
    cli_sources_free(&sources);
    return status;
}

static int run(const cli_args *args) {
    compare_setup setup = {0};
    int status = read_options(args, &setup);
    if (status == EXIT_DONE) status = open_sides(args, &setup);
    if (status == EXIT_DONE) status = choose_shape(args, &setup);
    if (status == EXIT_DONE) status = compare_pictures(args, &setup);
    close_side(&setup.a);
    close_side(&setup.b);
    return status;
}

const cli_command cmd_compare = {
    .name = "compare",
    .synopsis = "A B IMAGE|FOLDER [OPTIONS]",
    .summary = "the first place where two models, or two devices, part",
    .text =
        "A is a model; B is another one, the same one (which then runs on the device ref, the plain C oracle, unless "
        "--device-b "
        "names another), or a folder or .npz file of arrays that NumPy saved.\n\nOne picture goes through both, and each stage "
        "is "
        "compared: decoded pixels, network input, every layer that both have, the network's raw output, decoded candidates, "
        "what NMS keeps, final answers. The first stage that parts is named, with the place and both numbers. Arrays are "
        "recognised by their names: image and input (height x width x 3 bytes, blue first), output0, output1, the names of "
        "layers, and detections (n x 6: x1 y1 x2 y2 confidence class).\n\nWith --summary the answers on all pictures are "
        "compared: detections lost, added and renamed, mean and worst difference of confidence, box overlap and mask overlap. "
        "This is the measure of a lower precision.\n\nThe exit status is 0 when all is equal within rounding and 1 when it is "
        "not.",
    .options = options,
    .build_options = true,
    .min_arguments = 3,
    .max_arguments = -1,
    .run = run};
