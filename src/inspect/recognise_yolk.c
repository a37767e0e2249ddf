/* yolk's own engines: all that the reader says about them. */
#include "inspect/recognise.h"

#include "engine/engine_format.h"
#include "engine/engine_read.h"

/* A stream's length is taken from the file's own head, so that nothing is said against it. */
static uint64_t size_of(const yk__source *source) {
    if (source->size != YK__SIZE_UNKNOWN) return source->size;
    uint64_t stated = source->n >= YK__HEAD_FILE_BYTES + 8 ? yk__get_u64(source->bytes + YK__HEAD_FILE_BYTES) : 0;
    return stated > source->n ? stated : source->n;
}

bool yk__recognise_yolk(const yk__source *source, yk__report *report) {
    yk__engine_file file;
    yk__error err;
    if (!yk__engine_looks_like(source->bytes, source->n)) return false;
    if (!yk__source_whole(source) || !source->deep)
        (void)yk__engine_probe(source->bytes, source->n, size_of(source), report, &err); /* the report has all of it */
    else if (yk__engine_open_bytes(source->bytes, source->n, report->file, &file, report, &err) == YK__OK)
        yk__engine_close(&file);
    return true;
}
