/* The ways into the recognisers: a file's path, its bytes, a prefix of its bytes. */
#include "inspect/check.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/checksum.h"
#include "base/file.h"
#include "base/text.h"
#include "inspect/recognise.h"
#include "inspect/source_model.h"

/* The first name, in code point order, of what people mean when they name the folder it lies in; "" when there is none. */
static void find_model(const char *folder, char name[256]) {
    static const char *const ends[] = {".engine", ".plan", ".trt",   ".yolk",   ".onnx",    ".pt",
                                       ".pb",     ".xml",  ".param", ".tflite", ".mlmodel", ".json"};
    DIR *stream = opendir(folder);
    const struct dirent *item;
    size_t best = sizeof ends / sizeof *ends;
    name[0] = '\0';
    while (stream && (item = readdir(stream)) != NULL)
        for (size_t i = 0; i < sizeof ends / sizeof *ends && i <= best; i++) {
            if (!yk__ends_with(item->d_name, ends[i]) || (i == best && strcmp(item->d_name, name) >= 0)) continue;
            snprintf(name, 256, "%s", item->d_name);
            best = i;
        }
    if (stream) closedir(stream);
}

static yk__code open_file(const char *path, yk__map *map, yk__error *err) {
    char name[256] = "";
    if (yk__is_device(path)) return yk__fail(err, YK__IO, "%.700s is a device, which has no end; a file is needed here", path);
    yk__code code = yk__map_open(map, path, 0, err);
    if (code == YK__IO) find_model(path, name);
    if (!*name) return code;
    return yk__fail(err, YK__IO, "%.300s is a folder; name a file in it, such as %.300s%s%s", path, path,
                    yk__ends_with(path, "/") ? "" : "/", name);
}

/* Plans load on one sort of machine: that of the options, or the one at hand. */
static void judge(const yk__check_options *options, yk__report *report) {
    yk__target here;
    if (!yk__fact_get(&report->facts, "tensorrt")) return;
    if (options && options->target) {
        yk__judge_plan(report, options->target);
        return;
    }
    yk__target_here(options ? options->view : NULL, &here);
    yk__judge_plan(report, &here);
}

yk__code yk__check_file(const char *path, const yk__check_options *options, yk__report *report, yk__error *err) {
    yk__map map = {0};
    yk__error local;
    if (!err) err = &local;
    yk__report_init(report, path, 0);
    yk__code code = open_file(path, &map, err);
    if (code) {
        yk__report_add(report, YK__FINDING_FILE_UNREADABLE, NULL, NULL, err->message);
        return code;
    }
    report->size = map.size;
    yk__recognise(
        &(yk__source){.bytes = map.data, .n = map.size, .size = map.size, .deep = true, .sums = options && options->sha256},
        report);
    judge(options, report);
    yk__offer_source_model(path, options ? options->from : NULL, report);
    if (options && options->sha256) yk__sha256_hex(map.data, map.size, report->sha256);
    yk__map_close(&map);
    return YK__OK;
}

void yk__check_bytes(const uint8_t *bytes, size_t n, yk__report *report) {
    yk__report_init(report, NULL, n);
    yk__recognise(&(yk__source){.bytes = bytes, .n = n, .size = n, .deep = true}, report);
}

void yk__probe(const uint8_t *bytes, size_t n, uint64_t file_size, yk__report *report) {
    yk__report_init(report, NULL, file_size);
    yk__recognise(&(yk__source){.bytes = bytes, .n = n < file_size ? n : (size_t)file_size, .size = file_size}, report);
}
