"""Asks of each dimension the few items that say most about this model, where a profile wants few."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from pyagent_plugins.capability.registry.scale import Scale
from pyagent_plugins.capability.stats.adaptive import Adaptive
from pyagent_plugins.capability.stats.rasch import chance
from pyagent_plugins.capability.words import Cell, Item, Outcome

NORMAL = 1.96  # standard errors on either side of 95 %


class Adapting:
    """One choice a dimension, each a question at a time; ``most`` items of each. Answers known already count.

    The share that was solved of chosen items is near a half for everybody: what a cell shows is the share that a
    model of this ability would solve of all.
    """

    def __init__(self, items: Iterable[Item], scale: Scale, week: str, most: int) -> None:
        self._items: dict[str, list[Item]] = {}
        for item in items:
            self._items.setdefault(item.dim, []).append(item)
        self._choice = {dim: _choice(rows, scale, week, most) for dim, rows in self._items.items()}
        self._number = {item.id: number for rows in self._items.values() for number, item in enumerate(rows)}

    @property
    def total(self) -> int:
        return sum(choice.most for choice in self._choice.values())

    def see(self, outcomes: Iterable[Outcome]) -> None:
        """Take answers; those to items of other sets do not matter."""
        for outcome in outcomes:
            if outcome.item in self._number:
                self._choice[outcome.dim].see(self._number[outcome.item], outcome.solved)

    def next(self) -> list[Item]:
        """What to ask now: an item of each dimension that has not had enough."""
        found = ((dim, choice.next()) for dim, choice in self._choice.items())
        return [self._items[dim][number] for dim, number in found if number is not None]

    def drop(self, dims: Iterable[str]) -> None:
        """Ask no more of these dimensions."""
        for dim in dims:
            self._choice.pop(dim, None)

    def cells(self, cells: Sequence[Cell]) -> list[Cell]:
        """Cells with the share of all items that a model of this ability solves, and its interval."""
        return [_of_all(cell, self._choice) for cell in cells]


def _of_all(cell: Cell, choices: Mapping[str, Adaptive]) -> Cell:
    choice = choices.get(cell.dim)
    if choice is None or not cell.applicable:
        return cell
    low, high = (float(np.mean(chance(choice.theta + side * NORMAL * choice.se, choice.b))) for side in (-1, 1))
    return replace(cell, solved=choice.score(), low=low, high=high, theta=choice.theta, theta_se=choice.se)


def _choice(rows: Sequence[Item], scale: Scale, week: str, most: int) -> Adaptive:
    dim = rows[0].dim
    return Adaptive([scale.hard(dim, (item.generator, item.level)) for item in rows], _seed(week, dim), items=most)


def _seed(week: str, dim: str) -> int:
    """The same choice among equals for everybody in a week, so that models meet the same items."""
    return int.from_bytes(f"{week}/{dim}".encode()[-6:], "big")
