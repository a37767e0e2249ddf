/* Python pickles as plain data.
 *
 * A pickle is a program for a stack machine whose opcodes can name any Python function and have it called. The machine here
 * knows the same opcodes and calls nothing: it builds a table of plain values, in which a class or function is only its
 * name, and a call, a new object or a restored state is only a record of what was asked for. Values refer to each other by
 * index, so cycles and deep nesting need no recursion. Protocols 2 to 5; the text opcodes of protocols 0 and 1 are refused. */
#ifndef YK_IMPORT_PICKLE_H
#define YK_IMPORT_PICKLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"

/* The largest pickle read, and the most values one may hold. The largest checkpoint at hand has 0.3 MB and 40,000 values, a
 * 100 times that leaves room for long class lists and optimiser states, and bounds the table to 100 MB. */
#define YK__PICKLE_MAX_BYTES  ((size_t)64 << 20)
#define YK__PICKLE_MAX_VALUES (1 << 22)

/* Room for the items of containers; growing ones leave what they grew out of behind. */
#define YK__PICKLE_MAX_ITEMS (4 * YK__PICKLE_MAX_VALUES)
/* Keys are found one by one, and a module may be asked a million times: dicts of attributes have some 50, larger ones are not
 * searched. */
#define YK__PY_MAX_KEYS 1024

/* A value: its index in the table. */
typedef int32_t yk__py;
#define YK__PY_ABSENT (-1)

typedef enum yk__py_kind {
    YK__PY_NONE,
    YK__PY_BOOL,
    YK__PY_INT,
    YK__PY_FLOAT,
    YK__PY_STR, /* and bytes of Python 2 */
    YK__PY_BYTES,
    YK__PY_LIST, /* sets, too */
    YK__PY_TUPLE,
    YK__PY_DICT,       /* ordered ones, too */
    YK__PY_GLOBAL,     /* a class or function: its name, nothing else */
    YK__PY_OBJECT,     /* what a class or function would have made */
    YK__PY_PERSISTENT, /* a reference to something outside the pickle: torch's storages */
    YK__PY_OTHER       /* an integer beyond 64 bits */
} yk__py_kind;

typedef struct yk__py_value {
    yk__py_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double number;
        struct {
            const char *text; /* into the pickle's bytes, without NUL at the end */
            uint32_t length;
        };
        struct {
            int32_t first, n, capacity; /* in `items`; of a dict n counts pairs: key, value, key, value */
        };
        struct {
            yk__py module, name; /* strings */
        };
        struct {
            yk__py class_of, args, state; /* the global (or whatever was called), its arguments, its state or ABSENT */
        };
        yk__py id;
    };
} yk__py_value;

typedef struct yk__pickle {
    yk__py_value *values;
    yk__py *items;
    int32_t n_values, n_items, values_capacity, items_capacity;
    yk__py root;
    size_t size; /* bytes up to and with STOP */
} yk__pickle;

/* Whether a pickle may name this class or function; the error's text says why not. Both names are NUL-terminated. */
typedef yk__code (*yk__pickle_allow)(const char *module, const char *name, yk__error *err);

/* Reads the pickle at the start of the bytes, which must outlive *out. FORMAT (opcodes that make no sense), TRUNCATED (no
 * STOP), UNSUPPORTED (opcodes above, and what `allow` refuses), LIMIT, MEMORY; messages give the byte. On failure *out is
 * empty. Time and memory are linear in the size of the pickle. */
yk__code yk__pickle_read(const uint8_t *bytes, size_t size, yk__pickle_allow allow, yk__pickle *out,
                         yk__error *err) YK__MUST_USE;
void yk__pickle_free(yk__pickle *pickle);

/* Never NULL: for ABSENT a none. */
const yk__py_value *yk__py_at(const yk__pickle *pickle, yk__py value);
/* NONE for ABSENT. */
yk__py_kind yk__py_kind_of(const yk__pickle *pickle, yk__py value);
/* A string equal to the text. */
bool yk__py_is(const yk__pickle *pickle, yk__py value, const char *text);
/* Items of a list or tuple; pairs of a dict; 0 for everything else. */
int32_t yk__py_count(const yk__pickle *pickle, yk__py value);
/* Item i of a list or tuple, ABSENT outside. */
yk__py yk__py_item(const yk__pickle *pickle, yk__py list, int32_t i);
/* Pair i of a dict. */
yk__py yk__py_key(const yk__pickle *pickle, yk__py dict, int32_t i);
yk__py yk__py_value_of(const yk__pickle *pickle, yk__py dict, int32_t i);
/* The value of a string key, the last of several; ABSENT when there is none, this is no dict or has over YK__PY_MAX_KEYS. */
yk__py yk__py_get(const yk__pickle *pickle, yk__py dict, const char *key);
/* An integer, or a float or bool that is one. */
bool yk__py_int(const yk__pickle *pickle, yk__py value, int64_t *out);
/* A float or integer. */
bool yk__py_number(const yk__pickle *pickle, yk__py value, double *out);
/* True for a bool true and a number other than 0. */
bool yk__py_true(const yk__pickle *pickle, yk__py value);
/* Whether this is the global module.name. */
bool yk__py_is_global(const yk__pickle *pickle, yk__py value, const char *module, const char *name);
/* Fits a string (or NULL when it is none) into n bytes with NUL, for messages: control bytes and what is too long are cut. */
const char *yk__py_show(const yk__pickle *pickle, yk__py value, char *out, size_t n);

#endif
