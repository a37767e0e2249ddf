/* Resize kernels for AVX2; they give the bytes of the plain ones in resize.c.
 *
 * 3 channels: the 6 bytes of two neighbouring pixels are shuffled to b b' g g' r r' as 16-bit words, so that one multiply-add
 * with (left, right) gives all three sums; two result pixels share a 256-bit register. */
#include "image/resize_kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2")))

/* Bytes 0..5 of a lane to words b b' g g' r r' 0 0. */
#define PAIR_ORDER 0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1
/* Words b g r _ b g r _ of two packed pixels to b g r b g r. */
#define DROP_FOURTH 0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, -1, -1, -1, -1

AVX2 static void row_c3_avx2(const uint8_t *source, int32_t source_width, const yk__resize_column *columns, int32_t n,
                             int16_t *blended) {
    const __m256i order = _mm256_setr_epi8(PAIR_ORDER, PAIR_ORDER);
    const __m128i drop = _mm_setr_epi8(DROP_FOURTH);
    /* 8 bytes are loaded at each pixel: its pair is 6, so the last columns go one by one */
    int32_t safe = source_width - 3;
    int32_t x = 0;
    for (; x + 2 <= n && columns[x].at <= safe && columns[x + 1].at <= safe; x += 2) {
        int32_t weights[2];
        memcpy(&weights[0], &columns[x].left, 4);
        memcpy(&weights[1], &columns[x + 1].left, 4);
        __m128i p0 = _mm_loadl_epi64((const __m128i *)(const void *)(source + (size_t)columns[x].at * 3));
        __m128i p1 = _mm_loadl_epi64((const __m128i *)(const void *)(source + (size_t)columns[x + 1].at * 3));
        __m256i pairs = _mm256_shuffle_epi8(_mm256_inserti128_si256(_mm256_castsi128_si256(p0), p1, 1), order);
        __m256i w = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_set1_epi32(weights[0])), _mm_set1_epi32(weights[1]), 1);
        __m256i sums = _mm256_srai_epi32(_mm256_madd_epi16(pairs, w), 4);
        __m128i packed = _mm_packs_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
        /* 16 bytes are written, 12 count: the next pair or the row's padding takes the rest */
        _mm_storeu_si128((__m128i *)(void *)(blended + (size_t)x * 3), _mm_shuffle_epi8(packed, drop));
    }
    for (; x < n; x++) {
        const uint8_t *p = source + (size_t)columns[x].at * 3;
        int next = columns[x].right ? 3 : 0;
        for (int c = 0; c < 3; c++) {
            blended[(size_t)x * 3 + (size_t)c] = (int16_t)((p[c] * columns[x].left + p[c + next] * columns[x].right) >> 4);
        }
    }
}

AVX2 static void blend_rows_avx2(const int16_t *a, const int16_t *b, int16_t wa, int16_t wb, uint8_t *dst, size_t n) {
    const __m256i va = _mm256_set1_epi16(wa), vb = _mm256_set1_epi16(wb), two = _mm256_set1_epi16(2);
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        __m256i half[2];
        for (size_t k = 0; k < 2; k++) {
            __m256i ra = _mm256_loadu_si256((const __m256i *)(const void *)(a + i + 16 * k));
            __m256i rb = _mm256_loadu_si256((const __m256i *)(const void *)(b + i + 16 * k));
            __m256i sum = _mm256_add_epi16(_mm256_mulhi_epi16(ra, va), _mm256_mulhi_epi16(rb, vb));
            half[k] = _mm256_srai_epi16(_mm256_add_epi16(sum, two), 2);
        }
        __m256i bytes = _mm256_permute4x64_epi64(_mm256_packus_epi16(half[0], half[1]), 0xD8);
        _mm256_storeu_si256((__m256i *)(void *)(dst + i), bytes);
    }
    for (; i < n; i++) {
        int v = ((a[i] * wa >> 16) + (b[i] * wb >> 16) + 2) >> 2;
        dst[i] = (uint8_t)(v > 255 ? 255 : v);
    }
}

void yk__resize_kernels_x86(yk__resize_kernels *kernels, yk__isa isa) {
    if (isa != YK__ISA_AVX2 && isa != YK__ISA_AVX512) return;
    kernels->row[3] = row_c3_avx2;
    kernels->blend = blend_rows_avx2;
}
#else
void yk__resize_kernels_x86(yk__resize_kernels *kernels, yk__isa isa) {
    (void)kernels, (void)isa;
}
#endif
