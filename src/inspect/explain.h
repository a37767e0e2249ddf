/* Explains a pasted text: which known message of TensorRT or of what wraps it, whose number is whose, what to do. Causes are
 * listed in explain_codes.def, messages in explain_messages.def; docs/why-wont-it-load.md teaches the subject. */
#ifndef YK_INSPECT_EXPLAIN_H
#define YK_INSPECT_EXPLAIN_H

#include "base/text.h"
#include "engine/report.h"

typedef enum yk__cause {
#define YK__CAUSE(ident, code, rank, sentence, remedy) YK__CAUSE_##ident,
#include "inspect/explain_codes.def"
#undef YK__CAUSE
    YK__CAUSE_COUNT
} yk__cause;

typedef enum yk__cause_rank {
    YK__CAUSE_RANK_ROOT,
    YK__CAUSE_RANK_GENERIC,
    YK__CAUSE_RANK_ASIDE,
    YK__CAUSE_RANK_WRAPPER,
    YK__CAUSE_RANK_WARNING
} yk__cause_rank;

typedef struct yk__cause_info {
    const char *code;
    yk__cause_rank rank;
    const char *sentence, *remedy;
} yk__cause_info;

/* A number that a message gives for one side. NONE where the text gives none. */
typedef enum yk__side_kind {
    YK__SIDE_NONE,
    YK__SIDE_VERSION,       /* of TensorRT, "8.2.3" */
    YK__SIDE_SERIALIZATION, /* "213" */
    YK__SIDE_COMPUTE        /* "8.6" */
} yk__side_kind;

typedef struct yk__side {
    yk__side_kind kind;
    char value[24];
} yk__side;

typedef struct yk__explained {
    yk__cause cause;
    yk__certainty certainty;
    yk__side file, machine;
    char message[640]; /* sentences of ours; nothing of the text but the numbers above */
} yk__explained;

#define YK__EXPLAIN_MAX 12
/* Bytes that are looked at: of a longer text the first and the last half of this. */
#define YK__EXPLAIN_BYTES ((size_t)4 << 20)

typedef struct yk__explanation {
    yk__explained found[YK__EXPLAIN_MAX]; /* likeliest root first */
    int32_t n_found;                      /* 0: not known */
} yk__explanation;

/* Any bytes. Time and memory are linear in n up to the bound above. Fails only for want of memory. */
yk__code yk__explain(const char *text, size_t n, yk__explanation *out, yk__error *err) YK__MUST_USE;

const yk__cause_info *yk__cause_info_get(yk__cause cause); /* never NULL */

/* {"findings":[{"code","certainty","file","machine","message","remedy"}]}, one line without newline; and text for people. */
void yk__explain_json(const yk__explanation *explanation, yk__text *out);
void yk__explain_text(const yk__explanation *explanation, yk__text *out);

#endif
