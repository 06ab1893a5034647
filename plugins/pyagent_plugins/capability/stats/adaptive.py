"""Asking the items that say most about this model: fifteen of them tell what eighty random ones do."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from pyagent_plugins.capability.stats.rasch import ROUNDS, chance

ITEMS, TOP = 15, 5
# Logits: how far models that nobody measured lie apart, and how far a model moves from one week to the next.
UNKNOWN, WEEK = 1.5, 0.5


class Adaptive:
    """A choice of items by Fisher information at the ability so far, among the best five at random.

    At random, so that not every model gets the same few items and wears them out. ``b`` are difficulties in logits
    in the order of the items, ``a`` their discriminations (1: Rasch). ``known`` is the ability of an earlier week,
    None for a new model. Source: van der Linden and Glas 2010, chapter 1; randomesque selection, Kingsbury and
    Zara 1989.
    """

    def __init__(
        self,
        b: Sequence[float],
        seed: int,
        a: Sequence[float] | None = None,
        items: int = ITEMS,
        known: float | None = None,
    ) -> None:
        self.b = np.asarray(b, float)
        self.a = np.ones(len(self.b)) if a is None else np.asarray(a, float)
        self.left = set(range(len(self.b)))
        self.most = min(items, len(self.b))
        self.prior, self.spread = (0.0, UNKNOWN) if known is None else (known, WEEK)
        self.theta, self.se = self.prior, self.spread
        self._random = random.Random(seed)
        self._seen: list[int] = []
        self._solved: list[float] = []

    def next(self) -> int | None:
        """The number of the item to ask now; None when enough were asked."""
        if len(self._seen) >= self.most or not self.left:
            return None
        p = self._chances()
        said = self.a**2 * p * (1 - p)
        best = sorted(self.left, key=lambda item: (-said[item], item))[:TOP]
        return self._random.choice(best)

    def see(self, item: int, solved: float) -> None:
        """Take the answer to an item as the share solved."""
        self.left.discard(item)
        self._seen.append(item)
        self._solved.append(solved)
        self._place()

    def score(self) -> float:
        """The share of all items that a model of this ability solves."""
        return float(self._chances().mean())

    def _chances(self) -> np.ndarray:
        return chance(self.a * self.theta, self.a * self.b)

    def _place(self) -> None:
        seen, x = np.asarray(self._seen), np.asarray(self._solved)
        a, b = self.a[seen], self.b[seen]
        for _ in range(ROUNDS):
            p = chance(a * self.theta, a * b)
            curve = float((a * a * p * (1 - p)).sum()) + self.spread**-2
            step = (float((a * (x - p)).sum()) - (self.theta - self.prior) / self.spread**2) / curve
            self.theta += max(-1.0, min(1.0, step))
            if abs(step) < 1e-6:
                break
        self.se = curve**-0.5
