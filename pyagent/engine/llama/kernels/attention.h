// Attention over a half-precision KV cache: 16 cells at a time, shared by all rows of a batch that see them.

#pragma once

#include <immintrin.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "ggml.h"

namespace attention {

constexpr int CELLS = 16;            // cells at a time: the lanes of a register
constexpr int HEADS = 4;             // query heads at a time that share one head of keys
constexpr int ROWS = 16;             // rows of the batch at a time
constexpr int64_t SCORES = 1 << 19;  // numbers of the table of scores, at most (a single row may need more)

inline bool takes(const ggml_tensor * op) {
    const ggml_tensor *q = op->src[0], *k = op->src[1], *v = op->src[2], *mask = op->src[3];
    float bias, cap;
    std::memcpy(&bias, reinterpret_cast<const float *>(op->op_params) + 1, sizeof bias);
    std::memcpy(&cap, reinterpret_cast<const float *>(op->op_params) + 2, sizeof cap);
    return q->type == GGML_TYPE_F32 && k->type == GGML_TYPE_F16 && v->type == GGML_TYPE_F16 && mask &&
           mask->type == GGML_TYPE_F16 && mask->ne[2] == 1 && !op->src[4] && bias == 0.0f && cap == 0.0f &&
           k->ne[0] == v->ne[0] && (k->ne[0] == 64 || k->ne[0] == 128 || k->ne[0] == 256) && q->ne[2] % k->ne[2] == 0 &&
           k->ne[2] == v->ne[2] && k->ne[3] == q->ne[3] && v->ne[3] == q->ne[3] && q->nb[0] == sizeof(float) &&
           k->nb[0] == sizeof(uint16_t) && v->nb[0] == sizeof(uint16_t) && ggml_is_contiguous(op);
}

// Which cells a row sees, from its mask, in groups of 16; the last group repeats its last cell.
struct Seen {
    std::vector<int32_t> cells;
    int64_t count = 0;

    void read(const uint16_t * mask, int64_t n) {
        constexpr uint16_t HIDDEN = 0xfc00;  // minus infinity
        cells.resize(n + 2 * CELLS);
        count = 0;
        const __m512i hidden = _mm512_set1_epi16(static_cast<int16_t>(HIDDEN));
        int64_t at = 0;
        for (; at + 32 <= n; at += 32) {
            uint32_t bits = _mm512_cmpneq_epi16_mask(_mm512_loadu_si512(mask + at), hidden);
            while (bits) {
                cells[count++] = static_cast<int32_t>(at + __builtin_ctz(bits));
                bits &= bits - 1;
            }
        }
        for (; at < n; at++)
            if (mask[at] != HIDDEN) cells[count++] = static_cast<int32_t>(at);
        for (int64_t pad = count; count && pad % CELLS; pad++)
            cells[pad] = cells[count - 1];
    }

    int64_t groups() const { return (count + CELLS - 1) / CELLS; }
    const int32_t * group(int64_t g) const { return cells.data() + g * CELLS; }
    // The lanes of a group that are cells and not padding.
    __mmask16 lanes(int64_t g) const {
        return static_cast<__mmask16>((1u << std::min<int64_t>(CELLS, count - g * CELLS)) - 1);
    }
};

// e^x for x <= 0, to 2 units in the last place (Cephes' polynomial).
inline __m512 exponential(__m512 x) {
    x = _mm512_max_ps(x, _mm512_set1_ps(-87.0f));
    const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), 8);
    __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
    r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
    __m512 y = _mm512_set1_ps(1.9875691500e-4f);
    for (float c : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f})
        y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(c));
    y = _mm512_fmadd_ps(_mm512_mul_ps(r, r), y, _mm512_add_ps(r, _mm512_set1_ps(1.0f)));
    return _mm512_scalef_ps(y, n);
}

inline void transpose(__m512 (&a)[16]) {
    __m512 b[16];
    for (int i = 0; i < 16; i += 4) {
        const __m512 x = _mm512_unpacklo_ps(a[i], a[i + 1]), y = _mm512_unpackhi_ps(a[i], a[i + 1]);
        const __m512 z = _mm512_unpacklo_ps(a[i + 2], a[i + 3]), w = _mm512_unpackhi_ps(a[i + 2], a[i + 3]);
        b[i] = _mm512_shuffle_ps(x, z, 0x44), b[i + 1] = _mm512_shuffle_ps(x, z, 0xee);
        b[i + 2] = _mm512_shuffle_ps(y, w, 0x44), b[i + 3] = _mm512_shuffle_ps(y, w, 0xee);
    }
    for (int j = 0; j < 4; j++) {
        const __m512 x = _mm512_shuffle_f32x4(b[j], b[j + 4], 0x88), y = _mm512_shuffle_f32x4(b[j], b[j + 4], 0xdd);
        const __m512 z = _mm512_shuffle_f32x4(b[j + 8], b[j + 12], 0x88),
                     w = _mm512_shuffle_f32x4(b[j + 8], b[j + 12], 0xdd);
        a[j] = _mm512_shuffle_f32x4(x, z, 0x88), a[j + 8] = _mm512_shuffle_f32x4(x, z, 0xdd);
        a[j + 4] = _mm512_shuffle_f32x4(y, w, 0x88), a[j + 12] = _mm512_shuffle_f32x4(y, w, 0xdd);
    }
}

