/* In the order in which TensorRT checks, so that the first finding is the message that is seen: magic, platform, serialization,
 * version, compute capability. */
#include "inspect/plan_judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/memory.h"
#include "inspect/nvidia.h"
#include "inspect/plan_messages.h"
#include "inspect/serialization.h"

/* ---- the target ---- */

static const char *const platforms[] = {"linux-x86_64", "linux-aarch64", "windows-x86_64"};

static const char *platform_of(const char *name) {
    static const struct {
        const char *name;
        int platform;
    } others[] = {{"linux-x86-64", 0}, {"linux-amd64", 0},    {"x86_64", 0},       {"linux-arm64", 1},
                  {"aarch64", 1},      {"linux-jetson", 1},   {"jetson", 1},       {"windows", 2},
                  {"win-x86_64", 2},   {"windows-x86-64", 2}, {"windows-amd64", 2}};
    for (size_t i = 0; i < sizeof platforms / sizeof *platforms; i++)
        if (strcasecmp(name, platforms[i]) == 0) return platforms[i];
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcasecmp(name, others[i].name) == 0) return platforms[others[i].platform];
    return NULL;
}

/* Digits and single dots, of `low` to `high` parts of at most 5 digits. */
static bool is_number(const char *text, int low, int high) {
    int parts = 1, digits = 0;
    for (; *text; text++) {
        if (*text >= '0' && *text <= '9') {
            if (++digits > 5) return false;
        } else if (*text == '.' && digits > 0) {
            parts++, digits = 0;
        } else {
            return false;
        }
    }
    return digits > 0 && parts >= low && parts <= high;
}

static yk__code set_item(const char *key, const char *value, yk__target *out, yk__error *err) {
    if (strcmp(key, "trt") == 0) {
        if (out->n_versions || !is_number(value, 1, 4))
            return yk__fail(err, YK__ARGUMENT, "target trt=%.40s: one version of TensorRT is needed, such as trt=10.3.0.30",
                            value);
        snprintf(out->version[out->n_versions++], sizeof out->version[0], "%s", value);
    } else if (strcmp(key, "cc") == 0) {
        if (out->n_gpus || !is_number(value, 2, 2) || strlen(value) >= sizeof out->compute[0])
            return yk__fail(err, YK__ARGUMENT, "target cc=%.40s: one compute capability is needed, such as cc=8.7", value);
        snprintf(out->compute[out->n_gpus++], sizeof out->compute[0], "%s", value);
    } else if (strcmp(key, "platform") == 0) {
        out->platform = out->platform ? NULL : platform_of(value);
        if (!out->platform)
            return yk__fail(err, YK__ARGUMENT,
                            "target platform=%.40s: one of linux-x86_64, linux-aarch64 and windows-x86_64 is needed", value);
    } else {
        return yk__fail(err, YK__ARGUMENT, "target '%.40s': use trt=VERSION, cc=X.Y and platform=NAME, parted by commas", key);
    }
    return YK__OK;
}

yk__code yk__target_parse(const char *text, yk__target *out, yk__error *err) {
    *out = (yk__target){0};
    if (!*text) return yk__fail(err, YK__ARGUMENT, "the target is empty: use trt=VERSION, cc=X.Y and platform=NAME");
    while (*text) {
        char item[96], *equals;
        size_t n = strcspn(text, ",");
        if (n >= sizeof item) return yk__fail(err, YK__ARGUMENT, "target '%.40s...': too long", text);
        memcpy(item, text, n);
        item[n] = 0;
        equals = strchr(item, '=');
        if (equals) *equals = 0;
        YK__TRY(set_item(item, equals ? equals + 1 : "", out, err));
        text += n + (text[n] == ',');
    }
    return YK__OK;
}

static void add_version(yk__target *out, const yk__library *library) {
    if (out->n_versions == YK__TARGET_VERSIONS) return;
    snprintf(out->version[out->n_versions], sizeof out->version[0], "%s", library->version);
    snprintf(out->place[out->n_versions], sizeof out->place[0], "%.159s", library->path);
    out->n_versions++;
}

