/* src/base without files and threads: status, text, memory, checksums, processor features. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <locale.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/cpu_count.h"
#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"

/* A small generator (splitmix64), so that every run tests the same numbers. */
static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* ---- status ---- */

static void fail_writes_code_and_text(void **state) {
    (void)state;
    yk__error err = {0};
    assert_int_equal(yk__fail(&err, YK__FORMAT, "byte %d is %s", 7, "odd"), YK__FORMAT);
    assert_int_equal(err.code, YK__FORMAT);
    assert_string_equal(err.message, "byte 7 is odd");
    assert_int_equal(yk__fail(NULL, YK__IO, "nobody listens %d", 1), YK__IO);
    assert_int_equal(yk__fail_prefix(&err, YK__IO, "node %s", "conv0"), YK__FORMAT);
    assert_string_equal(err.message, "node conv0: byte 7 is odd");
    assert_int_equal(yk__fail_prefix(NULL, YK__IO, "x"), YK__IO);
    yk__error fresh = {0};
    assert_int_equal(yk__fail_prefix(&fresh, YK__IO, "alone"), YK__IO); /* never success */
}

static void fail_may_quote_the_old_message(void **state) {
    (void)state;
    yk__error err = {0};
    yk__fail(&err, YK__IO, "inner");
    yk__fail(&err, YK__GRAPH, "outer (%s)", err.message);
    assert_string_equal(err.message, "outer (inner)");
}

/* Every possible position of the cut within a 4-byte character. */
static void fail_cuts_between_characters(void **state) {
    (void)state;
    char long_text[2 * YK__ERROR_TEXT];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(long_text, 'a', shift);
        size_t n = shift;
        while (n + 4 < sizeof long_text) {
            memcpy(long_text + n, "\xF0\x9F\x98\x80", 4);
            n += 4;
        }
        long_text[n] = '\0';
        yk__error err;
        yk__fail(&err, YK__FORMAT, "%s", long_text);
        const size_t length = strlen(err.message);
        assert_true(length > YK__ERROR_TEXT - 1 - 4 && length < YK__ERROR_TEXT);
        assert_int_equal((length - shift) % 4, 0);
        assert_true(yk__utf8_valid(err.message, length));
        assert_null(strchr(err.message, '?'));
        yk__fail_prefix(&err, YK__FORMAT, "prefix");
        assert_memory_equal(err.message, "prefix: ", 8);
        assert_true(yk__utf8_valid(err.message, strlen(err.message)));
    }
}

static void fail_replaces_what_terminals_and_json_dislike(void **state) {
    (void)state;
    yk__error err;
    yk__fail(&err, YK__FORMAT,
             "a\nb\tc\033[31md\x7F"
             "e\x80"
             "f\xC0\xAF"
             "g\xC2\x9B"
             "h\xED\xA0\x80"
             "i\xC3\xA9j\xE2\x82");
    assert_string_equal(err.message, "a b c?[31md?e?f??g??h???i\xC3\xA9j??");
}

static void every_code_has_a_name_and_a_sentence(void **state) {
    (void)state;
    assert_string_equal(yk__code_name(YK__OK), "ok");
    assert_string_equal(yk__code_name(YK__NOT_FOUND), "not-found");
    assert_string_equal(yk__code_name(YK__IMAGE_LIMIT), "image-limit");
    assert_string_equal(yk__code_text(YK__MEMORY), "out of memory");
    assert_non_null(yk__code_name((yk__code)12345));
    assert_non_null(yk__code_text((yk__code)12345));
}

/* ---- text ---- */

static void text_grows(void **state) {
    (void)state;
    yk__text text = {0};
    assert_string_equal(yk__text_get(&text), "");
    for (int i = 0; i < 1000; i++) yk__text_printf(&text, "%03d,", i);
    yk__text_add(&text, "end");
    yk__text_add_char(&text, '!');
    yk__text_add_n(&text, "xyz", 2);
    assert_false(text.failed);
    assert_int_equal(text.length, 4000 + 6);
    assert_int_equal(strlen(text.data), text.length);
    assert_memory_equal(text.data + 4 * 567, "567,", 4);
    assert_string_equal(text.data + 4000, "end!xy");
    yk__text_free(&text);
    assert_null(text.data);
    yk__text_free(&text);
}

