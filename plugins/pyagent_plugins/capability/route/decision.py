"""The choice itself: the cheapest model whose lower bound suffices, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log

import numpy as np

# One-sided 84 %: a model is preferred for being cheap only where it is better than its bound five times of six.
SIGMAS = 1.0
QUALITY = 0.95


@dataclass(frozen=True, slots=True)
class Decision:
    """``model`` solves prompts like this one with ``probability``, at least ``bound`` (one-sided 84 %), for about
    ``cost`` USD (None: not known); ``why`` is one sentence."""

    model: str
    probability: float
    bound: float
    cost: float | None
    why: str


@dataclass(frozen=True, slots=True)
class Odds:
    """What speaks for each of m models for one prompt: probability, its standard error, USD (NaN: not known)."""

    models: tuple[str, ...]
    chance: np.ndarray
    error: np.ndarray
    cost: np.ndarray
    # The mean of the best model's probability over prompts: what a share of quality is a share of.
    typical: float = 1.0
    # Seconds that an answer takes, where money does not tell models apart; empty: not known.
    seconds: tuple[float, ...] = ()

    @property
    def bound(self) -> np.ndarray:
        return np.clip(self.chance - SIGMAS * self.error, 0.0, 1.0)

    def ranked(self) -> list[int]:
        """By cost, a cost that is not known last, then by time, then the better first."""
        bound, dear = self.bound, [_dear(float(cost)) for cost in self.cost]
        return sorted(range(len(self.models)), key=lambda m: (dear[m], self._slow(m), -bound[m], m))

    def _slow(self, m: int) -> int:
        # Steps of a quarter: two measurements of one model differ by less.
        return round(log(max(self.seconds[m], 1e-6)) / log(1.25)) if self.seconds else 0


def suffices(odds: Odds, quality: float) -> list[bool]:
    """Which models are good enough: no further below the best bound than 1 - ``quality`` of a typical best.

    The allowance is the same for each prompt rather than a share of its own best: then the sum over prompts keeps
    ``quality`` of what the best would reach, and is spent where it buys most.
    """
    enough = least(odds, quality) - 1e-12
    return [bool(value >= enough) for value in odds.bound]


def least(odds: Odds, quality: float) -> float:
    """The bound that suffices."""
    best = float(odds.bound.max())
    return best - (1.0 - quality) * max(odds.typical, best)


def choose(odds: Odds, quality: float = QUALITY, verifiable: bool = False) -> tuple[int, Decision]:
    """(place of the model, the decision). Where a wrong answer is seen and asked again of a better model
    (``verifiable``), the probability itself must suffice, not its bound."""
    if verifiable:
        # What is doubtful may be tried: a failure shows.
        enough = suffices(replace(odds, error=np.zeros_like(odds.error)), quality)
    else:
        enough = suffices(odds, quality)
    place = next(m for m in odds.ranked() if enough[m])
    best = int(np.argmax(odds.bound))
    cost = float(odds.cost[place])
    decision = Decision(
        odds.models[place],
        float(odds.chance[place]),
        float(odds.bound[place]),
        None if np.isnan(cost) else cost,
        _why(odds, place, best, quality, sum(enough)),
    )
    return place, decision


def _why(odds: Odds, place: int, best: int, quality: float, enough: int) -> str:
    chance, bound = odds.chance, odds.bound
    told = f"{odds.models[place]} solves {chance[place]:.0%} of prompts like this (at least {bound[place]:.0%})"
    if len(odds.models) == 1:
        return f"{told}; there is no other"
    if place == best:
        return f"{told}; none that is cheaper comes within {1 - quality:.0%} of it"
    return f"{told}, the best, {odds.models[best]}, {chance[best]:.0%}; of {enough} that suffice it is the cheapest"


def _dear(cost: float) -> float:
    return float("inf") if np.isnan(cost) else float(cost)


def names(models: Sequence[object]) -> tuple[str, ...]:
    """The names of models given as names or as Models."""
    return tuple(model if isinstance(model, str) else str(getattr(model, "name", model)) for model in models)
