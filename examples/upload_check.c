/* An upload check: what is this file, judged by its first 64 KiB, before anything is stored or loaded.
 *
 *   upload_check FILE|- ...        exit status 0: all are models or engines that yolk takes */
#include <stdio.h>
#include <string.h>
#include <yolk/yolk.h>

/* What the service wants. The kinds are those of docs/verdicts.md. */
static bool is_welcome(const yk_report *report) {
    static const char *const kinds[] = {"yolk-engine", "onnx", "pytorch-checkpoint"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(yk_report_kind(report), kinds[i]) == 0) return yk_report_verdict(report) != YK_VERDICT_INVALID;
    return false;
}

/* What the uploader is told: the gravest finding, with what to do. */
static void explain(const char *name, const yk_report *report) {
    yk_finding finding = YK_FINDING_INIT;
    printf("%s: %s refused\n", name, yk_report_kind(report));
    if (yk_report_finding(report, 0, &finding) != YK_OK) return;
    printf("  %s%s%s. %s\n", finding.code, *finding.found ? ": " : "", finding.found, finding.remedy);
}

static bool check(const char *name, FILE *upload) {
    static unsigned char head[65536]; /* a server has one for each connection */
    size_t n = fread(head, 1, sizeof head, upload);
    /* The whole of a short upload is known by its end; of a longer one only a Content-Length would tell. */
    uint64_t size = n < sizeof head ? n : YK_SIZE_UNKNOWN;
    yk_report *report = NULL;
    yk_error error = YK_ERROR_INIT;
    if (yk_probe(head, n, size, &report, &error) != YK_OK) {
        fprintf(stderr, "%s\n", error.message);
        return false;
    }
    bool welcome = is_welcome(report);
    if (welcome)
        printf("%s: %s\n", name, yk_report_kind(report));
    else
        explain(name, report);
    yk_report_destroy(&report);
    return welcome;
}

int main(int argc, char **argv) {
    bool all = argc > 1;
    for (int i = 1; i < argc; i++) {
        bool piped = strcmp(argv[i], "-") == 0;
        FILE *upload = piped ? stdin : fopen(argv[i], "rb");
        if (!upload) {
            perror(argv[i]);
            all = false;
            continue;
        }
        all &= check(argv[i], upload);
        if (!piped) fclose(upload);
    }
    return all ? 0 : 1;
}
