/* Checking TensorRT plans: what is read from each generation, and each kind of damage under its own code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "inspect/check.h"
#include "inspect/explain.h"
#include "inspect/plan_damage.h"
#include "inspect/plan_judge.h"
#include "inspect/plan_read.h"
#include "support/make_plan.h"
#include "support/shared.h"

/* In memory of exactly this size, so that AddressSanitizer sees each step outside. */
static void look(const uint8_t *bytes, size_t n, uint64_t file_size, yk__report *report) {
    uint8_t *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    if (n) memcpy(copy, bytes, n);
    yk__probe(copy, n, file_size, report);
    free(copy);
}

static const yk__fact *trt(const yk__report *report, const char *name) {
    const yk__fact *facts = yk__fact_get(&report->facts, "tensorrt");
    assert_non_null(facts);
    const yk__fact *fact = yk__fact_get(facts, name);
    if (!fact) fail_msg("no fact tensorrt.%s", name);
    return fact;
}

static void expect_text(const yk__report *report, const char *name, const char *wanted) {
    const yk__fact *fact = trt(report, name);
    if (!wanted) {
        assert_int_equal(fact->kind, YK__FACT_NULL);
        return;
    }
    assert_int_equal(fact->kind, YK__FACT_TEXT);
    assert_string_equal(fact->text, wanted);
}

static void expect_number(const yk__report *report, const char *name, int64_t wanted) {
    const yk__fact *fact = trt(report, name);
    assert_int_equal(fact->kind, YK__FACT_INT);
    assert_int_equal(fact->number, wanted);
}

static int count(const yk__fact *list) {
    int n = 0;
    for (const yk__fact *child = list->first; child; child = child->next) n++;
    return n;
}

/* ---- what is read ---- */

static void expect_facts(const yk__report *report, const plan_spec *spec) {
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d.%d", spec->version[0], spec->version[1], spec->version[2], spec->version[3]);
    expect_text(report, "version", text);
    expect_text(report, "platform", !spec->platform ? NULL : *spec->platform == 'r' ? "linux-x86_64" : "linux-aarch64");
    snprintf(text, sizeof text, "%d.%d", spec->compute[0], spec->compute[1]);
    expect_text(report, "compute_capability", text);
    expect_number(report, "sm_count", spec->sm_count);
    expect_number(report, "serialization", spec->serialization);
    expect_number(report, "sm_clock_khz", 1020000);
    expect_number(report, "bus_bits", 128);
    expect_number(report, "l2_bytes", 2097152);
    expect_number(report, "memory_bytes", 7990939648);
    assert_true(trt(report, "integrated")->yes);
    assert_int_equal(count(trt(report, "sections")), spec->layout < PLAN_86 ? 0 : spec->layout == PLAN_10_WEIGHTS ? 2 : 1);
}

static void test_generations(void **state) {
    (void)state;
    for (int i = 0; i < PLAN_LAYOUTS; i++) {
        made_plan plan;
        yk__report report;
        make_plan_of(&plan, &plan_specs[i]);
        look(plan.bytes, plan.n, plan.n, &report);
        assert_string_equal(report.kind, "tensorrt-plan");
        if (report.verdict != YK__VERDICT_FOREIGN) fail_msg("layout %d: %s", i, report.findings[0].code);
        expect_facts(&report, &plan_specs[i]);
        assert_int_equal(trt(&report, "compute_capability")->certainty, YK__CERTAINTY_CERTAIN);
        yk__report_free(&report);
    }
    /* of a release that was not measured the same reading is likely */
    plan_spec spec = plan_specs[PLAN_10];
    made_plan plan;
    yk__report report;
    spec.version[1] = 9;
    make_plan_of(&plan, &spec);
    look(plan.bytes, plan.n, plan.n, &report);
    expect_facts(&report, &spec);
    assert_int_equal(trt(&report, "sm_count")->certainty, YK__CERTAINTY_LIKELY);
    assert_int_equal(trt(&report, "version")->certainty, YK__CERTAINTY_CERTAIN);
    yk__report_free(&report);
    /* a platform without a name */
    memcpy(plan.bytes + 0x1c, "strt", 4);
    look(plan.bytes, plan.n, plan.n, &report);
    expect_text(&report, "platform", NULL);
    expect_text(&report, "platform_tag", "73 74 72 74");
    assert_int_equal(report.verdict, YK__VERDICT_FOREIGN);
    yk__report_free(&report);
}

static void test_sections(void **state) {
    (void)state;
    made_plan plan;
    yk__report report;
    make_plan_of(&plan, &plan_specs[PLAN_10_WEIGHTS]);
    look(plan.bytes, plan.n, plan.n, &report);
    const yk__fact *engine = trt(&report, "sections")->first, *weights = engine->next;
    assert_string_equal(yk__fact_get(engine, "name")->text, "ENGN");
    assert_int_equal(yk__fact_get(engine, "offset")->number, 0x50);
    assert_string_equal(yk__fact_get(weights, "name")->text, "WGHT");
    assert_int_equal(yk__fact_get(weights, "size")->number, 100);
    yk__report_free(&report);
}

