"""The measured table as the router reads it: few answers held back, old ones trusted less, unmeasured ones doubted.

A cell's share is drawn towards what its model and its dimension would make expected (empirical Bayes): with 40 items
the best of many cells is mostly the luckiest, and a router that believes it loses to the best single model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pyagent_plugins.capability.words import DIMENSIONS, LEVELS, Cell

DIMS = tuple(dimension.name for dimension in DIMENSIONS)
# Where nobody measured how hard a level is, it is one unit of log odds harder than the one below: five levels span
# what lies between a toy and the best model.
EXPECTED = tuple(float(level - 3) for level in LEVELS)
# A level that is a guess stands for those around it: its three-point Gauss-Hermite rule.
AROUND = ((0.0, 2 / 3), (-(3**0.5), 1 / 6), (3**0.5, 1 / 6))
# A measurement loses half its weight in four weeks beyond the first two: models change behind their names.
FRESH_WEEKS, HALF_LIFE = 2.0, 4.0
# A cell with an open alert may not be what it was.
ALERTED = 0.25
# How far a model that nobody measured may be from the mean of those that were, as a standard deviation.
UNKNOWN = 0.25


@dataclass(frozen=True, slots=True)
class Table:
    """``share`` and ``error`` [m, d]: shares solved at the mean level, held back, with standard errors; ``n`` [m, d]
    items behind them, discounted; ``measured`` [m]; ``hard`` [d, 5] how hard each level is, in log odds."""

    models: tuple[str, ...]
    share: np.ndarray
    error: np.ndarray
    n: np.ndarray
    measured: np.ndarray
    hard: np.ndarray = field(repr=False)
    _ability: np.ndarray = field(repr=False)

    @classmethod
    def of(
        cls,
        models: Sequence[str],
        cells: Iterable[Cell],
        ages: Mapping[str, float] | None = None,
        alerted: Iterable[tuple[str, str]] = (),
        ladders: Mapping[str, Sequence[float]] | None = None,
    ) -> Table:
        """``ages`` is weeks since a model was measured, ``alerted`` (model, dimension) with an open alert, ``ladders``
        by dimension how hard its levels were found to be (``registry.scale.ladders``)."""
        rows, columns = {name: i for i, name in enumerate(models)}, {name: i for i, name in enumerate(DIMS)}
        n = np.zeros((len(models), len(DIMS)))
        solved, trusted = np.zeros_like(n), np.ones_like(n)
        barred = np.zeros_like(n, bool)
        troubled = set(alerted)
        for cell in cells:
            if cell.model not in rows or cell.dim not in columns:
                continue
            at = rows[cell.model], columns[cell.dim]
            if not cell.applicable:
                barred[at] = True
                continue
            weight = trust((ages or {}).get(cell.model, 0.0))
            weight *= ALERTED if {(cell.model, cell.dim), (cell.model, "")} & troubled else 1.0
            n[at], solved[at], trusted[at] = behind(cell) * weight, cell.solved, weight
        share, error = held_back(solved, n)
        # What a model's other cells tell is as old as they are.
        error = np.minimum(error / np.sqrt(trusted), 0.5)
        share[barred], error[barred] = 0.0, 0.0
        hard = np.array([(ladders or {}).get(dim, EXPECTED) for dim in DIMS], float)
        return cls(tuple(models), share, error, n, n.sum(axis=1) > 0, hard, ability(share, hard))

    @property
    def typical(self) -> float:
        """What the best model of each dimension solves, on the mean of what was measured."""
        seen = (self.n > 0).any(axis=0)
        return float(self.share[:, seen].max(axis=0).mean()) if seen.any() else 1.0

    def chances(
        self, weights: np.ndarray, levels: np.ndarray, spread: np.ndarray | float = 0.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """(pass probability [k, m], its standard error [k, m]) for prompts with soft needs [k, d] at levels [k, d],
        which are guesses with an error of ``spread`` [k] levels."""
        far = np.broadcast_to(np.asarray(spread, float), len(levels))[:, None]
        parts = [(share, self._passed(levels + step * far)) for step, share in AROUND] if far.any() else []
        passed = sum((share * part for share, part in parts), np.zeros(())) if parts else self._passed(levels)
        chance = np.einsum("kd,kmd->km", weights, passed)
        # An error of the mean over levels, as it is at this one: by the ratio of the curve's slopes (delta method),
        # which a level that is itself a guess does not deserve in full.
        flat = np.maximum(slope(self._ability, self.hard), 1e-3)[None]
        ratio = np.clip(passed * (1 - passed) / flat, 0.5, 1.5)
        # Errors of one model's cells share its mean and its age: they are added, not averaged away.
        error = np.einsum("kd,kmd->km", weights, ratio * self.error[None])
        return chance, error

    def _passed(self, levels: np.ndarray) -> np.ndarray:
        """[k, m, d] at levels [k, d]; between two levels the difficulty goes in a straight line."""
        level = np.clip(levels, LEVELS[0], LEVELS[-1]) - LEVELS[0]
        below = np.minimum(level.astype(int), len(LEVELS) - 2)
        dims = np.arange(level.shape[1])[None]
        low, high = self.hard[dims, below], self.hard[dims, below + 1]
        hard = low + (level - below) * (high - low)
        return np.asarray(1 / (1 + np.exp(hard[:, None] - self._ability[None])))


def trust(weeks: float) -> float:
    """The weight of a measurement of this age."""
    return float(0.5 ** (max(0.0, weeks - FRESH_WEEKS) / HALF_LIFE))


def behind(cell: Cell) -> float:
    """How many independent items the cell's interval speaks for: clustered ones count for less than their number."""
    half = (cell.high - cell.low) / 2
    spread = max(cell.solved * (1 - cell.solved), 0.04)
    return float(min(cell.n, spread * (1.96 / half) ** 2)) if half > 0 else float(cell.n)


