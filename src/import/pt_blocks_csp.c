/* Blocks that send part of their channels around a chain of smaller blocks (PARITY section 5.3), and those smaller blocks. */
#include <string.h>

#include "import/pt_build.h"

/* Values put together by one block: two halves and a chain. yolov3's longest chain has 8, yolov8x's 6. */
enum { MAX_PARTS = 64 };

/* + x where the module says so. */
static yk__code maybe_add(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    return yk__pt_flag(b, module, "add") ? yk__pt_add(b, "Add", x, *y, y) : YK__OK;
}

static yk__code bottleneck(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    YK__TRY(yk__pt_part(b, module, "cv1", x, y));
    YK__TRY(yk__pt_part(b, module, "cv2", *y, y));
    return maybe_add(b, module, x, y);
}

/* Each module of the list `m` on what the one before it gave; the results follow parts[*n - 1], on which the chain starts. */
static yk__code chain(yk__pt_build *b, yk__py module, int32_t *parts, int *n) {
    const int32_t length = yk__pt_list_length(b, module, "m");
    if (length + *n > MAX_PARTS) return yk__pt_fail(b, module, YK__LIMIT, "a chain of %d blocks", length);
    for (int32_t i = 0; i < length; i++) {
        YK__TRY(yk__pt_list_part(b, module, "m", i, parts[*n - 1], &parts[*n]));
        *n += 1;
    }
    return YK__OK;
}

/* cat[a, b, m1(b), m2(m1) ...] of cv1's halves a, b. */
static yk__code c2f(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    int32_t parts[MAX_PARTS];
    int n = 2;
    YK__TRY(yk__pt_part(b, module, "cv1", x, y));
    YK__TRY(yk__pt_halves(b, *y, parts));
    YK__TRY(chain(b, module, parts, &n));
    YK__TRY(yk__pt_concat(b, parts, n, y));
    return yk__pt_part(b, module, "cv2", *y, y);
}

/* cat[m(a), b] */
static yk__code c2(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    int32_t parts[2];
    YK__TRY(yk__pt_part(b, module, "cv1", x, y));
    YK__TRY(yk__pt_halves(b, *y, parts));
    YK__TRY(yk__pt_part(b, module, "m", parts[0], &parts[0]));
    YK__TRY(yk__pt_concat(b, parts, 2, y));
    return yk__pt_part(b, module, "cv2", *y, y);
}

static yk__code c1(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    int32_t first;
    YK__TRY(yk__pt_part(b, module, "cv1", x, &first));
    YK__TRY(yk__pt_part(b, module, "m", first, y));
    return yk__pt_add(b, "Add", *y, first, y);
}

/* cat[m(cv1 x), cv2 x] */
static yk__code c3(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    int32_t parts[2];
    YK__TRY(yk__pt_part(b, module, "cv1", x, &parts[0]));
    YK__TRY(yk__pt_part(b, module, "m", parts[0], &parts[0]));
    YK__TRY(yk__pt_part(b, module, "cv2", x, &parts[1]));
    YK__TRY(yk__pt_concat(b, parts, 2, y));
    return yk__pt_part(b, module, "cv3", *y, y);
}

/* cat[cv2 x, cv1 x, m1, m2 ...] */
static yk__code c3f(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    int32_t parts[MAX_PARTS];
    int n = 2;
    YK__TRY(yk__pt_part(b, module, "cv2", x, &parts[0]));
    YK__TRY(yk__pt_part(b, module, "cv1", x, &parts[1]));
    YK__TRY(chain(b, module, parts, &n));
    YK__TRY(yk__pt_concat(b, parts, n, y));
    return yk__pt_part(b, module, "cv3", *y, y);
}

/* cv3(m(cv1 x) + cv2 x) */
static yk__code rep_c3(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    int32_t other;
    YK__TRY(yk__pt_part(b, module, "cv1", x, y));
    YK__TRY(yk__pt_part(b, module, "m", *y, y));
    YK__TRY(yk__pt_part(b, module, "cv2", x, &other));
    YK__TRY(yk__pt_add(b, "Add", *y, other, y));
    return yk__pt_part(b, module, "cv3", *y, y);
}

