"""What texts are about, learned from the texts alone: TF-IDF of hashed words, brought to few dimensions.

A truncated singular value decomposition by random projections (Halko, Martinsson and Tropp 2011, algorithm 4.4), so
that neither a vocabulary nor a sparse-matrix package is needed. Outcomes are not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pyagent_plugins.capability.needs.features import BUCKETS, buckets, clipped, words

# Texts that the decomposition is learned from; more do not move 64 directions, and cost seconds.
MOST = 12_000
CHUNK = 2048


@dataclass(frozen=True, slots=True)
class Sparse:
    """Rows of (bucket, weight); row i holds entries starts[i]:starts[i+1]."""

    starts: np.ndarray
    columns: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.starts) - 1

    def dot(self, dense: np.ndarray) -> np.ndarray:
        """float32 [n, k]: these rows times ``dense`` [BUCKETS, k]."""
        out = np.zeros((len(self), dense.shape[1]), np.float32)
        for at in range(0, len(self), CHUNK):
            upto = min(at + CHUNK, len(self))
            low, high = self.starts[at], self.starts[upto]
            if low == high:
                continue
            parts = dense[self.columns[low:high]] * self.values[low:high, None]
            full = np.flatnonzero(np.diff(self.starts[at : upto + 1]))
            out[at + full] = np.add.reduceat(parts, self.starts[at:upto][full] - low, axis=0)
        return out

    def transposed(self) -> Sparse:
        order = np.argsort(self.columns, kind="stable")
        rows = np.repeat(np.arange(len(self)), np.diff(self.starts))
        starts = np.concatenate([[0], np.cumsum(np.bincount(self.columns, minlength=BUCKETS))])
        return Sparse(starts, rows[order], self.values[order])


def counted(texts: Sequence[str]) -> Sparse:
    """1 + log(count) of each bucket of each text."""
    starts, columns, values = [0], [], []
    for text in texts:
        found, times = np.unique(np.array(buckets(words(clipped(text))), np.int64), return_counts=True)
        columns.append(found)
        values.append(1.0 + np.log(times))
        starts.append(starts[-1] + len(found))
    joined = np.concatenate(columns) if columns else np.zeros(0, np.int64)
    return Sparse(np.array(starts), joined, np.concatenate(values).astype(np.float32) if values else np.zeros(0))


@dataclass(frozen=True, slots=True)
class Topics:
    """``idf`` [BUCKETS], ``directions`` [BUCKETS, k]; ``of`` gives float32 [n, k] with rows of length 1 (or 0)."""

    idf: np.ndarray
    directions: np.ndarray

    @classmethod
    def learn(cls, texts: Sequence[str], size: int = 64, seed: int = 0) -> Topics:
        rng = np.random.default_rng(seed)
        if len(texts) > MOST:
            texts = [texts[i] for i in np.sort(rng.choice(len(texts), MOST, replace=False))]
        raw = counted(texts)
        seen = np.bincount(raw.columns, minlength=BUCKETS)
        # A word that one text alone has tells nothing about another.
        idf = np.where(seen >= 2, np.log((1 + len(texts)) / (1 + seen)), 0.0).astype(np.float32)
        rows = weighted(raw, idf)
        size = max(1, min(size, len(texts) // 4))
        back = rows.transposed()
        basis = rows.dot(rng.standard_normal((BUCKETS, size + 8), dtype=np.float32))
        for _ in range(3):
            basis = np.linalg.qr(basis)[0]
            wide = back.dot(basis)
            basis = rows.dot(wide)
        basis = np.linalg.qr(basis)[0]
        wide = back.dot(basis)
        _, _, turn = np.linalg.svd(wide.T @ wide)
        directions = wide @ turn[:size].T
        return cls(idf, (directions / np.maximum(np.linalg.norm(directions, axis=0), 1e-9)).astype(np.float32))

    def of(self, texts: Sequence[str]) -> np.ndarray:
        placed = weighted(counted(texts), self.idf).dot(self.directions)
        return np.asarray(placed / np.maximum(np.linalg.norm(placed, axis=1, keepdims=True), 1e-6))


def weighted(raw: Sparse, idf: np.ndarray) -> Sparse:
    """TF-IDF with rows of length 1."""
    values = raw.values * idf[raw.columns]
    sums = np.add.reduceat(np.append(values**2, 0), raw.starts[:-1]) if len(raw) else np.zeros(0)
    sums = np.where(np.diff(raw.starts) > 0, sums, 1.0)
    scale = np.repeat(1 / np.sqrt(np.maximum(sums, 1e-12)), np.diff(raw.starts))
    return Sparse(raw.starts, raw.columns, (values * scale).astype(np.float32))
