"""A vector as 256 sign bits: 32 bytes tell near from far, so that almost no vector is read in full.

Signs of an orthonormal random projection (Charikar 2002; orthonormal rows as in super-bit LSH, Ji et al. 2012):
two vectors at angle θ differ in a share θ/π of the bits. The mean of the data is subtracted first, since vectors
that all lean one way share most signs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

BITS = 256
WORDS = BITS // 64
# Deviations of the Hamming distance that a radius allows: 3 loses about one true neighbour in 700.
SLACK = 3.0
_SEED = 0x5EED_C0DE
# IEEE half to single by shifting the bits: the exponent comes out too small by 112, which the query makes up for.
# numpy's own conversion costs 85 µs for 128 vectors of 384, this one 12.
_LIFT = np.float32(2.0**112)
_HALF = np.int32(-0x70002000)  # 0x8FFFE000: the sign and the 15 bits that a half has beside it


@lru_cache(maxsize=4)
def projection(dim: int) -> np.ndarray:
    """float32 [dim, 256]: columns orthonormal in blocks of at most ``dim``. The same on every machine up to
    rounding: numpy promises the raw bits of PCG64, not the stream of normal numbers made from them.
    """
    blocks = -(-BITS // dim)
    raw = np.random.PCG64(_SEED).random_raw(2 * blocks * dim * dim)
    uniform = (raw >> np.uint64(11)).astype(np.float64).reshape(2, -1) * 2.0**-53
    normal = np.sqrt(-2.0 * np.log1p(-uniform[0])) * np.cos(2.0 * math.pi * uniform[1])
    parts = [_orthonormal(square[:BITS]) for square in normal.reshape(blocks, dim, dim)]
    return np.ascontiguousarray(np.concatenate(parts, axis=1)[:, :BITS], dtype=np.float32)


def _orthonormal(rows: np.ndarray) -> np.ndarray:
    """Columns from rows, by Gram-Schmidt, twice for rounding. LAPACK's QR of this size starts BLAS threads, which
    on a busy machine spun for 2 s of CPU; this takes 10 ms."""
    q = np.zeros_like(rows)
    for j, row in enumerate(rows):
        for _ in range(2):
            row = row - (q[:j] @ row) @ q[:j]
        q[j] = row / np.sqrt(row @ row)
    return q.T


def pack(projected: np.ndarray) -> np.ndarray:
    """uint64 [..., 4] of the signs of float [..., 256]."""
    return np.packbits(projected > 0, axis=-1, bitorder="little").view(np.uint64)


def halves_dot(halves: np.ndarray, lifted: np.ndarray) -> np.ndarray:
    """float32 [n]: float16 [n, dim] times ``Query.lifted``."""
    bits = halves.view(np.int16).astype(np.int32)
    bits <<= 13
    bits &= _HALF
    return np.asarray(bits.view(np.float32) @ lifted)


def radius(cosine: float, bits: int) -> int:
    """Hamming distance that a pair at this cosine exceeds about once in 700: b·p + s·√(b·p·(1-p))."""
    share = math.acos(max(-1.0, min(1.0, cosine))) / math.pi
    return min(bits, math.ceil(bits * share + SLACK * math.sqrt(bits * share * (1.0 - share))))


@dataclass(frozen=True, slots=True, eq=False)
class Centre:
    """What is subtracted before the signs are taken: float32 [dim], and the same projected, [256]."""

    mean: np.ndarray
    projected: np.ndarray
    norm2: float

    @classmethod
    def of(cls, mean: np.ndarray) -> Centre:
        mean = np.array(mean, dtype=np.float32)
        return cls(mean, mean @ projection(len(mean)), float(mean @ mean))

    @classmethod
    def nowhere(cls, dim: int) -> Centre:
        return cls.of(np.zeros(dim, np.float32))

    def seen(self, vectors: np.ndarray) -> np.ndarray:
        """float32 [n, 256] of float32 [n, dim]: the projections, seen from here; their signs are the code."""
        return np.asarray(vectors @ projection(len(self.mean)) - self.projected)

    def floor(self, query: Query, cosine: float) -> float:
        """The cosine seen from here of two vectors at ``cosine`` seen from the origin.

        (x-m)·(y-m) over the two lengths, with y·m taken as x·m: near neighbours lean alike.
        """
        lean = 2.0 * float(query.vector @ self.mean)
        length2 = 1.0 - lean + self.norm2
        return (cosine - lean + self.norm2) / length2 if length2 > 1e-6 else cosine


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """What is looked for, prepared once for all windows: float32 [dim] of length 1, and its projection [256]."""

    tag: np.ndarray  # uint64 [2]: the scope
    vector: np.ndarray
    lifted: np.ndarray
    projected: np.ndarray

    @classmethod
    def of(cls, tag: np.ndarray, vector: np.ndarray) -> Query:
        return cls(tag, vector, vector * _LIFT, vector @ projection(len(vector)))

    def code(self, centre: Centre) -> tuple[np.ndarray, np.ndarray]:
        """(float32 [256] seen from the centre, its signs as uint64 [4]); the first word is veiled by the scope."""
        seen = self.projected - centre.projected
        words = pack(seen)
        words[0] ^= self.tag[0]
        return seen, words


def tag(scope: bytes) -> np.ndarray:
    """uint64 [2] of a scope. Other lengths than 16 bytes are hashed to 16.

    Its first word veils (by xor) the first word of each code of the scope, so that the entries of other scopes
    look like random ones to the scan and cost nothing; the survivors' tags are then compared in full.
    """
    if len(scope) != 16:
        import hashlib

        scope = hashlib.blake2b(scope, digest_size=16).digest()
    return np.frombuffer(scope, np.uint64)


def distances(words: np.ndarray, code: np.ndarray, before: np.ndarray) -> np.ndarray:
    """uint16 [n]: bits in which uint64 [n, w] differ from uint64 [w], added to uint8 [n]."""
    counts = np.bitwise_count(words ^ code)
    total = before.astype(np.uint16)
    for column in range(len(code)):  # a sum over so short an axis costs numpy four times as much
        total += counts[:, column]
    return total