static void text_remembers_failure(void **state) {
    (void)state;
    yk__text text = {0};
    yk__text_add(&text, "kept");
    yk__alloc_fail_after(1);
    for (int i = 0; i < 100; i++) yk__text_add(&text, "more");
    yk__alloc_fail_after(0);
    assert_true(text.failed);
    const size_t length = text.length;
    yk__text_add(&text, "late");
    yk__text_printf(&text, "%d", 1);
    assert_int_equal(text.length, length);
    assert_memory_equal(yk__text_get(&text), "keptmore", 8);
    yk__text_free(&text);

    yk__text huge = {0};
    yk__text_add(&huge, "a");
    yk__text_add_n(&huge, "b", SIZE_MAX - 1); /* refused before it is read */
    assert_true(huge.failed);
    yk__text_free(&huge);
}

static void small_helpers(void **state) {
    (void)state;
    assert_true(yk__starts_with("model.22.cv2", "model.") && yk__starts_with("a", "") && !yk__starts_with("a", "ab"));
    assert_true(yk__ends_with("x.onnx", ".onnx") && yk__ends_with("x", "") && !yk__ends_with("nx", "onnx"));
    assert_int_equal(yk__compare_no_case("JPEG", "jpeg"), 0);
    assert_true(yk__compare_no_case("abc", "abd") < 0 && yk__compare_no_case("ab", "A") > 0);
    assert_true(yk__compare_no_case("\xC3\x89", "\xC3\xA9") != 0); /* ASCII only */
    assert_string_equal(yk__basename("/a/b.txt"), "b.txt");
    assert_string_equal(yk__basename("b.txt"), "b.txt");
    assert_string_equal(yk__basename("/a/"), "");
    assert_string_equal(yk__basename(NULL), "");
}

static void utf8_validity(void **state) {
    (void)state;
    static const char *const good[] = {"",
                                       "abc",
                                       "\x7F",
                                       "\xC2\x80",
                                       "\xDF\xBF",
                                       "\xE0\xA0\x80",
                                       "\xED\x9F\xBF",
                                       "\xEE\x80\x80",
                                       "\xEF\xBF\xBF",
                                       "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF",
                                       "x\xC3\xA9y\xE2\x82\xACz"};
    static const char *const bad[] = {"\x80",
                                      "\xBF",
                                      "\xC0\x80",
                                      "\xC1\xBF",
                                      "\xC2",
                                      "\xC2x",
                                      "\xE0\x9F\xBF",
                                      "\xE2\x82",
                                      "\xED\xA0\x80",
                                      "\xED\xBF\xBF",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF0\x9F\x98",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xFF",
                                      "ab\xFE",
                                      "\xE2\x82\xACx\x82"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_true(yk__utf8_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(yk__utf8_valid(bad[i], strlen(bad[i])));
    assert_true(yk__utf8_valid("a\0b", 3));
}

static void utf8_prefixes(void **state) {
    (void)state;
    const char *const text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z"; /* characters end at 1, 3, 6, 10, 11 */
    static const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11, 11};
    for (size_t n = 0; n < sizeof expected / sizeof *expected; n++) assert_int_equal(yk__utf8_prefix(text, n), expected[n]);
    assert_int_equal(yk__utf8_prefix("\x80\x80\x80\x80\x80\x80", 5), 5); /* nothing to protect in what is no UTF-8 */
    const char unterminated[3] = {'a', 'b', '\xC3'};
    assert_int_equal(yk__utf8_prefix(unterminated, 3), 2);
}

static void integers_parse_whole(void **state) {
    (void)state;
    int64_t value = 77;
    assert_true(yk__parse_i64("0", &value) && value == 0);
    assert_true(yk__parse_i64("-12", &value) && value == -12);
    assert_true(yk__parse_i64("+12", &value) && value == 12);
    assert_true(yk__parse_i64("9223372036854775807", &value) && value == INT64_MAX);
    assert_true(yk__parse_i64("-9223372036854775808", &value) && value == INT64_MIN);
    static const char *const bad[] = {"",
                                      "-",
                                      "+",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "0x10",
                                      "1e3",
                                      "--1",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999999",
                                      "\xD9\xA1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        value = 77;
        assert_false(yk__parse_i64(bad[i], &value));
        assert_int_equal(value, 77);
    }
}

static void doubles_parse_whole(void **state) {
    (void)state;
    double value = 77;
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0},
                {"1.5", 1.5},
                {".5", 0.5},
                {"5.", 5},
                {"-2e3", -2000},
                {"+1E-2", 0.01},
                {"0.1", 0.1},
                {"1e-400", 0},
                {"4.9e-324", 4.9e-324},
                {"1.7976931348623157e308", DBL_MAX},
                {"9007199254740993", 9007199254740992.0}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(yk__parse_double(good[i].text, &value));
        assert_true(value == good[i].value);
    }
    static const char *const bad[] = {"",      ".",  "-",  "e5",  "1e",    "1e+",   "nan",    "inf",  "-infinity",
                                      "0x1p3", " 1", "1 ", "1,5", "1.5.2", "1e400", "-1e400", "1_000"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        value = 77;
        assert_false(yk__parse_double(bad[i], &value));
        assert_true(value == 77);
    }
}