inline __m512 half(const char * from) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(from)));
}

// One tile of rows and one head of keys: `G` query heads read it.
template <int D, int G> struct Tile {
    alignas(64) float block[CELLS * D];  // keys [D][16 cells], then values [16 cells][D]
    alignas(64) float queries[ROWS][G][D];
    alignas(64) float sums[ROWS][G][D];
    float totals[ROWS][G];

    void load_keys(const char * k, size_t stride, const int32_t * cells) {
        for (int d = 0; d < D; d += 16) {
            __m512 a[16];
            for (int c = 0; c < CELLS; c++)
                a[c] = half(k + cells[c] * stride + d * sizeof(uint16_t));
            transpose(a);
            for (int i = 0; i < 16; i++)
                _mm512_store_ps(block + (d + i) * CELLS, a[i]);
        }
    }

    void load_values(const char * v, size_t stride, const int32_t * cells) {
        for (int c = 0; c < CELLS; c++)
            for (int d = 0; d < D; d += 16)
                _mm512_store_ps(block + c * D + d, half(v + cells[c] * stride + d * sizeof(uint16_t)));
    }

    // Two sums a head, of the even and the odd numbers: a single one would wait for itself.
    void score(int row, float * scores, int64_t stride, __mmask16 lanes) {
        __m512 even[G], odd[G];
        for (int g = 0; g < G; g++)
            even[g] = odd[g] = _mm512_setzero_ps();
        for (int d = 0; d < D; d += 2) {
            const __m512 first = _mm512_load_ps(block + d * CELLS), second = _mm512_load_ps(block + (d + 1) * CELLS);
            for (int g = 0; g < G; g++) {
                even[g] = _mm512_fmadd_ps(first, _mm512_set1_ps(queries[row][g][d]), even[g]);
                odd[g] = _mm512_fmadd_ps(second, _mm512_set1_ps(queries[row][g][d + 1]), odd[g]);
            }
        }
        const __m512 nothing = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
        for (int g = 0; g < G; g++)
            _mm512_store_ps(scores + g * stride, _mm512_mask_add_ps(nothing, lanes, even[g], odd[g]));
    }

    void soften(int row, float * scores, int64_t stride, int64_t groups) {
        for (int g = 0; g < G; g++) {
            float * s = scores + g * stride;
            __m512 most = _mm512_load_ps(s);
            for (int64_t i = 1; i < groups; i++)
                most = _mm512_max_ps(most, _mm512_load_ps(s + i * CELLS));
            const __m512 top = _mm512_set1_ps(_mm512_reduce_max_ps(most));
            __m512 total = _mm512_setzero_ps();
            for (int64_t i = 0; i < groups; i++) {
                const __m512 x = _mm512_sub_ps(_mm512_load_ps(s + i * CELLS), top);
                const __mmask16 real = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-87.0f), _CMP_GT_OQ);
                const __m512 e = _mm512_maskz_mov_ps(real, exponential(x));
                total = _mm512_add_ps(total, e);
                _mm512_store_ps(s + i * CELLS, e);
            }
            totals[row][g] = _mm512_reduce_add_ps(total);
        }
    }

    void add(int row, const float * scores, int64_t stride) {
        constexpr int WIDE = 4;  // registers of values at a time: with 4 heads 16 sums
        for (int d = 0; d < D; d += 16 * WIDE) {
            __m512 sum[G][WIDE];
            for (int g = 0; g < G; g++)
                for (int i = 0; i < WIDE; i++)
                    sum[g][i] = _mm512_load_ps(sums[row][g] + d + 16 * i);
            for (int c = 0; c < CELLS; c++)
                for (int i = 0; i < WIDE; i++) {
                    const __m512 value = _mm512_load_ps(block + c * D + d + 16 * i);
                    for (int g = 0; g < G; g++)
                        sum[g][i] = _mm512_fmadd_ps(value, _mm512_set1_ps(scores[g * stride + c]), sum[g][i]);
                }
            for (int g = 0; g < G; g++)
                for (int i = 0; i < WIDE; i++)
                    _mm512_store_ps(sums[row][g] + d + 16 * i, sum[g][i]);
        }
    }
};

struct Work {
    std::vector<float> scores;
    std::vector<char> tile;
};