def held_back(solved: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(share, standard error) [m, d] by empirical Bayes towards model + dimension - whole.

    The prior's strength is the noise of one item over what cells differ beyond noise (method of moments).
    """
    if not n.any():
        return np.full_like(n, 0.5), np.full_like(n, UNKNOWN)
    whole = float((solved * n).sum() / n.sum())
    model = (solved * n).sum(axis=1, keepdims=True) + 10 * whole
    model = model / (n.sum(axis=1, keepdims=True) + 10)
    dims = ((solved - model) * n).sum(axis=0, keepdims=True) / (n.sum(axis=0, keepdims=True) + 10)
    prior = np.clip(model + dims, 0.02, 0.98)
    noise = prior * (1 - prior)
    known = n > 0
    beyond = np.mean((solved - prior)[known] ** 2 - (noise / np.maximum(n, 1))[known])
    strength = np.clip(noise / max(beyond, 1e-3), 2.0, 80.0)
    share = (solved * n + strength * prior) / (n + strength)
    # Not further than a standard error or so: what is unlike all else is held back by what is usual, and much evidence
    # outweighs that (limited translation, Efron and Morris 1972).
    far = (1 + 30 / np.maximum(n, 1)) * np.sqrt(
        (solved * n + 1) * (n - solved * n + 1) / (n + 2) ** 2 / np.maximum(n, 1e-9)
    )
    share = np.where(known, np.clip(share, solved - far, solved + far), share).clip(0.005, 0.995)
    # The prior is an estimate too: it counts for no more evidence than the cell's own answers do.
    error = np.sqrt(share * (1 - share) / (n + np.minimum(strength, np.maximum(n, 2)) + 1))
    # A cell of its own model's others is an inference; a model without any is a guess.
    guess = np.where(n.sum(axis=1, keepdims=True) > 0, error, UNKNOWN)
    return share, np.where(known, error, np.maximum(guess, error))


def slope(middle: np.ndarray, hard: np.ndarray) -> np.ndarray:
    """How the mean share moves with the ability; [m, d] of abilities [m, d] at difficulties [d, 5]."""
    passed = 1 / (1 + np.exp(hard[None] - middle[..., None]))
    return np.asarray((passed * (1 - passed)).mean(axis=-1))


def ability(share: np.ndarray, hard: np.ndarray) -> np.ndarray:
    """Log odds [m, d] whose mean over the five levels [d, 5] is ``share``, by bisection."""
    low, high = np.full_like(share, -12.0), np.full_like(share, 12.0)
    for _ in range(40):
        middle = (low + high) / 2
        mean = (1 / (1 + np.exp(hard[None] - middle[..., None]))).mean(axis=-1)
        low, high = np.where(mean < share, middle, low), np.where(mean < share, high, middle)
    return np.asarray((low + high) / 2)
