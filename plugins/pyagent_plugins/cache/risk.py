"""How sure one may be about a rate of wrong hits, from how many were looked at.

Two tools that need no assumption but that the looked-at hits are drawn at random. The Clopper–Pearson bound
(Biometrika 26, 1934) is exact for a number of looks fixed beforehand. The test by betting (Waudby-Smith and Ramdas,
JRSS B 86, 2024) stays valid however often one looks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class RiskBudget:
    """At most ``false_hit_rate`` of the semantic hits may be wrong, at ``confidence``; both in (0, 1).

    Raises ValueError outside of it.
    """

    false_hit_rate: float = 0.02
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if not (0 < self.false_hit_rate < 1 and 0 < self.confidence < 1):
            raise ValueError(f"rate and confidence lie between 0 and 1, not {self.false_hit_rate}, {self.confidence}")

    def least(self, error: float) -> int:
        """How many samples without a wrong one the bound needs at an error level: 149 for 2 % at 0.05."""
        return math.ceil(math.log(error) / math.log1p(-self.false_hit_rate))


def upper_bound(wrong: int, total: int, confidence: float = 0.95) -> float:
    """The one-sided Clopper–Pearson bound: the largest rate that ``wrong`` of ``total`` does not speak against.

    The quantile of Beta(wrong + 1, total - wrong); 1.0 when nothing was looked at. Raises ValueError for counts that
    cannot be.
    """
    if not 0 <= wrong <= total:
        raise ValueError(f"{wrong} wrong of {total}")
    if wrong == total:
        return 1.0
    if wrong == 0:
        return -math.expm1(math.log1p(-confidence) / total)
    low, high = wrong / total, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if beta_cdf(middle, wrong + 1, total - wrong) < confidence:
            low = middle
        else:
            high = middle
    return high


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22), to 1e-12."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_cdf(1 - x, b, a)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(front) * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    """1/(1 + d1/(1 + d2/(1 + ...))) by Lentz's method; converges in about sqrt(max(a, b)) steps on this side."""
    tiny = 1e-300
    value, over, under = tiny, tiny, 0.0
    for step in range(10_000):
        half = step // 2
        if step == 0:
            term = 1.0
        elif step % 2 == 0:
            term = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        else:
            term = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        under = 1 / (1 + term * under or tiny)
        over = 1 + term / over or tiny
        change = over * under
        value *= change
        if abs(change - 1) < 1e-13:
            break
    return value


@dataclass(frozen=True, slots=True)
class Wager:
    """A bet that the rate of wrong hits is above ``rate``: the wealth of stakes of several sizes, as logarithms.

    While the rate is at most ``rate``, wealth 1 grows above 1 / error with probability ``error`` at most, at any
    time (Ville's inequality): then the budget is broken. ``wrong`` of ``total`` is what was seen.
    """

    rate: float
    stakes: tuple[float, ...] = ()
    wrong: int = 0
    total: int = 0

    # The share of the most that can be staked; small ones find small excesses, large ones large ones sooner.
    SHARES: ClassVar[tuple[float, ...]] = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)

    def seen(self, correct: bool) -> Wager:
        """The bet after one more look."""
        now = self.stakes or (0.0,) * len(self.SHARES)
        gain = (0.0 if correct else 1.0) - self.rate
        most = 1 / self.rate
        stakes = tuple(log + math.log1p(share * most * gain) for log, share in zip(now, self.SHARES, strict=True))
        return Wager(self.rate, stakes, self.wrong + (not correct), self.total + 1)

    @property
    def wealth(self) -> float:
        """The mean over the stakes; 1.0 before the first look."""
        return _mean_exp(self.stakes) if self.stakes else 1.0


def _mean_exp(logs: Sequence[float]) -> float:
    return sum(math.exp(min(log, 300.0)) for log in logs) / len(logs)
