/* The inner loops of a look-up and of an insert: what block.py does in numpy, in one pass and without its calls.
 *
 * Compiled where a compiler is found (kernel.py), tested equal to the numpy path, never needed. A place counts only
 * when its stamp stands before and after its vector was copied and the checksum of the copy agrees.
 */
#include <stdint.h>
#include <string.h>

#define WORDS 4
#define RANKED 128
#define LIMIT 8192
#define MAX_DIM 4096
#define CHUNK 4096
#define ONES 0x0101010101010101ull

typedef struct {
    uint64_t *first, *rest;       /* [n], [n, 3]: the code; the first word is veiled by the scope */
    uint64_t *scope;              /* [n, 2] */
    uint8_t *alive;               /* [n] */
    int64_t *seq;                 /* [n], 0 for an empty place */
    uint64_t *check;              /* [n] */
    uint16_t *vectors;            /* [n, dim], IEEE halves */
    const uint64_t *weights;      /* [dim / 2] */
    int64_t dim;                  /* even, at most MAX_DIM */
} Block;

typedef struct {
    const float *vector;    /* [dim], times 2^112 */
    const uint64_t *code;   /* [4] */
    const uint64_t *tag;    /* [2] */
    int64_t low, k, r64, r256;
    double floor;
} Query;

typedef struct {
    int64_t place[LIMIT];
    uint16_t bits[LIMIT];
    int n;
} Near;

static inline int distance(const Block *b, const Query *q, int64_t i, int bits) {
    for (int w = 0; w < WORDS - 1; w++)
        bits += __builtin_popcountll(b->rest[i * (WORDS - 1) + w] ^ q->code[w + 1]);
    return bits;
}

/* Keep the RANKED nearest; of equals the later. */
static void nearest(Near *near) {
    int counts[64 * WORDS + 1] = {0}, last = 0, room = RANKED, kept = 0;
    if (near->n <= RANKED) return;
    for (int i = 0; i < near->n; i++) counts[near->bits[i]]++;
    while (room >= counts[last]) room -= counts[last++];
    int skip = counts[last] - room; /* of those at the last distance that still has room */
    for (int i = 0; i < near->n; i++) {
        if (near->bits[i] > last || (near->bits[i] == last && skip-- > 0)) continue;
        near->place[kept] = near->place[i];
        near->bits[kept++] = near->bits[i];
    }
    near->n = kept;
}

static inline int within(const Block *b, const Query *q, int64_t i, int *bits) {
    *bits = distance(b, q, i, *bits);
    return *bits <= q->r256 && b->alive[i] && b->scope[2 * i] == q->tag[0] && b->scope[2 * i + 1] == q->tag[1];
}

static inline void keep(Near *near, int64_t place, int bits) {
    if (near->n == LIMIT) nearest(near);
    near->place[near->n] = place;
    near->bits[near->n++] = (uint16_t)bits;
}

static void scan(const Block *b, const Query *q, int64_t start, int64_t end, Near *near) {
    _Alignas(64) uint8_t bits[CHUNK];
    uint16_t close[CHUNK];
    const uint64_t code = q->code[0];
    const uint64_t beyond = ONES * (uint64_t)(q->r64 + 1);
    for (int64_t at = start; at < end; at += CHUNK) {
        int n = end - at < CHUNK ? (int)(end - at) : CHUNK, some = 0;
        const uint64_t *words = b->first + at;
        for (int i = 0; i < n; i++) bits[i] = (uint8_t)__builtin_popcountll(words[i] ^ code);
        memset(bits + n, 255 >> 1, (size_t)(-n & 7));
        /* Eight counts at once (all are 64 or less): a byte's high bit is left where the count is within. Few are,
         * which ones cannot be predicted, and their codes are fetched ahead of their use. */
        for (int i = 0; i < n; i += 8) {
            uint64_t eight;
            memcpy(&eight, bits + i, 8);
            for (uint64_t in = ~((eight | ONES << 7) - beyond) & ONES << 7; in; in &= in - 1)
                close[some++] = (uint16_t)(i + __builtin_ctzll(in) / 8);
        }
        for (int s = 0; s < some; s++) __builtin_prefetch(b->rest + (at + close[s]) * (WORDS - 1));
        for (int s = 0; s < some; s++) {
            int all = bits[close[s]];
            if (within(b, q, at + close[s], &all)) keep(near, at + close[s], all);
        }
    }
}

static uint64_t checksum(const Block *b, int64_t seq, const uint16_t *half) {
    const uint32_t *pieces = (const uint32_t *)half;
    uint64_t sum = (uint64_t)seq * 0x9E3779B97F4A7C15ull;
    for (int64_t i = 0; i < b->dim / 2; i++) sum += pieces[i] * b->weights[i];
    return sum;
}

/* A half shifted to where a single has its exponent, 112 too small: the query is that much too large. */
static float dot(const uint16_t *half, const float *lifted, int64_t dim) {
    float sum = 0.0f;
    for (int64_t i = 0; i < dim; i++) {
        uint32_t bits = ((uint32_t)(int32_t)(int16_t)half[i] << 13) & 0x8FFFE000u;
        float value;
        memcpy(&value, &bits, 4);
        sum += value * lifted[i];
    }
    return sum;
}