static void numbers_format_as_json(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0"},
                 {-0.0, "-0"},
                 {1, "1"},
                 {-1.5, "-1.5"},
                 {0.1, "0.1"},
                 {0.25, "0.25"},
                 {100, "100"},
                 {123456789, "123456789"},
                 {1e15, "1000000000000000"},
                 {1e16, "1e+16"},
                 {1e20, "1e+20"},
                 {1.25e20, "1.25e+20"},
                 {0.0001, "0.0001"},
                 {0.00012, "0.00012"},
                 {0.00001, "1e-05"},
                 {1.5e-7, "1.5e-07"},
                 {0.3, "0.3"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {1.0 / 3, "0.3333333333333333"},
                 {9007199254740993.0, "9007199254740992"},
                 {5e-324, "5e-324"},
                 {2.2250738585072014e-308, "2.2250738585072014e-308"},
                 {DBL_MAX, "1.7976931348623157e+308"},
                 {-DBL_MAX, "-1.7976931348623157e+308"},
                 {9.5367431640625e-07, "9.5367431640625e-07"},
                 {NAN, "null"},
                 {INFINITY, "null"},
                 {-INFINITY, "null"}};
    char out[32];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int n = yk__format_double(out, cases[i].value);
        assert_string_equal(out, cases[i].text);
        assert_int_equal(n, strlen(out));
    }
    static const struct {
        float value;
        const char *text;
    } floats[] = {{0.1f, "0.1"},
                  {16777216.0f, "16777216"},
                  {1.0f / 3, "0.33333334"},
                  {FLT_MAX, "3.4028235e+38"},
                  {1e-45f, "1e-45"},
                  {FLT_MIN, "1.1754944e-38"},
                  {0.003921569f, "0.003921569"},
                  {-0.0f, "-0"},
                  {9.8607613e-32f, "9.8607613e-32"} /* 2^-103: the nearest 8 digits, ...2, do not read back */,
                  {NAN, "null"}};
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++) {
        yk__format_float(out, floats[i].value);
        assert_string_equal(out, floats[i].text);
    }
}

static int significant_digits(const char *text) {
    int n = 0, zeros = 0;
    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text < '0' || *text > '9' || (n == 0 && *text == '0')) continue;
        zeros = *text == '0' ? zeros + 1 : 0;
        n++;
    }
    return n - zeros;
}

/* Random bit patterns: the text reads back, and no rounding to fewer digits does. */
static void random_numbers_round_trip(void **state) {
    (void)state;
    uint64_t seed = 1;
    char out[32], shorter[48];
    for (int i = 0; i < 20000; i++) {
        const uint64_t bits = next_random(&seed);
        double value, back;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) continue;
        const int length = yk__format_double(out, value);
        assert_true(length > 0 && length < 32 && out[length] == '\0');
        assert_true(yk__parse_double(out, &back) && memcmp(&back, &value, sizeof value) == 0);
        snprintf(shorter, sizeof shorter, "%.*e", significant_digits(out) - 2, value);
        assert_true(significant_digits(out) == 1 || strtod(shorter, NULL) != value);

        const uint32_t float_bits = (uint32_t)bits;
        float narrow;
        memcpy(&narrow, &float_bits, sizeof narrow);
        if (!isfinite(narrow)) continue;
        yk__format_float(out, narrow);
        assert_true(strtof(out, NULL) == narrow && signbit(strtof(out, NULL)) == signbit(narrow));
        snprintf(shorter, sizeof shorter, "%.*e", significant_digits(out) - 2, (double)narrow);
        assert_true(significant_digits(out) == 1 || strtof(shorter, NULL) != narrow);
    }
}

