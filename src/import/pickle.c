/* The pickle machine: opcodes to a table of plain values. It must never run, import or look up anything that a pickle names;
 * pt_globals.c decides which names may be mentioned at all. */
#include "import/pickle.h"

#include <string.h>

#include "import/pickle_numpy.h"

/* Values that every pickle shares. */
enum { THE_NONE, THE_FALSE, THE_TRUE, THE_EMPTY_TUPLE, N_SHARED };

typedef struct machine {
    const uint8_t *bytes;
    size_t size, at, op_at;
    yk__py *stack, *memo;
    int32_t *marks;
    int32_t n_stack, stack_capacity, n_marks, marks_capacity, memo_capacity, n_memo;
    yk__pickle *out;
    yk__pickle_allow allow;
    yk__error *err;
} machine;

/* ---- the table ---- */

static yk__code no_memory(const machine *m) {
    return yk__fail(m->err, YK__MEMORY, "out of memory for a pickle of %zu bytes", m->size);
}

static yk__code broken(const machine *m, const char *what) {
    return yk__fail(m->err, YK__FORMAT, "broken pickle: %s (opcode 0x%02x at byte %zu)", what, m->bytes[m->op_at], m->op_at);
}

/* The array with room for n elements: where it was or elsewhere, NULL (and the old one still there) without memory. */
static void *with_room(void *array, int32_t *capacity, int64_t n, size_t element) {
    if (n <= *capacity) return array;
    int64_t more = *capacity < 256 ? 512 : 2 * (int64_t)*capacity;
    if (more < n) more = n;
    if (more > INT32_MAX / 2) return NULL;
    void *const grown = yk__realloc_array(array, (size_t)more, element);
    if (grown) *capacity = (int32_t)more;
    return grown;
}

static yk__code new_value(machine *m, const yk__py_value *value, yk__py *out) {
    yk__pickle *const p = m->out;
    if (p->n_values >= YK__PICKLE_MAX_VALUES) {
        return yk__fail(m->err, YK__LIMIT, "the pickle holds over %d values: no checkpoint of a YOLO has so many",
                        YK__PICKLE_MAX_VALUES);
    }
    yk__py_value *const values = with_room(p->values, &p->values_capacity, (int64_t)p->n_values + 1, sizeof *values);
    if (!values) return no_memory(m);
    p->values = values;
    p->values[p->n_values] = *value;
    *out = p->n_values++;
    return YK__OK;
}

/* Picklers nest and collect: what lies on the stack or in containers at a time is less than there are values. */
static yk__code too_many(const machine *m, const char *what) {
    return yk__fail(m->err, YK__LIMIT, "the pickle has over %d %s: no checkpoint of a YOLO has so many", YK__PICKLE_MAX_VALUES,
                    what);
}

static yk__code push(machine *m, yk__py value) {
    if (m->n_stack >= YK__PICKLE_MAX_VALUES) return too_many(m, "values on its stack");
    yk__py *const stack = with_room(m->stack, &m->stack_capacity, (int64_t)m->n_stack + 1, sizeof *stack);
    if (!stack) return no_memory(m);
    m->stack = stack;
    m->stack[m->n_stack++] = value;
    return YK__OK;
}

static yk__code push_new(machine *m, const yk__py_value *value) {
    yk__py made = YK__PY_ABSENT;
    YK__TRY(new_value(m, value, &made));
    return push(m, made);
}

/* The stack's lowest entry that the present opcode may take: what lies under the last mark belongs to others. */
static int32_t base(const machine *m) {
    return m->n_marks > 0 ? m->marks[m->n_marks - 1] : 0;
}

static yk__code pop(machine *m, yk__py *out) {
    if (m->n_stack <= base(m)) return broken(m, "it takes more from the stack than there is");
    *out = m->stack[--m->n_stack];
    return YK__OK;
}

static yk__code top(machine *m, yk__py *out) {
    YK__TRY(pop(m, out));
    m->n_stack++;
    return YK__OK;
}

