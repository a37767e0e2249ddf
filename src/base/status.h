/* Status codes and error text inside the library.
 *
 * Every function that can fail returns yk__code (0 is success) and takes a yk__error * as its last argument, which may be
 * NULL. The text is written where the failure is found and names what failed, the value met, the rule broken, the place
 * (file, node, offset) and, where there is one, the remedy. src/api translates these codes to the public yk_status; the
 * numbers are the same and a static assertion there keeps them so. */
#ifndef YK_BASE_STATUS_H
#define YK_BASE_STATUS_H

#include <stdarg.h>
#include <stddef.h>

/* name, number, one sentence. Numbers are frozen once released; tens group them by what is at fault. */
#define YK__CODE_LIST(X) \
    X(OK, 0, "success") \
    X(ARGUMENT, -10, "an argument is out of its range or missing") \
    X(NOT_FOUND, -20, "a file or name does not exist") \
    X(IO, -21, "a file could not be read or written") \
    X(FORMAT, -30, "the bytes are not what this kind of file must hold") \
    X(TRUNCATED, -31, "the file ends before its content does") \
    X(CHECKSUM, -32, "stored and computed checksums differ") \
    X(VERSION, -33, "the file needs a newer yolk") \
    X(LIMIT, -34, "a size, count or depth is over the allowed bound") \
    X(GRAPH, -40, "the model contradicts itself") \
    X(SHAPE, -41, "tensor shapes do not fit together") \
    X(UNSUPPORTED, -50, "yolk does not support this") \
    X(AMBIGUOUS, -51, "more than one reading is possible; an option decides") \
    X(MEMORY, -60, "out of memory") \
    X(DEVICE, -70, "a device or its driver failed") \
    X(IMAGE, -80, "the picture could not be decoded") \
    X(IMAGE_LIMIT, -81, "the picture is over a size limit") \
    X(INTERNAL, -90, "a mistake inside yolk; please report it")

typedef enum yk__code {
#define X(name, number, text) YK__##name = (number),
    YK__CODE_LIST(X)
#undef X
} yk__code;

#define YK__ERROR_TEXT 1024

typedef struct yk__error {
    yk__code code;
    char message[YK__ERROR_TEXT];
} yk__error;

#if defined(__GNUC__)
#define YK__PRINTF(format_at, first_arg) __attribute__((format(printf, format_at, first_arg)))
#define YK__MUST_USE                     __attribute__((warn_unused_result))
#else
#define YK__PRINTF(format_at, first_arg)
#define YK__MUST_USE
#endif

/* Writes code and text to err (when not NULL, cut to fit at a UTF-8 boundary, control bytes replaced) and returns code,
 * so that a failure is one line: return yk__fail(err, YK__FORMAT, "..."); */
yk__code yk__fail(yk__error *err, yk__code code, const char *format, ...) YK__PRINTF(3, 4);
yk__code yk__fail_v(yk__error *err, yk__code code, const char *format, va_list args) YK__PRINTF(3, 0);

/* Puts "prefix: " in front of the text err already holds; returns err's code (or code when err is NULL). */
yk__code yk__fail_prefix(yk__error *err, yk__code code, const char *format, ...) YK__PRINTF(3, 4);

/* "ok", "argument", ...: stable lower-case names, and the sentence of the list above. Never NULL. */
const char *yk__code_name(yk__code code);
const char *yk__code_text(yk__code code);

/* Returns from the calling function when the expression fails. */
#define YK__TRY(expression) \
    do { \
        yk__code yk__try_code = (expression); \
        if (yk__try_code != YK__OK) return yk__try_code; \
    } while (0)

#endif
