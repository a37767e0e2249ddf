/* Model files without a magic that says it all: safetensors, pickles. */
#include "inspect/recognise.h"

#include <string.h>

#include "engine/engine_format.h"
#include "inspect/inside.h"

/* The format's own bound on its header. */
#define SAFETENSORS_MAX_HEADER 100000000u

/* The header names each tensor's place: "data_offsets":[from,to]. The data end where the last one does; 0: not to be told. */
static uint64_t safetensors_data(const uint8_t *header, size_t n) {
    static const char key[] = "\"data_offsets\"";
    uint64_t end = 0;
    for (const uint8_t *at = header, *stop = header + n; (at = memmem(at, (size_t)(stop - at), key, sizeof key - 1)) != NULL;) {
        uint64_t number = 0;
        for (at += sizeof key - 1; at < stop && *at != ',' && *at != ']'; at++) {
        }
        for (; at < stop && *at != ']'; at++)
            if (*at >= '0' && *at <= '9' && number < UINT64_MAX / 100) number = 10 * number + (uint64_t)(*at - '0');
        if (number > end) end = number;
    }
    return end;
}

/* u64 length of a JSON object, the object, the data. */
bool yk__recognise_safetensors(const yk__source *source, yk__report *report) {
    if (source->n < 10) return false;
    uint64_t n = yk__get_u64(source->bytes);
    if (n < 2 || n > SAFETENSORS_MAX_HEADER || source->bytes[8] != '{') return false;
    if (source->bytes[9] != '"' && source->bytes[9] != '}' && source->bytes[9] != ' ') return false;
    bool seen = n <= source->n - 8;
    /* writers pad the header with spaces */
    uint64_t last = 8 + n - 1;
    while (seen && last > 8 && source->bytes[last] == ' ') last--;
    if (seen && source->bytes[last] != '}') return false;
    yk__claim(report, YK__FILE_KIND_SAFETENSORS, seen ? YK__CERTAINTY_CERTAIN : YK__CERTAINTY_LIKELY);
    if (n > source->size - 8) yk__claim_cut(report, "header", 8 + n, source->size, YK__CERTAINTY_LIKELY);
    if (seen)
        yk__claim_end(source, "header", 8 + n + safetensors_data(source->bytes + 8, (size_t)n), YK__CERTAINTY_CERTAIN, report);
    return true;
}

/* PROTO, a protocol of 2 to 5, then an opcode that a pickle of an object begins with. The end is STOP, '.'; a PyTorch
 * checkpoint of before 1.6 is several pickles and then raw storages, so its end says nothing. */
bool yk__recognise_pickle(const yk__source *source, yk__report *report) {
    static const uint8_t torch[] = {0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};
    static const char starts[] = "c](}){N\x88\x89KMJGX\x8a\x8c\x8e\x93\x95UTqhB\x8f\x90\x91(";
    const uint8_t *b = source->bytes;
    if (source->n < 4 || b[0] != 0x80 || b[1] < 2 || b[1] > 5 || !memchr(starts, b[2], sizeof starts - 1)) return false;
    bool is_torch = yk__source_has(source, 0, torch, sizeof torch);
    bool ends = yk__source_whole(source) && b[source->n - 1] == '.';
    if (!is_torch && yk__source_whole(source) && !ends && b[2] != 'c') return false;
    yk__claim(report, YK__FILE_KIND_PICKLE, is_torch || ends ? YK__CERTAINTY_CERTAIN : YK__CERTAINTY_LIKELY);
    yk__fact_bool(report, NULL, "pytorch_legacy", is_torch);
    if (!is_torch && yk__source_whole(source) && !ends) yk__claim_cut(report, "pickle", 0, source->size, YK__CERTAINTY_LIKELY);
    yk__holds_plan(source, source->bytes, source->n, report);
    return true;
}

/* ---- engines inside of models ---- */

bool yk__holds_plan(const yk__source *outer, const uint8_t *bytes, size_t n, yk__report *report) {
    static const char container[] = "ftrt\0\0\0\0", type_name[] = "classes.tensorrt.Engine";
    enum { LOOK = 4 << 20 }; /* what stands before an engine in a pickle is small */
    const size_t look = n < LOOK ? n : LOOK;
    const uint8_t *plan = memmem(bytes, look, container, sizeof container - 1);
    if (plan && (size_t)(bytes + n - plan) > 32 && plan[24] >= 8 && plan[24] <= 30) {
        const yk__piece piece = {.bytes = plan, .n = (size_t)(bytes + n - plan), .size = YK__SIZE_UNKNOWN};
        return yk__inside_alone(outer, &piece, report);
    }
    if (!memmem(bytes, look, type_name, sizeof type_name - 1)) return false;
    yk__report_add_kind(report, yk__file_kind_info_get(YK__FILE_KIND_TENSORRT_PLAN)->name);
    yk__fact_bool(report, NULL, "torch_tensorrt", true);
    return true;
}
