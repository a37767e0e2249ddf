/* WebP through libwebp: lossy, lossless and animated (the first frame), alpha dropped without compositing. */
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

#include "image/decode_codecs.h"

/* The reference recognises a WebP file by its first 32 bytes, so a shorter one is not a picture to it. */
#define MIN_FILE_BYTES 32

static const char *status_text(VP8StatusCode status) {
    switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY: return "out of memory";
    case VP8_STATUS_UNSUPPORTED_FEATURE: return "an unsupported feature";
    case VP8_STATUS_NOT_ENOUGH_DATA: return "the file ends before the picture does";
    default: return "its bit stream is wrong";
    }
}

static yk__code decode_animated(const yk__decode_job *job, yk__image *out, yk__error *err) {
    WebPAnimDecoderOptions options;
    if (!WebPAnimDecoderOptionsInit(&options)) return yk__fail(err, YK__INTERNAL, "libwebpdemux does not fit its header");
    options.color_mode = MODE_BGRA;
    WebPData data = {.bytes = job->bytes, .size = job->size};
    WebPAnimDecoder *decoder = WebPAnimDecoderNew(&data, &options);
    WebPAnimInfo info;
    uint8_t *pixels;
    int timestamp;
    yk__code code = YK__OK;
    if (!decoder || !WebPAnimDecoderGetInfo(decoder, &info) || (int32_t)info.canvas_width != out->width ||
        (int32_t)info.canvas_height != out->height || !WebPAnimDecoderGetNext(decoder, &pixels, &timestamp)) {
        code = yk__fail(err, YK__IMAGE, "damaged WebP: its first frame cannot be read");
    } else {
        for (size_t i = 0; i < (size_t)out->width * (size_t)out->height; i++) memcpy(out->pixels + i * 3, pixels + i * 4, 3);
    }
    WebPAnimDecoderDelete(decoder);
    return code;
}

static yk__code decode_still(const yk__decode_job *job, yk__image *out, yk__error *err) {
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) return yk__fail(err, YK__INTERNAL, "libwebp does not fit its header");
    config.output.colorspace = MODE_BGR;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = out->pixels;
    config.output.u.RGBA.stride = (int)out->stride_bytes;
    config.output.u.RGBA.size = out->allocated;
    VP8StatusCode status = WebPDecode(job->bytes, job->size, &config);
    WebPFreeDecBuffer(&config.output);
    if (status == VP8_STATUS_OUT_OF_MEMORY) return yk__fail(err, YK__MEMORY, "no memory to decode the WebP picture");
    if (status != VP8_STATUS_OK) return yk__fail(err, YK__IMAGE, "damaged WebP: %s", status_text(status));
    return YK__OK;
}

static int find_orientation(const yk__decode_job *job) {
    WebPData data = {.bytes = job->bytes, .size = job->size};
    WebPDemuxer *demuxer = WebPDemux(&data);
    if (!demuxer) return -1;
    int orientation = -1;
    WebPChunkIterator chunk;
    if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) {
        orientation = yk__exif_orientation(chunk.chunk.bytes, chunk.chunk.size);
        WebPDemuxReleaseChunkIterator(&chunk);
    }
    WebPDemuxDelete(demuxer);
    return orientation;
}

yk__code yk__decode_webp(const yk__decode_job *job, yk__image *out, yk__error *err) {
    WebPBitstreamFeatures features;
    if (job->size < MIN_FILE_BYTES) return yk__fail(err, YK__IMAGE, "truncated WebP: %zu bytes", job->size);
    VP8StatusCode status = WebPGetFeatures(job->bytes, MIN_FILE_BYTES, &features);
    if (status != VP8_STATUS_OK) return yk__fail(err, YK__IMAGE, "damaged WebP: %s", status_text(status));
    uint64_t width = (uint64_t)features.width, height = (uint64_t)features.height;
    /* a lossless picture is decoded as 4 bytes a pixel plus a row cache; an animation holds two such canvases and a frame */
    YK__TRY(yk__decode_admit(job, width, height, width * height * (features.has_animation ? 12 : 5), err));
    YK__TRY(yk__image_create(out, features.width, features.height, err));
    YK__TRY(features.has_animation ? decode_animated(job, out, err) : decode_still(job, out, err));
    return yk__image_orient(out, find_orientation(job), err);
}
