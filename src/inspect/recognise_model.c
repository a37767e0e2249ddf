/* Model files without a magic that says it all: safetensors, pickles. */
#include "inspect/recognise.h"

#include <string.h>

#include "engine/engine_format.h"

/* The format's own bound on its header. */
#define SAFETENSORS_MAX_HEADER 100000000u

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
    return true;
}