static void test_generation_5(void **state) {
    (void)state;
    uint8_t bytes[1000] = {0xe8, 3, 0, 0, 0, 0, 0, 0, 16};
    yk__report report;
    memset(bytes + 12, 0xa5, sizeof bytes - 12);
    look(bytes, sizeof bytes, sizeof bytes, &report);
    assert_string_equal(report.kind, "tensorrt-plan");
    assert_int_equal(report.kind_certainty, YK__CERTAINTY_LIKELY);
    assert_int_equal(report.verdict, YK__VERDICT_FOREIGN);
    expect_text(&report, "version", NULL);
    expect_text(&report, "compute_capability", NULL);
    yk__report_free(&report);
}

/* ---- damage ---- */

typedef struct damage {
    const char *what;
    plan_layout layout;
    void (*change)(uint8_t *bytes, size_t *n);
    yk__finding_code code;
    const char *found; /* part of the finding's text; NULL: anything */
} damage;

static void cut_100(uint8_t *b, size_t *n) {
    (void)b;
    *n -= 100;
}
static void cut_to_20(uint8_t *b, size_t *n) {
    (void)b;
    *n = 20;
}
static void append_7(uint8_t *b, size_t *n) {
    memset(b + *n, 0xaa, 7);
    *n += 7;
}
static void crlf(uint8_t *b, size_t *n) {
    uint8_t out[8192];
    size_t used = 0;
    for (size_t i = 0; i < *n; i++) {
        if (b[i] == '\n') out[used++] = '\r';
        out[used++] = b[i];
    }
    memcpy(b, out, used);
    *n = used;
}
/* every byte above 127 becomes U+FFFD, as text readers do with what is no UTF-8 */
static void utf8_replaced(uint8_t *b, size_t *n) {
    uint8_t out[8192];
    size_t used = 0;
    for (size_t i = 0; i < *n; i++) {
        if (b[i] < 0x80)
            out[used++] = b[i];
        else
            memcpy(out + used, "\xef\xbf\xbd", 3), used += 3;
    }
    memcpy(b, out, used);
    *n = used;
}
/* Latin-1 to UTF-8 */
static void latin1_to_utf8(uint8_t *b, size_t *n) {
    uint8_t out[8192];
    size_t used = 0;
    for (size_t i = 0; i < *n; i++) {
        if (b[i] >= 0x80) out[used++] = (uint8_t)(0xc0 | b[i] >> 6);
        out[used++] = b[i] < 0x80 ? b[i] : (uint8_t)(0x80 | (b[i] & 0x3f));
    }
    memcpy(b, out, used);
    *n = used;
}
static void not_ascii_dropped(uint8_t *b, size_t *n) {
    size_t used = 0;
    for (size_t i = 0; i < *n; i++)
        if (b[i] < 0x80) b[used++] = b[i];
    *n = used;
}
static void high_bit_stripped(uint8_t *b, size_t *n) {
    for (size_t i = 0; i < *n; i++) b[i] &= 0x7f;
}
static void zero_tail(uint8_t *b, size_t *n) {
    memset(b + *n - 300, 0, 300);
}
static void zero_header(uint8_t *b, size_t *n) {
    memset(b + 4, 0, *n - 4);
}
static void zero_archive(uint8_t *b, size_t *n) {
    (void)n;
    memset(b + 0x38, 0, 200);
}
static void flip_middle(uint8_t *b, size_t *n) {
    b[*n / 2] ^= 1;
}
static void flip_footer(uint8_t *b, size_t *n) {
    b[*n - 2] ^= 4;
}
static void flip_end_record(uint8_t *b, size_t *n) {
    size_t end = (size_t)b[0x28] + (size_t)(b[0x30] | b[0x31] << 8);
    assert_true(end < *n);
    b[end - 1] ^= 1;
}
static void flip_inner_magic(uint8_t *b, size_t *n) {
    (void)n;
    b[0x38] = 'q';
}
static void flip_inner_size(uint8_t *b, size_t *n) {
    (void)n;
    b[0x38 + 17] ^= 1;
}
static void flip_first_record(uint8_t *b, size_t *n) {
    (void)n;
    b[0x38 + 24] ^= 0x40;
}
static void section_far(uint8_t *b, size_t *n) {
    (void)n;
    b[0x28 + 5] = 1;
}
static void section_long(uint8_t *b, size_t *n) {
    (void)n;
    b[0x38 + 16 + 2] = 9;
}
static void no_sections(uint8_t *b, size_t *n) {
    (void)n;
    b[8] = 0;
}
static void container_1(uint8_t *b, size_t *n) {
    (void)n;
    b[4] = 1;
}
static void short_total(uint8_t *b, size_t *n) {
    (void)n;
    memset(b + 0x10, 0, 8);
}
static void lost_inside(uint8_t *b, size_t *n) {
    memmove(b + 400, b + 410, *n - 410);
    *n -= 10;
}
static void lost_magic(uint8_t *b, size_t *n) {
    (void)n;
    memset(b, 0, 4);
}
static void lost_header(uint8_t *b, size_t *n) {
    (void)n;
    memset(b, 0, 64);
}
static void other_magic(uint8_t *b, size_t *n) {
    (void)n;
    b[3] = 's';
}
static void mark_in_front(uint8_t *b, size_t *n) {
    memmove(b + 3, b, *n);
    memcpy(b, "\xef\xbb\xbf", 3);
    *n += 3;
}
static void zero_inside(uint8_t *b, size_t *n) {
    memset(b + *n - 650, 0, 600);
}
static void huge_payload(uint8_t *b, size_t *n) {
    (void)n;
    b[19] = 0xff;
}

