/* One ONNX backend node test on disk: a folder with model.onnx and test_data_set_k/input_i.pb, output_i.pb (a serialised
 * TensorProto each). */
#ifndef YK_TOOLS_NODE_CASE_H
#define YK_TOOLS_NODE_CASE_H

#include "base/file.h"
#include "graph/recipe.h"

#define NODE_CASE_MAX_TENSORS 64

/* What a data set holds; the arena owns the elements. */
typedef struct node_data {
    yk__tensor inputs[NODE_CASE_MAX_TENSORS], outputs[NODE_CASE_MAX_TENSORS];
    int n_inputs, n_outputs;
    yk__graph owner; /* memory behind the elements */
} node_data;

/* The operator that the test is about, that of its only node, or "(several)", is written to out. UNSUPPORTED when that operator
 * is not a standard one, or an input or output is not a tensor: then the test's data could not be read either. */
yk__code node_case_operator(const yk__map *model, char out[64], yk__error *err);

/* Reads data set k of the test folder. NOT_FOUND when there is none. On success free with node_data_free. */
yk__code node_data_read(node_data *data, const char *folder, int k, yk__error *err);
void node_data_free(node_data *data);

#endif
