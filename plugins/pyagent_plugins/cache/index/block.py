"""Places in columns, one vector each: scanned by their signs, then ranked by the true cosine, never torn.

The newest window and each sealed one are blocks. A reader takes no lock: a place counts only when the stamp of its
sequence number stands before and after its vector was read, and the checksum of the two agrees.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from pyagent_plugins.cache.index.codes import BITS, WORDS, Centre, Query, distances, halves_dot, pack, radius
from pyagent_plugins.cache.index.kernel import Kernel
from pyagent_plugins.cache.index.mapped import Column

# At most this many places get their whole code compared, and at most RANKED their vector: the constant bound
# on what a look-up touches beside the flat scan of one word a place.
SURVIVORS = 4096
RANKED = 128
# 16,384 words are 128 KB: the xor stays in the second-level cache.
_CHUNK = 16_384
_PRIME = np.uint64(0x9E37_79B9_7F4A_7C15)


@dataclass(frozen=True, slots=True)
class Found:
    """An entry near the query: its sequence number and the cosine (true within 1e-3: vectors are kept as halves)."""

    seq: int
    cosine: float


def columns(dim: int) -> tuple[Column, ...]:
    """What a place holds, beside its code. ``seq`` 0 is an empty place."""
    return (
        Column("seq", "i8"),
        Column("check", "u8"),
        Column("scope", "u8", 2),
        Column("alive", "u1"),
        Column("vectors", "f2", dim),
    )


CODES = (Column("first", "u8"), Column("rest", "u8", WORDS - 1))


Spans = Sequence[tuple[int, int]]


class _Scratch(threading.local):
    """Room for a scan, a thread: fresh memory of this size would cost more page faults than the scan takes."""

    def __init__(self) -> None:
        self.words = np.empty(_CHUNK, np.uint64)
        self.counts = np.empty(0, np.uint8)

    def room(self, n: int) -> np.ndarray:
        if len(self.counts) < n:
            self.counts = np.empty(n, np.uint8)
        return self.counts[:n]


_scratch = _Scratch()


class Block:
    """Views of the columns [n, ...]; ``centre`` is where the codes were seen from."""

    __slots__ = ("alive", "centre", "check", "first", "kernel", "rest", "scope", "seq", "vectors")

    def __init__(
        self, arrays: Mapping[str, np.ndarray], codes: Mapping[str, np.ndarray], centre: Centre, folder: Path
    ) -> None:
        """``folder`` is where a compiled kernel may be kept."""
        self.seq, self.check, self.scope = arrays["seq"], arrays["check"], arrays["scope"]
        self.alive, self.vectors = arrays["alive"], arrays["vectors"]
        self.first, self.rest = codes["first"], codes["rest"]
        self.centre = centre
        dim = self.vectors.shape[1]
        columns = (self.first, self.rest, self.scope, self.alive, self.seq, self.check, self.vectors)
        self.kernel = Kernel.over(folder, (*columns, _weights(dim // 2)), dim)

    def search_spans(
        self, query: Query, code: np.ndarray, near: float, low: int, k: int, floor: float, spans: Spans
    ) -> list[Found]:
        """The k best from ``low`` on in at most two stretches of places; ``near`` is the floor as the centre
        sees it."""
        if self.kernel is not None:
            radii = radius(near, 64), radius(near, BITS)
            return _founds(self.kernel.spans(query, code, radii, low, k, floor, spans))
        parts = [self.sift(query, code, near, *self.scan(code, near, start, end)) for start, end in spans]
        return self.rank(query, np.concatenate(parts), low, k, floor)

    def search_hints(
        self, query: Query, code: np.ndarray, near: float, low: int, k: int, floor: float, hints: np.ndarray
    ) -> list[Found]:
        """The same among places (uint32 [n], some twice)."""
        if self.kernel is not None:
            radii = radius(near, 64), radius(near, BITS)
            return _founds(self.kernel.hints(query, code, radii, low, k, floor, hints))
        places = self.sift(query, code, near, *near_candidates(hints, self, code, near))
        return self.rank(query, places, low, k, floor)

    def scan(self, code: np.ndarray, floor: float, start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """(places, bits of the first word that differ) of the near ones in start..end-1: exact on that word."""
        counts = _scratch.room(end - start)
        for at in range(start, end, _CHUNK):
            words = _scratch.words[: min(_CHUNK, end - at)]
            np.bitwise_xor(self.first[at : at + len(words)], code[0], out=words)
            np.bitwise_count(words, out=counts[at - start : at - start + len(words)])
        near = np.flatnonzero(counts <= radius(floor, 64))
        if len(near) > SURVIVORS:
            near = near[nearest(counts[near], SURVIVORS)]
        return near + start, counts[near]

    def sift(self, query: Query, code: np.ndarray, floor: float, places: np.ndarray, bits: np.ndarray) -> np.ndarray:
        """Those of the places that are in the query's scope and near by their whole code, RANKED at most."""
        bits = distances(self.rest.take(places, axis=0), code[1:], bits)
        near = np.flatnonzero(bits <= radius(floor, BITS))
        places = places[near]
        same = self.scope.take(places, axis=0) == query.tag
        kept = same[:, 0] & same[:, 1]
        kept &= self.alive.take(places) != 0
        places = places[kept]
        if len(places) > RANKED:
            places = places[nearest(bits[near][kept], RANKED)]
        return places

    def rank(self, query: Query, places: np.ndarray, low: int, k: int, floor: float) -> list[Found]:
        """The k best by cosine, best first, the newer first among equals; ``low`` and later only."""
        if not len(places):
            return []
        stamps = self.seq.take(places)
        halves = self.vectors.take(places, axis=0)
        cosines = halves_dot(halves, query.lifted)
        found: list[Found] = []
        for i in np.lexsort((-stamps, -cosines)).tolist():
            if len(found) == k or cosines[i] < floor:
                break
            seq, place = int(stamps[i]), int(places[i])
            if seq >= low and self.whole(place, seq, halves[i]):
                found.append(Found(seq, min(1.0, float(cosines[i]))))
        return found

    def whole(self, place: int, seq: int, half: np.ndarray) -> bool:
        """Whether the vector just read is all of entry ``seq``'s, and still is."""
        return seq > 0 and bool(
            self.check[place] == checksums(np.array([seq]), half[None])[0] and self.seq[place] == seq
        )

    def write(
        self, places: np.ndarray, seqs: np.ndarray, tags: np.ndarray, halves: np.ndarray, codes: np.ndarray
    ) -> None:
        """Fill places. The stamps are taken off first and set last: killed in between, the places are empty."""
        self.seq[places] = 0
        self.vectors[places] = halves
        self.scope[places] = tags
        self.first[places] = codes[:, 0] ^ tags[:, 0]
        self.rest[places] = codes[:, 1:]
        self.alive[places] = 1
        self.check[places] = checksums(seqs, halves)
        self.seq[places] = seqs

    def put(self, place: int, seq: int, tag: np.ndarray, vector: np.ndarray) -> None:
        """``write`` for one: numpy's indexing by arrays costs ten times as much as by numbers."""
        if self.kernel is not None:
            self.kernel.put(place, seq, tag, vector, self.centre)
            return
        half, code = vector.astype(np.float16), pack(self.centre.seen(vector))
        self.seq[place] = 0
        self.vectors[place], self.scope[place] = half, tag
        self.first[place], self.rest[place] = code[0] ^ tag[0], code[1:]
        self.alive[place] = 1
        self.check[place] = checksums(np.array([seq]), half[None])[0]
        self.seq[place] = seq

    def torn(self, places: np.ndarray) -> np.ndarray:
        """Those of the places whose stamp and vector do not belong together."""
        bad = [places[:0]]
        for at in range(0, len(places), _CHUNK):
            some = places[at : at + _CHUNK]
            sums = checksums(self.seq.take(some), self.vectors.take(some, axis=0))
            bad.append(some[sums != self.check.take(some)])
        return np.concatenate(bad)