/* Takes the last mark away: *first is where its items begin on the stack, *n how many there are. */
static yk__code pop_mark(machine *m, int32_t *first, int32_t *n) {
    if (m->n_marks == 0) return broken(m, "it wants a mark and there is none");
    *first = m->marks[--m->n_marks];
    *n = m->n_stack - *first;
    return YK__OK;
}

/* Copies n stack entries behind a container's items. A container that is not the last in the pool moves to its end, with
 * twice the room, so that appending costs constant time on average. */
static yk__code append(machine *m, yk__py container, int32_t from, int32_t n) {
    yk__pickle *const p = m->out;
    yk__py_value value = p->values[container];
    const int32_t width = value.kind == YK__PY_DICT ? 2 : 1, used = value.n * width;
    if ((int64_t)used + n > value.capacity) {
        const int64_t room = 2 * (int64_t)used + n;
        if (p->n_items + room > YK__PICKLE_MAX_ITEMS) return too_many(m, "values in its containers");
        yk__py *const items = with_room(p->items, &p->items_capacity, p->n_items + room, sizeof *items);
        if (!items) return no_memory(m);
        p->items = items;
        if (used) memcpy(p->items + p->n_items, p->items + value.first, (size_t)used * sizeof *p->items);
        value.first = p->n_items;
        value.capacity = (int32_t)room;
        p->n_items += (int32_t)room;
    }
    if (n) memcpy(p->items + value.first + used, m->stack + from, (size_t)n * sizeof *p->items);
    value.n += n / width;
    p->values[container] = value;
    return YK__OK;
}

/* A new list, tuple or dict of the stack entries from `first`, which it replaces. */
static yk__code collect(machine *m, yk__py_kind kind, int32_t first) {
    const int32_t n = m->n_stack - first;
    yk__py made = THE_EMPTY_TUPLE;
    if (first < base(m)) return broken(m, "it takes more from the stack than there is");
    if (kind == YK__PY_DICT && n % 2) return broken(m, "a key without a value");
    if (n > 0 || kind != YK__PY_TUPLE) {
        YK__TRY(new_value(m, &(yk__py_value){.kind = kind}, &made));
        YK__TRY(append(m, made, first, n));
    }
    m->n_stack = first;
    return push(m, made);
}

/* ---- reading arguments ---- */

static yk__code take(machine *m, size_t n, const uint8_t **bytes) {
    if (n > m->size - m->at) {
        return yk__fail(m->err, YK__TRUNCATED, "the pickle ends inside an opcode: byte %zu wants %zu more, %zu are left",
                        m->op_at, n, m->size - m->at);
    }
    *bytes = m->bytes + m->at;
    m->at += n;
    return YK__OK;
}

/* A little-endian unsigned number of n <= 8 bytes. */
static yk__code take_number(machine *m, size_t n, uint64_t *out) {
    const uint8_t *b = NULL;
    YK__TRY(take(m, n, &b));
    *out = 0;
    for (size_t i = 0; i < n; i++) *out |= (uint64_t)b[i] << (8 * i);
    return YK__OK;
}

/* A string or bytes whose length comes in n bytes. */
static yk__code push_text(machine *m, yk__py_kind kind, size_t n) {
    uint64_t length = 0;
    const uint8_t *text = NULL;
    YK__TRY(take_number(m, n, &length));
    YK__TRY(take(m, length > SIZE_MAX ? SIZE_MAX : (size_t)length, &text));
    return push_new(m, &(yk__py_value){.kind = kind, .text = (const char *)text, .length = (uint32_t)length});
}

static yk__code push_int(machine *m, int64_t value) {
    return push_new(m, &(yk__py_value){.kind = YK__PY_INT, .integer = value});
}

/* Two's complement of n bytes; what does not fit 64 bits becomes a value without a number. */
static yk__code push_long(machine *m, size_t n) {
    const uint8_t *b = NULL;
    YK__TRY(take(m, n, &b));
    if (n > 8) return push_new(m, &(yk__py_value){.kind = YK__PY_OTHER});
    uint64_t bits = n > 0 && b[n - 1] >= 0x80 ? UINT64_MAX : 0;
    for (size_t i = n; i-- > 0;) bits = bits << 8 | b[i];
    return push_int(m, (int64_t)bits);
}

