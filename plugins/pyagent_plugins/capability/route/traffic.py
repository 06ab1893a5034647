"""What the user's own routed prompts taught: how far each model was from what was foreseen, by kind of prompt.

Only answers that something judged count (a schema that was met or missed, samples that agreed, a person's word).
k-means on the prompts' numbers, cells held back by empirical Bayes; a decision that was unlikely to be made speaks for
the many like it that were not (inverse propensity), up to ten.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pyagent_plugins.capability.route.learners import kmeans, nearest

if TYPE_CHECKING:
    from pyagent_plugins.capability.registry.rows import RouteRow

# Fewer outcomes than this say less than the weekly check.
LEAST = 300
CELLS, PRIOR, HEAVIEST = 16, 20.0, 10.0


class Traffic:
    """``shift`` gives what to add to each model's probability for a prompt, and how its standard error narrows."""

    def __init__(self, models: Sequence[str], centers: np.ndarray, shifts: np.ndarray, seen: np.ndarray) -> None:
        self._models, self._centers, self._shifts, self._seen = tuple(models), centers, shifts, seen

    @classmethod
    def of(cls, models: Sequence[str], routes: Sequence[RouteRow]) -> Traffic | None:
        """None while there are fewer than ``LEAST`` judged routes that can be used."""
        place = {name: m for m, name in enumerate(models)}
        usable = [r for r in routes if r.chosen in place and r.good is not None and _form(r)]
        size = max((len(_form(row)) for row in usable), default=0)
        usable = [row for row in usable if len(_form(row)) == size]
        if len(usable) < LEAST:
            return None
        x = np.array([_form(row) for row in usable], float)
        centers = kmeans(x, min(CELLS, len(usable) // 20), seed=4)
        cell, model = nearest(x, centers), np.array([place[row.chosen] for row in usable])
        rest = np.array([(row.good or 0.0) - row.p for row in usable])
        weight = np.array([min(HEAVIEST, 1 / max(row.propensity, 0.01)) for row in usable])
        shape = (len(centers), len(models))
        sums, seen, whole, count = np.zeros(shape), np.zeros(shape), np.zeros(len(models)), np.zeros(len(models))
        np.add.at(sums, (cell, model), weight * rest)
        np.add.at(seen, (cell, model), weight)
        np.add.at(whole, model, weight * rest)
        np.add.at(count, model, weight)
        # A cell is held towards its model's shift over all prompts, and that towards none.
        towards = whole / (count + PRIOR)
        return cls(models, centers, (sums + PRIOR * towards) / (seen + PRIOR), seen)

    def shift(self, form: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
        """([m] to add to probabilities, [m] factors of standard errors)."""
        x = np.array([form], float)
        if x.shape[1] != self._centers.shape[1]:
            return np.zeros(len(self._models)), np.ones(len(self._models))
        cell = int(nearest(x, self._centers)[0])
        return self._shifts[cell], np.sqrt(PRIOR / (PRIOR + self._seen[cell]))


def _form(row: RouteRow) -> list[float]:
    found = row.needs.get("form")
    return found if isinstance(found, list) else []
