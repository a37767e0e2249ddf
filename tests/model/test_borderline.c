/* The judge of borderline cases must let off what a rounding explains, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/borderline.h"

/* Two boxes of 100 x 10, the second moved right: IoU = (100 - d) / (100 + d). */
static borderline_row row(double confidence, double moved, bool unmatched, size_t index) {
    return (borderline_row){
        .class_id = 1, .confidence = confidence, .box = {moved, 0, 100 + moved, 10}, .unmatched = unmatched, .index = index};
}

#define AT_THRESHOLD (30 / 1.7) /* (100 - d) / (100 + d) = 0.7 */

static bool verdict_of(borderline_row *rows, size_t n, size_t index, bool agnostic) {
    borderline_find(rows, n, 0.7, agnostic);
    for (size_t i = 0; i < n; i++)
        if (rows[i].index == index) return rows[i].borderline;
    fail();
    return false;
}

static bool verdict(borderline_row *rows, size_t n, size_t index) {
    return verdict_of(rows, n, index, false);
}

static void at_the_threshold(void **state) {
    (void)state;
    assert_true(verdict((borderline_row[]){row(0.9, 0, false, 0), row(0.5, AT_THRESHOLD, true, 1)}, 2, 1));
}

static void away_from_it(void **state) {
    (void)state;
    assert_false(verdict((borderline_row[]){row(0.9, 0, false, 0), row(0.5, AT_THRESHOLD + 0.5, true, 1)}, 2, 1));
    assert_false(verdict((borderline_row[]){row(0.9, 0, false, 0), row(0.5, AT_THRESHOLD - 0.5, true, 1)}, 2, 1));
    assert_false(verdict((borderline_row[]){row(0.4, 0, false, 0), row(0.5, AT_THRESHOLD, true, 1)}, 2, 1)); /* not better */
    borderline_row other[] = {row(0.9, 0, false, 0), row(0.5, AT_THRESHOLD, true, 1)};
    other[0].class_id = 2;
    assert_false(verdict(other, 2, 1));
    assert_true(verdict_of(other, 2, 1, true)); /* unless NMS goes across classes */
}

static void chains(void **state) {
    (void)state;
    /* 1 flips because of 0; 2 lies on 1, so it flips with it; 3 lies on neither */
    borderline_row rows[] = {row(0.9, 0, false, 0), row(0.5, AT_THRESHOLD, true, 1), row(0.3, AT_THRESHOLD + 5, true, 2),
                             row(0.2, AT_THRESHOLD + 60, true, 3)};
    assert_true(verdict(rows, 4, 2));
    assert_false(verdict(rows, 4, 3));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(at_the_threshold), cmocka_unit_test(away_from_it),
                                       cmocka_unit_test(chains)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
