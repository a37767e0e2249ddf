/* JPEG through libjpeg-turbo with its default, accurate settings (PARITY 2.2).
 *
 * The source is a memory buffer that, once empty, "suspends": libjpeg then stops instead of inventing an end marker, so that
 * a file that ends early is refused as the reference refuses it. Damage before the end is a warning only, again as there. */
#include <limits.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "base/memory.h"
#include "image/decode_codecs.h"

/* Encoders write up to about 20 scans; each one costs a pass over all coefficients even when it is empty. 500 is the bound
 * that libjpeg-turbo's own fuzzers use, and scans * pixels <= 2^33 keeps the worst case at seconds. */
#define MAX_SCANS       500
#define MAX_SCAN_PIXELS ((uint64_t)1 << 33)

typedef struct jpeg_state {
    struct jpeg_decompress_struct cinfo;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf jump; /* every failure inside libjpeg comes back through it */
    const yk__decode_job *job;
    yk__image *out;
    yk__error *err;
    yk__code code; /* set before a jump */
    uint8_t *inks; /* one row of CMYK */
    uint8_t *line; /* one row of BGR on its way to the sink */
    int orientation;
} jpeg_state;

static jpeg_state *state_of(j_common_ptr cinfo) {
    return cinfo->client_data;
}

static void on_error(j_common_ptr cinfo) {
    jpeg_state *s = state_of(cinfo);
    char text[JMSG_LENGTH_MAX];
    cinfo->err->format_message(cinfo, text);
    switch (cinfo->err->msg_code) {
    case JERR_NO_BACKING_STORE:
    case JERR_IMAGE_TOO_BIG: s->code = yk__fail(s->err, YK__IMAGE_LIMIT, "JPEG over the memory limit: %s", text); break;
    case JERR_OUT_OF_MEMORY: s->code = yk__fail(s->err, YK__MEMORY, "JPEG: %s", text); break;
    case JERR_SOF_UNSUPPORTED:
    case JERR_BAD_PRECISION:
    case JERR_ARITH_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL: s->code = yk__fail(s->err, YK__UNSUPPORTED, "this kind of JPEG is not read: %s", text); break;
    default: s->code = yk__fail(s->err, YK__IMAGE, "damaged JPEG: %s", text); break;
    }
    longjmp(s->jump, 1);
}

static void on_message(j_common_ptr cinfo, int level) {
    (void)cinfo, (void)level;
}
static void on_output(j_common_ptr cinfo) {
    (void)cinfo;
}

static void on_progress(j_common_ptr cinfo) {
    jpeg_state *s = state_of(cinfo);
    uint64_t scans = (uint64_t)s->cinfo.input_scan_number, pixels = (uint64_t)s->cinfo.image_width * s->cinfo.image_height;
    if (scans <= MAX_SCANS && scans * pixels <= MAX_SCAN_PIXELS) return;
    s->code = yk__fail(s->err, YK__IMAGE_LIMIT, "JPEG with more than %llu scans of %u x %u pixels",
                       (unsigned long long)scans - 1, s->cinfo.image_width, s->cinfo.image_height);
    longjmp(s->jump, 1);
}

static void source_nothing(j_decompress_ptr cinfo) {
    (void)cinfo;
}
static boolean source_suspend(j_decompress_ptr cinfo) {
    (void)cinfo;
    return FALSE;
}
static void source_skip(j_decompress_ptr cinfo, long n) {
    size_t left = cinfo->src->bytes_in_buffer, step = n > 0 ? (size_t)n : 0;
    if (step > left) step = left; /* the next read then suspends */
    cinfo->src->next_input_byte += step;
    cinfo->src->bytes_in_buffer -= step;
}

static yk__code truncated(jpeg_state *s) {
    return yk__fail(s->err, YK__IMAGE, "truncated JPEG: its %zu bytes end before the picture does", s->job->size);
}

static void find_orientation(jpeg_state *s) {
    s->orientation = -1;
    for (jpeg_saved_marker_ptr m = s->cinfo.marker_list; m && s->orientation < 0; m = m->next) {
        if (m->data_length > 6 && memcmp(m->data, "Exif\0\0", 6) == 0) {
            s->orientation = yk__exif_orientation(m->data + 6, m->data_length - 6);
        }
    }
}

/* Adobe writes inks inverted: c, m, y and k are 255 for no ink (PARITY 2.2). */
static void cmyk_row_to_bgr(const uint8_t *inks, uint8_t *to, int32_t width) {
    for (int32_t x = 0; x < width; x++, inks += 4, to += 3) {
        int c = inks[0], m = inks[1], y = inks[2], k = inks[3];
        to[0] = (uint8_t)(k - (((255 - y) * k) >> 8));
        to[1] = (uint8_t)(k - (((255 - m) * k) >> 8));
        to[2] = (uint8_t)(k - (((255 - c) * k) >> 8));
    }
}