def _founds(pairs: list[tuple[int, float]]) -> list[Found]:
    return [Found(seq, min(1.0, cosine)) for seq, cosine in pairs]


def near_candidates(places: np.ndarray, block: Block, code: np.ndarray, floor: float) -> tuple[np.ndarray, np.ndarray]:
    """``Block.scan`` over given places, each once."""
    bits = np.bitwise_count(block.first.take(places) ^ code[0])
    near = np.flatnonzero(bits <= radius(floor, 64))
    if len(near) > SURVIVORS:
        near = near[nearest(bits[near], SURVIVORS)]
    places, which = np.unique(places[near], return_index=True)
    return places.astype(np.int64), bits[near][which]


def nearest(counts: np.ndarray, n: int) -> np.ndarray:
    """Indices of the n smallest counts; among the last equals the later (newer) ones."""
    ranks = np.cumsum(np.bincount(counts))
    full = int(np.searchsorted(ranks, n, side="right"))  # counts below this all fit
    sure = np.flatnonzero(counts < full)
    equals = np.flatnonzero(counts == full)
    return np.concatenate((sure, equals[len(equals) - (n - len(sure)) :]))


@lru_cache(maxsize=8)
def _weights(words: int) -> np.ndarray:
    return np.random.PCG64(words).random_raw(words) | np.uint64(1)


def checksums(seqs: np.ndarray, halves: np.ndarray) -> np.ndarray:
    """uint64 [n] of int64 [n] and float16 [n, dim]: a weighted sum modulo 2^64 (multilinear hashing, odd weights).

    Two vectors that differ in one 32-bit piece always differ here, any two but for one case in about 2^32.
    """
    pieces = np.ascontiguousarray(halves).view(np.uint32 if halves.shape[1] % 2 == 0 else np.uint16)
    sums = pieces.astype(np.uint64) @ _weights(pieces.shape[1])
    return np.asarray(sums + seqs.astype(np.uint64) * _PRIME)
