// Matrix products of Q8_0 weights with AVX-512 VNNI, in an order of the weights that is made for it.
//
// 16 outputs lie side by side, so that one instruction multiplies four numbers of each of the 16 and no sum has to be
// taken across a register. Each output is computed by the same operations in the same order however many rows the
// batch has: what a sequence computes does not depend on who else is in the batch.

#pragma once

#include <immintrin.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "ggml.h"

namespace product {

constexpr int BLOCK = 32;  // numbers that share a scale in Q8_0
constexpr int PANEL = 16;  // output rows side by side: the 32-bit lanes of a register
constexpr int TILE = 12;   // rows of the batch at once: 12 float and 12 integer sums fit 32 registers
constexpr size_t ALIGNMENT = 64;

struct q8_0 {
    uint16_t scale;  // half precision
    int8_t numbers[BLOCK];
};
static_assert(sizeof(q8_0) == 34, "ggml's block of Q8_0");

// ---- weights: [panel][block][8 groups][16 rows][4 numbers + 128], then the scales [panel][block][16 rows]

inline bool takes(const ggml_tensor * w) {
    return w->type == GGML_TYPE_Q8_0 && w->ne[0] % BLOCK == 0 && w->ne[1] % PANEL == 0 && w->ne[2] == 1 &&
           w->ne[3] == 1;
}

inline void pack(uint8_t * out, const q8_0 * in, int64_t rows, int64_t blocks) {
    auto * scales = reinterpret_cast<uint16_t *>(out + rows * blocks * BLOCK);
    for (int64_t panel = 0; panel < rows / PANEL; panel++) {
        for (int64_t b = 0; b < blocks; b++) {
            for (int row = 0; row < PANEL; row++) {
                const q8_0 & from = in[(panel * PANEL + row) * blocks + b];
                uint32_t words[BLOCK / 4];
                std::memcpy(words, from.numbers, BLOCK);
                for (int group = 0; group < BLOCK / 4; group++) {
                    // Flipping the top bit of a signed byte adds 128 and makes it unsigned.
                    const uint32_t word = words[group] ^ 0x80808080u;
                    std::memcpy(out + ((group * PANEL) + row) * 4, &word, 4);
                }
                *(scales + row) = from.scale;
            }
            out += PANEL * BLOCK;
            scales += PANEL;
        }
    }
}

// ---- activations, quantised as ggml does it: d = max|x| / 127, kept in half precision

struct Activations {
    const ggml_tensor * of = nullptr;
    std::vector<int8_t> numbers;  // [rows][blocks * 32]
    std::vector<float> scales;    // [rows][blocks]
    std::vector<int32_t>
        starts;  // [rows][blocks]: -128 times the sum of the numbers, which the +128 of the weights adds
};

inline void quantise(Activations & a, const float * x, int64_t row, int64_t blocks) {
    int8_t * numbers = a.numbers.data() + row * blocks * BLOCK;
    float * scales = a.scales.data() + row * blocks;
    int32_t * starts = a.starts.data() + row * blocks;
    for (int64_t b = 0; b < blocks; b++, x += BLOCK, numbers += BLOCK) {
        const __m512 low = _mm512_loadu_ps(x), high = _mm512_loadu_ps(x + 16);
        const float most = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(low), _mm512_abs_ps(high)));
        const float d = most / 127.0f;
        const __m512 inverse = _mm512_set1_ps(d != 0.0f ? 1.0f / d : 0.0f);
        const __m512i l = _mm512_cvtps_epi32(_mm512_mul_ps(low, inverse));
        const __m512i h = _mm512_cvtps_epi32(_mm512_mul_ps(high, inverse));
        _mm_storeu_si128(reinterpret_cast<__m128i *>(numbers), _mm512_cvtepi32_epi8(l));
        _mm_storeu_si128(reinterpret_cast<__m128i *>(numbers + 16), _mm512_cvtepi32_epi8(h));
        scales[b] = _cvtsh_ss(_cvtss_sh(d, _MM_FROUND_TO_NEAREST_INT));
        starts[b] = -128 * _mm512_reduce_add_epi32(_mm512_add_epi32(l, h));
    }
}

// ---- the product of P panels and R rows

struct Job {
    const uint8_t * weights;
    const uint16_t * weight_scales;
    const int8_t * numbers;
    const float * scales;
    const int32_t * starts;
    int64_t blocks;
    char * out;         // of the first row
    size_t out_stride;  // bytes between rows
};