static yk__code push_float(machine *m) {
    const uint8_t *b = NULL;
    uint64_t bits = 0;
    double number;
    YK__TRY(take(m, 8, &b));
    for (int i = 0; i < 8; i++) bits = bits << 8 | b[i]; /* the one big-endian number of the format */
    memcpy(&number, &bits, sizeof number);
    return push_new(m, &(yk__py_value){.kind = YK__PY_FLOAT, .number = number});
}

/* ---- names ---- */

/* A name as a C string; FORMAT when it is longer than any module's or holds a NUL. */
static yk__code name_text(const machine *m, yk__py value, char out[256]) {
    const yk__py_value *const v = &m->out->values[value];
    if (v->kind != YK__PY_STR) return broken(m, "the name of a class is no string");
    if (v->length > 255 || memchr(v->text, 0, v->length))
        return broken(m, "the name of a class is over 255 bytes or holds a NUL");
    memcpy(out, v->text, v->length);
    out[v->length] = '\0';
    return YK__OK;
}

static yk__code push_global(machine *m, yk__py module, yk__py name) {
    char module_text[256], name_chars[256];
    YK__TRY(name_text(m, module, module_text));
    YK__TRY(name_text(m, name, name_chars));
    if (m->allow) YK__TRY(m->allow(module_text, name_chars, m->err));
    return push_new(m, &(yk__py_value){.kind = YK__PY_GLOBAL, .module = module, .name = name});
}

/* A line of text: the argument of GLOBAL. */
static yk__code take_line(machine *m, yk__py *out) {
    const uint8_t *const from = m->bytes + m->at, *const end = memchr(from, '\n', m->size - m->at);
    if (!end) return yk__fail(m->err, YK__TRUNCATED, "the pickle ends inside the name of a class at byte %zu", m->op_at);
    m->at += (size_t)(end - from) + 1;
    return new_value(m, &(yk__py_value){.kind = YK__PY_STR, .text = (const char *)from, .length = (uint32_t)(end - from)}, out);
}

static yk__code op_global(machine *m) {
    yk__py module = YK__PY_ABSENT, name = YK__PY_ABSENT;
    YK__TRY(take_line(m, &module));
    YK__TRY(take_line(m, &name));
    return push_global(m, module, name);
}

static yk__code op_stack_global(machine *m) {
    yk__py module = YK__PY_ABSENT, name = YK__PY_ABSENT;
    YK__TRY(pop(m, &name));
    YK__TRY(pop(m, &module));
    return push_global(m, module, name);
}

/* ---- objects ---- */

/* Calls whose result is plain data: a container out of nothing or out of its first argument, or that argument itself. */
typedef enum plain_call { CALL_UNKNOWN, CALL_DICT, CALL_ORDERED_DICT, CALL_LIST, CALL_FIRST, CALL_NUMBER } plain_call;

static plain_call known_call(const yk__pickle *p, yk__py called) {
    static const struct {
        const char *module, *name;
        plain_call call;
    } calls[] = {
        {"collections", "OrderedDict", CALL_ORDERED_DICT},
        {"collections", "defaultdict", CALL_DICT}, /* its argument makes values that are not there: not needed */
        {"collections", "Counter", CALL_FIRST},
        {"__builtin__", "set", CALL_LIST},
        {"builtins", "set", CALL_LIST},
        {"__builtin__", "frozenset", CALL_LIST},
        {"builtins", "frozenset", CALL_LIST},
        {"torch", "Size", CALL_FIRST},
        {"torch._utils", "_rebuild_parameter", CALL_FIRST},
        {"torch._utils", "_rebuild_parameter_with_state", CALL_FIRST},
        {"numpy.core.multiarray", "scalar", CALL_NUMBER},
        {"numpy._core.multiarray", "scalar", CALL_NUMBER},
    };
    if (yk__py_kind_of(p, called) != YK__PY_GLOBAL) return CALL_UNKNOWN;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (yk__py_is_global(p, called, calls[i].module, calls[i].name)) return calls[i].call;
    return CALL_UNKNOWN;
}

