"""What a number of items can show, so that nobody reads news, or peace, out of too few."""

from __future__ import annotations

import math

from scipy.special import ndtr, ndtri


def power(n: int, drop: float, psi: float, alpha: float = 0.025) -> float:
    """The chance to find a ``drop`` (a share) in ``n`` paired items of which a share ``psi`` flips, one-sided.

    Source: Connor 1987, formula for McNemar's test.
    """
    if n <= 0 or psi <= 0 or drop >= psi:
        return 1.0 if n > 0 and drop > 0 else 0.0
    spread = math.sqrt(psi - drop * drop)
    return float(ndtr((drop * math.sqrt(n) + float(ndtri(alpha)) * math.sqrt(psi)) / spread))


def needed(drop: float, psi: float, alpha: float = 0.025, reach: float = 0.8) -> int:
    """Paired items that find a ``drop`` with the chance ``reach``."""
    za, zb = -float(ndtri(alpha)), float(ndtri(reach))
    return math.ceil((za * math.sqrt(psi) + zb * math.sqrt(psi - drop * drop)) ** 2 / drop**2)


def visible(n: int, psi: float, alpha: float = 0.025, reach: float = 0.8) -> float:
    """The smallest drop that ``n`` paired items find with the chance ``reach``; 1 when none."""
    low, high = 0.0, min(1.0, max(psi, 1e-9))
    if n <= 0 or power(n, high * 0.999, psi, alpha) < reach:
        return 1.0 if n <= 0 else high
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if power(n, middle, psi, alpha) >= reach else (middle, high)
    return high