/* A locale that writes a comma: an installed one, or one made on the spot. */
static bool set_comma_locale(void) {
    static const char *const installed[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8", "es_ES.UTF-8", "pt_BR.UTF-8"};
    for (size_t i = 0; i < sizeof installed / sizeof *installed; i++)
        if (setlocale(LC_ALL, installed[i]) != NULL) return true;
    char folder[] = "/tmp/yolk-locale-XXXXXX", command[256];
    if (mkdtemp(folder) == NULL) return false;
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1", folder);
    (void)!system(command);
    setenv("LOCPATH", folder, 1);
    const bool set = setlocale(LC_ALL, "de_DE.UTF-8") != NULL;
    unsetenv("LOCPATH");
    snprintf(command, sizeof command, "rm -r %s", folder);
    (void)!system(command);
    return set;
}

static void numbers_ignore_the_locale(void **state) {
    (void)state;
    char out[32];
    if (!set_comma_locale()) {
        print_message("skipped: no locale with a decimal comma\n");
        skip();
    }
    snprintf(out, sizeof out, "%.1f", 1.5);
    assert_string_equal(out, "1,5"); /* the test bites */
    numbers_format_as_json(state);
    doubles_parse_whole(state);
    yk__format_float(out, 1234567.5f);
    assert_string_equal(out, "1234567.5");
    setlocale(LC_ALL, "C");
}

/* ---- memory ---- */

static bool is_zero(const void *bytes, size_t n) {
    const uint8_t *const at = bytes;
    for (size_t i = 0; i < n; i++)
        if (at[i] != 0) return false;
    return true;
}

static void plain_allocations(void **state) {
    (void)state;
    assert_null(yk__alloc(0));
    assert_null(yk__alloc(SIZE_MAX));
    assert_null(yk__alloc_array(SIZE_MAX / 2, 3));
    assert_null(yk__alloc_array(0, 8));
    uint8_t *bytes = yk__alloc_array(100, 10);
    assert_true(bytes != NULL && is_zero(bytes, 1000));
    bytes[999] = 42;
    assert_null(yk__realloc_array(bytes, SIZE_MAX, 2));
    bytes = yk__realloc_array(bytes, 5000, 1);
    assert_int_equal(bytes[999], 42);
    yk__free(bytes);
    yk__free(NULL);
    char *const copy = yk__strdup("text"), *const part = yk__strndup("text", 2), *const all = yk__strndup("ab", 9);
    assert_string_equal(copy, "text");
    assert_string_equal(part, "te");
    assert_string_equal(all, "ab");
    yk__free(copy);
    yk__free(part);
    yk__free(all);
}

static void aligned_allocations(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 63, 64, 65, 4096, (2u << 20) - 1, 2u << 20, (2u << 20) + 1, 5000001};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t *const block = yk__alloc_aligned(sizes[i]);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % YK__CACHE_LINE, 0);
        memset(block, 0xA5, sizes[i]);
        assert_int_equal(block[sizes[i] - 1], 0xA5);
        yk__free_aligned(block, sizes[i]);
    }
    assert_null(yk__alloc_aligned(0));
    assert_null(yk__alloc_aligned(SIZE_MAX));
    assert_null(yk__alloc_aligned(PTRDIFF_MAX));
    yk__free_aligned(NULL, 0);
    yk__free_aligned(NULL, 8u << 20);
}

/* Mapping and trimming many blocks leaves nothing behind: the process's map count stays the same. */
static size_t count_maps(void) {
    FILE *const maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    size_t n = 0;
    for (int c; (c = fgetc(maps)) != EOF;) n += c == '\n';
    fclose(maps);
    return n;
}

static void large_blocks_are_given_back(void **state) {
    (void)state;
    void *first = yk__alloc_aligned(3000000);
    yk__free_aligned(first, 3000000);
    const size_t before = count_maps();
    for (int i = 0; i < 200; i++) {
        void *const block = yk__alloc_aligned(3000000 + (size_t)i * 4097);
        yk__free_aligned(block, 3000000 + (size_t)i * 4097);
    }
    /* A leak would add one or two maps per round; a sanitizer's own bookkeeping may add a few in all. */
    assert_true(count_maps() < before + 20);
}

static void allocations_fail_on_demand(void **state) {
    (void)state;
    yk__arena arena;
    yk__arena_init(&arena, 0);
    const uint64_t before = yk__alloc_count();
    yk__alloc_fail_after(3);
    void *const first = yk__alloc(8), *const second = yk__alloc_aligned(8), *const third = yk__strdup("x");
    void *const fourth = yk__arena_alloc(&arena, 8);
    assert_true(first != NULL && second != NULL && third == NULL && fourth != NULL);
    assert_int_equal(yk__alloc_count() - before, 4);
    void *kept = first;
    yk__alloc_fail_after(1);
    assert_null(yk__realloc_array(kept, 100, 1));
    yk__alloc_fail_after(1);
    yk__alloc_fail_after(0);
    kept = yk__realloc_array(kept, 100, 1);
    assert_non_null(kept);
    yk__free(kept);
    yk__free_aligned(second, 8);
    yk__arena_free(&arena);
}

