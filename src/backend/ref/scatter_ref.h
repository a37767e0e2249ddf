/* How ScatterElements and ScatterND combine an update with what is there (attribute reduction). */
#ifndef YK_BACKEND_REF_SCATTER_REF_H
#define YK_BACKEND_REF_SCATTER_REF_H

#include "backend/ref/call_ref.h"

typedef enum yk__ref_combine {
    YK__REF_COMBINE_NONE,
    YK__REF_COMBINE_ADD,
    YK__REF_COMBINE_MUL,
    YK__REF_COMBINE_MAX,
    YK__REF_COMBINE_MIN
} yk__ref_combine;

yk__code yk__ref_combine_of(const yk__ref_call *call, yk__ref_combine *out, yk__error *err) YK__MUST_USE;
/* out[to + i] = out[to + i] combined with updates[from + i], 0 <= i < n, in that order. */
void yk__ref_combine_run(yk__ref_combine how, const yk__tensor *out, int64_t to, const yk__tensor *updates, int64_t from,
                         int64_t n);
/* Output 0 starts as a copy of input 0. */
void yk__ref_scatter_begin(const yk__ref_call *call);

#endif
