"""Did the same items go worse? The exact paired test, and how large the difference is."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, ndtri

from pyagent_plugins.capability.stats.evalue import highest
from pyagent_plugins.capability.stats.intervals import FEWEST_CLUSTERS, cluster_variance


@dataclass(frozen=True, slots=True)
class Paired:
    """The same ``n`` items answered twice. ``delta`` after minus before, as a share, with its 95 % interval.

    ``worse`` and ``better`` are one-sided p of the exact test; ``log_e`` the highest evidence for a loss on the way.
    """

    n: int
    lost: int
    won: int
    delta: float
    low: float
    high: float
    worse: float
    better: float
    log_e: float

    @property
    def p(self) -> float:
        """One p for a loss, half of alpha spent on each of the two ways: min(1, 2 min(McNemar, 1/e))."""
        return min(1.0, 2 * min(self.worse, float(np.exp(-self.log_e))))


def sign_test(hits: int, n: int) -> float:
    """P(at least ``hits`` of ``n`` coins): McNemar's exact test, one-sided, on the items that flipped."""
    return 1.0 if hits <= 0 else float(betainc(hits, n - hits + 1, 0.5))


def paired(before: Sequence[float], after: Sequence[float], clusters: Sequence[Hashable] = ()) -> Paired:
    """Compare shares solved of the same items, in the order in which they were answered."""
    b, a = np.asarray(before, float), np.asarray(after, float)
    lost, won = int((a < b).sum()), int((a > b).sum())
    delta, low, high = _difference(a - b, lost, won, clusters)
    log_e = highest((a < b)[a != b])
    flips = lost + won
    return Paired(len(b), lost, won, delta, low, high, sign_test(lost, flips), sign_test(won, flips), log_e)


def _difference(change: np.ndarray, lost: int, won: int, clusters: Sequence[Hashable]) -> tuple[float, float, float]:
    """The mean change with an interval that holds for few flips and for templates that fail together.

    Source: Agresti and Min 2005 (half an item is added to each of the four cells); Liang and Zeger 1986.
    """
    n = len(change)
    if n == 0:
        return 0.0, -1.0, 1.0
    m, worse, better = n + 2, lost + 0.5, won + 0.5
    variance = ((worse + better) - (better - worse) ** 2 / m) / m**2
    if FEWEST_CLUSTERS <= len(set(clusters)) < n:
        variance = max(variance, cluster_variance(change, clusters))
    half, middle = float(-ndtri(0.025) * np.sqrt(variance)), (better - worse) / m
    delta = float(change.mean())
    return delta, max(-1.0, min(delta, middle - half)), min(1.0, max(delta, middle + half))
