"""Small losses that no single week shows: evidence on fresh items, added up over weeks until it is enough."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pyagent_plugins.capability.stats.rasch import Array, chance

# The cells that are watched side by side, and the share of false alarms among them.
CELLS, ALPHA = 120, 0.05
THRESHOLD = math.log(CELLS / ALPHA)
# Losses that are looked for, in logits: about 7, 14 and 25 points in the middle of the scale.
LOSSES = (0.3, 0.6, 1.1)


@dataclass(slots=True)
class Cusum:
    """One cell's evidence for a loss that began in some week and stayed; ``value`` is what counts.

    For each loss looked for, the log likelihood ratio of all answers since the week that fits best (Page 1954);
    ``value`` is the logarithm of their mean, an e-detector: reaching log(1/alpha) takes 1/alpha weeks on average
    when nothing changed. Source: Shin, Ramdas, Rinaldo 2023.
    """

    sums: Array = field(default_factory=lambda: np.full(len(LOSSES), -np.inf))
    value: float = -math.inf
    weeks: int = 0

    def week(self, solved: Sequence[float], logits: Sequence[float]) -> bool:
        """Take one week's fresh items: the shares solved, and the logits that the frozen baseline gave them."""
        if len(solved):
            self.sums = np.maximum(self.sums, 0.0) + _ratios(np.asarray(solved, float), np.asarray(logits, float))
            self.value = float(np.logaddexp.reduce(self.sums) - math.log(len(LOSSES)))
            self.weeks += 1
        return self.alarmed

    @property
    def alarmed(self) -> bool:
        return self.value >= THRESHOLD


def _ratios(solved: Array, logits: Array) -> Array:
    """The log likelihood ratio of each loss to the baseline."""
    p0 = chance(logits, 0.0)
    ratios = []
    for loss in LOSSES:
        p1 = chance(logits, loss)
        ratios.append(float((solved * np.log(p1 / p0) + (1 - solved) * np.log((1 - p1) / (1 - p0))).sum()))
    return np.asarray(ratios)
