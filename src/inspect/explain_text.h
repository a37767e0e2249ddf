/* Pasted text made comparable: logs come wrapped in the middle of words, quoted, coloured, decorated, as JSON or HTML.
 *
 * Squeezed text keeps printable ASCII in lower case, without blanks, line breaks and quotes; for each character it is known
 * what stood before it, which numbers and paths need. Control bytes, quotes, asterisks and bytes above 126 are dropped like
 * blanks, and so are the borders of tables and, at the start of a line, the signs of quotation (> | #); NUL without a trace, so
 * that UTF-16 reads as ASCII. */
#ifndef YK_INSPECT_EXPLAIN_TEXT_H
#define YK_INSPECT_EXPLAIN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* What was dropped before a character; of several the last in this list. */
typedef enum yk__gap { YK__GAP_NONE, YK__GAP_BLANK, YK__GAP_LINE, YK__GAP_QUOTE } yk__gap;

typedef struct yk__squeezed {
    char *text;   /* n characters and NUL */
    uint8_t *gap; /* n: what was dropped before each */
    size_t n;
} yk__squeezed;

/* Free with yk__squeezed_free. MEMORY. */
yk__code yk__squeeze(const char *text, size_t n, yk__squeezed *out, yk__error *err) YK__MUST_USE;
void yk__squeezed_free(yk__squeezed *squeezed);
/* The same for words of our own: at most size-1 characters. Returns the length. */
size_t yk__squeeze_words(const char *words, char *out, size_t size);

/* Whether the squeezed words stand at `at`. */
bool yk__squeezed_has(const yk__squeezed *s, size_t at, const char *words);
/* Whether they occur in from .. to-1, wholly. */
bool yk__squeezed_within(const yk__squeezed *s, size_t from, size_t to, const char *words);

/* A dotted number at `at`: digits and single dots, ending in a digit; written to out when it fits. Stops at blanks, and at line
 * breaks unless `wrapped`. Returns the position behind it, 0 when there is none. */
size_t yk__squeezed_number(const yk__squeezed *s, size_t at, bool wrapped, char *out, size_t size);

#endif
