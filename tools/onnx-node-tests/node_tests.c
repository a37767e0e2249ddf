/* yolk-node-tests: runs ONNX backend node tests on a backend and reports per operator.
 *
 *   yolk-node-tests FOLDER... [--backend ref|cpu] [--isa generic|avx2|avx512] [--threads N] [--exceptions FILE]
 *                   [--list-failures] [--list-unsupported] [--list-bound]
 *
 * FOLDER holds one folder per test, each with model.onnx and test_data_set_k. A test passes when every data set gives the
 * expected outputs, both folded and planned. A test whose model yolk refuses as unsupported counts as such. FILE lists the
 * exceptions, patterns of test names in backticks with their reasons (docs/operator-exceptions.md): with it, an unsupported
 * test of an operator that yolk has fails unless it is listed, and a listed one that fails counts as unsupported.
 * Exit status: 0 when nothing failed, 1 when something did, 2 for a usage error, 77 when there is no test at all. */
#include <dirent.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node_run.h"

typedef enum outcome { PASSED, FAILED, UNSUPPORTED } outcome;

typedef struct options {
    const char *folders[16];
    int n_folders, n_threads;
    const yk__backend *backends[2];
    int n_backends;
    char *exceptions; /* text of the file, NULL without one */
    bool list_failures, list_unsupported, list_bound;
} options;

/* Results of one operator. */
typedef struct op_tally {
    char name[64];
    int counts[3];
} op_tally;

typedef struct test_report {
    op_tally *tallies;
    int n, capacity;
    int totals[3];
    int bindings[NODE_BINDINGS + 1]; /* of the passed ones */
} test_report;

static op_tally *tally_of(test_report *report, const char *name) {
    for (int i = 0; i < report->n; i++)
        if (strcmp(report->tallies[i].name, name) == 0) return &report->tallies[i];
    if (report->n == report->capacity) {
        const int capacity = 2 * report->capacity + 64;
        op_tally *grown = realloc(report->tallies, (size_t)capacity * sizeof *grown);
        if (grown == NULL) return NULL;
        report->tallies = grown;
        report->capacity = capacity;
    }
    op_tally *added = &report->tallies[report->n++];
    memset(added, 0, sizeof *added);
    snprintf(added->name, sizeof added->name, "%s", name);
    return added;
}

static outcome outcome_of(yk__code code) {
    return code == YK__OK ? PASSED : code == YK__UNSUPPORTED || code == YK__VERSION ? UNSUPPORTED : FAILED;
}

/* Whether a pattern in backticks in the exceptions' text ("`test_cast_*FLOAT8*`") matches the test. */
static bool is_excepted(const options *o, const char *test) {
    const char *open = strchr(o->exceptions, '`');
    while (open != NULL) {
        char pattern[300];
        const char *close = strchr(open + 1, '`');
        if (close == NULL) return false;
        snprintf(pattern, sizeof pattern, "%.*s", (int)(close - open - 1), open + 1);
        if (strncmp(pattern, "test_", 5) == 0 && fnmatch(pattern, test, 0) == 0) return true;
        open = strchr(close + 1, '`');
    }
    return false;
}

/* All data sets of one test; the text of the first trouble in err. */
static outcome run_test(const options *o, const char *folder, char operator_name[64], node_binding *binding, yk__error *err) {
    char path[8192];
    yk__map model = {0};
    snprintf(operator_name, 64, "(unreadable)");
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    yk__code code = yk__map_open(&model, path, 0, err);
    if (code == YK__OK) code = node_case_operator(&model, operator_name, err);
    for (int k = 0; code == YK__OK; k++) {
        node_data data;
        code = node_data_read(&data, folder, k, err);
        if (code == YK__NOT_FOUND && k > 0) {
            code = YK__OK;
            break;
        }
        if (code != YK__OK) break;
        code = node_run(&model, &data, o->backends, o->n_backends, o->n_threads, binding, err);
        node_data_free(&data);
    }
    yk__map_close(&model);
    return outcome_of(code);
}

static void run_and_count(const options *o, const char *folder, const char *test, test_report *report) {
    char path[4096], operator_name[64];
    yk__error err = {.code = YK__OK};
    snprintf(path, sizeof path, "%s/%s", folder, test);
    node_binding binding = NODE_ALL_AT_RUN_TIME;
    outcome result = run_test(o, path, operator_name, &binding, &err);
    const bool known = yk__op_from_name(operator_name) != YK__OP_NONE;
    if (o->exceptions != NULL) {
        if (result == UNSUPPORTED && known && !is_excepted(o, test))
            result = FAILED;
        else if (result == FAILED && is_excepted(o, test))
            result = UNSUPPORTED;
    }
    if (result == FAILED && o->list_failures) printf("FAILED %s (%s): %s\n", test, operator_name, err.message);
    if (result == UNSUPPORTED && o->list_unsupported) printf("unsupported %s (%s): %s\n", test, operator_name, err.message);
    op_tally *tally = tally_of(report, operator_name);
    if (tally != NULL) tally->counts[result]++;
    report->totals[result]++;
    if (result == PASSED) report->bindings[binding]++;
    if (result == PASSED && binding > NODE_INTEGERS_BOUND && o->list_bound)
        printf("%s %s (%s)\n", binding == NODE_ALL_BOUND ? "all inputs bound:" : "one input at run time:", test, operator_name);
}