static yk__code push_object(machine *m, yk__py class_of, yk__py args) {
    return push_new(m, &(yk__py_value){.kind = YK__PY_OBJECT, .class_of = class_of, .args = args, .state = YK__PY_ABSENT});
}

/* OrderedDict out of a list of pairs, as Python 2 wrote it. */
static yk__code push_pairs(machine *m, yk__py pairs) {
    yk__py made = YK__PY_ABSENT;
    YK__TRY(new_value(m, &(yk__py_value){.kind = YK__PY_DICT}, &made));
    YK__TRY(push(m, made));
    for (int32_t i = 0; i < yk__py_count(m->out, pairs); i++) {
        const yk__py pair = yk__py_item(m->out, pairs, i);
        if (yk__py_count(m->out, pair) != 2 || yk__py_kind_of(m->out, pair) == YK__PY_DICT)
            return broken(m, "an ordered dict out of something else than pairs");
        YK__TRY(push(m, yk__py_item(m->out, pair, 0)));
        YK__TRY(push(m, yk__py_item(m->out, pair, 1)));
        YK__TRY(append(m, made, m->n_stack - 2, 2));
        m->n_stack -= 2;
    }
    return YK__OK;
}

/* A tensor that carries attributes of its own is pickled as _rebuild_from_type_v2(function, type, arguments, attributes):
 * what the function makes of the arguments, and the rest is not needed. */
static void unwrap_call(const yk__pickle *p, yk__py *called, yk__py *args) {
    if (!yk__py_is_global(p, *called, "torch._tensor", "_rebuild_from_type_v2") &&
        !yk__py_is_global(p, *called, "torch._tensor", "_rebuild_from_type"))
        return;
    const yk__py inner = yk__py_item(p, *args, 2);
    if (yk__py_kind_of(p, inner) != YK__PY_TUPLE) return;
    *called = yk__py_item(p, *args, 0);
    *args = inner;
}

static yk__code op_reduce(machine *m) {
    yk__py args = YK__PY_ABSENT, called = YK__PY_ABSENT;
    YK__TRY(pop(m, &args));
    YK__TRY(pop(m, &called));
    if (yk__py_kind_of(m->out, args) != YK__PY_TUPLE) return broken(m, "a call without a tuple of arguments");
    unwrap_call(m->out, &called, &args);
    const plain_call call = known_call(m->out, called);
    const yk__py first = yk__py_item(m->out, args, 0);
    const yk__py_kind kind = yk__py_kind_of(m->out, first);
    const bool list = kind == YK__PY_LIST || kind == YK__PY_TUPLE;
    if (call == CALL_DICT || (call == CALL_ORDERED_DICT && first == YK__PY_ABSENT))
        return push_new(m, &(yk__py_value){.kind = YK__PY_DICT});
    if (call == CALL_ORDERED_DICT && list) return push_pairs(m, first);
    if (call == CALL_LIST && first == YK__PY_ABSENT) return push_new(m, &(yk__py_value){.kind = YK__PY_LIST});
    if ((call == CALL_LIST && list) || (call == CALL_FIRST && first != YK__PY_ABSENT)) return push(m, first);
    yk__py_value number;
    if (call == CALL_NUMBER && yk__pickle_numpy_scalar(m->out, first, yk__py_item(m->out, args, 1), &number))
        return push_new(m, &number);
    return push_object(m, called, args);
}

static yk__code op_new_object(machine *m, bool keywords) {
    yk__py args = YK__PY_ABSENT, class_of = YK__PY_ABSENT, unused = YK__PY_ABSENT;
    if (keywords) YK__TRY(pop(m, &unused));
    YK__TRY(pop(m, &args));
    YK__TRY(pop(m, &class_of));
    return push_object(m, class_of, args);
}

