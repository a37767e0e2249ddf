/* Python literals as text, which is how exports write their metadata: {0: 'person', 1: "child's toy"}, [640, 640], True. */
#ifndef YK_IMPORT_LITERAL_H
#define YK_IMPORT_LITERAL_H

#include "base/memory.h"

typedef enum yk__literal_kind {
    YK__LITERAL_NONE,
    YK__LITERAL_BOOL,
    YK__LITERAL_INT,
    YK__LITERAL_FLOAT,
    YK__LITERAL_STRING,
    YK__LITERAL_LIST, /* tuples and sets, too */
    YK__LITERAL_DICT
} yk__literal_kind;

typedef struct yk__literal {
    yk__literal_kind kind;
    int32_t n; /* items of a list, pairs of a dict */
    union {
        bool boolean;
        int64_t integer;
        double number;
        const char *text;          /* UTF-8 */
        struct yk__literal *items; /* n, or 2 n of a dict: key, value, key, value */
    };
} yk__literal;

/* Lists inside lists. Metadata needs 3. */
#define YK__LITERAL_MAX_DEPTH 16

/* The whole text as one literal, in the arena. FORMAT with the place for anything that is not one (names, calls, bytes,
 * formatted strings); nothing is ever evaluated. LIMIT for nesting, MEMORY. */
yk__code yk__literal_parse(const char *text, yk__arena *arena, yk__literal *out, yk__error *err) YK__MUST_USE;

/* The value of a string key in a dict, NULL when absent. */
const yk__literal *yk__literal_get(const yk__literal *dict, const char *key);
/* An integer (or a bool, or a float without fraction) within low..high. */
bool yk__literal_int(const yk__literal *literal, int64_t low, int64_t high, int64_t *out);

#endif
