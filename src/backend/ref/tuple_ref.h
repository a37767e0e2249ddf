/* Index tuples of GatherND and ScatterND: the last dimension of the indices names an element or slice of the data. */
#ifndef YK_BACKEND_REF_TUPLE_REF_H
#define YK_BACKEND_REF_TUPLE_REF_H

#include "backend/ref/call_ref.h"

/* Offset, in elements, that tuple number `tuple` of `indices` names within data's dimensions first, first + 1 ...; GRAPH when
 * an index is out of range. */
yk__code yk__ref_tuple_offset(const yk__ref_call *call, const yk__tensor *indices, int64_t tuple, const yk__shape *data,
                              int first, int64_t *out, yk__error *err) YK__MUST_USE;

#endif
