"""How often the short way finds what the long way finds: no claim of bounded time is printed without it."""

from __future__ import annotations

import numpy as np

from pyagent_plugins.cache.index.codes import Query
from pyagent_plugins.cache.index.ring import Ring

_STEP = 4096


def measured_recall(ring: Ring, samples: int, cosine: float) -> float | None:
    """Share of look-ups near living entries of the window that find the best one of their scope (within 1e-3).

    The queries are entries moved to ``cosine`` of themselves in a random direction; the long way compares every
    vector. None when the window is empty.
    """
    places = ring.live()
    if not len(places):
        return None
    rng = np.random.default_rng(len(places))
    return sum(_found(ring, places, place, cosine, rng) for place in rng.choice(places, samples)) / samples


def _found(ring: Ring, places: np.ndarray, place: int, cosine: float, rng: np.random.Generator) -> bool:
    block = ring.view().block
    query = Query.of(block.scope[place].copy(), moved(block.vectors[place].astype(np.float32), cosine, rng))
    same = places[(block.scope.take(places, axis=0) == query.tag).all(axis=1)]
    steps = (same[at : at + _STEP] for at in range(0, len(same), _STEP))
    best = max(float((block.vectors.take(s, axis=0).astype(np.float32) @ query.vector).max()) for s in steps)
    found = ring.search(query, 1, min(cosine, best) - 0.05)
    return bool(found) and found[0].cosine >= best - 1e-3


def moved(vector: np.ndarray, cosine: float, rng: np.random.Generator) -> np.ndarray:
    """float32 [dim] of length 1 at this cosine of a vector of length 1, in a random direction."""
    away = rng.standard_normal(len(vector))
    away -= (away @ vector) * vector
    result = cosine * vector + np.sqrt(1.0 - cosine**2) * away / np.linalg.norm(away)
    return np.asarray(result / np.linalg.norm(result), dtype=np.float32)
