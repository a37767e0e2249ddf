/* yolk's own engines: all that the reader says about them. */
#include "inspect/recognise.h"

#include "engine/engine_read.h"

bool yk__recognise_yolk(const yk__source *source, yk__report *report) {
    yk__engine_file file;
    yk__error err;
    if (!yk__engine_looks_like(source->bytes, source->n)) return false;
    if (!yk__source_whole(source))
        (void)yk__engine_probe(source->bytes, source->n, source->size, report, &err); /* the report has all of it */
    else if (yk__engine_open_bytes(source->bytes, source->n, report->file, &file, report, &err) == YK__OK)
        yk__engine_close(&file);
    return true;
}