static void arenas_hand_out_zeroed_aligned_pieces(void **state) {
    (void)state;
    yk__arena arena;
    yk__arena_init(&arena, 0);
    uint64_t seed = 2;
    uint8_t *pieces[500];
    size_t sizes[500];
    for (int i = 0; i < 500; i++) {
        const uint64_t random = next_random(&seed);
        sizes[i] = i % 50 == 49 ? 100000 + random % 2000000 : random % 300;
        const size_t alignment = (size_t)1 << (random >> 32) % 9;
        pieces[i] = yk__arena_aligned(&arena, sizes[i], alignment);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % (alignment > 16 ? alignment : 16), 0);
        assert_true(is_zero(pieces[i], sizes[i]));
        memset(pieces[i], i % 255 + 1, sizes[i]);
    }
    for (int i = 0; i < 500; i++)
        for (size_t k = 0; k < sizes[i]; k++) assert_int_equal(pieces[i][k], i % 255 + 1); /* nobody wrote into another */
    char *const text = yk__arena_printf(&arena, "%s-%d", "layer", 22);
    assert_string_equal(text, "layer-22");
    assert_string_equal(yk__arena_strdup(&arena, "abc"), "abc");
    assert_string_equal(yk__arena_strndup(&arena, "abc", 2), "ab");
    assert_memory_equal(yk__arena_copy(&arena, "\1\2\3", 3), "\1\2\3", 3);
    assert_non_null(yk__arena_copy(&arena, NULL, 0));
    yk__arena_free(&arena);
    assert_true(arena.used == 0 && arena.blocks == NULL);
    yk__arena_free(&arena);
}

static void arenas_keep_their_budget(void **state) {
    (void)state;
    yk__arena arena;
    yk__error err = {0};
    yk__arena_init(&arena, 1000);
    size_t handed_out = 0;
    while (yk__arena_alloc(&arena, 10) != NULL) handed_out += 10;
    assert_true(handed_out > 500 && handed_out <= 1000 && arena.used <= 1000);
    assert_int_equal(yk__arena_error(&arena, "names", &err), YK__LIMIT);
    assert_memory_equal(err.message, "names: ", 7);
    assert_non_null(strstr(err.message, "1000"));
    yk__arena_free(&arena);
    assert_int_equal(arena.budget, 1000);
    assert_non_null(yk__arena_alloc(&arena, 1000 - 1000 % 16));
    assert_null(yk__arena_alloc(&arena, 1000));
    assert_null(yk__arena_array(&arena, SIZE_MAX / 4, 8));
    assert_null(yk__arena_alloc(&arena, SIZE_MAX));
    assert_null(yk__arena_aligned(&arena, SIZE_MAX - 20, 64));
    assert_int_equal(yk__arena_error(&arena, "x", NULL), YK__LIMIT);
    yk__arena_free(&arena);

    yk__arena_init(&arena, 0);
    yk__alloc_fail_after(1);
    assert_null(yk__arena_alloc(&arena, 10));
    assert_int_equal(yk__arena_error(&arena, "x", &err), YK__MEMORY);
    assert_null(yk__arena_array(&arena, SIZE_MAX, 2));
    assert_int_equal(yk__arena_error(&arena, "x", &err), YK__LIMIT);
    yk__arena_free(&arena);
}

/* A budget bounds what is taken from the system as well, not only what is handed out. */
static void arena_blocks_follow_the_budget(void **state) {
    (void)state;
    yk__arena arena;
    yk__arena_init(&arena, 100000);
    const uint64_t before = yk__alloc_count();
    while (yk__arena_alloc(&arena, 48) != NULL) continue;
    assert_true(arena.used > 99900);
    assert_true(yk__alloc_count() - before < 12); /* doubling from 4 KiB: 6 blocks; twice that with a sanitizer's gaps */
    yk__arena_free(&arena);
}

static void size_arithmetic(void **state) {
    (void)state;
    size_t size = 5;
    assert_false(yk__mul_size(SIZE_MAX, 2, &size) && size == 5);
    assert_false(yk__add_size(SIZE_MAX, 1, &size));
    assert_true(yk__mul_size(6, 7, &size) && size == 42);
    int64_t value;
    assert_false(yk__mul_i64(INT64_MAX, -2, &value));
    assert_false(yk__add_i64(INT64_MIN, -1, &value));
    assert_true(yk__add_i64(INT64_MAX, -1, &value) && value == INT64_MAX - 1);
    assert_int_equal(yk__round_up(65, 64), 128);
    assert_int_equal(yk__round_up(64, 64), 64);
}

/* ---- checksums ---- */

