"""Spherical k-means in numpy: cells of like meaning, of which two hold what 16 hyperplane prefixes hold.

Dhillon and Modha 2001 (centroids are means scaled to length 1, nearness is the cosine); seeds by k-means++ (Arthur
and Vassilvitskii 2007) with 1 - cosine as the squared distance, to which it is proportional on the sphere.
"""

from __future__ import annotations

import numpy as np

_STEP = 4096


def kmeans(vectors: np.ndarray, cells: int, seed: int = 0, rounds: int = 12) -> np.ndarray:
    """float32 [min(cells, n), dim] of length 1 from float32 [n, dim] of length 1. Ends early when nothing moves."""
    vectors = np.asarray(vectors, dtype=np.float32)
    rng = np.random.default_rng(seed)
    centroids = _seeds(vectors, min(cells, len(vectors)), rng)
    before = np.full(len(vectors), -1)
    for _ in range(rounds):
        now, nearness = nearest(vectors, centroids)
        if np.array_equal(now, before):
            break
        centroids, before = _means(vectors, now, nearness, centroids), now
    return centroids


def nearest(vectors: np.ndarray, centroids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(int64 [n] the cell of each vector, float32 [n] its cosine with the cell's centroid)."""
    cells, nearness = np.empty(len(vectors), np.int64), np.empty(len(vectors), np.float32)
    for at in range(0, len(vectors), _STEP):  # 4,096 by 256 cosines are 4 MB
        cosines = vectors[at : at + _STEP] @ centroids.T
        cells[at : at + _STEP] = best = cosines.argmax(axis=1)
        nearness[at : at + _STEP] = cosines[np.arange(len(best)), best]
    return cells, nearness


def _seeds(vectors: np.ndarray, cells: int, rng: np.random.Generator) -> np.ndarray:
    chosen = [int(rng.integers(len(vectors)))]
    far = 1.0 - vectors @ vectors[chosen[0]]
    while len(chosen) < cells:
        weights = np.maximum(far, 0.0).astype(np.float64)
        total = weights.sum()
        chosen.append(int(rng.choice(len(vectors), p=weights / total if total > 1e-6 else None)))
        far = np.minimum(far, 1.0 - vectors @ vectors[chosen[-1]])
    return vectors[chosen].copy()


def _means(vectors: np.ndarray, cells: np.ndarray, nearness: np.ndarray, before: np.ndarray) -> np.ndarray:
    sums = np.zeros_like(before)
    np.add.at(sums, cells, vectors)
    empty = np.flatnonzero(np.bincount(cells, minlength=len(before)) == 0)
    if len(empty):  # an empty cell starts again where the others fit worst
        sums[empty] = vectors[np.argsort(nearness)[: len(empty)]]
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.where(lengths > 1e-9, sums / np.maximum(lengths, 1e-9), before)