static const damage damages[] = {
    {"cut", PLAN_10, cut_100, YK__FINDING_TRUNCATED, "100 are missing"},
    {"cut", PLAN_7, cut_100, YK__FINDING_TRUNCATED, "100 are missing"},
    {"cut", PLAN_82, cut_100, YK__FINDING_TRUNCATED, "100 are missing"},
    {"cut", PLAN_10_WEIGHTS, cut_100, YK__FINDING_TRUNCATED, "100 are missing"},
    {"cut in the header", PLAN_10, cut_to_20, YK__FINDING_TRUNCATED, NULL},
    {"cut in the header", PLAN_82, cut_to_20, YK__FINDING_TRUNCATED, NULL},
    {"bytes behind", PLAN_86, append_7, YK__FINDING_TRAILING_BYTES, "7 too many"},
    {"bytes behind", PLAN_7, append_7, YK__FINDING_TRAILING_BYTES, "7 too many"},
    {"text mode", PLAN_10, crlf, YK__FINDING_TEXT_MODE_DAMAGE, "0d 0a"},
    {"text mode", PLAN_10_WEIGHTS, crlf, YK__FINDING_TEXT_MODE_DAMAGE, "0d 0a"},
    {"text mode", PLAN_86, crlf, YK__FINDING_TEXT_MODE_DAMAGE, "0d before every 0a"},
    {"text mode", PLAN_82, crlf, YK__FINDING_TEXT_MODE_DAMAGE, NULL},
    {"text mode", PLAN_7, crlf, YK__FINDING_TEXT_MODE_DAMAGE, NULL},
    {"UTF-8", PLAN_10, utf8_replaced, YK__FINDING_UTF8_DAMAGE, NULL},
    {"UTF-8", PLAN_7, utf8_replaced, YK__FINDING_UTF8_DAMAGE, NULL},
    {"UTF-8", PLAN_86, latin1_to_utf8, YK__FINDING_UTF8_DAMAGE, NULL},
    {"UTF-8", PLAN_10, not_ascii_dropped, YK__FINDING_UTF8_DAMAGE, NULL},
    {"7 bits", PLAN_86, high_bit_stripped, YK__FINDING_HIGH_BIT_STRIPPED, NULL},
    {"7 bits", PLAN_7, high_bit_stripped, YK__FINDING_HIGH_BIT_STRIPPED, NULL},
    {"zeros at the end", PLAN_10, zero_tail, YK__FINDING_PLAN_ZEROED, NULL},
    {"zeros at the end", PLAN_10_WEIGHTS, zero_tail, YK__FINDING_PLAN_ZEROED, NULL},
    {"zeros from the header on", PLAN_10, zero_header, YK__FINDING_PLAN_ZEROED, NULL},
    {"zeros from the header on", PLAN_82, zero_header, YK__FINDING_PLAN_ZEROED, NULL},
    {"zeros in the archive", PLAN_86, zero_archive, YK__FINDING_PLAN_ZEROED, NULL},
    {"checksum", PLAN_7, flip_middle, YK__FINDING_PLAN_CHECKSUM_DIFFERS, NULL},
    {"footer", PLAN_10, flip_footer, YK__FINDING_PLAN_FOOTER_DAMAGED, "99 8b 89 8b"},
    {"footer", PLAN_10_WEIGHTS, flip_footer, YK__FINDING_PLAN_FOOTER_DAMAGED, NULL},
    {"end of the archive", PLAN_86, flip_end_record, YK__FINDING_PLAN_ARCHIVE_DAMAGED, NULL},
    {"inner magic", PLAN_10, flip_inner_magic, YK__FINDING_PLAN_ARCHIVE_DAMAGED, "71 74 72 74"},
    {"inner size", PLAN_86, flip_inner_size, YK__FINDING_PLAN_ARCHIVE_DAMAGED, NULL},
    {"first record", PLAN_10, flip_first_record, YK__FINDING_PLAN_ARCHIVE_DAMAGED, NULL},
    {"section far away", PLAN_10, section_far, YK__FINDING_PLAN_SECTION_OUTSIDE, NULL},
    {"section too long", PLAN_10_WEIGHTS, section_long, YK__FINDING_PLAN_SECTION_OUTSIDE, NULL},
    {"no sections", PLAN_86, no_sections, YK__FINDING_PLAN_HEADER_INVALID, NULL},
    {"container of another version", PLAN_10, container_1, YK__FINDING_PLAN_HEADER_INVALID, "1"},
    {"no length", PLAN_10, short_total, YK__FINDING_PLAN_HEADER_INVALID, NULL},
    {"impossible length", PLAN_7, huge_payload, YK__FINDING_PLAN_HEADER_INVALID, NULL},
    {"lost inside", PLAN_10, lost_inside, YK__FINDING_TRUNCATED, "10 were lost before it"},
    {"lost magic", PLAN_10, lost_magic, YK__FINDING_PLAN_ZEROED, "00 00 00 00"},
    {"lost header", PLAN_86, lost_header, YK__FINDING_PLAN_ZEROED, NULL},
    {"other magic", PLAN_86, other_magic, YK__FINDING_PLAN_HEADER_INVALID, "66 74 72 73"},
    {"mark in front", PLAN_10, mark_in_front, YK__FINDING_PLAN_HEADER_INVALID, "3 other bytes"},
    {"zeros inside", PLAN_7, zero_inside, YK__FINDING_PLAN_ZEROED, NULL},
};