void yk__target_here(const yk__machine_view *view, yk__target *out) {
    static const yk__machine_view real = {.root = ""};
    struct utsname name;
    *out = (yk__target){.here = true};
    if (uname(&name) == 0 && strcmp(name.sysname, "Linux") == 0)
        out->platform = strcmp(name.machine, "x86_64") == 0    ? platforms[0]
                        : strcmp(name.machine, "aarch64") == 0 ? platforms[1]
                                                               : NULL;
    yk__nvidia *found = yk__alloc(sizeof *found);
    if (!found) return; /* nothing is then known of this machine, and nothing held against the plan */
    yk__nvidia_find(view ? view : &real, found);
    for (int taken = 1; taken >= 0; taken--) /* what programs get first */
        for (int i = 0; i < found->n_libraries; i++) {
            const yk__library *library = &found->libraries[i];
            if (library->kind == YK__LIBRARY_TENSORRT && library->taken == taken && *library->version)
                add_version(out, library);
        }
    for (int i = 0; i < found->n_gpus && out->n_gpus < YK__TARGET_GPUS; i++)
        if (*found->gpus[i].compute)
            snprintf(out->compute[out->n_gpus++], sizeof out->compute[0], "%s", found->gpus[i].compute);
    yk__free(found);
}

/* ---- the plan, as the report has it ---- */

typedef struct subject {
    yk__report *report;
    const yk__target *target;
    const char *version, *platform, *tag, *compute; /* NULL: the plan does not say */
    bool container;                                 /* "ftrt" */
    bool is_5, hardware_compatible, has_weights, has_other_sections;
    int64_t serialization, safe;
    yk__certainty compute_certainty;
    /* the TensorRT that loads */
    const char *loader;          /* its version, or the file's own where none is known */
    int loader_release, release; /* major * 100 + minor, of the loader and of the file; 0: not known */
    bool stopped;                /* an earlier check has stopped the load: later messages are not seen */
} subject;

static const char *text_of(const yk__fact *facts, const char *name) {
    const yk__fact *fact = yk__fact_get(facts, name);
    return fact && fact->kind == YK__FACT_TEXT ? fact->text : NULL;
}

static int64_t number_of(const yk__fact *facts, const char *name) {
    const yk__fact *fact = yk__fact_get(facts, name);
    return fact && fact->kind == YK__FACT_INT ? fact->number : -1;
}

static int release_of(const char *version) {
    char *end;
    long major = strtol(version, &end, 10), minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
    return (int)(major * 100 + minor);
}

static void read_sections(const yk__fact *facts, subject *s) {
    const yk__fact *list = yk__fact_get(facts, "sections");
    for (const yk__fact *item = list ? list->first : NULL; item; item = item->next) {
        const char *name = text_of(item, "name");
        if (name && strcmp(name, "WGHT") == 0)
            s->has_weights = true;
        else if (name && strcmp(name, "ENGN") != 0)
            s->has_other_sections = true;
    }
}

static bool read_plan(yk__report *report, subject *s) {
    const yk__fact *facts = yk__fact_get(&report->facts, "tensorrt"), *compute;
    if (!facts) return false;
    const char *format = text_of(facts, "format");
    *s = (subject){.report = report,
                   .version = text_of(facts, "version"),
                   .platform = text_of(facts, "platform"),
                   .tag = text_of(facts, "platform_tag"),
                   .compute = text_of(facts, "compute_capability"),
                   .container = format && strcmp(format, "ftrt") == 0,
                   .is_5 = !format,
                   .hardware_compatible = yk__fact_get(facts, "hardware_compatible") != NULL,
                   .serialization = number_of(facts, "serialization"),
                   .safe = number_of(facts, "safe_serialization")};
    compute = yk__fact_get(facts, "compute_capability");
    if (compute) s->compute_certainty = compute->certainty;
    if (s->version) s->release = release_of(s->version);
    read_sections(facts, s);
    return true;
}

/* ---- findings ---- */

static void quote(subject *s, yk__finding *finding, yk__refusal what, const char *machine, const char *file) {
    char message[512], text[640];
    if (!finding || s->loader_release == 0) return;
    yk__refusal_message(what, s->loader_release, machine ? machine : "", file ? file : "", message, sizeof message);
    if (!*message) return;
    snprintf(text, sizeof text, "TensorRT %s %s: %s", s->loader, s->stopped ? "would then print" : "prints", message);
    yk__report_append(s->report, finding, text);
}

static void refuse(subject *s, yk__finding_code code, yk__certainty certainty, const char *where, const char *expected,
                   const char *found, yk__refusal what, const char *machine, const char *file) {
    yk__finding *finding = yk__report_add(s->report, code, where, expected, found);
    if (!finding) return;
    finding->certainty = certainty;
    quote(s, finding, what, machine, file);
    yk__report_lower(s->report, YK__VERDICT_INVALID);
    s->stopped = true;
}