static yk__code op_object_from_mark(machine *m) {
    int32_t first = 0, n = 0;
    YK__TRY(pop_mark(m, &first, &n));
    if (n < 1) return broken(m, "an object without a class");
    const yk__py class_of = m->stack[first];
    YK__TRY(collect(m, YK__PY_TUPLE, first + 1));
    const yk__py args = m->stack[m->n_stack - 1];
    m->n_stack = first;
    return push_object(m, class_of, args);
}

/* The state of an object is kept; containers that have one (an ordered dict's attributes) lose it. */
static yk__code op_build(machine *m) {
    yk__py state = YK__PY_ABSENT, object = YK__PY_ABSENT;
    YK__TRY(pop(m, &state));
    YK__TRY(top(m, &object));
    if (m->out->values[object].kind == YK__PY_OBJECT) m->out->values[object].state = state;
    return YK__OK;
}

/* Items behind the last mark, or the n on top, go into the container under them. Objects of unknown classes may be containers,
 * too: what goes into them is not needed. */
static yk__code op_append(machine *m, bool marked, int32_t n, bool pairs) {
    int32_t first = m->n_stack - n;
    yk__py container = YK__PY_ABSENT;
    if (marked) YK__TRY(pop_mark(m, &first, &n));
    if (first < base(m)) return broken(m, "it takes more from the stack than there is");
    if (pairs && n % 2) return broken(m, "a key without a value");
    m->n_stack = first;
    YK__TRY(top(m, &container));
    const yk__py_kind kind = m->out->values[container].kind;
    if (kind == YK__PY_OBJECT) return YK__OK;
    if (kind != (pairs ? YK__PY_DICT : YK__PY_LIST)) return broken(m, "items for something that is no container");
    return append(m, container, first, n);
}

/* ---- the memo ---- */

static yk__code memo_put(machine *m, uint64_t index) {
    yk__py value = YK__PY_ABSENT;
    YK__TRY(top(m, &value));
    /* Picklers count up from 0 and each entry takes opcodes: a larger index only serves to make the table large. */
    if (index >= m->size || index >= YK__PICKLE_MAX_VALUES) return broken(m, "a memo index larger than the pickle");
    const int32_t old = m->memo_capacity;
    yk__py *const memo = with_room(m->memo, &m->memo_capacity, (int64_t)index + 1, sizeof *memo);
    if (!memo) return no_memory(m);
    m->memo = memo;
    for (int32_t i = old; i < m->memo_capacity; i++) m->memo[i] = YK__PY_ABSENT;
    if (m->memo[index] == YK__PY_ABSENT) m->n_memo++;
    m->memo[index] = value;
    return YK__OK;
}

static yk__code memo_get(machine *m, uint64_t index) {
    if (index >= (uint64_t)m->memo_capacity || m->memo[index] == YK__PY_ABSENT)
        return broken(m, "it gets what was never put into the memo");
    return push(m, m->memo[index]);
}

/* ---- opcodes ---- */

static yk__code op_mark(machine *m) {
    if (m->n_marks >= YK__PICKLE_MAX_VALUES) return too_many(m, "marks on its stack");
    int32_t *const marks = with_room(m->marks, &m->marks_capacity, (int64_t)m->n_marks + 1, sizeof *marks);
    if (!marks) return no_memory(m);
    m->marks = marks;
    m->marks[m->n_marks++] = m->n_stack;
    return YK__OK;
}

static yk__code op_pop(machine *m) {
    yk__py unused = YK__PY_ABSENT;
    if (m->n_marks > 0 && m->n_stack == base(m)) {
        m->n_marks--;
        return YK__OK;
    }
    return pop(m, &unused);
}

static yk__code op_pop_mark(machine *m) {
    int32_t first = 0, n = 0;
    YK__TRY(pop_mark(m, &first, &n));
    m->n_stack = first;
    return YK__OK;
}

static yk__code op_duplicate(machine *m) {
    yk__py value = YK__PY_ABSENT;
    YK__TRY(top(m, &value));
    return push(m, value);
}

static yk__code op_from_mark(machine *m, yk__py_kind kind) {
    int32_t first = 0, n = 0;
    YK__TRY(pop_mark(m, &first, &n));
    return collect(m, kind, first);
}

