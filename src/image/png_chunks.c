/* Walks PNG chunks (PNG specification, third edition, 5.3 and 11.3.6). Reads no pixels and checks no checksum. */
#include "image/png_chunks.h"

enum { IHDR_BYTES = 13, ACTL_BYTES = 8, FCTL_BYTES = 26, MAX_DISPOSE = 2, MAX_BLEND = 1 };

uint32_t yk__png_u32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

/* Sizes that the reference's reader does not accept: a background colour that is none, and more than libpng's default bound
 * (PNG_USER_CHUNK_MALLOC_MAX) for a chunk that is neither picture data nor plain text. */
static bool is_plausible(uint32_t id, size_t n) {
    switch (id) {
    case YK__PNG_ID('b', 'K', 'G', 'D'): return n == 1 || n == 2 || n == 6;
    case YK__PNG_ID('I', 'D', 'A', 'T'):
    case YK__PNG_ID('f', 'd', 'A', 'T'):
    case YK__PNG_ID('I', 'E', 'N', 'D'):
    case YK__PNG_ID('P', 'L', 'T', 'E'):
    case YK__PNG_ID('t', 'R', 'N', 'S'):
    case YK__PNG_ID('t', 'E', 'X', 't'): return true;
    default: return n <= 8000000 - YK__PNG_OVERHEAD;
    }
}

bool yk__png_next_chunk(const yk__decode_job *job, size_t *at, yk__png_chunk *out) {
    if (*at > job->size || job->size - *at < YK__PNG_OVERHEAD) return false;
    const uint8_t *p = job->bytes + *at;
    size_t n = yk__png_u32(p);
    if (n > job->size - *at - YK__PNG_OVERHEAD || !is_plausible(yk__png_u32(p + 4), n)) return false;
    *out = (yk__png_chunk){yk__png_u32(p + 4), p + 8, n};
    *at += n + YK__PNG_OVERHEAD;
    return true;
}

yk__code yk__png_read_frame(const yk__png_chunk *chunk, const yk__png_prologue *prologue, yk__png_frame *out, yk__error *err) {
    if (chunk->size != FCTL_BYTES) return yk__fail(err, YK__IMAGE, "damaged PNG: an fcTL chunk of %zu bytes", chunk->size);
    const uint8_t *p = chunk->data + 4; /* behind the sequence number */
    yk__png_frame f = {yk__png_u32(p), yk__png_u32(p + 4), yk__png_u32(p + 8), yk__png_u32(p + 12)};
    if ((uint64_t)f.x + f.width > prologue->width || (uint64_t)f.y + f.height > prologue->height || p[20] > MAX_DISPOSE ||
        p[21] > MAX_BLEND) {
        return yk__fail(err, YK__IMAGE, "damaged PNG: a frame of %u x %u at %u, %u does not fit its %u x %u pixels", f.width,
                        f.height, f.x, f.y, prologue->width, prologue->height);
    }
    *out = f;
    return YK__OK;
}

yk__code yk__png_read_prologue(const yk__decode_job *job, yk__png_prologue *out, yk__error *err) {
    yk__png_prologue p = {.n_frames = 1};
    size_t at = YK__PNG_SIGNATURE_BYTES;
    yk__png_chunk c, frame = {0};
    if (!yk__png_next_chunk(job, &at, &c) || c.id != YK__PNG_ID('I', 'H', 'D', 'R') || c.size != IHDR_BYTES) {
        return yk__fail(err, YK__IMAGE, "damaged PNG: it does not begin with a whole header");
    }
    p.header = c;
    p.width = yk__png_u32(c.data), p.height = yk__png_u32(c.data + 4);
    for (;;) {
        p.data_at = at;
        if (!yk__png_next_chunk(job, &at, &c))
            return yk__fail(err, YK__IMAGE, "damaged PNG: no whole picture data after its header");
        if (c.id == YK__PNG_ID('I', 'D', 'A', 'T')) break;
        if (c.id == YK__PNG_ID('a', 'c', 'T', 'L')) {
            if (c.size != ACTL_BYTES) return yk__fail(err, YK__IMAGE, "damaged PNG: an acTL chunk of %zu bytes", c.size);
            p.n_frames = yk__png_u32(c.data);
            if (!p.n_frames) return yk__fail(err, YK__IMAGE, "damaged PNG: an animation of 0 frames");
        } else if (c.id == YK__PNG_ID('f', 'c', 'T', 'L')) {
            frame = c;
            p.frame_known = true;
        }
    }
    if (p.frame_known) YK__TRY(yk__png_read_frame(&frame, &p, &p.frame, err));
    *out = p;
    return YK__OK;
}