static int64_t rank(const Block *b, const Query *q, Near *near, int64_t *seqs, double *cosines) {
    _Alignas(64) uint16_t half[MAX_DIM];
    int64_t found = 0, lines = b->dim / 32;
    nearest(near);
    for (int c = 0; c < near->n; c++) {
        if (c + 2 < near->n)
            for (int64_t l = 0; l < lines; l++) __builtin_prefetch(b->vectors + near->place[c + 2] * b->dim + 32 * l);
        int64_t place = near->place[c], seq = __atomic_load_n(&b->seq[place], __ATOMIC_ACQUIRE);
        if (seq < q->low || seq <= 0) continue;
        memcpy(half, b->vectors + place * b->dim, (size_t)b->dim * 2);
        double cosine = dot(half, q->vector, b->dim);
        if (cosine < q->floor) continue;
        int64_t at = found;
        while (at > 0 && (cosines[at - 1] < cosine || (cosines[at - 1] == cosine && seqs[at - 1] < seq))) at--;
        if (at >= q->k) continue;
        uint64_t sum = checksum(b, seq, half);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (sum != b->check[place] || __atomic_load_n(&b->seq[place], __ATOMIC_RELAXED) != seq) continue;
        int64_t last = found < q->k ? found++ : q->k - 1;
        for (int64_t i = last; i > at; i--) seqs[i] = seqs[i - 1], cosines[i] = cosines[i - 1];
        seqs[at] = seq;
        cosines[at] = cosine;
    }
    return found;
}

/* The k best of places a..b-1 and c..d-1, best first. Returns how many. */
int64_t search_spans(const Block *b, const Query *q, int64_t a, int64_t b_, int64_t c, int64_t d, int64_t *seqs,
                     double *cosines) {
    Near near;
    near.n = 0;
    scan(b, q, a, b_, &near);
    scan(b, q, c, d, &near);
    return rank(b, q, &near, seqs, cosines);
}

/* Whether a place is met for the first time: a hash set of twice LIMIT. */
static int first_time(uint32_t *met, uint32_t place) {
    uint32_t at = (place * 2654435761u) >> 18;
    for (; met[at]; at = (at + 1) % (2 * LIMIT))
        if (met[at] == place + 1) return 0;
    met[at] = place + 1;
    return 1;
}

/* The k best of at most LIMIT places named, some of them twice. */
int64_t search_hints(const Block *b, const Query *q, const uint32_t *hints, int64_t n, int64_t *seqs, double *cosines) {
    Near near;
    uint32_t met[2 * LIMIT] = {0};
    near.n = 0;
    for (int64_t h = 0; h < n && h < LIMIT; h++) {
        if (h + 16 < n) __builtin_prefetch(b->first + hints[h + 16]);
        if (h + 16 < n) __builtin_prefetch(b->rest + hints[h + 16] * (int64_t)(WORDS - 1));
        int bits = __builtin_popcountll(b->first[hints[h]] ^ q->code[0]);
        if (bits <= q->r64 && within(b, q, hints[h], &bits) && first_time(met, hints[h])) keep(&near, hints[h], bits);
    }
    return rank(b, q, &near, seqs, cosines);
}

/* The signs of a vector's projection (matrix: [dim, 256]) as seen from the centre ([256]). */
static void encode(const float *vector, const float *matrix, const float *centre, int64_t dim, uint64_t *code) {
    float seen[64 * WORDS];
    for (int j = 0; j < 64 * WORDS; j++) seen[j] = -centre[j];
    for (int64_t i = 0; i < dim; i++)
        for (int j = 0; j < 64 * WORDS; j++) seen[j] += vector[i] * matrix[i * 64 * WORDS + j];
    for (int w = 0; w < WORDS; w++) {
        code[w] = 0;
        for (int j = 0; j < 64; j++) code[w] |= (uint64_t)(seen[64 * w + j] > 0.0f) << j;
    }
}

/* Fill one place. The stamp is taken off first and set last. */
void put(const Block *b, int64_t place, int64_t seq, const uint64_t *tag, const float *vector, const uint16_t *half,
         const float *matrix, const float *centre) {
    uint64_t code[WORDS];
    encode(vector, matrix, centre, b->dim, code);
    __atomic_store_n(&b->seq[place], 0, __ATOMIC_SEQ_CST);
    memcpy(b->vectors + place * b->dim, half, (size_t)b->dim * 2);
    memcpy(b->scope + 2 * place, tag, 16);
    b->first[place] = code[0] ^ tag[0];
    memcpy(b->rest + place * (WORDS - 1), code + 1, 8 * (WORDS - 1));
    b->alive[place] = 1;
    b->check[place] = checksum(b, seq, half);
    __atomic_store_n(&b->seq[place], seq, __ATOMIC_RELEASE);
}