static void test_damage(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        const damage *d = &damages[i];
        made_plan plan;
        uint8_t bytes[8192];
        yk__report report;
        make_plan_of(&plan, &plan_specs[d->layout]);
        memcpy(bytes, plan.bytes, plan.n);
        size_t n = plan.n;
        d->change(bytes, &n);
        look(bytes, n, n, &report);
        assert_string_equal(report.kind, "tensorrt-plan");
        assert_int_equal(report.verdict, YK__VERDICT_INVALID);
        if (report.findings[0].id != d->code)
            fail_msg("%s, layout %d: %s, %s", d->what, d->layout, report.findings[0].code, report.findings[0].found);
        for (int k = 1; k < report.n_findings; k++) /* its own code, and no other; a checksum tells of any change */
            if (report.findings[k].severity == YK__SEVERITY_ERROR && report.findings[k].id != YK__FINDING_PLAN_CHECKSUM_DIFFERS)
                fail_msg("%s, layout %d: also %s, %s", d->what, d->layout, report.findings[k].code, report.findings[k].found);
        if (d->found && !strstr(report.findings[0].found, d->found)) fail_msg("%s: %s", d->what, report.findings[0].found);
        yk__report_free(&report);
    }
}

/* What stood in the header is told in spite of translated line ends. */
static void test_mended_facts(void **state) {
    (void)state;
    made_plan plan;
    uint8_t bytes[8192];
    yk__report report;
    make_plan_of(&plan, &plan_specs[PLAN_10]);
    memcpy(bytes, plan.bytes, plan.n);
    size_t n = plan.n;
    crlf(bytes, &n);
    look(bytes, n, n, &report);
    expect_facts(&report, &plan_specs[PLAN_10]);
    assert_int_equal(trt(&report, "version")->certainty, YK__CERTAINTY_LIKELY);
    yk__report_free(&report);
}

/* A block that was never written, in the midst of data; zeros that belong there. */
static void test_zeroed(void **state) {
    (void)state;
    const size_t n = 40000;
    uint8_t *bytes = malloc(n);
    uint64_t start, end;
    assert_non_null(bytes);
    memset(bytes, 0x5a, n);
    memset(bytes + 8192, 0, 4096);
    assert_true(yk__find_zeroed(bytes, n, 0, n, &start, &end));
    assert_int_equal(start, 8192);
    assert_int_equal(end, 8192 + 4096);
    assert_false(yk__find_zeroed(bytes, n, 100, n + 100, &start, &end)); /* not where blocks are */
    memset(bytes, 0x5a, n);
    memset(bytes + 8192 + 77, 0, 4900); /* a tensor of zeros */
    assert_false(yk__find_zeroed(bytes, n, 0, n, &start, &end));
    memset(bytes + 8192 + 77, 0, 5000); /* an eighth of the file */
    assert_true(yk__find_zeroed(bytes, n, 0, n, &start, &end));
    memset(bytes, 0x5a, n);
    memset(bytes + 36864, 0, n - 36864); /* to the end of the file */
    assert_true(yk__find_zeroed(bytes, n, 0, n, &start, &end));
    assert_int_equal(start, 36864);
    assert_int_equal(end, n);
    free(bytes);
}

/* Every length short of the whole is cut, by that many bytes; the beginning of a longer file is nothing of the sort. */
static void test_cuts(void **state) {
    (void)state;
    for (int i = 0; i < PLAN_LAYOUTS; i++) {
        made_plan plan;
        make_plan_of(&plan, &plan_specs[i]);
        for (size_t n = 4; n < plan.n; n++) {
            yk__report report;
            look(plan.bytes, n, n, &report);
            assert_string_equal(report.kind, "tensorrt-plan");
            assert_int_equal(report.verdict, YK__VERDICT_INVALID);
            if (!yk__report_has(&report, YK__FINDING_TRUNCATED))
                fail_msg("layout %d cut at %zu: %s", i, n, report.findings[0].code);
            yk__report_free(&report);
            look(plan.bytes, n, plan.n, &report);
            if (report.verdict != YK__VERDICT_FOREIGN) fail_msg("layout %d, first %zu: %s", i, n, report.findings[0].code);
            yk__report_free(&report);
            look(plan.bytes, n, UINT64_MAX, &report); /* of a stream */
            if (report.verdict != YK__VERDICT_FOREIGN) fail_msg("layout %d, stream of %zu: %s", i, n, report.findings[0].code);
            yk__report_free(&report);
        }
    }
}

