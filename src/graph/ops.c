/* The operator table: ops.def as an array. */
#include <string.h>

#include "graph/graph.h"

static const yk__op_info infos[YK__OP_COUNT] = {
#define YK__OPERATOR(ident, name, min_in, max_in, min_out, max_out, attributes, doc) \
    [YK__OP_##ident] = {YK__OP_##ident, name, min_in, max_in, min_out, max_out, attributes, doc},
#include "graph/ops.def"
#undef YK__OPERATOR
};

const yk__op_info *yk__op_info_get(yk__op op) {
    return (int)op > YK__OP_NONE && (int)op < YK__OP_COUNT ? &infos[op] : NULL;
}

yk__op yk__op_from_name(const char *name) {
    for (int i = YK__OP_NONE + 1; name && i < YK__OP_COUNT; i++)
        if (!strcmp(name, infos[i].name)) return (yk__op)i;
    return YK__OP_NONE;
}