static void known_hashes(void **state) {
    (void)state;
    char hex[65];
    yk__sha256_hex("abc", 3, hex); /* FIPS 180-2, appendix B.1 */
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    yk__sha256_hex(NULL, 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_int_equal(yk__xxh3("", 0), 0x2D06800538D394C2u); /* xxHash specification: XXH3_64bits of nothing, seed 0 */
    assert_int_not_equal(yk__xxh3("abc", 3), yk__xxh3("abd", 3));
}

static void holes_count_as_zeros(void **state) {
    (void)state;
    uint8_t bytes[1500], filled[1500];
    uint64_t seed = 3;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)next_random(&seed);
    static const size_t holes[][2] = {{0, 8}, {56, 8}, {1, 1}, {700, 300}, {1492, 8}, {0, 1500}, {1000, 0}};
    for (size_t i = 0; i < sizeof holes / sizeof *holes; i++) {
        memcpy(filled, bytes, sizeof bytes);
        memset(filled + holes[i][0], 0, holes[i][1]);
        assert_int_equal(yk__xxh3_with_hole(bytes, sizeof bytes, holes[i][0], holes[i][1]), yk__xxh3(filled, sizeof filled));
    }
    assert_int_equal(yk__xxh3_with_hole(bytes, 100, 100, 8), yk__xxh3(bytes, 100));
    memcpy(filled, bytes, 100);
    memset(filled + 96, 0, 4);
    assert_int_equal(yk__xxh3_with_hole(bytes, 100, 96, SIZE_MAX), yk__xxh3(filled, 100)); /* a hole past the end is cut */
}

static void pieces_sum_like_the_whole(void **state) {
    (void)state;
    static uint8_t bytes[10000];
    uint64_t seed = 4;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)next_random(&seed);
    for (size_t total = 0; total <= sizeof bytes; total += 1 + total) {
        yk__xxh3_stream stream;
        yk__xxh3_begin(&stream);
        for (size_t at = 0; at < total;) {
            const size_t step = 1 + next_random(&seed) % (total - at);
            yk__xxh3_add(&stream, bytes + at, step);
            at += step;
        }
        assert_int_equal(yk__xxh3_end(&stream), yk__xxh3(bytes, total));
    }
}

/* ---- processor ---- */

static void processor_is_described(void **state) {
    (void)state;
    const yk__cpu *const cpu = yk__cpu_get();
    assert_ptr_equal(cpu, yk__cpu_get());
    assert_true(strlen(cpu->brand) > 0 && yk__utf8_valid(cpu->brand, strlen(cpu->brand)));
    assert_true(cpu->n_physical >= 1 && cpu->n_physical <= cpu->n_logical);
    const yk__cpu full = yk__cpu_with_cap(NULL);
    if (full.isa == YK__ISA_AVX512) assert_true(full.avx512 && full.avx2 && full.fma);
    if (full.isa == YK__ISA_AVX2) assert_true(full.avx2 && full.fma && full.f16c);
#if defined(__x86_64__)
    /* The compiler's own detection is an independent reading of the same registers. */
    assert_int_equal(full.avx2, __builtin_cpu_supports("avx2") != 0);
    assert_int_equal(full.fma, __builtin_cpu_supports("fma") != 0);
    assert_int_equal(full.avx512_vnni, full.avx512 && __builtin_cpu_supports("avx512vnni"));
    assert_int_equal(full.avx512, __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                                      __builtin_cpu_supports("avx512cd"));
    assert_true(full.l1d_bytes >= 8192 && full.l1d_bytes <= full.l2_bytes);
#endif
}

static void caps_lower_the_level(void **state) {
    (void)state;
    const yk__cpu full = yk__cpu_with_cap(NULL);
    const yk__cpu generic = yk__cpu_with_cap("generic");
    assert_int_equal(generic.isa, YK__ISA_GENERIC);
    assert_false(generic.fma || generic.f16c || generic.avx2 || generic.avx_vnni || generic.avx512 || generic.avx512_vnni ||
                 generic.avx512_bf16 || generic.avx512_vbmi || generic.amx || generic.neon);
    assert_int_equal(generic.l2_bytes, full.l2_bytes);
    const yk__cpu avx2 = yk__cpu_with_cap("avx2");
    if (full.isa == YK__ISA_AVX512 || full.isa == YK__ISA_AVX2) {
        assert_int_equal(avx2.isa, YK__ISA_AVX2);
        assert_true(avx2.avx2 && !avx2.avx512 && !avx2.avx512_vnni && !avx2.avx512_bf16 && !avx2.avx512_vbmi && !avx2.amx);
        assert_int_equal(yk__cpu_with_cap("neon").isa, full.isa); /* lacking: ignored */
    } else {
        assert_int_equal(avx2.isa, full.isa);
    }
    /* names above the level: what stands before them is left out, the level stays */
    const yk__cpu bf16 = yk__cpu_with_cap("avx512bf16"), plain = yk__cpu_with_cap("avx512"), tiles = yk__cpu_with_cap("amx");
    assert_int_equal(bf16.isa, full.isa);
    assert_true(tiles.amx == full.amx && bf16.avx512_bf16 == full.avx512_bf16 && (!full.avx512_bf16 || !bf16.amx));
    if (full.isa == YK__ISA_AVX512) assert_true(!plain.amx && !plain.avx512_bf16 && plain.avx512);
    assert_int_equal(yk__cpu_with_cap("sse9").isa, full.isa);
    assert_int_equal(yk__cpu_with_cap("").isa, full.isa);
    assert_string_equal(yk__isa_name(YK__ISA_AVX512), "avx512");
    assert_string_equal(yk__isa_name((yk__isa)99), "unknown");
}

