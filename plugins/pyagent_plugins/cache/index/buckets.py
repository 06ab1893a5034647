"""Where a large window is looked into without being scanned: multi-probe hyperplane buckets of bounded size.

TABLES tables of 2^K rows of ROW places. An entry goes into the row that its K signs name, or, when that is full, into
the next likeliest; when all of those are full, the oldest there is forgotten. A look-up reads TABLES · PROBES rows,
each within one cache line: at most 8 · 100 · 8 = 6,400 entries are touched, however many there are. What lies below
the window is passed over by one comparison, and its place is free again.
Probing order: Lv et al. 2007, Multi-Probe LSH, section 4.5 (a template of perturbations over sorted margins).
"""

from __future__ import annotations

import heapq
from functools import lru_cache
from pathlib import Path

import numpy as np

from pyagent_plugins.cache.index.codes import BITS
from pyagent_plugins.cache.index.mapped import Column, Mapped

TABLES = 8
PROBES = 100
ROW = 8
# A full row sends an entry to the next likeliest: look-ups read those too. Without it, one crowded topic among
# 1,000,000 entries forgot a fifth of its own.
ROOMS = 64
_TOGETHER = 256
MAGIC = 0x42_55_43_4B
# The first word of the code is kept for the scan and the sieve: candidates are chosen by other bits.
_FIRST_BIT = 64
# Flipping other than the 12 smallest margins never comes among the first 100 probes.
_FLIPPED = 12
_MIX = (np.arange(1, TABLES + 1, dtype=np.uint64) * np.uint64(0xD6E8_FEB8_6659_FD93)) | np.uint64(1)


def bits_for(capacity: int) -> int:
    """K: a row for each entry, at most 192 bits for eight tables."""
    return max(8, min((BITS - _FIRST_BIT) // TABLES, capacity.bit_length() - 1))


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

    def _probes(self, seen: np.ndarray, tags: np.ndarray, probes: int) -> np.ndarray:
        """int64 [n, TABLES, probes]: the rows of each entry and table, the likeliest first, from float32 [n, 256] and
        uint64 [n, 2]. The scope moves them, so that scopes spread apart."""
        used = seen[:, _FIRST_BIT : _FIRST_BIT + TABLES * self.k].reshape(-1, TABLES, self.k)
        exact = ((used > 0) @ self._powers).astype(np.int64)
        moved = ((tags[:, 1:] * _MIX) >> np.uint64(64 - self.k)).astype(np.int64)
        if probes == 1:
            return np.asarray((exact ^ moved) + self._offsets)[:, :, None]
        smallest = np.argsort(np.abs(used), axis=2)[:, :, : self._template.shape[0]]
        flips = (self._powers[smallest] @ self._template[:, :probes]).astype(np.int64)
        return np.asarray(((exact ^ moved)[:, :, None] ^ flips) + self._offsets[:, None])

    def add(self, seen: np.ndarray, tags: np.ndarray, seqs: np.ndarray, low: int) -> None:
        """float32 [n, 256], uint64 [n, 2], int64 [n] ascending. Each goes, in each table, into the first of its
        ROOMS likeliest rows that has an empty place or one from below ``low``; else it takes the oldest place."""
        least = np.uint32(max(1, low - self.base))
        for at in range(0, len(seqs), _TOGETHER):
            part = slice(at, at + _TOGETHER)
            entries, tables = np.divmod(np.arange(len(seqs[part]) * TABLES), TABLES)
            values = np.repeat((seqs[part] - self.base).astype(np.uint32), TABLES)
            while len(entries):
                rows = self._rooms(seen[part], tags[part], entries, tables, least)
                _, first = np.unique(rows, return_index=True)  # those that chose the same row go one after the other
                self.rows[rows[first], self.rows.take(rows[first], axis=0).argmin(axis=1)] = values[first]
                later = np.ones(len(rows), bool)
                later[first] = False
                entries, tables, values = entries[later], tables[later], values[later]

    def _rooms(
        self, seen: np.ndarray, tags: np.ndarray, entries: np.ndarray, tables: np.ndarray, least: np.uint32
    ) -> np.ndarray:
        """int64 [m]: the row for each of m entries, in one table each. Nearly always the first is free."""
        rows = self._probes(seen, tags, 1)[entries, tables, 0]
        full = np.flatnonzero(self.rows.take(rows, axis=0).min(axis=1) >= least)
        if len(full):
            which, where = np.unique(entries[full], return_inverse=True)
            probes = self._probes(seen[which], tags[which], ROOMS)[where, tables[full]]
            oldest = self.rows.take(probes, axis=0).min(axis=2)
            free = oldest < least
            chosen = np.where(free.any(axis=1), free.argmax(axis=1), oldest.argmin(axis=1))
            rows[full] = probes[np.arange(len(full)), chosen]
        return np.asarray(rows)

    def candidates(self, seen: np.ndarray, tag: np.ndarray, low: int) -> np.ndarray:
        """Places (uint32, some twice) that may hold neighbours of float32 [256] with a number from ``low`` on."""
        rows = self._probes(seen[None], tag[None], PROBES)
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
