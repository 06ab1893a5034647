"""From graded answers to what a model can do: one cell a dimension, with its interval and its place on the scale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from pyagent_plugins.capability.registry.scale import Scale
from pyagent_plugins.capability.stats.intervals import clustered
from pyagent_plugins.capability.stats.rasch import ability
from pyagent_plugins.capability.words import Cell, Item, Outcome

NOTHING_YET = Scale({}, {})


def cells_of(
    outcomes: Iterable[Outcome],
    model: str,
    week: str,
    items: Iterable[Item] = (),
    scale: Scale = NOTHING_YET,
    not_applicable: Iterable[str] = (),
) -> list[Cell]:
    """One cell for each dimension that was answered, and one for each that could not be asked at all.

    ``items`` tell the generators, ``scale`` how hard their levels are (``scale(registry)``); without them a level's
    expected difficulty stands.
    """
    generator = {item.id: item.generator for item in items}
    by_dim: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_dim.setdefault(outcome.dim, []).append(outcome)
    cells = [_cell(rows, dim, model, week, generator, scale) for dim, rows in sorted(by_dim.items())]
    absent = sorted(set(not_applicable) - set(by_dim))
    return cells + [Cell(model, week, dim, 0, 0.0, 0.0, 1.0, 0.0, None, None, False) for dim in absent]


def _cell(rows: Sequence[Outcome], dim: str, model: str, week: str, generator: Mapping[str, str], scale: Scale) -> Cell:
    solved = [row.solved for row in rows]
    found = clustered(solved, [row.cluster for row in rows], [row.level for row in rows])
    hard = np.array([scale.hard(dim, (generator.get(row.item, dim), row.level)) for row in rows])
    theta, error = ability(np.ones(len(rows)), np.array(solved), hard)
    complied = sum(row.complied for row in rows) / len(rows)
    return Cell(model, week, dim, len(rows), found.point, found.low, found.high, complied, theta, error)