static yk__code read_rows(jpeg_state *s) {
    struct jpeg_decompress_struct *cinfo = &s->cinfo;
    const int32_t width = (int32_t)cinfo->output_width, height = (int32_t)cinfo->output_height;
    for (int32_t y = 0; y < height; y++) {
        uint8_t *to = s->line ? s->line : s->out->pixels + (size_t)y * s->out->stride_bytes;
        JSAMPROW row = s->inks ? s->inks : to;
        if (jpeg_read_scanlines(cinfo, &row, 1) != 1) return truncated(s);
        if (s->inks) cmyk_row_to_bgr(s->inks, to, width);
        if (s->line) s->job->sink->row(s->job->sink->user, s->line);
    }
    return YK__OK;
}

static void prepare(jpeg_state *s) {
    struct jpeg_decompress_struct *cinfo = &s->cinfo;
    cinfo->err = jpeg_std_error(&s->errors);
    s->errors.error_exit = on_error;
    s->errors.emit_message = on_message;
    s->errors.output_message = on_output;
    cinfo->client_data = s;
    jpeg_create_decompress(cinfo);
    s->progress.progress_monitor = on_progress;
    cinfo->progress = &s->progress;
    s->source = (struct jpeg_source_mgr){.next_input_byte = s->job->bytes,
                                         .bytes_in_buffer = s->job->size,
                                         .init_source = source_nothing,
                                         .fill_input_buffer = source_suspend,
                                         .skip_input_data = source_skip,
                                         .resync_to_restart = jpeg_resync_to_restart,
                                         .term_source = source_nothing};
    cinfo->src = &s->source;
    jpeg_save_markers(cinfo, JPEG_APP0 + 1, 0xFFFF);
}

/* Every block of 64 samples takes at least one bit of Huffman code, so a file of n bytes has no more than 512 * n pixels; a
 * header that claims more lies. Small pictures are let off: the reference decodes them, whatever is missing. */
#define JPEG_PIXELS_PER_BYTE 512u
#define JPEG_UNPROVEN_PIXELS ((uint64_t)1 << 25) /* as for every other kind: decode.c */

static yk__code believe_size(const yk__decode_job *job, uint64_t pixels, yk__error *err) {
    if (pixels <= JPEG_UNPROVEN_PIXELS || pixels / JPEG_PIXELS_PER_BYTE <= job->size) return YK__OK;
    return yk__fail(err, YK__IMAGE_LIMIT, "its header says %llu pixels, more than a JPEG of %zu bytes can hold",
                    (unsigned long long)pixels, job->size);
}

/* To the sink, if it wants the rows and they come upright; else into a picture. */
static yk__code choose_place(jpeg_state *s) {
    struct jpeg_decompress_struct *cinfo = &s->cinfo;
    yk__row_sink *sink = s->job->sink;
    const int32_t width = (int32_t)cinfo->output_width, height = (int32_t)cinfo->output_height;
    const bool upright = s->orientation < 2 || s->orientation > 8;
    if (sink && upright) YK__TRY(sink->begin(sink->user, width, height, &sink->taken, s->err));
    if (!sink || !sink->taken) return yk__image_create(s->out, width, height, s->err);
    s->line = yk__alloc_array((size_t)width, 3);
    return s->line ? YK__OK : yk__fail(s->err, YK__MEMORY, "no memory for a row of %d pixels", (int)width);
}

/* Everything that may jump. Its locals are not used after a jump: what must survive lies in *s. */
static yk__code decode(jpeg_state *s) {
    if (setjmp(s->jump)) return s->code;
    struct jpeg_decompress_struct *cinfo = &s->cinfo;
    prepare(s);
    if (jpeg_read_header(cinfo, TRUE) != JPEG_HEADER_OK) return truncated(s);
    bool inks = cinfo->num_components == 4;
    YK__TRY(believe_size(s->job, (uint64_t)cinfo->image_width * cinfo->image_height, s->err));
    YK__TRY(
        yk__decode_admit(s->job, cinfo->image_width, cinfo->image_height, inks ? (uint64_t)cinfo->image_width * 4 : 0, s->err));
    uint64_t left = s->job->limits.max_bytes - (uint64_t)cinfo->image_width * cinfo->image_height * 3;
    cinfo->mem->max_memory_to_use = left < LONG_MAX ? (long)left : LONG_MAX;
    find_orientation(s);

    cinfo->out_color_space = inks ? JCS_CMYK : JCS_EXT_BGR;
    if (!jpeg_start_decompress(cinfo)) return truncated(s); /* reads every scan of a progressive file */
    YK__TRY(choose_place(s));
    if (inks) {
        s->inks = yk__alloc_array(cinfo->output_width, 4);
        if (!s->inks) return yk__fail(s->err, YK__MEMORY, "no memory for a row of %u pixels", cinfo->output_width);
    }
    return read_rows(s);
}

yk__code yk__decode_jpeg(const yk__decode_job *job, yk__image *out, yk__error *err) {
    jpeg_state s = {.job = job, .out = out, .err = err};
    yk__code code = decode(&s);
    jpeg_destroy_decompress(&s.cinfo); /* also fine when creation failed: the struct was zeroed */
    yk__free(s.inks);
    yk__free(s.line);
    if (code == YK__OK && job->sink && job->sink->taken) return YK__OK;
    return code == YK__OK ? yk__image_orient(out, s.orientation, err) : code;
}
