/* What the releases of TensorRT print when they refuse a plan. Only the short messages, as users meet them in logs. */
#ifndef YK_INSPECT_PLAN_MESSAGES_H
#define YK_INSPECT_PLAN_MESSAGES_H

#include <stddef.h>

typedef enum yk__refusal {
    YK__REFUSAL_MAGIC,         /* no plan of a generation that it knows */
    YK__REFUSAL_SAFE_NUMBER,   /* serialization number of the safe runtime */
    YK__REFUSAL_SERIALIZATION, /* serialization number */
    YK__REFUSAL_PLATFORM,
    YK__REFUSAL_SIZE,
    YK__REFUSAL_VERSION,
    YK__REFUSAL_COMPUTE
} yk__refusal;

/* release: of the TensorRT that loads, major * 100 + minor. machine and file: the numbers of either side, where the message has
 * them ("" where not known). Writes the message, "" where that release has none. */
void yk__refusal_message(yk__refusal what, int release, const char *machine, const char *file, char *out, size_t size);

#endif
