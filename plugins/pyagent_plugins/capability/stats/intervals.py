"""How sure a share is: exact intervals, widened where items of one template fail together."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, ndtri, stdtrit

# Fewer templates than this are the instrument itself, not a sample of templates from which to learn a spread.
FEWEST_CLUSTERS = 5


@dataclass(frozen=True, slots=True)
class Interval:
    """A share 0..1 with its bounds; ``n`` answers that weigh as much as ``effective`` independent ones."""

    point: float
    low: float
    high: float
    n: int
    effective: float


def clopper_pearson(solved: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """The exact interval of a binomial share; ``solved`` and ``n`` may be effective, not whole, numbers.

    Source: Clopper and Pearson 1934, by quantiles of the Beta distribution.
    """
    if n <= 0:
        return 0.0, 1.0
    tail = (1 - level) / 2
    low = 0.0 if solved <= 0 else float(betaincinv(solved, n - solved + 1, tail))
    high = 1.0 if solved >= n else float(betaincinv(solved + 1, n - solved, 1 - tail))
    return low, high


def wilson(solved: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """The score interval of a binomial share: shorter than the exact one, right on average. Source: Wilson 1927."""
    if n <= 0:
        return 0.0, 1.0
    z = float(-ndtri((1 - level) / 2))
    share, extra = solved / n, z * z / n
    middle = (share + extra / 2) / (1 + extra)
    half = z * np.sqrt(share * (1 - share) / n + extra / (4 * n)) / (1 + extra)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def clustered(
    values: Sequence[float],
    clusters: Sequence[Hashable],
    strata: Sequence[Hashable] = (),
    level: float = 0.95,
) -> Interval:
    """The interval of a mean of values in 0..1 whose items come in ``clusters``.

    The exact interval at the effective number of items. ``strata`` are the levels of difficulty, whose mixture is
    fixed. Source: Korn and Graubard 1998, section 2.
    """
    n = len(values)
    if n == 0:
        return Interval(float("nan"), 0.0, 1.0, 0, 0.0)
    x = np.asarray(values, float)
    effective = n / design_effect(x, clusters, strata) if n > 1 else 1.0
    mean = float(x.mean())
    return Interval(mean, *clopper_pearson(mean * effective, effective, level), n, effective)


def design_effect(values: np.ndarray, clusters: Sequence[Hashable], strata: Sequence[Hashable] = ()) -> float:
    """How many times the variance of independent answers the mean has, at least 1, for few clusters with Student's t.

    Never below 1: what little seems gained by chance is not taken.
    """
    n, mean = len(values), float(values.mean())
    spread = mean * (1 - mean) / n
    few = len(set(clusters))
    if spread <= 0 or not FEWEST_CLUSTERS <= few < n:
        return 1.0
    variance = cluster_variance(values, clusters, strata)
    student = float((stdtrit(few - 1, 0.975) / stdtrit(n - 1, 0.975)) ** 2)
    return max(1.0, variance / spread * student)


def cluster_variance(values: np.ndarray, clusters: Sequence[Hashable], strata: Sequence[Hashable] = ()) -> float:
    """The variance of the mean when only whole clusters are independent. Source: Liang and Zeger 1986.

    Items are taken as differences to the mean of their stratum.
    """
    rest = values - _stratum_means(values, strata)
    sums: dict[Hashable, float] = {}
    for cluster, left in zip(clusters, rest, strict=True):
        sums[cluster] = sums.get(cluster, 0.0) + float(left)
    m = len(sums)
    return m / (m - 1) * sum(total * total for total in sums.values()) / len(values) ** 2


def _stratum_means(values: np.ndarray, strata: Sequence[Hashable]) -> np.ndarray:
    means = np.full(len(values), values.mean())
    for stratum in set(strata):
        inside = np.array([s == stratum for s in strata])
        means[inside] = values[inside].mean()
    return means
