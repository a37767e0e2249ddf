/* What the serialization number of a TensorRT plan tells about the release that wrote it: a hint, neither unique nor rising.
 * Numbers were read off real files and messages. */
#ifndef YK_INSPECT_SERIALIZATION_H
#define YK_INSPECT_SERIALIZATION_H

/* "8.2", "10.3 to 10.9"; NULL when the number is not known. */
const char *yk__serialization_hint(int number);
/* The release as major * 100 + minor (the first of a range), for saying which of two is newer; 0 when not known or when
 * releases of very different age share the number. */
int yk__serialization_release(int number);

#endif
