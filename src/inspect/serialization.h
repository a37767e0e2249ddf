/* What the serialization number of a TensorRT plan tells about the release that wrote it: a hint, neither unique nor rising.
 * Numbers were read off real files and messages. */
#ifndef YK_INSPECT_SERIALIZATION_H
#define YK_INSPECT_SERIALIZATION_H

/* "8.2", "10.3 to 10.9"; NULL when the number is not known. */
const char *yk__serialization_hint(int number);
/* Whether the releases that write `a` are all newer (1) or all older (-1) than those that write `b`; 0 when they overlap or one
 * of the numbers is not known. */
int yk__serialization_compare(int a, int b);

/* The number that a release (major * 100 + minor) writes; -1 when it is not known, or not one alone. */
int yk__serialization_of(int release);

#endif
