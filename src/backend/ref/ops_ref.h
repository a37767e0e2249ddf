/* The operators of the ref backend, one or one family of alike ones per file named after it. Contract: call_ref.h. */
#ifndef YK_BACKEND_REF_OPS_REF_H
#define YK_BACKEND_REF_OPS_REF_H

#include "backend/ref/call_ref.h"

#define RUN(name)     yk__code yk__ref_##name(const yk__ref_call *call, yk__error *err)
#define SCRATCH(name) size_t yk__ref_##name##_scratch(const yk__ref_call *call, int n_threads)

RUN(image_input);
RUN(attention);
SCRATCH(attention);
RUN(yolk_head);
SCRATCH(yolk_head);

RUN(conv);
RUN(conv_transpose);
RUN(max_pool);
RUN(average_pool);
RUN(lp_pool);
RUN(global_pool); /* GlobalAveragePool, GlobalMaxPool, GlobalLpPool */
RUN(batch_normalization);
RUN(instance_normalization);
RUN(layer_normalization);
RUN(resize);
SCRATCH(resize);

RUN(matmul);
RUN(gemm);
RUN(einsum);
RUN(softmax); /* Softmax, LogSoftmax */

RUN(concat);
RUN(split);
RUN(slice);
RUN(gather);
RUN(gather_elements);
RUN(gather_nd);
RUN(scatter_elements);
RUN(scatter_nd);
RUN(keep); /* Reshape, Flatten, Squeeze, Unsqueeze, Identity: the elements stay as they are */
RUN(transpose);
RUN(expand);
RUN(tile);
RUN(pad);
SCRATCH(pad);
RUN(depth_to_space);
RUN(space_to_depth);
RUN(cast);

RUN(shape);
RUN(size);
RUN(range);
RUN(constant_of_shape);
RUN(non_zero);
RUN(eye_like);
RUN(trilu);
RUN(one_hot);
RUN(cum_sum);

RUN(top_k);
SCRATCH(top_k);
RUN(arg); /* ArgMax, ArgMin */
RUN(where);
RUN(non_max_suppression);
SCRATCH(non_max_suppression);

RUN(reduce); /* all reductions */
RUN(unary);  /* elementwise operators of one input */
RUN(is);     /* IsInf, IsNaN */
RUN(not );
RUN(clip);     /* Clip */
RUN(binary);   /* Add, Sub, Mul, Div, PRelu */
RUN(pow);      /* Pow */
RUN(mod);      /* Mod */
RUN(variadic); /* Max, Min, Mean, Sum */
RUN(compare);  /* Equal, Greater, GreaterOrEqual, Less, LessOrEqual */
RUN(logic);    /* And, Or, Xor */

#undef RUN
#undef SCRATCH

#endif
