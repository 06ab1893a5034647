// The weights of a draw, in two passes over the logits where numpy takes five.

#include <cstdint>

#include "attention.h"

// out[i] = exp((row[i] - max) * scale), and the sums of each 256 of them. `n` is padded by zeros in `out` to whole
// blocks.
extern "C" void pyagent_weigh(const float * row, int64_t n, float scale, float * out, float * sums) {
    constexpr int64_t BLOCK = 256;
    const auto some = [&](int64_t at) { return static_cast<__mmask16>(n - at >= 16 ? 0xffff : (1u << (n - at)) - 1); };
    __m512 most = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
    for (int64_t at = 0; at < n; at += 16)
        most = _mm512_mask_max_ps(most, some(at), most, _mm512_maskz_loadu_ps(some(at), row + at));
    const __m512 top = _mm512_set1_ps(_mm512_reduce_max_ps(most)), factor = _mm512_set1_ps(scale);
    for (int64_t block = 0; block < n; block += BLOCK) {
        __m512 sum = _mm512_setzero_ps();
        for (int64_t at = block; at < block + BLOCK && at < n; at += 16) {
            const __m512 x = _mm512_mul_ps(_mm512_sub_ps(_mm512_maskz_loadu_ps(some(at), row + at), top), factor);
            const __mmask16 real = _mm512_mask_cmp_ps_mask(some(at), x, _mm512_set1_ps(-87.0f), _CMP_GT_OQ);
            const __m512 weight = _mm512_maskz_mov_ps(real, attention::exponential(x));
            _mm512_mask_storeu_ps(out + at, some(at), weight);
            sum = _mm512_add_ps(sum, weight);
        }
        sums[block / BLOCK] = _mm512_reduce_add_ps(sum);
    }
}
