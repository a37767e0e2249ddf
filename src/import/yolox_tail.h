/* YOLOX heads whose scores leave the network as logits.
 *
 * YOLOX's own exporter ends each level in sigmoids. Another widely copied training code leaves them to its decoder, and its
 * exports of one output spell the levels' rows as Reshape of N x C x H x W to (H W) x C, which does not transpose: numbers of
 * neighbouring cells stand where a row's should, and the decoder takes that back. Its pictures are RGB, normalised as
 * ImageNet's. Here the network is made to end as YOLOX's do. */
#ifndef YK_IMPORT_YOLOX_TAIL_H
#define YK_IMPORT_YOLOX_TAIL_H

#include "graph/graph.h"
#include "graph/recipe.h"

/* For a network of the layout yolox in which no sigmoid feeds the first output: turns rows that were not transposed, adds the
 * sigmoids, and sets what is done to pictures. columns: 5 + classes. */
yk__code yk__yolox_finish(yk__graph *graph, int64_t columns, yk__recipe *recipe, yk__error *err) YK__MUST_USE;

#endif