/* YOLK_CPU is read once per process, so a fresh process is asked (main answers to "--isa"). */
static void isa_of_process(const char *mask, char out[32]) {
    char command[64];
    snprintf(command, sizeof command, "YOLK_CPU=%s exec /proc/%d/exe --isa", mask, (int)getpid());
    FILE *const pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(out, 32, pipe));
    assert_int_equal(pclose(pipe), 0);
}

static void environment_masks_the_level(void **state) {
    (void)state;
    char isa[32];
    const char *const full = yk__isa_name(yk__cpu_with_cap(NULL).isa);
    isa_of_process("generic", isa);
    assert_string_equal(isa, "generic");
    isa_of_process("avx2", isa);
    assert_string_equal(isa, yk__isa_name(yk__cpu_with_cap("avx2").isa));
    isa_of_process("rubbish", isa);
    assert_string_equal(isa, full);
}

static void affinity_bounds_the_count(void **state) {
    (void)state;
    cpu_set_t before, one;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    for (int i = CPU_SETSIZE - 1; i >= 0; i--)
        if (CPU_ISSET(i, &before)) {
            CPU_SET(i, &one);
            break;
        }
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    int logical = 0, physical = 0;
    yk__cpu_count(&logical, &physical);
    sched_setaffinity(0, sizeof before, &before);
    assert_int_equal(logical, 1);
    assert_int_equal(physical, 1);
}