static yk__code op_persistent(machine *m) {
    yk__py id = YK__PY_ABSENT;
    YK__TRY(pop(m, &id));
    return push_new(m, &(yk__py_value){.kind = YK__PY_PERSISTENT, .id = id});
}

static yk__code op_protocol(machine *m) {
    uint64_t version = 0;
    YK__TRY(take_number(m, 1, &version));
    if (version >= 2 && version <= 5) return YK__OK;
    return yk__fail(m->err, YK__UNSUPPORTED, "a pickle of protocol %d; yolk reads 2 to 5", (int)version);
}

/* A frame only says how many bytes may be read ahead. */
static yk__code op_frame(machine *m) {
    uint64_t length = 0;
    YK__TRY(take_number(m, 8, &length));
    if (length > m->size - m->at) {
        return yk__fail(m->err, YK__TRUNCATED, "the pickle ends inside a frame: %llu bytes announced, %zu are left",
                        (unsigned long long)length, m->size - m->at);
    }
    return YK__OK;
}

static yk__code op_unknown(machine *m) {
    const uint8_t op = m->bytes[m->op_at];
    if (op != 0 && strchr("IFSVLgpilP", op)) {
        return yk__fail(m->err, YK__UNSUPPORTED,
                        "the pickle uses text opcodes of protocol 0 ('%c' at byte %zu); yolk reads protocols 2 to 5", op,
                        m->op_at);
    }
    return broken(m, "no such opcode");
}

/* Opcodes that push something or read an argument. */
static yk__code run_data(machine *m, uint8_t op) {
    uint64_t n = 0;
    switch (op) {
    case 'N': return push(m, THE_NONE);
    case 0x88: return push(m, THE_TRUE);
    case 0x89: return push(m, THE_FALSE);
    case ')': return push(m, THE_EMPTY_TUPLE);
    case ']': return push_new(m, &(yk__py_value){.kind = YK__PY_LIST});
    case 0x8f: return push_new(m, &(yk__py_value){.kind = YK__PY_LIST}); /* an empty set */
    case '}': return push_new(m, &(yk__py_value){.kind = YK__PY_DICT});
    case 'K': YK__TRY(take_number(m, 1, &n)); return push_int(m, (int64_t)n);
    case 'M': YK__TRY(take_number(m, 2, &n)); return push_int(m, (int64_t)n);
    case 'J': YK__TRY(take_number(m, 4, &n)); return push_int(m, (int32_t)(uint32_t)n);
    case 0x8a: YK__TRY(take_number(m, 1, &n)); return push_long(m, (size_t)n);
    case 0x8b: YK__TRY(take_number(m, 4, &n)); return push_long(m, (size_t)n);
    case 'G': return push_float(m);
    case 'X': return push_text(m, YK__PY_STR, 4);
    case 'T': return push_text(m, YK__PY_STR, 4);
    case 'U': return push_text(m, YK__PY_STR, 1);
    case 0x8c: return push_text(m, YK__PY_STR, 1);
    case 0x8d: return push_text(m, YK__PY_STR, 8);
    case 'B': return push_text(m, YK__PY_BYTES, 4);
    case 'C': return push_text(m, YK__PY_BYTES, 1);
    case 0x8e: return push_text(m, YK__PY_BYTES, 8);
    case 0x96: return push_text(m, YK__PY_BYTES, 8);
    case 'q': YK__TRY(take_number(m, 1, &n)); return memo_put(m, n);
    case 'r': YK__TRY(take_number(m, 4, &n)); return memo_put(m, n);
    case 0x94: return memo_put(m, (uint64_t)m->n_memo);
    case 'h': YK__TRY(take_number(m, 1, &n)); return memo_get(m, n);
    case 'j': YK__TRY(take_number(m, 4, &n)); return memo_get(m, n);
    default: return op_unknown(m);
    }
}

