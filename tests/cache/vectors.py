"""Vectors that a test can make again from a number alone, so that a torn one is known for what it is."""

from __future__ import annotations

import numpy as np

DIM = 64
A, B = b"a" * 16, b"b" * 16


def unit(number: int, dim: int = DIM) -> np.ndarray:
    """float32 [dim] of length 1, the same for the same number in any process."""
    vector = np.random.default_rng(number).standard_normal(dim)
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def near(vector: np.ndarray, cosine: float, number: int = 0) -> np.ndarray:
    """float32 [dim] of length 1 at this cosine."""
    away = np.random.default_rng(10**6 + number).standard_normal(len(vector))
    away -= (away @ vector) * vector
    return np.asarray(cosine * vector + np.sqrt(1 - cosine**2) * away / np.linalg.norm(away), dtype=np.float32)


def topical(n: int, dim: int = DIM, seed: int = 0) -> np.ndarray:
    """float32 [n, dim]: forty topics that all lean one way, as sentences do."""
    rng = np.random.default_rng(seed)
    topics = rng.standard_normal((40, dim))[rng.integers(0, 40, n)]
    rows = 0.7 * topics + rng.standard_normal((n, dim)) + 0.5 * rng.standard_normal(dim)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)
