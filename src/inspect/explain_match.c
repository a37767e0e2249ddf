/* One pass over squeezed text: at each place the messages and words whose first two characters stand there are compared, and
 * each one found is handed to the reader of its family, which looks at most a few hundred characters around it. */
#include "inspect/explain_match.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { WORDS_SIZE = 96, HEADS = 1 << 14 };

typedef struct line {
    const char *words, *printed_by;
    uint8_t family, cause, surrounding;
    bool is_message;
} line;

static const line lines[] = {
#define YK__MESSAGE(f, c, w, by) \
    {.words = (w), .printed_by = (by), .family = YK__FAMILY_##f, .cause = YK__CAUSE_##c, .is_message = true},
#define YK__SURROUNDING(s, w) {.words = (w), .surrounding = YK__SURROUNDING_##s},
#include "inspect/explain_messages.def"
#undef YK__MESSAGE
#undef YK__SURROUNDING
};
enum { N_LINES = sizeof lines / sizeof *lines };

typedef struct index {
    int16_t head[HEADS]; /* by the first two characters: a line + 1, 0 for none */
    int16_t next[N_LINES];
    uint8_t length[N_LINES];
    char words[N_LINES][WORDS_SIZE];
} word_index;

/* A hit under examination. */
typedef struct hit {
    const yk__squeezed *s;
    const line *line;
    size_t at, end;
    yk__sightings *out;
} hit;

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_word(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || c == '_';
}

static size_t back(size_t at, size_t by) {
    return at > by ? at - by : 0;
}

static bool before(const hit *h, size_t reach, const char *words) {
    return yk__squeezed_within(h->s, back(h->at, reach), h->at, words);
}

static bool after(const hit *h, size_t reach, const char *words) {
    return yk__squeezed_within(h->s, h->end, h->end + reach, words);
}

/* ---- numbers ---- */

static int n_parts(const char *number) {
    int n = 1;
    for (; *number; number++) n += *number == '.';
    return n;
}

/* Fits what this kind of number looks like? */
static bool is_side(yk__side_kind kind, const char *number) {
    int parts = n_parts(number);
    if (kind == YK__SIDE_VERSION) return (parts == 3 || parts == 4) && strtol(number, NULL, 10) <= 99; /* no year */
    if (kind == YK__SIDE_COMPUTE) return parts == 2 && strlen(strchr(number, '.')) == 2; /* one digit behind the dot */
    return parts == 1 && strlen(number) <= 4;
}

/* The number of this kind at `at`; the position behind it, or 0. A line break inside it is taken for wrapping when one of
 * `next` follows, as the message has it, or when what stands before the break is no such number. */
static size_t read_side(const yk__squeezed *s, size_t at, yk__side_kind kind, char next, yk__side *out) {
    yk__side joined = {.kind = kind}, plain = {.kind = kind};
    size_t end = yk__squeezed_number(s, at, true, joined.value, sizeof joined.value);
    char *dot = end && kind == YK__SIDE_COMPUTE ? strchr(joined.value, '.') : NULL;
    if (dot && strlen(dot) > 2 && s->gap[at + (size_t)(dot - joined.value) + 2] != YK__GAP_NONE) {
        dot[2] = 0; /* what the next line begins with is another number */
        end = at + strlen(joined.value);
    }
    size_t plain_end = yk__squeezed_number(s, at, false, plain.value, sizeof plain.value);
    bool take_plain = plain_end && is_side(kind, plain.value) && !(end && s->text[end] == next);
    *out = (yk__side){0};
    if (take_plain) end = plain_end;
    const yk__side *taken = take_plain ? &plain : &joined;
    if (!end || !is_side(kind, taken->value)) return 0;
    *out = *taken;
    return end;
}

/* Where the digits and dots that end right before `end` start; end when there are none. */
static size_t number_start(const yk__squeezed *s, size_t end) {
    size_t at = end;
    while (at > 0 && end - at < 20 && (is_digit(s->text[at - 1]) || s->text[at - 1] == '.')) {
        if (at < end && s->gap[at] != YK__GAP_NONE && s->gap[at] != YK__GAP_LINE) break;
        at--;
    }
    while (at < end && s->text[at] == '.') at++;
    return at;
}

/* The number of this kind that ends right before `end`; its start, or end. A number that the text begins with is not taken. */
static size_t read_side_back(const yk__squeezed *s, size_t end, yk__side_kind kind, yk__side *out) {
    yk__side side = {.kind = kind};
    size_t at = number_start(s, end);
    *out = (yk__side){0};
    if (at == end || end - at >= sizeof side.value) return end;
    memcpy(side.value, s->text + at, end - at);
    if (!is_side(kind, side.value)) return end;
    if (at > 0 && s->text[at - 1] != '.') *out = side; /* else its beginning may be cut off */
    return at;
}

/* ---- sightings ---- */

static int n_sides(const yk__side *machine, const yk__side *file) {
    return (machine->kind != YK__SIDE_NONE) + (file->kind != YK__SIDE_NONE);
}

static void see(const hit *h, yk__family family, yk__cause cause) {
    yk__sighting *sighting = &h->out->of[family];
    if (!sighting->seen) *sighting = (yk__sighting){.seen = true, .at = h->at, .cause = cause, .printed_by = ""};
    if (!*sighting->printed_by) sighting->printed_by = h->line->printed_by;
}

static void see_sides(const hit *h, yk__family family, yk__cause cause, const yk__side *machine, const yk__side *file) {
    see(h, family, cause);
    yk__sighting *sighting = &h->out->of[family];
    if (n_sides(machine, file) <= n_sides(&sighting->machine, &sighting->file)) return;
    sighting->machine = *machine;
    sighting->file = *file;
}

static const yk__side none = {0};

/* "expecting library version A got B, please rebuild" */
static void read_version(const hit *h) {
    yk__side machine = none, file = none;
    const yk__squeezed *s = h->s;
    size_t at = yk__squeezed_has(s, h->at, "expecting") ? read_side(s, h->end, YK__SIDE_VERSION, 'g', &machine) : 0;
    if (at && yk__squeezed_has(s, at, "got")) {
        size_t end = read_side(s, at + 3, YK__SIDE_VERSION, ',', &file);
        if (strncmp(file.value, "0.0.0", 5) == 0) {
            h->out->zero_version = true;
            file = none;
        }
        bool ends = end && end < s->n && s->text[end] == ',';
        if (!ends && n_parts(file.value) < n_parts(machine.value)) file = none; /* cut in the number */
    } else if (!at || !yk__squeezed_has(s, at, "go")) {
        machine = none; /* cut in the number, perhaps */
    }
    see_sides(h, YK__FAMILY_VERSION, YK__CAUSE_EXACT_VERSION_MISMATCH, &machine, &file);
}

/* "expecting compute A got compute B, please rebuild" */
static void read_compute(const hit *h) {
    yk__side machine = none, file = none;
    const yk__squeezed *s = h->s;
    size_t at = yk__squeezed_has(s, h->at, "expecting") ? read_side(s, h->end, YK__SIDE_COMPUTE, 'g', &machine) : 0;
    if (at && yk__squeezed_has(s, at, "gotcompute")) read_side(s, at + 10, YK__SIDE_COMPUTE, ',', &file);
    see_sides(h, YK__FAMILY_COMPUTE, YK__CAUSE_COMPUTE_CAPABILITY_MISMATCH, &machine, &file);
}

/* "... A got [compute] B, please rebuild": the end of either message, its beginning cut off. */
static void read_rebuild(const hit *h) {
    yk__side machine = none, file = none;
    const yk__squeezed *s = h->s;
    size_t at = read_side_back(s, h->at, YK__SIDE_COMPUTE, &file);
    if (at < h->at && at >= 10 && yk__squeezed_has(s, at - 10, "gotcompute")) {
        read_side_back(s, at - 10, YK__SIDE_COMPUTE, &machine);
        see_sides(h, YK__FAMILY_COMPUTE, YK__CAUSE_COMPUTE_CAPABILITY_MISMATCH, &machine, &file);
        return;
    }
    at = read_side_back(s, h->at, YK__SIDE_VERSION, &file);
    if (at == h->at || at < 3 || !yk__squeezed_has(s, at - 3, "got") || strncmp(file.value, "0.0.0", 5) == 0) return;
    if (at > 3 && !is_digit(s->text[at - 4])) return;
    read_side_back(s, at - 3, YK__SIDE_VERSION, &machine);
    see_sides(h, YK__FAMILY_VERSION, YK__CAUSE_EXACT_VERSION_MISMATCH, &machine, &file);
}

/* A serialization number at the very end of a text may be cut: 0, two digits for the safe runtime, else three. */
static bool is_whole_serial(const yk__side *side) {
    const char *v = side->value;
    return strlen(v) == 3 || strcmp(v, "0") == 0 || strcmp(v, "43") == 0 || strcmp(v, "96") == 0 || strcmp(v, "97") == 0;
}

/* "Note: Current Version: A, Serialized Engine Version: B)" */
static void read_serial(const hit *h) {
    static const char between[] = ",serializedengineversion:";
    yk__side machine = none, file = none;
    const yk__squeezed *s = h->s;
    size_t end = 0;
    if (yk__squeezed_has(s, h->at, "note:")) {
        end = read_side(s, h->end, YK__SIDE_SERIALIZATION, ',', &machine);
        if (!(end && end < s->n && s->text[end] == ',') && !is_whole_serial(&machine)) machine = none;
        end = end && yk__squeezed_has(s, end, between)
                  ? read_side(s, end + sizeof between - 1, YK__SIDE_SERIALIZATION, ')', &file)
                  : 0;
    } else if (yk__squeezed_has(s, h->at, "serialized")) {
        end = read_side(s, h->end, YK__SIDE_SERIALIZATION, ')', &file);
        bool comma = h->at > 0 && s->text[h->at - 1] == ',';
        if (comma && read_side_back(s, h->at - 1, YK__SIDE_SERIALIZATION, &machine) == 0)
            machine = none; /* cut in the number */
    }
    if (!(end && end < s->n && s->text[end] == ')') && !is_whole_serial(&file)) file = none;
    if (before(h, 300, "safeversionread") && n_sides(&machine, &file)) h->out->safe_number = true;
    see_sides(h, YK__FAMILY_SERIAL, YK__CAUSE_SERIALIZATION_VERSION_MISMATCH, &machine, &file);
}

static void set_compute(yk__side *side, unsigned major, unsigned minor) {
    yk__side out = {.kind = YK__SIDE_COMPUTE};
    size_t n = 0;
    if (major < 2 || major > 99 || minor > 9) return;
    if (major >= 10) out.value[n++] = (char)('0' + major / 10);
    out.value[n++] = (char)('0' + major % 10);
    out.value[n++] = '.';
    out.value[n] = (char)('0' + minor);
    *side = out;
}

/* "Target GPU SM 120 is not supported", "Unsupported SM: 0x809": 12.0, 8.9 */
static void read_sm(const hit *h) {
    yk__side machine = none;
    const yk__squeezed *s = h->s;
    char number[8];
    if (yk__squeezed_has(s, h->at, "target")) {
        size_t end = yk__squeezed_number(s, h->end, true, number, sizeof number);
        if (!end || !yk__squeezed_has(s, end, "is")) return;
        unsigned sm = (unsigned)strtoul(number, NULL, 10);
        set_compute(&machine, sm / 10, sm % 10);
    } else if (yk__squeezed_has(s, h->end - 2, "0x")) {
        unsigned sm = 0;
        for (size_t i = h->end; i < s->n && i < h->end + 4; i++) {
            char c = s->text[i];
            if (!is_digit(c) && !(c >= 'a' && c <= 'f')) break;
            if (s->gap[i] != YK__GAP_NONE && s->gap[i] != YK__GAP_LINE) break;
            sm = sm * 16 + (unsigned)(is_digit(c) ? c - '0' : c - 'a' + 10);
        }
        set_compute(&machine, sm >> 8, sm & 255);
    }
    see_sides(h, YK__FAMILY_SM_NUMBER, YK__CAUSE_GPU_NOT_SUPPORTED, &machine, &none);
}

static void read_cuda_init(const hit *h) {
    char number[8];
    size_t at = h->end;
    if (at < h->s->n && h->s->text[at] == ':') at++;
    if (h->out->of[YK__FAMILY_CUDA_INIT].seen) return;
    size_t end = yk__squeezed_number(h->s, at, true, number, sizeof number);
    bool whole = end && end < h->s->n && h->s->text[end] == '.'; /* ". Please check your CUDA installation" */
    if (!whole) end = yk__squeezed_number(h->s, at, false, number, sizeof number);
    h->out->cuda_error = end ? (int)strtol(number, NULL, 10) : -1;
    see(h, YK__FAMILY_CUDA_INIT, YK__CAUSE_CUDA_NO_DEVICE);
}

/* Of an error or a warning? The nearest of the marks that loggers put in front says. */
static void read_linked_cuda(const hit *h) {
    bool error = false;
    for (size_t i = back(h->at, 60); i < h->at; i++) {
        if (yk__squeezed_has(h->s, i, "[e]") || yk__squeezed_has(h->s, i, "error")) error = true;
        if (yk__squeezed_has(h->s, i, "[w]") || yk__squeezed_has(h->s, i, "warning")) error = false;
    }
    see(h, error ? YK__FAMILY_LINKED_CUDA_ERROR : YK__FAMILY_LINKED_CUDA,
        error ? YK__CAUSE_CUDA_LIBRARY_MISMATCH : YK__CAUSE_PERFORMANCE_WARNING_ONLY);
}

/* TensorFlow's: "Compiled against version X, but loaded Y"; "Loaded TensorRT Y but linked TensorFlow against TensorRT X". Y is
 * what this machine loads; X belongs to TensorFlow's build. */
static void read_compiled_trt(const hit *h) {
    yk__side machine = none, other;
    const yk__squeezed *s = h->s;
    if (yk__squeezed_has(s, h->at, "butlinked")) {
        read_side_back(s, h->at, YK__SIDE_VERSION, &machine);
    } else {
        size_t at = read_side(s, h->end, YK__SIDE_VERSION, ',', &other);
        if (!at || !yk__squeezed_has(s, at, ",butloaded")) return;
        read_side(s, at + 10, YK__SIDE_VERSION, '.', &machine);
    }
    see_sides(h, YK__FAMILY_COMPILED_TRT, YK__CAUSE_TWO_TENSORRT_INSTALLED, &machine, &none);
}

static void read_shared_object(const hit *h) {
    static const char *const libraries[] = {"libnvinfer", "libnvonnxparser", "libnvparsers", "libnvcaffe_parser",
                                            "tensorrt/tensorrt.so"};
    bool optional =
        yk__squeezed_has(h->s, h->at, "couldnotload") || before(h, 120, "dlerror") || before(h, 120, "couldnotloaddynamic");
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        if (optional ? after(h, 40, libraries[i]) || before(h, 60, libraries[i]) : before(h, 60, libraries[i]))
            see(h, optional ? YK__FAMILY_OPTIONAL_LIBRARY : YK__FAMILY_SHARED_OBJECT, YK__CAUSE_LIBRARY_NOT_FOUND);
}

static void read_no_module(const hit *h) {
    const yk__squeezed *s = h->s;
    bool ends = h->end >= s->n || s->gap[h->end] != YK__GAP_NONE || !is_word(s->text[h->end]);
    if (ends || yk__squeezed_has(s, h->end, "_bindings") || yk__squeezed_has(s, h->end, "_libs"))
        see(h, YK__FAMILY_NO_MODULE, YK__CAUSE_LIBRARY_NOT_FOUND);
}

/* ---- paths ---- */

/* ONNX Runtime writes "Load model from x.enginefailed:Protobuf parsing failed". */
static bool ends_word(const yk__squeezed *s, size_t end) {
    if (end >= s->n || s->gap[end] != YK__GAP_NONE || yk__squeezed_has(s, end, "failed:")) return true;
    return !is_word(s->text[end]) && !(s->text[end] == '.' && end + 1 < s->n && is_word(s->text[end + 1]));
}

static bool is_file_name(const hit *h) {
    if (h->at == 0 || !is_word(h->s->text[h->at - 1]) || before(h, 5, "torch")) return false;
    return ends_word(h->s, h->end);
}

static bool engine_name_within(const yk__squeezed *s, size_t from, size_t to) {
    static const char *const ends[] = {".engine", ".plan", ".trt"};
    if (to > s->n) to = s->n;
    for (size_t at = from; at < to; at++)
        for (int i = 0; s->text[at] == '.' && i < 3; i++)
            if (yk__squeezed_has(s, at, ends[i]) && ends_word(s, at + strlen(ends[i]))) return true;
    return false;
}

/* "No such file or directory: 'x.engine'": the path ends at a blank or quote. */
static void read_no_such_file(const hit *h) {
    const yk__squeezed *s = h->s;
    size_t end = h->end + 1;
    while (end < s->n && end < h->end + 300 && s->gap[end] != YK__GAP_BLANK && s->gap[end] != YK__GAP_QUOTE) end++;
    if (h->end < s->n && engine_name_within(s, h->end, end)) see(h, YK__FAMILY_NO_SUCH_FILE, YK__CAUSE_FILE_NOT_FOUND);
}

/* ---- what a program calls ---- */

static bool starts_any(const yk__squeezed *s, size_t at, const char *const *names) {
    for (; *names; names++)
        if (yk__squeezed_has(s, at, *names)) return true;
    return false;
}

static const char *const old_calls[] = {"num_bindings",
                                        "get_binding_",
                                        "binding_is_input",
                                        "max_batch_size",
                                        "set_binding_shape",
                                        "get_profile_shape",
                                        "get_location",
                                        "execute_async_v2",
                                        "execute_async",
                                        "has_implicit_batch",
                                        "getnbbindings",
                                        "getbinding",
                                        "bindingisinput",
                                        "getmaxbatchsize",
                                        "setbindingdimensions",
                                        "enqueuev2",
                                        "enqueue",
                                        "get_strides",
                                        "all_binding_shapes",
                                        "get_shape",
                                        "device_memory_size",
                                        NULL};
static const char *const new_calls[] = {"num_io_tensors",
                                        "get_tensor_",
                                        "set_tensor_address",
                                        "set_input_shape",
                                        "execute_async_v3",
                                        "get_input_shape",
                                        "getnbiotensors",
                                        "getiotensorname",
                                        "gettensor",
                                        "settensoraddress",
                                        "setinputshape",
                                        "enqueuev3",
                                        NULL};
static const char *const none_calls[] = {"create_execution_context",
                                         "num_bindings",
                                         "max_batch_size",
                                         "get_binding",
                                         "num_io_tensors",
                                         "get_tensor_",
                                         "binding_is_input",
                                         "create_execution_",
                                         NULL};

static void see_call(const hit *h, bool new_call, bool old_call) {
    if (new_call)
        see(h, YK__FAMILY_NEW_API, YK__CAUSE_TENSOR_API_NEEDS_85);
    else if (old_call)
        see(h, YK__FAMILY_OLD_API, YK__CAUSE_BINDING_API_REMOVED);
}

static bool names_class(const yk__squeezed *s, size_t from, size_t to) {
    return yk__squeezed_within(s, from, to, "icudaengine") || yk__squeezed_within(s, from, to, "iexecutioncontext");
}

/* "error C2039: 'Y': is not a member of 'X'": Visual Studio names the member before the class, and where its beginning stands
 * depends on the language: it is searched for in from .. to-1. */
static void read_member(const hit *h, size_t from, size_t to, size_t class_to) {
    bool new_call = false, old_call = false;
    if (!names_class(h->s, h->end, class_to)) return;
    for (size_t i = from; i < to && i < h->s->n; i++) {
        new_call = new_call || starts_any(h->s, i, new_calls);
        old_call = old_call || starts_any(h->s, i, old_calls);
    }
    see_call(h, new_call, old_call);
}

/* "'X' object has no attribute 'Y'", "class X has no member named Y" */
static void read_attribute(const hit *h) {
    const yk__squeezed *s = h->s;
    if (yk__squeezed_has(s, h->at, "isnotamember")) {
        read_member(h, back(h->at, 24), h->at, h->end + 48);
        return;
    }
    if (yk__squeezed_has(s, h->at, "errorc2039")) {
        read_member(h, h->end, h->end + 2, h->end + 96);
        return;
    }
    size_t at = yk__squeezed_has(s, h->end, "named") ? h->end + 5 : h->end;
    if (h->at >= 8 && yk__squeezed_has(s, h->at - 8, "nonetype")) {
        if (starts_any(s, at, none_calls)) see(h, YK__FAMILY_ATTRIBUTE, YK__CAUSE_NONE_CONTEXT);
        return;
    }
    if (names_class(s, back(h->at, 48), h->at)) see_call(h, starts_any(s, at, new_calls), starts_any(s, at, old_calls));
}

/* "'utf-8' codec can't decode byte 0xd5 in position 4" */
static void read_utf8(const hit *h) {
    const yk__squeezed *s = h->s;
    char digits[3] = "", number[16];
    if (!before(h, 6, "utf-8") && !before(h, 6, "utf8")) return;
    if (h->out->of[YK__FAMILY_UTF8].seen) return;
    for (int i = 0; i < 2 && h->end + (size_t)i < s->n; i++) digits[i] = s->text[h->end + (size_t)i];
    h->out->utf8_byte = (int)strtol(digits, NULL, 16);
    h->out->utf8_at = -1;
    if (yk__squeezed_has(s, h->end + 2, "inposition") && yk__squeezed_number(s, h->end + 12, true, number, sizeof number))
        h->out->utf8_at = strtoll(number, NULL, 10);
    see(h, YK__FAMILY_UTF8, YK__CAUSE_UTF8_DECODE);
}

/* "TensorRT 8.6", "tensorrt version: 8.6.1", "tensorrt==10.7": releases that the text speaks of, without a side. */
static void read_release(const hit *h) {
    const yk__squeezed *s = h->s;
    char number[24];
    size_t at = yk__squeezed_has(s, h->end, "version") ? h->end + 7 : h->end;
    for (int i = 0; i < 4 && at < s->n && strchr(":=-_v(", s->text[at]); i++) at++;
    bool plain = yk__squeezed_number(s, at, false, number, sizeof number) && n_parts(number) >= 2;
    if (!plain && (!yk__squeezed_number(s, at, true, number, sizeof number) || n_parts(number) < 2)) return;
    char *rest;
    long major = strtol(number, &rest, 10), minor = strtol(rest + 1, NULL, 10);
    if (major < 3 || major > 20 || minor < 0 || minor > 99) return;
    int release = (int)(major * 100 + minor);
    if (!h->out->oldest || release < h->out->oldest) h->out->oldest = release;
    if (release > h->out->newest) h->out->newest = release;
}

/* ---- the pass ---- */

static void read_surrounding(const hit *h) {
    yk__surrounding what = (yk__surrounding)h->line->surrounding;
    if (what == YK__SURROUNDING_RELEASE) read_release(h);
    if ((what == YK__SURROUNDING_MODEL_PATH || what == YK__SURROUNDING_ENGINE_PATH) && !is_file_name(h)) return;
    if (what == YK__SURROUNDING_MODEL_LOADED) {
        size_t end = h->end;
        while (end < h->s->n && end < h->end + 300 && (end == h->end || h->s->gap[end] != YK__GAP_BLANK)) end++;
        if (end < 5 + h->end || !yk__squeezed_has(h->s, end - 5, ".onnx")) return;
    }
    h->out->near[what] = true;
}

static void read_message(const hit *h) {
    yk__family family = (yk__family)h->line->family;
    switch (family) {
    case YK__FAMILY_VERSION: read_version(h); return;
    case YK__FAMILY_COMPUTE: read_compute(h); return;
    case YK__FAMILY_REBUILD: read_rebuild(h); return;
    case YK__FAMILY_SERIAL: read_serial(h); return;
    case YK__FAMILY_SM_NUMBER: read_sm(h); return;
    case YK__FAMILY_CUDA_INIT: read_cuda_init(h); return;
    case YK__FAMILY_LINKED_CUDA: read_linked_cuda(h); return;
    case YK__FAMILY_COMPILED_TRT: read_compiled_trt(h); return;
    case YK__FAMILY_SHARED_OBJECT: read_shared_object(h); return;
    case YK__FAMILY_NO_MODULE: read_no_module(h); return;
    case YK__FAMILY_NO_SUCH_FILE: read_no_such_file(h); return;
    case YK__FAMILY_ATTRIBUTE: read_attribute(h); return;
    case YK__FAMILY_UTF8: read_utf8(h); return;
    case YK__FAMILY_MAGIC_7: /* a builder that is given an old timing cache goes on without it */
    case YK__FAMILY_MAGIC_8:
        if (after(h, 200, "timingcachewillnotbeused")) return;
        break;
    case YK__FAMILY_COMPILED_CUDA:
        if (!after(h, 60, "butrunningagainst")) return;
        break;
    case YK__FAMILY_MEMORY: /* a tactic that is passed over for its size is no failure */
        if (before(h, 200, "skippingtactic") || after(h, 200, "skippingtactic") || after(h, 200, "skippingthistactic")) return;
        break;
    case YK__FAMILY_NO_IMPORTER: /* the reader goes on and looks for a plugin */
        if (after(h, 160, "attemptingtoimportasplugin")) return;
        break;
    case YK__FAMILY_IMPORTER_ASSERT:
        if (!before(h, 200, "importer")) return;
        break;
    case YK__FAMILY_PROTOBUF:
        if (!engine_name_within(h->s, back(h->at, 300), h->end + 300)) return;
        break;
    case YK__FAMILY_OTHER_VERSION: {
        yk__side machine = none;
        read_side(h->s, h->end, YK__SIDE_VERSION, 0, &machine); /* mostly the last line of a log */
        see_sides(h, family, (yk__cause)h->line->cause, &machine, &none);
        return;
    }
    default: break;
    }
    see(h, family, (yk__cause)h->line->cause);
}

static unsigned slot(const char *two) {
    return ((unsigned)(two[0] & 127) << 7) | (unsigned)(two[1] & 127);
}

static void fill_index(word_index *index) {
    for (int i = N_LINES - 1; i >= 0; i--) {
        index->length[i] = (uint8_t)yk__squeeze_words(lines[i].words, index->words[i], WORDS_SIZE);
        unsigned at = slot(index->words[i]);
        index->next[i] = index->head[at];
        index->head[at] = (int16_t)(i + 1);
    }
}

yk__code yk__explain_match(const yk__squeezed *s, yk__sightings *out, yk__error *err) {
    *out = (yk__sightings){.utf8_at = -1, .cuda_error = -1};
    word_index *index = yk__alloc(sizeof *index);
    if (!index) return yk__fail(err, YK__MEMORY, "out of memory for the messages of explain");
    fill_index(index);
    for (size_t at = 0; at + 1 < s->n; at++)
        for (int i = index->head[slot(s->text + at)]; i > 0; i = index->next[i - 1]) {
            size_t length = index->length[i - 1];
            if (length > s->n - at || memcmp(s->text + at, index->words[i - 1], length) != 0) continue;
            hit h = {.s = s, .line = &lines[i - 1], .at = at, .end = at + length, .out = out};
            if (h.line->is_message)
                read_message(&h);
            else
                read_surrounding(&h);
        }
    yk__free(index);
    return YK__OK;
}