static void put(const char *root, const char *path, const char *text) {
    char full[512];
    snprintf(full, sizeof full, "%s/%s", root, path);
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(full, 0777);
        *slash = '/';
    }
    FILE *const file = fopen(full, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void remove_tree(const char *root) {
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", root);
    assert_int_equal(system(command), 0);
}

/* Invented trees in the kernel's formats: cgroups(7), proc(5). */
static void cgroup_quota_v2(void **state) {
    (void)state;
    char root[] = "/tmp/yolk-cgroup-XXXXXX";
    assert_non_null(mkdtemp(root));
    assert_int_equal(yk__cpu_quota(root), 0); /* nothing to read */
    put(root, "proc/self/mountinfo",
        "1 0 8:1 / / rw - ext4 /dev/sda rw\n31 30 0:27 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw\n");
    put(root, "proc/self/cgroup", "0::/a.slice/b.scope\n");
    put(root, "sys/fs/cgroup/a.slice/b.scope/cpu.max", "max 100000\n");
    assert_int_equal(yk__cpu_quota(root), 0);
    put(root, "sys/fs/cgroup/a.slice/cpu.max", "450000 100000\n"); /* bound through the parent, rounded down */
    assert_int_equal(yk__cpu_quota(root), 4);
    put(root, "sys/fs/cgroup/a.slice/b.scope/cpu.max", "300000 100000\n");
    assert_int_equal(yk__cpu_quota(root), 3);
    put(root, "sys/fs/cgroup/a.slice/b.scope/cpu.max", "20000 100000\n");
    assert_int_equal(yk__cpu_quota(root), 1);
    put(root, "sys/fs/cgroup/a.slice/b.scope/cpu.max", "rubbish\n");
    assert_int_equal(yk__cpu_quota(root), 4);
    remove_tree(root);
}

static void cgroup_quota_v1(void **state) {
    (void)state;
    char root[] = "/tmp/yolk-cgroup-XXXXXX";
    assert_non_null(mkdtemp(root));
    /* A container: the mount shows only the group /docker/x, which is the process's own, so files lie at the mount point. */
    put(root, "proc/self/mountinfo",
        "40 30 0:35 /docker/x /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
        "41 30 0:36 /docker/x /sys/fs/cgroup/cpu,cpuacct rw,nosuid master:17 - cgroup cgroup rw,cpu,cpuacct\n");
    put(root, "proc/self/cgroup", "9:cpuset:/docker/x\n4:cpuacct,cpu:/docker/x\n0::/docker/x\n");
    put(root, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
    put(root, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    assert_int_equal(yk__cpu_quota(root), 0);
    put(root, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "200000\n");
    assert_int_equal(yk__cpu_quota(root), 2);
    put(root, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "0\n");
    assert_int_equal(yk__cpu_quota(root), 0);
    /* /docker/xy is not below /docker/x. */
    put(root, "proc/self/cgroup", "4:cpuacct,cpu:/docker/xy\n");
    put(root, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    assert_int_equal(yk__cpu_quota(root), 2); /* no folder for it: the mount point's own bound still holds */
    remove_tree(root);
}

static void put_siblings(const char *root, int cpu, const char *list) {
    char path[96];
    snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
    put(root, path, list);
}

/* Threads of one core count once, however the kernel numbers them. */
static void cores_behind_threads(void **state) {
    (void)state;
    char root[] = "/tmp/yolk-topology-XXXXXX";
    assert_non_null(mkdtemp(root));
    const int cpus[] = {0, 1, 2, 3, 4, 5, 6, 7};
    assert_int_equal(yk__cpu_cores(root, cpus, 8), 8); /* nothing described: as many cores */
    /* hybrid: two fast cores of two threads, numbered side by side, and four small ones */
    put_siblings(root, 0, "0-1\n");
    put_siblings(root, 1, "0-1\n");
    put_siblings(root, 2, "2-3\n");
    put_siblings(root, 3, "2-3\n");
    for (int cpu = 4; cpu < 8; cpu++) put_siblings(root, cpu, (const char[]){(char)('0' + cpu), '\n', 0});
    assert_int_equal(yk__cpu_cores(root, cpus, 8), 6);
    assert_int_equal(yk__cpu_cores(root, cpus + 1, 2), 2); /* one thread each of both fast cores */
    assert_int_equal(yk__cpu_cores(root, cpus, 2), 1);
    /* a server: the second threads are numbered after all first ones */
    for (int cpu = 0; cpu < 8; cpu++)
        put_siblings(root, cpu, (const char[]){(char)('0' + cpu % 4), ',', (char)('4' + cpu % 4), '\n', 0});
    assert_int_equal(yk__cpu_cores(root, cpus, 8), 4);
    put_siblings(root, 0, "rubbish\n");
    put_siblings(root, 1, "99999\n");
    assert_int_equal(yk__cpu_cores(root, cpus, 2), 2);
    remove_tree(root);
}

static void clock_rises(void **state) {
    (void)state;
    const uint64_t start = yk__now_ns();
    usleep(2000);
    assert_true(yk__now_ns() - start >= 2000000);
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--isa") == 0) return fputs(yk__isa_name(yk__cpu_get()->isa), stdout) < 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_writes_code_and_text),
        cmocka_unit_test(fail_may_quote_the_old_message),
        cmocka_unit_test(fail_cuts_between_characters),
        cmocka_unit_test(fail_replaces_what_terminals_and_json_dislike),
        cmocka_unit_test(every_code_has_a_name_and_a_sentence),
        cmocka_unit_test(text_grows),
        cmocka_unit_test(text_remembers_failure),
        cmocka_unit_test(small_helpers),
        cmocka_unit_test(utf8_validity),
        cmocka_unit_test(utf8_prefixes),
        cmocka_unit_test(integers_parse_whole),
        cmocka_unit_test(doubles_parse_whole),
        cmocka_unit_test(numbers_format_as_json),
        cmocka_unit_test(random_numbers_round_trip),
        cmocka_unit_test(numbers_ignore_the_locale),
        cmocka_unit_test(plain_allocations),
        cmocka_unit_test(aligned_allocations),
        cmocka_unit_test(large_blocks_are_given_back),
        cmocka_unit_test(allocations_fail_on_demand),
        cmocka_unit_test(arenas_hand_out_zeroed_aligned_pieces),
        cmocka_unit_test(arenas_keep_their_budget),
        cmocka_unit_test(arena_blocks_follow_the_budget),
        cmocka_unit_test(size_arithmetic),
        cmocka_unit_test(known_hashes),
        cmocka_unit_test(holes_count_as_zeros),
        cmocka_unit_test(pieces_sum_like_the_whole),
        cmocka_unit_test(processor_is_described),
        cmocka_unit_test(caps_lower_the_level),
        cmocka_unit_test(environment_masks_the_level),
        cmocka_unit_test(affinity_bounds_the_count),
        cmocka_unit_test(cgroup_quota_v2),
        cmocka_unit_test(cgroup_quota_v1),
        cmocka_unit_test(cores_behind_threads),
        cmocka_unit_test(clock_rises),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