/* Any byte changed: still a plan or something unknown, and never a wrong step (AddressSanitizer). */
static void test_mutations(void **state) {
    (void)state;
    uint64_t random = 88172645463325252u;
    yk__target target;
    assert_int_equal(yk__target_parse("trt=8.4.1,cc=8.6,platform=linux-x86_64", &target, NULL), YK__OK);
    for (int round = 0; round < 100000; round++) {
        made_plan plan;
        yk__report report;
        make_plan_of(&plan, &plan_specs[round % PLAN_LAYOUTS]);
        for (int k = 0; k <= round % 4; k++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17; /* xorshift64 */
            plan.bytes[random % (k % 2 ? plan.n : 300)] = (uint8_t)(random >> 40);
        }
        look(plan.bytes, plan.n, plan.n, &report);
        yk__judge_plan(&report, &target);
        assert_true(report.n_findings > 0);
        yk__report_free(&report);
    }
}

/* ---- behind Ultralytics' metadata ---- */

static const char metadata[] =
    "{\"description\": \"Ultralytics YOLO11n-pose model\", \"stride\": 32, \"task\": \"pose\", \"batch\": 1, \"imgsz\": [640, "
    "480], "
    "\"names\": {\"0\": \"caf\\u00e9\"}, \"kpt_shape\": [17, 3], \"args\": {\"half\": true, \"nms\": false}}";

static size_t put_prefixed(uint8_t *out, uint32_t stated, const made_plan *plan) {
    const size_t n = sizeof metadata - 1;
    for (int i = 0; i < 4; i++) out[i] = (uint8_t)(stated >> (8 * i));
    memcpy(out + 4, metadata, n);
    if (plan) memcpy(out + 4 + n, plan->bytes, plan->n);
    return 4 + n + (plan ? plan->n : 0);
}

static void expect_engine(const uint8_t *bytes, size_t n, yk__finding_code code, yk__verdict verdict, yk__report *report) {
    look(bytes, n, n, report);
    assert_string_equal(report->kind, "ultralytics-engine");
    if (!yk__report_has(report, code)) fail_msg("no %s but %s", yk__finding_info_get(code)->code, report->findings[0].code);
    assert_int_equal(report->verdict, verdict);
}

static void test_prefixed(void **state) {
    (void)state;
    for (int i = 0; i < PLAN_LAYOUTS; i++) {
        made_plan plan;
        uint8_t bytes[4096];
        yk__report report;
        make_plan_of(&plan, &plan_specs[i]);
        size_t n = put_prefixed(bytes, sizeof metadata - 1, &plan);
        expect_engine(bytes, n, YK__FINDING_ULTRALYTICS_PREFIX, YK__VERDICT_FOREIGN, &report);
        assert_int_equal(report.kind_certainty, YK__CERTAINTY_CERTAIN);
        assert_int_equal(report.n_container, 2);
        assert_string_equal(report.container[1], "tensorrt-plan");
        expect_facts(&report, &plan_specs[i]);
        expect_number(&report, "offset", 4 + sizeof metadata - 1);
        const yk__fact *facts = yk__fact_get(&report.facts, "ultralytics");
        assert_string_equal(yk__fact_get(facts, "task")->text, "pose");
        assert_int_equal(yk__fact_get(facts, "kpt_shape")->first->number, 17);
        assert_int_equal(yk__fact_get(facts, "imgsz")->last->number, 480);
        assert_string_equal(yk__fact_get(yk__fact_get(facts, "names"), "0")->text, "caf\xc3\xa9");
        assert_true(yk__fact_get(yk__fact_get(facts, "args"), "half")->yes);
        yk__report_free(&report);
        expect_engine(bytes, n - 20, YK__FINDING_TRUNCATED, YK__VERDICT_INVALID, &report);
        assert_non_null(strstr(report.findings[0].found, "20 are missing"));
        yk__report_free(&report);
    }
}

