/* ImageInput: u8 BGR pictures at network size, or an f32 tensor already prepared, become the network's f32 input. */
#include "backend/ref/ops_ref.h"

typedef struct image_job {
    const uint8_t *const *pictures; /* N of them, or NULL: */
    const uint8_t *packed;          /* the pictures one after the other */
    int64_t row_bytes;
    float *out;
    int64_t rows, columns; /* of one picture */
    bool rgb;
    float scale;
    bool has_mean, has_std;
    float mean[3], std[3];
} image_job;

/* One row of one channel: task = (picture * 3 + channel) * rows + row. */
static void prepare_rows(void *argument, int64_t begin, int64_t end) {
    const image_job *job = argument;
    for (int64_t task = begin; task < end; task++) {
        const int64_t row = task % job->rows;
        const int channel = (int)(task / job->rows % 3);
        const int64_t picture = task / job->rows / 3;
        const uint8_t *in = job->pictures != NULL ? job->pictures[picture] : job->packed + picture * job->rows * job->row_bytes;
        in += row * job->row_bytes + (job->rgb ? 2 - channel : channel);
        float *out = job->out + task * job->columns;
        for (int64_t x = 0; x < job->columns; x++) out[x] = (float)in[3 * x] / job->scale;
        if (job->has_mean)
            for (int64_t x = 0; x < job->columns; x++) out[x] -= job->mean[channel];
        if (job->has_std)
            for (int64_t x = 0; x < job->columns; x++) out[x] /= job->std[channel];
    }
}

static bool three_floats(const yk__node *node, const char *name, float out[3]) {
    const yk__attr *attr = yk__node_attr(node, name);
    if (attr == NULL || attr->kind != YK__ATTR_FLOATS || attr->n != 3) return false;
    for (int i = 0; i < 3; i++) out[i] = (float)attr->floats[i];
    return true;
}

yk__code yk__ref_image_input(const yk__ref_call *call, yk__error *err) {
    const yk__shape *shape = &call->out[0].shape;
    const yk__network_input *input = call->network_input;
    const bool pictures = input != NULL && input->pictures != NULL, bytes = call->in[0].dtype == YK__DTYPE_U8;
    if (!pictures && call->in[0].data == NULL)
        return yk__fail(err, YK__ARGUMENT, "'%s': the run was given neither pictures nor a tensor", call->node->name);
    if (!pictures && !bytes) {
        memcpy(call->out[0].data, call->in[0].data, (size_t)yk__ref_count(shape) * sizeof(float));
        return YK__OK;
    }
    if (shape->rank != 4 || shape->dim[1] != 3)
        return yk__fail(err, YK__UNSUPPORTED, "'%s': pictures need a network input of three channels", call->node->name);
    image_job job = {.pictures = pictures ? input->pictures : NULL,
                     .packed = call->in[0].data,
                     .row_bytes = pictures ? input->picture_row_bytes : 3 * shape->dim[3],
                     .out = call->out[0].data,
                     .rows = shape->dim[2],
                     .columns = shape->dim[3]};
    job.rgb = strcmp(yk__node_string(call->node, "order", "rgb"), "bgr") != 0;
    job.scale = (float)yk__node_float(call->node, "scale", 255);
    job.has_mean = three_floats(call->node, "mean", job.mean);
    job.has_std = three_floats(call->node, "std", job.std);
    yk__ref_ranges(call, shape->dim[0] * 3 * job.rows, 32, prepare_rows, &job);
    return YK__OK;
}
