/* The inner loops of a look-up and of an insert: what block.py does in numpy, in one pass and without its calls.
 *
 * Compiled where a compiler is found (kernel.py), tested equal to the numpy path, never needed. A place counts only
 * when its stamp stands before and after its vector was copied and the checksum of the copy agrees.
 */
#include <stdint.h>
#include <string.h>

#define WORDS 4
#define RANKED 128
#define MAX_DIM 4096

typedef struct {
    const uint64_t *first, *rest; /* [n], [n, 3]: the code; the first word is veiled by the scope */
    const uint64_t *scope;        /* [n, 2] */
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
    int64_t place[RANKED];
    int bits[RANKED];
    int n;
} Near;

static inline int distance(const Block *b, const Query *q, int64_t i, int bits) {
    for (int w = 0; w < WORDS - 1; w++)
        bits += __builtin_popcountll(b->rest[i * (WORDS - 1) + w] ^ q->code[w + 1]);
    return bits;
}

/* Keep the RANKED nearest; of equals the later. */
static void keep(Near *near, int64_t place, int bits, int once) {
    if (once)
        for (int i = 0; i < near->n; i++)
            if (near->place[i] == place) return;
    int at = near->n;
    if (at == RANKED) {
        at = 0;
        for (int i = 1; i < RANKED; i++)
            if (near->bits[i] > near->bits[at] || (near->bits[i] == near->bits[at] && near->place[i] < near->place[at]))
                at = i;
        if (near->bits[at] < bits) return;
    } else {
        near->n++;
    }
    near->place[at] = place;
    near->bits[at] = bits;
}

static inline void consider(const Block *b, const Query *q, int64_t i, int bits, Near *near, int once) {
    bits = distance(b, q, i, bits);
    if (bits > q->r256 || !b->alive[i]) return;
    if (b->scope[2 * i] != q->tag[0] || b->scope[2 * i + 1] != q->tag[1]) return;
    keep(near, i, bits, once);
}

static void scan(const Block *b, const Query *q, int64_t start, int64_t end, Near *near) {
    uint8_t bits[1024];
    for (int64_t at = start; at < end; at += 1024) {
        int64_t n = end - at < 1024 ? end - at : 1024;
        const uint64_t *words = b->first + at, code = q->code[0];
        const uint8_t radius = (uint8_t)q->r64;
        int any = 0;
        for (int64_t i = 0; i < n; i++) bits[i] = (uint8_t)__builtin_popcountll(words[i] ^ code);
        for (int64_t i = 0; i < n; i++) any += bits[i] <= radius;
        if (any)
            for (int64_t i = 0; i < n; i++)
                if (bits[i] <= radius) consider(b, q, at + i, bits[i], near, 0);
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

static int64_t rank(const Block *b, const Query *q, const Near *near, int64_t *seqs, double *cosines) {
    _Alignas(64) uint16_t half[MAX_DIM];
    int64_t found = 0;
    for (int c = 0; c < near->n; c++) {
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

/* The k best of the places named, some of them twice. */
int64_t search_hints(const Block *b, const Query *q, const uint32_t *hints, int64_t n, int64_t *seqs, double *cosines) {
    Near near;
    near.n = 0;
    for (int64_t h = 0; h < n; h++) {
        if (h + 16 < n) __builtin_prefetch(b->first + hints[h + 16]);
        int bits = __builtin_popcountll(b->first[hints[h]] ^ q->code[0]);
        if (bits <= q->r64) consider(b, q, hints[h], bits, &near, 1);
    }
    return rank(b, q, &near, seqs, cosines);
}

/* Fill one place. The stamp is taken off first and set last. */
void put(Block *b, int64_t place, int64_t seq, const uint64_t *tag, const uint16_t *half, const uint64_t *code) {
    __atomic_store_n(&b->seq[place], 0, __ATOMIC_SEQ_CST);
    memcpy(b->vectors + place * b->dim, half, (size_t)b->dim * 2);
    memcpy((uint64_t *)b->scope + 2 * place, tag, 16);
    ((uint64_t *)b->first)[place] = code[0] ^ tag[0];
    memcpy((uint64_t *)b->rest + place * (WORDS - 1), code + 1, 8 * (WORDS - 1));
    b->alive[place] = 1;
    b->check[place] = checksum(b, seq, half);
    __atomic_store_n(&b->seq[place], seq, __ATOMIC_RELEASE);
}