/* Where one is a beginning of the other they agree as far as is known. */
static bool same_version(const char *a, const char *b) {
    size_t n = strlen(a) < strlen(b) ? strlen(a) : strlen(b);
    return strncmp(a, b, n) == 0 && (a[n] == 0 || a[n] == '.') && (b[n] == 0 || b[n] == '.');
}

static void judge_platform(subject *s) {
    const char *wanted = s->target->platform;
    char found[64];
    if (!wanted || (!s->platform && !s->tag)) return; /* not recorded before 10 */
    if (s->platform && strcmp(s->platform, wanted) == 0) return;
    if (!s->platform && strcmp(wanted, "windows-x86_64") == 0) return; /* its tag is not known */
    snprintf(found, sizeof found, "%s%s", s->platform ? s->platform : "tag ", s->platform ? "" : s->tag);
    refuse(s, YK__FINDING_PLATFORM_MISMATCH, s->platform ? YK__CERTAINTY_CERTAIN : YK__CERTAINTY_LIKELY, "platform", wanted,
           found, YK__REFUSAL_PLATFORM, "", "");
}

/* Containers and archives of other generations: the magic, or the number of the safe runtime, is what is looked at. */
static bool judge_generation(subject *s) {
    const int loader = s->loader_release;
    const bool before_container = loader < 806;
    char expected[64], found[64];
    yk__finding_code code = YK__FINDING_OLDER_PLAN_ON_NEWER_RUNTIME;
    yk__refusal what = YK__REFUSAL_MAGIC;
    const bool old_safe = s->safe > 43; /* 7.x; from 8.0 on the number is 0, or 43 */
    char file_number[24] = "";
    if (s->container && before_container)
        code = YK__FINDING_NEWER_PLAN_ON_OLDER_RUNTIME;
    else if (!s->is_5 && loader < 600)
        code = YK__FINDING_NEWER_PLAN_ON_OLDER_RUNTIME;
    else if ((s->is_5 && loader >= 600) || (!s->container && !s->is_5 && !before_container))
        ;
    else if (!s->container && !s->is_5 && old_safe && loader >= 800)
        what = YK__REFUSAL_SAFE_NUMBER;
    else if (!s->container && !s->is_5 && !old_safe && loader < 800)
        code = YK__FINDING_NEWER_PLAN_ON_OLDER_RUNTIME, what = YK__REFUSAL_SAFE_NUMBER;
    else
        return false;
    if (what == YK__REFUSAL_SAFE_NUMBER) snprintf(file_number, sizeof file_number, "%" PRId64, s->safe > 0 ? s->safe : 0);
    snprintf(expected, sizeof expected, "a plan of TensorRT %.31s", s->loader);
    snprintf(found, sizeof found, "%s%.31s", s->version ? "a plan of TensorRT " : "TensorRT 5 or older",
             s->version ? s->version : "");
    refuse(s, code, YK__CERTAINTY_CERTAIN, "generation", expected, found, what, loader >= 800 ? "0" : "", file_number);
    return true;
}

static void judge_serialization(subject *s) {
    char expected[64], found[64], ours[16] = "", theirs[24];
    if (s->serialization < 0 || !s->release) return;
    const int number = s->release == s->loader_release ? (int)s->serialization : yk__serialization_of(s->loader_release);
    if (number == s->serialization) return;
    if (number < 0 && s->release / 100 == s->loader_release / 100) return; /* may be the same within a line */
    if (number >= 0) snprintf(ours, sizeof ours, "%d", number);
    snprintf(theirs, sizeof theirs, "%" PRId64, s->serialization);
    snprintf(expected, sizeof expected, "%s", number >= 0 ? ours : "another number");
    snprintf(found, sizeof found, "%s", theirs);
    refuse(s, YK__FINDING_SERIALIZATION_VERSION_MISMATCH, YK__CERTAINTY_LIKELY, "serialization number", expected, found,
           YK__REFUSAL_SERIALIZATION, ours, theirs);
}

static void judge_version(subject *s) {
    if (!s->version || s->loader_release == 0 || same_version(s->version, s->loader)) return;
    const yk__certainty certainty = s->has_other_sections ? YK__CERTAINTY_LIKELY : YK__CERTAINTY_CERTAIN;
    refuse(s, YK__FINDING_EXACT_VERSION_MISMATCH, certainty, "TensorRT version", s->loader, s->version, YK__REFUSAL_VERSION,
           s->loader, s->version);
}

