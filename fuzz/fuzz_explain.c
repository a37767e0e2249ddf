/* Explaining any bytes: findings stay within their bounds, numbers look like numbers, and the answer can be written. */
#include <stdlib.h>
#include <string.h>

#include "inspect/explain.h"

static void check_side(const yk__side *side) {
    size_t n = strlen(side->value);
    if ((side->kind == YK__SIDE_NONE) != (n == 0) || n >= sizeof side->value) abort();
    if (strspn(side->value, "0123456789.") != n) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    yk__explanation e;
    yk__text json = {0}, text = {0};
    if (yk__explain((const char *)data, size, &e, NULL) != YK__OK) abort();
    if (e.n_found < 0 || e.n_found > YK__EXPLAIN_MAX) abort();
    for (int i = 0; i < e.n_found; i++) {
        check_side(&e.found[i].machine);
        check_side(&e.found[i].file);
    }
    yk__explain_json(&e, &json);
    yk__explain_text(&e, &text);
    if (json.failed || text.failed) abort();
    yk__text_free(&json);
    yk__text_free(&text);
    return 0;
}
