/* What is this model file, and could it be imported? The first question is answered for ONNX without loading weights and
 * building a graph; the second by importing and throwing away, which takes tenths of a second. */
#ifndef YK_IMPORT_PROBE_H
#define YK_IMPORT_PROBE_H

#include "base/memory.h"
#include "graph/tensor.h"

/* One input or output of the network, as declared. */
typedef struct yk__probe_tensor {
    const char *name;
    yk__dtype dtype; /* NONE: not declared, or a type yolk has no tensors of */
    yk__shape shape; /* -1: free. Rank 0 with dtype NONE: not declared */
} yk__probe_tensor;

typedef struct yk__probe_entry {
    const char *key, *value;
} yk__probe_entry;

/* All strings and arrays lie in the arena that the caller passed. */
typedef struct yk__probe_report {
    int64_t ir_version;
    int64_t opset; /* of the standard operators; 0: not stated */
    const char *producer, *producer_version;
    int32_t n_inputs, n_outputs, n_nodes, n_metadata;
    const yk__probe_tensor *inputs; /* without the initializers that old files list among them */
    const yk__probe_tensor *outputs;
    const yk__probe_entry *metadata; /* the export's own notes: names, imgsz, stride, task ... */
    bool supported;                  /* every operator and the opset are within docs/operators.md */
    yk__error why_not;               /* set when not supported: the sentence import would give */
    const char *bad_node;            /* the first unsupported node and its operator, NULL when the opset is the reason */
    const char *bad_operator;
} yk__probe_report;

/* Cheap test on the first bytes: might this be an ONNX model? False positives are possible, false negatives are not. */
bool yk__probe_is_onnx(const uint8_t *bytes, size_t size);

/* Fills *report. FORMAT, TRUNCATED, LIMIT, MEMORY as yk__import_model; a whole but unsupported model is OK here, with
 * report->supported false. Constants are not checked. */
yk__code yk__probe_onnx(const uint8_t *bytes, size_t size, yk__arena *arena, yk__probe_report *report,
                        yk__error *err) YK__MUST_USE;

/* Imports the model and throws it away: everything that yk__probe_onnx cannot see, shapes, inputs and outputs among it. Codes
 * are those of yk__import_model; the message names no file. folder: where external data may lie, NULL: nowhere. */
yk__code yk__probe_import(const uint8_t *bytes, size_t size, const char *folder, yk__error *err) YK__MUST_USE;

/* A PyTorch checkpoint. Strings in the arena, NULL where the file does not say. */
typedef struct yk__probe_pt_report {
    const char *task, *layout, *version, *date;
    int32_t n_classes, imgsz[2], n_nodes;
    bool supported;    /* it can be built, and what is above is filled in */
    yk__error why_not; /* set when not: the sentence import would give */
} yk__probe_pt_report;

/* Fills *report. FORMAT, TRUNCATED, CHECKSUM, LIMIT, GRAPH, MEMORY as yk__import_model for files that are damaged; a whole but
 * unsupported checkpoint, or another archive, is OK here, with report->supported false. */
yk__code yk__probe_pt(const uint8_t *bytes, size_t size, yk__arena *arena, yk__probe_pt_report *report,
                      yk__error *err) YK__MUST_USE;

#endif
