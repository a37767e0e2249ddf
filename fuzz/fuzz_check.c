/* Naming any bytes: as a whole file, and as the beginning of a longer one or of a stream. */
#include <stdlib.h>

#include "inspect/check.h"
#include "inspect/report_json.h"

static void look(const uint8_t *data, size_t size, uint64_t file_size) {
    yk__report report;
    yk__text text = {0};
    if (file_size)
        yk__probe(data, size, file_size, &report);
    else
        yk__check_bytes(data, size, &report);
    if (yk__report_json(&report, &text, NULL) || text.length == 0) abort();
    if (yk__report_text(&report, &text, NULL)) abort();
    yk__text_free(&text);
    yk__report_free(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    look(data, size, 0);
    look(data, size, size);
    look(data, size, (uint64_t)size + 100000);
    look(data, size, UINT64_MAX);
    return 0;
}
