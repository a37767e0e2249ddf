/* The two ways into the recognisers: a file's path, and a prefix of its bytes. */
#include "inspect/check.h"

#include "base/checksum.h"
#include "base/file.h"
#include "inspect/recognise.h"

yk__code yk__check_file(const char *path, const yk__check_options *options, yk__report *report, yk__error *err) {
    yk__map map = {0};
    yk__report_init(report, path, 0);
    yk__code code = yk__map_open(&map, path, 0, err);
    if (code) {
        yk__report_add(report, YK__FINDING_FILE_UNREADABLE, NULL, NULL, err ? err->message : NULL);
        return code;
    }
    report->size = map.size;
    yk__source source = {map.data, map.size, map.size};
    yk__recognise(&source, report);
    if (options && options->sha256) yk__sha256_hex(map.data, map.size, report->sha256);
    yk__map_close(&map);
    return YK__OK;
}

void yk__probe(const uint8_t *bytes, size_t n, uint64_t file_size, yk__report *report) {
    yk__source source = {bytes, n < file_size ? n : (size_t)file_size, file_size};
    yk__report_init(report, NULL, file_size);
    yk__recognise(&source, report);
}
