/* Kernels that move data without computing: changes of form, copies of concat's parts. Accept functions; loops are in
 * move_template.h. */
#include "backend/cpu/cpu_kernels.h"

bool yk__form_change_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    if (query->block != isa->block || !yk__cpu_is_map(&query->in[0])) return false;
    if (query->in_form[0] == YK__FORM_PLAIN && query->change_to == YK__FORM_PLAIN) return false;
    const int64_t *dim = query->in[0].shape.dim;
    int64_t blocks = (dim[1] + isa->block - 1) / isa->block;
    need->in_form[0] = query->in_form[0];
    need->out_form[0] = query->change_to;
    need->cost_ns =
        yk__cpu_shared_ns(isa, query, 2 * yk__cpu_move_ns(isa, 2.0 * (double)(blocks * isa->block * dim[2] * dim[3])));
    return true;
}