static int is_test(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static bool run_folder(const options *o, const char *folder, test_report *report) {
    struct dirent **entries;
    const int n = scandir(folder, &entries, is_test, alphasort);
    if (n < 0) {
        fprintf(stderr, "yolk-node-tests: cannot read the folder %s\n", folder);
        return false;
    }
    for (int i = 0; i < n; i++) {
        char path[5000];
        snprintf(path, sizeof path, "%s/%s/model.onnx", folder, entries[i]->d_name);
        if (access(path, R_OK) == 0) run_and_count(o, folder, entries[i]->d_name, report);
        free(entries[i]);
    }
    free(entries);
    return true;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const op_tally *)a)->name, ((const op_tally *)b)->name);
}

static void print_report(test_report *report) {
    if (report->n > 0) qsort(report->tallies, (size_t)report->n, sizeof *report->tallies, by_name);
    printf("%-28s %7s %7s %12s\n", "operator", "passed", "failed", "unsupported");
    for (int i = 0; i < report->n; i++) {
        const op_tally *t = &report->tallies[i];
        printf("%-28s %7d %7d %12d\n", t->name, t->counts[PASSED], t->counts[FAILED], t->counts[UNSUPPORTED]);
    }
    printf("of the passed: %d with every input given at run time, %d with integers as constants, %d with one input at run "
           "time, %d folded only\n",
           report->bindings[NODE_ALL_AT_RUN_TIME], report->bindings[NODE_INTEGERS_BOUND],
           report->bindings[NODE_FIRST_AT_RUN_TIME], report->bindings[NODE_ALL_BOUND]);
    printf("%d passed, %d failed, %d unsupported\n", report->totals[PASSED], report->totals[FAILED],
           report->totals[UNSUPPORTED]);
}

static char *read_text(const char *path) {
    yk__map map = {0};
    yk__error err;
    if (yk__map_open(&map, path, 0, &err) != YK__OK) {
        fprintf(stderr, "yolk-node-tests: %s\n", err.message);
        return NULL;
    }
    char *text = yk__strndup(map.data != NULL ? (const char *)map.data : "", map.size);
    yk__map_close(&map);
    return text;
}

static bool choose_backend(options *o, const char *backend, const char *isa) {
    if (strcmp(backend, "cpu") == 0)
        o->backends[o->n_backends++] = yk__backend_cpu(yk__cpu_with_cap(isa).isa);
    else if (strcmp(backend, "ref") != 0)
        return false;
    o->backends[o->n_backends++] = yk__backend_ref();
    return true;
}

static bool read_arguments(int argc, char **argv, options *o) {
    const char *backend = "ref", *isa = NULL;
    *o = (options){.n_threads = 1};
    for (int i = 1; i < argc; i++) {
        const bool more = i + 1 < argc;
        if (strcmp(argv[i], "--list-failures") == 0)
            o->list_failures = true;
        else if (strcmp(argv[i], "--list-unsupported") == 0)
            o->list_unsupported = true;
        else if (strcmp(argv[i], "--list-bound") == 0)
            o->list_bound = true;
        else if (strcmp(argv[i], "--backend") == 0 && more)
            backend = argv[++i];
        else if (strcmp(argv[i], "--isa") == 0 && more)
            isa = argv[++i];
        else if (strcmp(argv[i], "--threads") == 0 && more)
            o->n_threads = atoi(argv[++i]);
        else if (strcmp(argv[i], "--exceptions") == 0 && more) {
            if ((o->exceptions = read_text(argv[++i])) == NULL) return false;
        } else if (argv[i][0] != '-' && o->n_folders < 16)
            o->folders[o->n_folders++] = argv[i];
        else
            return false;
    }
    return o->n_folders > 0 && o->n_threads > 0 && choose_backend(o, backend, isa);
}

int main(int argc, char **argv) {
    options o;
    if (!read_arguments(argc, argv, &o)) {
        fprintf(stderr, "usage: yolk-node-tests FOLDER... [--backend ref|cpu] [--isa generic|avx2|avx512] [--threads N]\n"
                        "                       [--exceptions FILE] [--list-failures] [--list-unsupported] [--list-bound]\n");
        return 2;
    }
    test_report report = {0};
    bool readable = true;
    for (int i = 0; i < o.n_folders; i++) readable &= run_folder(&o, o.folders[i], &report);
    print_report(&report);
    free(report.tallies);
    yk__free(o.exceptions);
    const int n_tests = report.totals[PASSED] + report.totals[FAILED] + report.totals[UNSUPPORTED];
    if (n_tests == 0) printf("skipped: no tests found\n");
    if (n_tests == 0) return 77;
    if (!readable) return 2;
    return report.totals[FAILED] > 0;
}