/* cv4(act(bn(cat[cv3(m(cv1 x)), cv2 x]))): the normalisation stands behind two convolutions and stays a node of its own. */
static yk__code bottleneck_csp(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    int32_t parts[2];
    YK__TRY(yk__pt_part(b, module, "cv1", x, &parts[0]));
    YK__TRY(yk__pt_part(b, module, "m", parts[0], &parts[0]));
    YK__TRY(yk__pt_part(b, module, "cv3", parts[0], &parts[0]));
    YK__TRY(yk__pt_part(b, module, "cv2", x, &parts[1]));
    YK__TRY(yk__pt_concat(b, parts, 2, y));
    YK__TRY(yk__pt_part(b, module, "bn", *y, y));
    YK__TRY(yk__pt_part(b, module, "act", *y, y));
    return yk__pt_part(b, module, "cv4", *y, y);
}

static yk__code ghost_bottleneck(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    int32_t around;
    YK__TRY(yk__pt_part(b, module, "conv", x, y));
    YK__TRY(yk__pt_part(b, module, "shortcut", x, &around));
    return yk__pt_add(b, "Add", *y, around, y);
}

static yk__code cib(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    YK__TRY(yk__pt_part(b, module, "cv1", x, y));
    return maybe_add(b, module, x, y);
}

/* cat[a, b, cv2(b), cv3(cv2)] of cv1's halves. */
static yk__code elan(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    int32_t parts[4];
    YK__TRY(yk__pt_part(b, module, "cv1", x, y));
    YK__TRY(yk__pt_halves(b, *y, parts));
    YK__TRY(yk__pt_part(b, module, "cv2", parts[1], &parts[2]));
    YK__TRY(yk__pt_part(b, module, "cv3", parts[2], &parts[3]));
    YK__TRY(yk__pt_concat(b, parts, 4, y));
    return yk__pt_part(b, module, "cv4", *y, y);
}

/* relu(cv3(cv2(cv1 x)) + shortcut x) */
static yk__code resnet_block(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    int32_t around;
    YK__TRY(yk__pt_part(b, module, "cv1", x, y));
    YK__TRY(yk__pt_part(b, module, "cv2", *y, y));
    YK__TRY(yk__pt_part(b, module, "cv3", *y, y));
    YK__TRY(yk__pt_part(b, module, "shortcut", x, &around));
    YK__TRY(yk__pt_add(b, "Add", *y, around, y));
    return yk__pt_node(b, YK__OP_RELU, "Relu", y, 1, yk__pt_channels(b, *y), y, NULL);
}

static yk__code resnet_layer(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    return yk__pt_part(b, module, "layer", x, y);
}

const yk__pt_block yk__pt_blocks_csp[] = {
    {"Bottleneck", bottleneck, NULL},
    {"RepBottleneck", bottleneck, NULL},
    {"C1", c1, NULL},
    {"C2", c2, NULL},
    {"C2f", c2f, NULL},
    {"C3k2", c2f, NULL},
    {"C2fCIB", c2f, NULL},
    {"C2fPSA", c2f, NULL},
    {"C3", c3, NULL},
    {"C3k", c3, NULL},
    {"C3x", c3, NULL},
    {"RepCSP", c3, NULL},
    {"C3Ghost", c3, NULL},
    {"C3f", c3f, NULL},
    {"RepC3", rep_c3, NULL},
    {"BottleneckCSP", bottleneck_csp, NULL},
    {"GhostBottleneck", ghost_bottleneck, NULL},
    {"CIB", cib, NULL},
    {"ELAN1", elan, NULL},
    {"RepNCSPELAN4", elan, NULL},
    {"ResNetBlock", resnet_block, NULL},
    {"ResNetLayer", resnet_layer, NULL},
    {NULL, NULL, NULL},
};
