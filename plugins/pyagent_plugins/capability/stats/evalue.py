"""Evidence that may be looked at after every item without being fooled: it stops a check early on a disaster."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincc, betaln

# Half of 0.05: the other half is McNemar's, on all items.
ALPHA = 0.025


def log_e(losses: int, n: int) -> float:
    """The logarithm of the evidence that more than half of ``n`` flipped items are losses.

    The likelihood ratio of a share of losses uniform on (1/2, 1) to 1/2, a mixture whose running value exceeds
    1/alpha with probability alpha at most, ever. Source: Ville 1939; Robbins 1970 (Beta mixture), truncated.
    """
    return float(_log_e(np.array([losses]), np.array([n]))[0]) if n else 0.0


def _log_e(k: np.ndarray, n: np.ndarray) -> np.ndarray:
    upper = betaincc(k + 1, n - k + 1, 0.5)
    # Too small for a float: next to no losses among many. The least value, at no loss at all, is 1/(n+1).
    with np.errstate(divide="ignore"):
        value = betaln(k + 1, n - k + 1) + np.log(upper) + (n + 1) * math.log(2)
    return np.asarray(np.where(upper > 0, value, -np.log(n + 1)))


@dataclass(slots=True)
class Watch:
    """Paired answers in the order in which they come; ``alarmed`` stays once the evidence was enough."""

    alpha: float = ALPHA
    n: int = 0
    lost: int = 0
    won: int = 0
    highest: float = 0.0

    def see(self, before: float, after: float) -> bool:
        """Take one item, answered before and now, as shares solved; gives ``alarmed``."""
        self.n += 1
        self.lost += after < before
        self.won += after > before
        if after != before:
            self.highest = max(self.highest, log_e(self.lost, self.lost + self.won))
        return self.alarmed

    @property
    def alarmed(self) -> bool:
        return self.highest >= math.log(1 / self.alpha)


@dataclass(slots=True)
class EarlyStop:
    """Tells a running check that the model is broken or was swapped: against what it solved in an earlier week.

    ``baseline`` maps item ids to the share solved then; items that it lacks say nothing.
    """

    baseline: Mapping[str, float]
    watch: Watch

    @classmethod
    def against(cls, baseline: Mapping[str, float], alpha: float = ALPHA) -> EarlyStop:
        return cls(baseline, Watch(alpha))

    def see(self, item: str, solved: float) -> bool:
        """Take one answer; gives whether the check may stop."""
        if item in self.baseline:
            self.watch.see(self.baseline[item], solved)
        return self.watch.alarmed


def highest(lost: Sequence[bool]) -> float:
    """The highest evidence on the way through items that flipped, each lost or won, in their order."""
    if not len(lost):
        return 0.0
    n = np.arange(1, len(lost) + 1)
    k = np.cumsum(np.asarray(lost, bool))
    return max(0.0, float(_log_e(k, n).max()))