static yk__code run(machine *m, uint8_t op) {
    switch (op) {
    case '(': return op_mark(m);
    case '0': return op_pop(m);
    case '1': return op_pop_mark(m);
    case '2': return op_duplicate(m);
    case 't': return op_from_mark(m, YK__PY_TUPLE);
    case 'l': return op_from_mark(m, YK__PY_LIST);
    case 'd': return op_from_mark(m, YK__PY_DICT);
    case 0x91: return op_from_mark(m, YK__PY_TUPLE); /* a frozen set */
    case 0x85: return collect(m, YK__PY_TUPLE, m->n_stack - 1);
    case 0x86: return collect(m, YK__PY_TUPLE, m->n_stack - 2);
    case 0x87: return collect(m, YK__PY_TUPLE, m->n_stack - 3);
    case 'a': return op_append(m, false, 1, false);
    case 'e': return op_append(m, true, 0, false);
    case 0x90: return op_append(m, true, 0, false);
    case 's': return op_append(m, false, 2, true);
    case 'u': return op_append(m, true, 0, true);
    case 'c': return op_global(m);
    case 0x93: return op_stack_global(m);
    case 'R': return op_reduce(m);
    case 0x81: return op_new_object(m, false);
    case 0x92: return op_new_object(m, true);
    case 'o': return op_object_from_mark(m);
    case 'b': return op_build(m);
    case 'Q': return op_persistent(m);
    case 0x80: return op_protocol(m);
    case 0x95: return op_frame(m);
    default: return run_data(m, op);
    }
}

static yk__code run_all(machine *m) {
    yk__py unused = YK__PY_ABSENT;
    YK__TRY(new_value(m, &(yk__py_value){.kind = YK__PY_NONE}, &unused));
    YK__TRY(new_value(m, &(yk__py_value){.kind = YK__PY_BOOL, .boolean = false}, &unused));
    YK__TRY(new_value(m, &(yk__py_value){.kind = YK__PY_BOOL, .boolean = true}, &unused));
    YK__TRY(new_value(m, &(yk__py_value){.kind = YK__PY_TUPLE}, &unused));
    while (m->at < m->size) {
        m->op_at = m->at++;
        if (m->bytes[m->op_at] == '.') {
            if (m->n_stack != 1 || m->n_marks != 0) return broken(m, "it does not end with one value");
            m->out->root = m->stack[0];
            m->out->size = m->at;
            return YK__OK;
        }
        YK__TRY(run(m, m->bytes[m->op_at]));
    }
    return yk__fail(m->err, YK__TRUNCATED, "the pickle ends after %zu bytes without its last opcode", m->size);
}

yk__code yk__pickle_read(const uint8_t *bytes, size_t size, yk__pickle_allow allow, yk__pickle *out, yk__error *err) {
    *out = (yk__pickle){.root = YK__PY_ABSENT};
    machine m = {.bytes = bytes, .size = size, .out = out, .allow = allow, .err = err};
    if (size > YK__PICKLE_MAX_BYTES) {
        return yk__fail(err, YK__LIMIT, "a pickle of %zu bytes; at most %zu are read", size, YK__PICKLE_MAX_BYTES);
    }
    const yk__code code = run_all(&m);
    yk__free(m.stack);
    yk__free(m.marks);
    yk__free(m.memo);
    if (code != YK__OK) yk__pickle_free(out);
    return code;
}

void yk__pickle_free(yk__pickle *pickle) {
    yk__free(pickle->values);
    yk__free(pickle->items);
    *pickle = (yk__pickle){.root = YK__PY_ABSENT};
}

/* ---- reading the table ---- */

const yk__py_value *yk__py_at(const yk__pickle *pickle, yk__py value) {
    static const yk__py_value none = {.kind = YK__PY_NONE};
    return value >= 0 && value < pickle->n_values ? &pickle->values[value] : &none;
}

yk__py_kind yk__py_kind_of(const yk__pickle *pickle, yk__py value) {
    return yk__py_at(pickle, value)->kind;
}

bool yk__py_is(const yk__pickle *pickle, yk__py value, const char *text) {
    const yk__py_value *const v = yk__py_at(pickle, value);
    const size_t n = strlen(text);
    return v->kind == YK__PY_STR && v->length == n && memcmp(v->text, text, n) == 0;
}

