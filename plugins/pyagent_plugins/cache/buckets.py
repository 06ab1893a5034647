"""Where a large window is looked into without being scanned: multi-probe hyperplane buckets of bounded size.

TABLES tables of 2^K rows; a row holds the newest ROW entries whose K signs are the row's number, so that a full
row forgets its oldest. A look-up reads TABLES · PROBES rows, each one cache line: at most 8 · 64 · 16 = 8,192
entries are touched, however many there are. What lies below the window is passed over by one comparison.
Probing order: Lv et al. 2007, Multi-Probe LSH, section 4.5 (a template of perturbations over sorted margins).
"""

from __future__ import annotations

import heapq
from functools import lru_cache
from pathlib import Path

import numpy as np

from pyagent_plugins.cache.codes import BITS
from pyagent_plugins.cache.mapped import Column, Mapped

TABLES = 8
PROBES = 64
ROW = 16
MAGIC = 0x42_55_43_4B
# The first word of the code is kept for the scan and the sieve: candidates are chosen by other bits.
_FIRST_BIT = 64
# Flipping other than the 12 smallest margins never comes among the first 64 probes.
_FLIPPED = 12
_MIX = (np.arange(1, TABLES + 1, dtype=np.uint64) * np.uint64(0xD6E8_FEB8_6659_FD93)) | np.uint64(1)


def bits_for(capacity: int) -> int:
    """K: rows for about four entries each, at most 192 bits for eight tables."""
    return max(8, min((BITS - _FIRST_BIT) // TABLES, capacity.bit_length() - 3))


class Buckets:
    """``base`` is subtracted from a sequence number and is a multiple of the capacity, so that 32 bits hold it and
    its low bits are the place. The writer of the ring writes; readers take no lock: a row is only ever a hint.
    """

    def __init__(self, file: Mapped, capacity: int) -> None:
        self.file, self.capacity = file, capacity
        self.k = bits_for(capacity)
        self.base = file.header[1]
        self.rows = file.arrays["rows"]
        self._powers = 2.0 ** np.arange(self.k)
        self._offsets = np.arange(TABLES, dtype=np.int64) << self.k
        self._template = _template(min(self.k, _FLIPPED))

    @classmethod
    def create(cls, path: Path, capacity: int, base: int) -> Buckets:
        """Raises StoreError when the disk is full."""
        rows = TABLES << bits_for(capacity)
        file = Mapped(path, (Column("rows", "u4", ROW),), rows, create=True)
        file.reserve(0, rows)
        file.header[0], file.header[1] = MAGIC, base
        return cls(file, capacity)

    @classmethod
    def open(cls, path: Path, capacity: int) -> Buckets:
        """Raises ValueError when the file is not what it should be."""
        file = Mapped(path, (Column("rows", "u4", ROW),), TABLES << bits_for(capacity))
        if file.header[0] != MAGIC:
            raise ValueError(f"{path} is no bucket file")
        return cls(file, capacity)

    def _numbers(self, signs: np.ndarray, tags: np.ndarray) -> np.ndarray:
        """int64 [n, TABLES]: row of each entry within its table; the scope moves it, so that scopes spread apart."""
        used = signs[:, _FIRST_BIT : _FIRST_BIT + TABLES * self.k].reshape(-1, TABLES, self.k)
        numbers = (used @ self._powers).astype(np.int64)
        moved = (tags[:, 1:] * _MIX) >> np.uint64(64 - self.k)
        return np.asarray(numbers ^ moved.astype(np.int64))

    def add(self, signs: np.ndarray, tags: np.ndarray, seqs: np.ndarray) -> None:
        """bool [n, 256], uint64 [n, 2], int64 [n] ascending. Each takes the oldest place of its rows."""
        values = np.repeat((seqs - self.base).astype(np.uint32), TABLES)
        rows = (self._numbers(signs, tags) + self._offsets).ravel()
        if len(seqs) == 1:
            self._put(rows, values)
            return
        order = np.argsort(rows, kind="stable")
        rows, values = rows[order], values[order]
        ends = np.searchsorted(rows, rows, side="right")
        younger = ends - np.arange(len(rows)) - 1  # how many of the batch come later in the same row
        for rank in range(min(ROW, int(younger.max()) + 1) - 1, -1, -1):
            now = younger == rank
            self._put(rows[now], values[now])

    def _put(self, rows: np.ndarray, values: np.ndarray) -> None:
        self.rows[rows, self.rows.take(rows, axis=0).argmin(axis=1)] = values

    def candidates(self, seen: np.ndarray, tag: np.ndarray, low: int) -> np.ndarray:
        """Places (uint32, some twice) that may hold neighbours of float32 [256] with a number from ``low`` on."""
        exact = self._numbers((seen > 0)[None], tag[None])[0]
        margins = np.abs(seen[_FIRST_BIT : _FIRST_BIT + TABLES * self.k]).reshape(TABLES, self.k)
        smallest = np.argsort(margins, axis=1)[:, : self._template.shape[0]]
        flips = (self._powers[smallest] @ self._template).astype(np.int64)
        rows = (exact[:, None] ^ flips) + self._offsets[:, None]
        values = self.rows.take(rows.ravel(), axis=0).ravel()
        values = values[values >= np.uint32(max(1, low - self.base))]
        return np.asarray(values & np.uint32(self.capacity - 1))


@lru_cache(maxsize=8)
def _template(m: int) -> np.ndarray:
    """float64 [m, PROBES] of 0 and 1: the sets of sorted margins to flip, likeliest first, none first of all.

    The expected square of the j-th smallest of m margins grows like j(j+1).
    """
    sets: list[tuple[int, ...]] = [()]
    heap: list[tuple[int, tuple[int, ...]]] = [(2, (1,))]
    while heap and len(sets) < PROBES:
        cost, chosen = heapq.heappop(heap)
        sets.append(chosen)
        last = chosen[-1]
        if last < m:
            step = (last + 1) * (last + 2)
            heapq.heappush(heap, (cost + step, (*chosen, last + 1)))
            heapq.heappush(heap, (cost + step - last * (last + 1), (*chosen[:-1], last + 1)))
    flips = np.zeros((m, len(sets)))
    for column, chosen in enumerate(sets):
        flips[[j - 1 for j in chosen], column] = 1.0
    return flips