template <int D, int G>
void attend(ggml_tensor * op, const Seen * seen, int64_t stream, int64_t head, int64_t first, int rows, Work & work) {
    const ggml_tensor *q = op->src[0], *k = op->src[1], *v = op->src[2];
    const int64_t keys = head / (q->ne[2] / k->ne[2]);
    const char * kh = static_cast<const char *>(k->data) + keys * k->nb[2] + stream * k->nb[3];
    const char * vh = static_cast<const char *>(v->data) + keys * v->nb[2] + stream * v->nb[3];
    float scale;
    std::memcpy(&scale, op->op_params, sizeof scale);

    work.tile.resize(sizeof(Tile<D, G>) + 64);
    auto & tile =
        *reinterpret_cast<Tile<D, G> *>((reinterpret_cast<uintptr_t>(work.tile.data()) + 63) & ~uintptr_t{63});
    int64_t groups = 0;
    for (int row = 0; row < rows; row++) {
        groups = std::max(groups, seen[first + row].groups());
        for (int g = 0; g < G; g++) {
            const char * at = static_cast<const char *>(q->data) + (first + row) * q->nb[1] + (head + g) * q->nb[2] +
                              stream * q->nb[3];
            const float * from = reinterpret_cast<const float *>(at);
            for (int d = 0; d < D; d++)
                tile.queries[row][g][d] = from[d] * scale, tile.sums[row][g][d] = 0.0f;
        }
    }
    const int64_t stride = groups * CELLS, all = G * stride;
    work.scores.resize(rows * all + 16);
    float * scores = reinterpret_cast<float *>((reinterpret_cast<uintptr_t>(work.scores.data()) + 63) & ~uintptr_t{63});

    const auto each = [&](auto && load, auto && use) {
        for (int64_t group = 0; group < groups; group++) {
            const int32_t * loaded = nullptr;
            for (int row = 0; row < rows; row++) {
                if (group >= seen[first + row].groups()) continue;
                const int32_t * cells = seen[first + row].group(group);
                if (!loaded || std::memcmp(loaded, cells, CELLS * sizeof *cells)) load(loaded = cells);
                use(row, group, scores + row * all + group * CELLS);
            }
        }
    };
    each([&](const int32_t * cells) { tile.load_keys(kh, k->nb[1], cells); },
        [&](int row, int64_t group, float * s) { tile.score(row, s, stride, seen[first + row].lanes(group)); });
    for (int row = 0; row < rows; row++)
        if (const int64_t n = seen[first + row].groups()) tile.soften(row, scores + row * all, stride, n);
    each([&](const int32_t * cells) { tile.load_values(vh, v->nb[1], cells); },
        [&](int row, int64_t, float * s) { tile.add(row, s, stride); });

    for (int row = 0; row < rows; row++)
        for (int g = 0; g < G; g++) {
            char * at =
                static_cast<char *>(op->data) + (head + g) * op->nb[1] + (first + row) * op->nb[2] + stream * op->nb[3];
            const float share = seen[first + row].count ? 1.0f / tile.totals[row][g] : 0.0f;
            for (int d = 0; d < D; d++)
                reinterpret_cast<float *>(at)[d] = tile.sums[row][g][d] * share;
        }
}

template <int D>
void some_heads(
    ggml_tensor * op, const Seen * seen, int64_t stream, int64_t head, int n, int64_t first, int rows, Work & work) {
    switch (n) {
        case 1: return attend<D, 1>(op, seen, stream, head, first, rows, work);
        case 2: return attend<D, 2>(op, seen, stream, head, first, rows, work);
        case 3: return attend<D, 3>(op, seen, stream, head, first, rows, work);
        default: return attend<D, 4>(op, seen, stream, head, first, rows, work);
    }
}

inline void compute(ggml_tensor * op, std::vector<Seen> & seen, int threads) {
    const ggml_tensor *q = op->src[0], *k = op->src[1], *mask = op->src[3];
    const int64_t rows = q->ne[1], heads = q->ne[2], group = heads / k->ne[2];
    const int64_t parts = k->ne[2] * ((group + HEADS - 1) / HEADS);
    if (static_cast<int64_t>(seen.size()) < rows) seen.resize(rows);
    for (int64_t stream = 0; stream < q->ne[3]; stream++) {
        int64_t most = 1;
        for (int64_t row = 0; row < rows; row++) {
            const char * at =
                static_cast<const char *>(mask->data) + row * mask->nb[1] + stream % mask->ne[3] * mask->nb[3];
            seen[row].read(reinterpret_cast<const uint16_t *>(at), k->ne[1]);
            most = std::max(most, seen[row].count);
        }
        const int64_t room = SCORES / (most * std::min<int64_t>(group, HEADS));
        const int64_t step = std::max<int64_t>(1, std::min<int64_t>(ROWS, room));
        const int64_t tiles = (rows + step - 1) / step;
#pragma omp parallel num_threads(threads) if (threads > 1)
        {
            static thread_local Work work;
#pragma omp for schedule(dynamic)
            for (int64_t job = 0; job < parts * tiles; job++) {
                const int64_t part = job / tiles, first = job % tiles * step;
                const int64_t chunks = parts / k->ne[2], offset = part % chunks * HEADS;
                const int64_t head = part / chunks * group + offset;
                const int n = static_cast<int>(std::min<int64_t>(HEADS, group - offset));
                const int some = static_cast<int>(std::min(step, rows - first));
                if (k->ne[0] == 64)
                    some_heads<64>(op, seen.data(), stream, head, n, first, some, work);
                else if (k->ne[0] == 128)
                    some_heads<128>(op, seen.data(), stream, head, n, first, some, work);
                else
                    some_heads<256>(op, seen.data(), stream, head, n, first, some, work);
            }
        }
    }
}

}  // namespace attention