template <int P, int R> void multiply(const Job & job, int64_t panel, int64_t row) {
    const int64_t blocks = job.blocks;
    const uint8_t * w[P];
    const uint16_t * ws[P];
    for (int p = 0; p < P; p++) {
        w[p] = job.weights + (panel + p) * blocks * PANEL * BLOCK;
        ws[p] = job.weight_scales + (panel + p) * blocks * PANEL;
    }
    const int8_t * a = job.numbers + row * blocks * BLOCK;
    const float * as = job.scales + row * blocks;
    const int32_t * starts = job.starts + row * blocks;
    __m512 sums[P][R];
    for (int p = 0; p < P; p++)
        for (int r = 0; r < R; r++)
            sums[p][r] = _mm512_setzero_ps();
    for (int64_t b = 0; b < blocks; b++) {
        __m512i whole[P][R];
#pragma GCC unroll 16
        for (int r = 0; r < R; r++)
            for (int p = 0; p < P; p++)
                whole[p][r] = _mm512_set1_epi32(starts[r * blocks + b]);
#pragma GCC unroll 8
        for (int group = 0; group < BLOCK / 4; group++) {
            __m512i words[P];
            for (int p = 0; p < P; p++)
                words[p] = _mm512_load_si512(w[p] + group * PANEL * 4);
#pragma GCC unroll 16
            for (int r = 0; r < R; r++) {
                int32_t four;
                std::memcpy(&four, a + r * blocks * BLOCK + group * 4, 4);
                const __m512i same = _mm512_set1_epi32(four);
                for (int p = 0; p < P; p++)
                    whole[p][r] = _mm512_dpbusd_epi32(whole[p][r], words[p], same);
            }
        }
        for (int p = 0; p < P; p++) {
            const __m512 scale = _mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i *>(ws[p])));
#pragma GCC unroll 16
            for (int r = 0; r < R; r++) {
                const __m512 both = _mm512_mul_ps(scale, _mm512_set1_ps(as[r * blocks + b]));
                sums[p][r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole[p][r]), both, sums[p][r]);
            }
            w[p] += PANEL * BLOCK;
            ws[p] += PANEL;
        }
        a += BLOCK;
    }
    for (int r = 0; r < R; r++)
        for (int p = 0; p < P; p++) {
            auto * out = reinterpret_cast<float *>(job.out + (row + r) * job.out_stride) + (panel + p) * PANEL;
            _mm512_storeu_ps(out, sums[p][r]);
        }
}

using Product = void (*)(const Job &, int64_t, int64_t);
// Few rows take several panels at once, so that enough sums are in flight to hide the latency of one.
constexpr int WIDTH[TILE + 1] = {0, 4, 4, 4, 3, 2, 2, 1, 1, 1, 1, 1, 1};
constexpr Product WIDE[TILE + 1] = {nullptr, multiply<4, 1>, multiply<4, 2>, multiply<4, 3>, multiply<3, 4>,
    multiply<2, 5>, multiply<2, 6>, multiply<1, 7>, multiply<1, 8>, multiply<1, 9>, multiply<1, 10>, multiply<1, 11>,
    multiply<1, 12>};
constexpr Product SINGLE[TILE + 1] = {nullptr, multiply<1, 1>, multiply<1, 2>, multiply<1, 3>, multiply<1, 4>,
    multiply<1, 5>, multiply<1, 6>, multiply<1, 7>, multiply<1, 8>, multiply<1, 9>, multiply<1, 10>, multiply<1, 11>,
    multiply<1, 12>};

inline void panels(const Job & job, int64_t first, int64_t last, int64_t rows) {
    const int64_t tiles = (rows + TILE - 1) / TILE;
    int64_t panel = first;
    while (panel < last) {
        // All tiles walk the same 12 panels (a multiple of each width) while they are in the cache.
        const int64_t step = std::min<int64_t>(12, last - panel);
        for (int64_t tile = 0; tile < tiles; tile++) {
            const int64_t row = rows * tile / tiles;
            const int64_t n = rows * (tile + 1) / tiles - row;
            int64_t p = 0;
            for (; p + WIDTH[n] <= step; p += WIDTH[n])
                WIDE[n](job, panel + p, row);
            for (; p < step; p++)
                SINGLE[n](job, panel + p, row);
        }
        panel += step;
    }
}

inline void compute(ggml_tensor * out, Activations & a, int threads) {
    const ggml_tensor * w = out->src[0];
    const ggml_tensor * x = out->src[1];
    const int64_t blocks = w->ne[0] / BLOCK, outputs = w->ne[1];
    const int64_t rows = x->ne[1] * x->ne[2] * x->ne[3];
    if (a.of != x) {  // the query, key and value of a layer read the same
        a.of = x;
        a.numbers.resize(rows * blocks * BLOCK);
        a.scales.resize(rows * blocks);
        a.starts.resize(rows * blocks);
        for (int64_t row = 0; row < rows; row++) {
            const int64_t i1 = row % x->ne[1], i2 = row / x->ne[1] % x->ne[2], i3 = row / x->ne[1] / x->ne[2];
            const auto * from = static_cast<const char *>(x->data) + i1 * x->nb[1] + i2 * x->nb[2] + i3 * x->nb[3];
            quantise(a, reinterpret_cast<const float *>(from), row, blocks);
        }
    }
    const auto * weights = static_cast<const uint8_t *>(w->data);
    const Job job = {weights, reinterpret_cast<const uint16_t *>(weights + outputs * blocks * BLOCK), a.numbers.data(),
        a.scales.data(), a.starts.data(), blocks, static_cast<char *>(out->data), out->nb[1]};
    const int64_t all = outputs / PANEL;
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
    for (int part = 0; part < threads; part++)
        panels(job, all * part / threads, all * (part + 1) / threads, rows);
}

}  // namespace product