static void test_prefix_damage(void **state) {
    (void)state;
    made_plan plan;
    uint8_t bytes[8192];
    yk__report report;
    const uint32_t size = sizeof metadata - 1;
    make_plan_of(&plan, &plan_specs[PLAN_10]);
    for (int off = -3; off <= 3; off++) { /* a length that leads elsewhere */
        if (off == 0) continue;
        size_t n = put_prefixed(bytes, size + (uint32_t)off, &plan);
        expect_engine(bytes, n, YK__FINDING_PREFIX_DAMAGED, YK__VERDICT_INVALID, &report);
        expect_facts(&report, &plan_specs[PLAN_10]);
        yk__report_free(&report);
    }
    size_t n = put_prefixed(bytes, 0x7fffffff, &plan);
    expect_engine(bytes, n, YK__FINDING_PREFIX_DAMAGED, YK__VERDICT_INVALID, &report);
    yk__report_free(&report);
    /* the bytes of the length went through UTF-8: ef bf bd 01 00 00 */
    n = put_prefixed(bytes, size, &plan);
    memmove(bytes + 6, bytes + 4, n - 4);
    memcpy(bytes, "\xef\xbf\xbd\1\0\0", 6);
    expect_engine(bytes, n + 2, YK__FINDING_PREFIX_DAMAGED, YK__VERDICT_INVALID, &report);
    yk__report_free(&report);
    /* line ends translated behind the metadata */
    n = put_prefixed(bytes, size, &plan);
    crlf(bytes, &n);
    expect_engine(bytes, n, YK__FINDING_TEXT_MODE_DAMAGE, YK__VERDICT_INVALID, &report);
    yk__report_free(&report);
    /* what follows is no plan; nothing follows; the metadata are cut */
    n = put_prefixed(bytes, size, &plan);
    memcpy(bytes + 4 + size, "what", 4);
    expect_engine(bytes, n, YK__FINDING_PREFIX_UNKNOWN_PLAN, YK__VERDICT_INVALID, &report);
    yk__report_free(&report);
    n = put_prefixed(bytes, size, NULL);
    expect_engine(bytes, n, YK__FINDING_TRUNCATED, YK__VERDICT_INVALID, &report);
    yk__report_free(&report);
    expect_engine(bytes, n - 30, YK__FINDING_TRUNCATED, YK__VERDICT_INVALID, &report);
    yk__report_free(&report);
    /* a plan of TensorRT 5 */
    n = put_prefixed(bytes, size, &plan);
    memset(bytes + 4 + size, 0, 16);
    bytes[4 + size] = (uint8_t)plan.n, bytes[5 + size] = (uint8_t)(plan.n >> 8), bytes[12 + size] = 16;
    expect_engine(bytes, n, YK__FINDING_ULTRALYTICS_PREFIX, YK__VERDICT_FOREIGN, &report);
    expect_text(&report, "version", NULL);
    yk__report_free(&report);
}

/* A length and some other JSON in front of something else is not Ultralytics'. */
static void test_other_prefixes(void **state) {
    (void)state;
    static const char json[] = "{\"files\": {\"a.js\": {\"size\": 12}}}";
    uint8_t bytes[256] = {sizeof json - 1};
    yk__report report;
    memcpy(bytes + 4, json, sizeof json - 1);
    look(bytes, sizeof bytes, sizeof bytes, &report);
    assert_null(strstr(report.kind, "engine"));
    yk__report_free(&report);
}

/* ---- plans on machines ---- */

static void judge_spec(const plan_spec *spec, const char *target_text, yk__report *report) {
    made_plan plan;
    yk__target target;
    yk__error err;
    make_plan_of(&plan, spec);
    look(plan.bytes, plan.n, plan.n, report);
    if (yk__target_parse(target_text, &target, &err) != YK__OK) fail_msg("%s: %s", target_text, err.message);
    yk__judge_plan(report, &target);
}

/* What is quoted is what `explain` knows, with the same cause and the numbers on the same sides. */
static void expect_explained(const yk__finding *finding) {
    const char *quoted = strstr(finding->found, " prints: ");
    yk__explanation explained;
    if (!quoted) return;
    quoted += strlen(" prints: ");
    assert_int_equal(yk__explain(quoted, strlen(quoted), &explained, NULL), YK__OK);
    for (int i = 0; i < explained.n_found; i++) {
        const yk__explained *e = &explained.found[i];
        const bool number = finding->id == YK__FINDING_NEWER_PLAN_ON_OLDER_RUNTIME && /* the message of 7.x tells no more */
                            e->cause == YK__CAUSE_SERIALIZATION_VERSION_MISMATCH;
        if (!number && strcmp(yk__cause_info_get(e->cause)->code, finding->code) != 0) continue;
        const bool starts =
            finding->id == YK__FINDING_SERIALIZATION_VERSION_MISMATCH || finding->id == YK__FINDING_COMPUTE_CAPABILITY_MISMATCH;
        if (starts && e->file.kind != YK__SIDE_NONE)
            assert_int_equal(strncmp(finding->found, e->file.value, strlen(e->file.value)), 0);
        if (e->machine.kind == YK__SIDE_COMPUTE) assert_string_equal(finding->expected, e->machine.value);
        return;
    }
    fail_msg("%s: not what is explained of '%s'", finding->code, quoted);
}