int32_t yk__py_count(const yk__pickle *pickle, yk__py value) {
    const yk__py_value *const v = yk__py_at(pickle, value);
    return v->kind == YK__PY_LIST || v->kind == YK__PY_TUPLE || v->kind == YK__PY_DICT ? v->n : 0;
}

yk__py yk__py_item(const yk__pickle *pickle, yk__py list, int32_t i) {
    const yk__py_value *const v = yk__py_at(pickle, list);
    if ((v->kind != YK__PY_LIST && v->kind != YK__PY_TUPLE) || i < 0 || i >= v->n) return YK__PY_ABSENT;
    return pickle->items[v->first + i];
}

static yk__py pair_part(const yk__pickle *pickle, yk__py dict, int32_t i, int part) {
    const yk__py_value *const v = yk__py_at(pickle, dict);
    if (v->kind != YK__PY_DICT || i < 0 || i >= v->n) return YK__PY_ABSENT;
    return pickle->items[v->first + 2 * i + part];
}

yk__py yk__py_key(const yk__pickle *pickle, yk__py dict, int32_t i) {
    return pair_part(pickle, dict, i, 0);
}

yk__py yk__py_value_of(const yk__pickle *pickle, yk__py dict, int32_t i) {
    return pair_part(pickle, dict, i, 1);
}

yk__py yk__py_get(const yk__pickle *pickle, yk__py dict, const char *key) {
    if (yk__py_kind_of(pickle, dict) != YK__PY_DICT || yk__py_count(pickle, dict) > YK__PY_MAX_KEYS) return YK__PY_ABSENT;
    for (int32_t i = yk__py_count(pickle, dict) - 1; i >= 0; i--)
        if (yk__py_is(pickle, yk__py_key(pickle, dict, i), key)) return yk__py_value_of(pickle, dict, i);
    return YK__PY_ABSENT;
}

bool yk__py_int(const yk__pickle *pickle, yk__py value, int64_t *out) {
    const yk__py_value *const v = yk__py_at(pickle, value);
    if (v->kind == YK__PY_INT) {
        *out = v->integer;
    } else if (v->kind == YK__PY_BOOL) {
        *out = v->boolean;
    } else if (v->kind == YK__PY_FLOAT && v->number >= -9e15 && v->number <= 9e15 &&
               (double)(int64_t)v->number == v->number) { /* within what a double holds exactly */
        *out = (int64_t)v->number;
    } else {
        return false;
    }
    return true;
}

bool yk__py_number(const yk__pickle *pickle, yk__py value, double *out) {
    const yk__py_value *const v = yk__py_at(pickle, value);
    if (v->kind == YK__PY_FLOAT) {
        *out = v->number;
    } else if (v->kind == YK__PY_INT) {
        *out = (double)v->integer;
    } else {
        return false;
    }
    return true;
}

bool yk__py_true(const yk__pickle *pickle, yk__py value) {
    const yk__py_value *const v = yk__py_at(pickle, value);
    return v->kind == YK__PY_BOOL    ? v->boolean
           : v->kind == YK__PY_INT   ? v->integer != 0
           : v->kind == YK__PY_FLOAT ? v->number != 0
                                     : false;
}

bool yk__py_is_global(const yk__pickle *pickle, yk__py value, const char *module, const char *name) {
    const yk__py_value *const v = yk__py_at(pickle, value);
    return v->kind == YK__PY_GLOBAL && yk__py_is(pickle, v->module, module) && yk__py_is(pickle, v->name, name);
}

const char *yk__py_show(const yk__pickle *pickle, yk__py value, char *out, size_t n) {
    const yk__py_value *const v = yk__py_at(pickle, value);
    if (v->kind != YK__PY_STR) return NULL;
    size_t length = v->length < n - 1 ? v->length : n - 1;
    for (size_t i = 0; i < length; i++) out[i] = (unsigned char)v->text[i] < ' ' || v->text[i] == 0x7f ? '?' : v->text[i];
    out[length] = '\0';
    return out;
}