static void judge_compute(subject *s) {
    char expected[YK__TARGET_GPUS * 10] = "";
    const yk__target *target = s->target;
    if (!s->compute || target->n_gpus == 0) return;
    for (int i = 0; i < target->n_gpus; i++) {
        if (strcmp(target->compute[i], s->compute) == 0) return;
        /* built for Ampere and later, if the first record is read rightly */
        if (s->hardware_compatible && atoi(target->compute[i]) >= 8) return;
        size_t used = strlen(expected);
        snprintf(expected + used, sizeof expected - used, "%s%s", i ? ", " : "", target->compute[i]);
    }
    const bool likely = target->here || s->compute_certainty != YK__CERTAINTY_CERTAIN; /* GPUs here are known by their names */
    refuse(s, YK__FINDING_COMPUTE_CAPABILITY_MISMATCH, likely ? YK__CERTAINTY_LIKELY : YK__CERTAINTY_CERTAIN,
           "compute capability", expected, s->compute, YK__REFUSAL_COMPUTE, target->compute[0], s->compute);
}

/* Another library than the one that programs get has the plan's version. */
static bool judge_other_library(subject *s) {
    const yk__target *target = s->target;
    if (!s->version || target->n_versions < 2 || same_version(s->version, target->version[0])) return false;
    for (int i = 1; i < target->n_versions; i++) {
        char found[256];
        if (!same_version(s->version, target->version[i])) continue;
        snprintf(found, sizeof found, "%s is %.31s; the plan needs %s, which is %s", target->place[0], target->version[0],
                 s->version, target->place[i]);
        yk__report_add(s->report, YK__FINDING_TWO_TENSORRT_INSTALLED, "libnvinfer", s->version, found);
        return true;
    }
    return false;
}

static void set_loader(subject *s, const char *version) {
    s->loader = version;
    s->loader_release = version ? release_of(version) : 0;
}

static void add_fits(subject *s) {
    char where[160];
    const yk__target *target = s->target;
    const bool version = s->version && s->loader && strlen(s->loader) >= strlen(s->version);
    if (s->stopped || !version || !s->compute || target->n_gpus == 0) return;
    if ((s->platform || s->tag) && !target->platform) return;
    snprintf(where, sizeof where, "TensorRT %s, compute capability %s%s%s", s->version, s->compute, s->platform ? ", " : "",
             s->platform ? s->platform : "");
    yk__finding *finding = yk__report_add(s->report, YK__FINDING_PLAN_FITS, where, NULL, NULL);
    if (finding) finding->certainty = YK__CERTAINTY_LIKELY;
}

static void judge(subject *s) {
    const yk__target *target = s->target;
    const bool other = judge_other_library(s);
    set_loader(s, other ? s->version : target->n_versions ? target->version[0] : NULL);
    if (target->here && target->n_versions == 0)
        yk__report_add(s->report, YK__FINDING_LIBRARY_NOT_FOUND, "libnvinfer", s->version, "no TensorRT on this machine");
    if (target->here && target->n_gpus == 0)
        yk__report_add(s->report, YK__FINDING_CUDA_NO_DEVICE, "GPU", s->compute, "no NVIDIA GPU on this machine");
    const bool readable = s->loader_release == 0 || !judge_generation(s);
    judge_platform(s);
    if (readable && s->loader_release) judge_serialization(s);
    judge_version(s);
    judge_compute(s);
    if (s->has_weights) yk__report_add(s->report, YK__FINDING_WEIGHT_SEPARATED_PLAN, "section WGHT", NULL, NULL);
    add_fits(s);
}

/* What the loader says of a damaged or prefixed plan: its own generation's message where no other loader is known. */
static void quote_damage(subject *s) {
    set_loader(s, s->target->n_versions ? s->target->version[0] : s->version);
    s->stopped = false;
    for (int i = 0; i < s->report->n_findings; i++) {
        yk__finding *finding = &s->report->findings[i];
        switch (finding->id) {
        case YK__FINDING_ULTRALYTICS_PREFIX:
        case YK__FINDING_PREFIX_DAMAGED: quote(s, finding, YK__REFUSAL_MAGIC, "", ""); break;
        case YK__FINDING_TRUNCATED:
        case YK__FINDING_TRAILING_BYTES:
        case YK__FINDING_TEXT_MODE_DAMAGE: quote(s, finding, YK__REFUSAL_SIZE, "", ""); break;
        default: break;
        }
    }
}

void yk__judge_plan(yk__report *report, const yk__target *target) {
    subject s;
    if (!read_plan(report, &s)) return;
    s.target = target;
    const bool damaged = report->verdict == YK__VERDICT_INVALID;
    if (!damaged) judge(&s);
    quote_damage(&s);
}