/* The first finding is what the loader says; what it says is quoted. */
static void test_judged(void **state) {
    (void)state;
    static const struct {
        plan_layout layout;
        const char *target;
        yk__finding_code code;
        const char *quoted, *also;
    } cases[] = {
        {PLAN_10, "trt=10.3.0.30,cc=8.7,platform=linux-aarch64", YK__FINDING_PLAN_FITS, NULL, NULL},
        {PLAN_10, "trt=10.3,cc=8.7", YK__FINDING_FOREIGN_ENGINE, NULL, NULL},
        {PLAN_10, "trt=10.3.0.26,cc=8.7,platform=linux-aarch64", YK__FINDING_EXACT_VERSION_MISMATCH,
         "Error Code 6: API Usage Error (The engine plan file is not compatible with this version of TensorRT, expecting "
         "library "
         "version 10.3.0.26 got 10.3.0.30, please rebuild.)",
         NULL},
        {PLAN_10, "trt=10.9.0.34", YK__FINDING_EXACT_VERSION_MISMATCH, "expecting library version 10.9.0.34 got 10.3.0.30",
         NULL},
        {PLAN_10, "trt=10.13.3.9", YK__FINDING_SERIALIZATION_VERSION_MISMATCH,
         "stdVersionRead == kSERIALIZATION_VERSION failed.Version tag does not match. Note: Current Version: 240, Serialized "
         "Engine Version: 239",
         "exact-version-mismatch"},
        {PLAN_10, "trt=8.5.3.1", YK__FINDING_NEWER_PLAN_ON_OLDER_RUNTIME, "magicTagRead == kMAGIC_TAG",
         "exact-version-mismatch"},
        {PLAN_10, "trt=8.6.1.6", YK__FINDING_SERIALIZATION_VERSION_MISMATCH,
         "1: [stdArchiveReader.cpp::StdArchiveReader::42] Error Code 1: Serialization (Serialization assertion stdVersionRead "
         "== "
         "serializationVersion failed.Version tag does not match. Note: Current Version: 236, Serialized Engine Version: 239)",
         NULL},
        {PLAN_10, "trt=7.2.3", YK__FINDING_NEWER_PLAN_ON_OLDER_RUNTIME, "verifyHeader: 0 (Magic tag does not match)", NULL},
        {PLAN_10, "cc=8.6", YK__FINDING_COMPUTE_CAPABILITY_MISMATCH, NULL, NULL},
        {PLAN_10, "trt=10.3.0.30,cc=8.6", YK__FINDING_COMPUTE_CAPABILITY_MISMATCH,
         "generated on an incompatible device, expecting compute 8.6 got compute 8.7, please rebuild.)", NULL},
        {PLAN_10, "trt=10.3.0.30,platform=linux-x86_64", YK__FINDING_PLATFORM_MISMATCH,
         "plan->header.pad == expectedPlatformTag", NULL},
        {PLAN_86, "platform=linux-aarch64", YK__FINDING_FOREIGN_ENGINE, NULL, NULL}, /* 8.6 records no platform */
        {PLAN_82, "trt=8.4.1.5", YK__FINDING_SERIALIZATION_VERSION_MISMATCH,
         "Current Version: 213, Serialized Engine Version: 205", "exact-version-mismatch"},
        {PLAN_82, "trt=8.2.3.0", YK__FINDING_EXACT_VERSION_MISMATCH,
         "6: The engine plan file is not compatible with this version of TensorRT, expecting library version 8.2.3 got 8.2.1, "
         "please rebuild.",
         NULL},
        {PLAN_82, "trt=10.0.1.6", YK__FINDING_OLDER_PLAN_ON_NEWER_RUNTIME, "plan->header.magicTag == rt::kPLAN_MAGIC_TAG",
         NULL},
        {PLAN_82, "trt=7.1.3", YK__FINDING_NEWER_PLAN_ON_OLDER_RUNTIME, "Version tag does not match", NULL},
        {PLAN_7, "trt=8.2.1.8", YK__FINDING_OLDER_PLAN_ON_NEWER_RUNTIME,
         "safeVersionRead == safeSerializationVersion failed.Version tag does not match. Note: Current Version: 0, Serialized "
         "Engine Version: 97",
         "exact-version-mismatch"},
        {PLAN_7, "trt=7.1.3.4,cc=6.1", YK__FINDING_COMPUTE_CAPABILITY_MISMATCH,
         "INVALID_CONFIG: The engine plan file is generated on an incompatible device, expecting compute 6.1 got compute 7.5",
         NULL},
        {PLAN_10_WEIGHTS, "trt=10.6.0.26,cc=8.6,platform=linux-x86_64", YK__FINDING_FOREIGN_ENGINE, NULL,
         "weight-separated-plan"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yk__report report;
        judge_spec(&plan_specs[cases[i].layout], cases[i].target, &report);
        const bool refused = yk__finding_info_get(cases[i].code)->severity == YK__SEVERITY_ERROR;
        if (refused ? report.findings[0].id != cases[i].code : !yk__report_has(&report, cases[i].code))
            fail_msg("case %zu: %s", i, report.findings[0].code);
        assert_int_equal(report.verdict, refused ? YK__VERDICT_INVALID : YK__VERDICT_FOREIGN);
        if (cases[i].quoted && !strstr(report.findings[0].found, cases[i].quoted))
            fail_msg("case %zu: %s", i, report.findings[0].found);
        expect_explained(&report.findings[0]);
        bool also = cases[i].also == NULL;
        for (int k = 0; k < report.n_findings; k++) also |= cases[i].also && !strcmp(report.findings[k].code, cases[i].also);
        if (!also) fail_msg("case %zu: no %s", i, cases[i].also);
        yk__report_free(&report);
    }
}

/* The level in front of the device, read as hardware compatibility, opens later GPUs and no earlier ones. */
static void test_hardware_compatible(void **state) {
    (void)state;
    plan_spec spec = plan_specs[PLAN_10];
    yk__report report;
    spec.hardware_level = 1;
    judge_spec(&spec, "cc=8.9", &report);
    assert_int_equal(report.verdict, YK__VERDICT_FOREIGN);
    yk__report_free(&report);
    judge_spec(&spec, "cc=7.5", &report);
    assert_int_equal(report.verdict, YK__VERDICT_INVALID);
    yk__report_free(&report);
}

/* A damaged plan is not judged; its length's complaint is quoted. */
static void test_damaged_is_not_judged(void **state) {
    (void)state;
    made_plan plan;
    yk__report report;
    yk__target target;
    make_plan_of(&plan, &plan_specs[PLAN_10]);
    look(plan.bytes, plan.n - 50, plan.n - 50, &report);
    assert_int_equal(yk__target_parse("trt=8.2.1,cc=5.3", &target, NULL), YK__OK);
    yk__judge_plan(&report, &target);
    assert_int_equal(report.findings[0].id, YK__FINDING_TRUNCATED);
    assert_non_null(strstr(report.findings[0].found, "Size specified in header does not match archive size"));
    assert_false(yk__report_has(&report, YK__FINDING_COMPUTE_CAPABILITY_MISMATCH));
    yk__report_free(&report);
}

static void test_targets(void **state) {
    (void)state;
    static const char *const bad[] = {"",         "10.3",         "trt",          "trt=",        "trt=x",         "trt=10..3",
                                      "cc=8",     "cc=8.7.1",     "platform=mac", "trt=1,trt=2", "cc=8.7,cc=8.6", "gpu=8.7",
                                      "cc=8.7,,", "trt=1.2.3.4.5"};
    yk__target target;
    yk__error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (yk__target_parse(bad[i], &target, &err) != YK__ARGUMENT) fail_msg("'%s' is taken", bad[i]);
    assert_int_equal(yk__target_parse("platform=linux-x86-64", &target, &err), YK__OK);
    assert_string_equal(target.platform, "linux-x86_64");
}

/* ---- large files ---- */

/* A sum over more than 16 MiB is made only when asked for. */
static void test_large_sum(void **state) {
    (void)state;
    const size_t payload = (size_t)17 << 20, n = 24 + payload;
    made_plan plan;
    yk__report report;
    yk__error err;
    char path[] = "/tmp/yolk-plan-XXXXXX";
    uint8_t *bytes = malloc(n);
    assert_non_null(bytes);
    make_plan_of(&plan, &plan_specs[PLAN_7]);
    memcpy(bytes, plan.bytes, plan.n);
    for (size_t i = plan.n; i < n; i++) bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    for (int i = 0; i < 4; i++) bytes[12 + i] = (uint8_t)(payload >> (8 * i));
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    close(fd);
    assert_int_equal(yk__check_file(path, NULL, &report, &err), YK__OK);
    assert_int_equal(report.verdict, YK__VERDICT_FOREIGN);
    assert_non_null(strstr(trt(&report, "checksum")->text, "not computed"));
    yk__report_free(&report);
    assert_int_equal(yk__check_file(path, &(yk__check_options){.sha256 = true}, &report, &err), YK__OK);
    assert_true(yk__report_has(&report, YK__FINDING_PLAN_CHECKSUM_DIFFERS));
    yk__report_free(&report);
    unlink(path);
    free(bytes);
}

/* ---- real plans ---- */

static void test_shared(void **state) {
    (void)state;
    static const struct {
        const char *file, *version, *platform, *compute;
        int sm_count, serialization, sections;
    } real[] = {{"shared:data/engines/trt10.0.1-x86-mnist.engine", "10.0.1.6", "linux-x86_64", "7.5", 16, 237, 1},
                {"shared:data/engines/trt8.6.1-identity.plan", "8.6.1.6", NULL, "8.9", 128, 236, 1},
                {"shared:data/engines/trt7-model.plan", "7.1.3.4", NULL, "7.5", 40, 211, 0}};
    for (size_t i = 0; i < sizeof real / sizeof *real; i++) {
        char path[4096];
        yk__report report;
        yk__error err;
        if (!shared_path(path, real[i].file)) {
            printf("skipped: no %s\n", path);
            skip();
        }
        assert_int_equal(yk__check_file(path, NULL, &report, &err), YK__OK);
        assert_string_equal(report.kind, "tensorrt-plan");
        assert_int_equal(report.verdict, YK__VERDICT_FOREIGN);
        expect_text(&report, "version", real[i].version);
        expect_text(&report, "platform", real[i].platform);
        expect_text(&report, "compute_capability", real[i].compute);
        expect_number(&report, "sm_count", real[i].sm_count);
        expect_number(&report, "serialization", real[i].serialization);
        assert_int_equal(count(trt(&report, "sections")), real[i].sections);
        yk__report_free(&report);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generations),
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_generation_5),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_mended_facts),
        cmocka_unit_test(test_zeroed),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_large_sum),
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_prefixed),
        cmocka_unit_test(test_prefix_damage),
        cmocka_unit_test(test_other_prefixes),
        cmocka_unit_test(test_judged),
        cmocka_unit_test(test_hardware_compatible),
        cmocka_unit_test(test_damaged_is_not_judged),
        cmocka_unit_test(test_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
