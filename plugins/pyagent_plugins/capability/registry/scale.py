"""One scale for all models and weeks: how hard each generator's levels are, and how able each model was when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pyagent_plugins.capability.stats.rasch import Fit, expected, fit

if TYPE_CHECKING:
    from pyagent_plugins.capability.registry.registry import Registry

# What stands for the items of one difficulty: (generator, level).
Group = tuple[str, int]
# Who answered: (model, week).
Person = tuple[str, str]
# Newest weeks that are fitted together; older ones no longer change how hard an item is.
WEEKS = 52
# For a run's routing the last weeks do: reading a year of eight models takes a second.
ROUTED = 4
LEVELS = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many items of one group a person was asked in a dimension, and the sum of the shares solved."""

    dim: str
    person: Person
    group: Group
    asked: float
    solved: float


@dataclass(frozen=True, slots=True)
class Ability:
    """In logits, with its standard error."""

    theta: float
    se: float


@dataclass(frozen=True, slots=True)
class Scale:
    """Each dimension has its own scale; ``difficulty`` by (dimension, group), ``ability`` by (dimension, person)."""

    difficulty: Mapping[tuple[str, Group], float]
    ability: Mapping[tuple[str, Person], Ability]

    def hard(self, dim: str, group: Group) -> float:
        """The difficulty of a group in logits; what its level leads to expect when nobody has answered it."""
        return self.difficulty.get((dim, group), expected(group[1]))


def fitted(tallies: Iterable[Tally]) -> Scale:
    """Fit every dimension by itself, all its models and weeks together."""
    by_dim: dict[str, list[Tally]] = {}
    for tally in tallies:
        by_dim.setdefault(tally.dim, []).append(tally)
    difficulty: dict[tuple[str, Group], float] = {}
    ability: dict[tuple[str, Person], Ability] = {}
    for dim, rows in by_dim.items():
        persons, groups = sorted({t.person for t in rows}), sorted({t.group for t in rows})
        found = _fit(rows, persons, groups)
        difficulty |= {(dim, group): float(b) for group, b in zip(groups, found.b, strict=True)}
        errors = zip(persons, found.theta, found.theta_se, strict=True)
        ability |= {(dim, person): Ability(float(theta), float(se)) for person, theta, se in errors}
    return Scale(difficulty, ability)


def scale(registry: Registry) -> Scale:
    """The scale of all that the registry's valid checks answered in the newest weeks."""
    return fitted(tallies(registry))


def ladders(registry: Registry) -> dict[str, tuple[float, ...]]:
    """How hard level 1 to 5 of each dimension was found to be, in logits: the mean of its generators, by answers.

    A level that nobody answered is as hard as is expected of it.
    """
    rows = tallies(registry, weeks=ROUTED)
    return steps(fitted(rows), rows)


def steps(scale: Scale, rows: Iterable[Tally]) -> dict[str, tuple[float, ...]]:
    """The same from tallies at hand."""
    sums: dict[tuple[str, int], tuple[float, float]] = {}
    for row in rows:
        hard, asked = sums.get((row.dim, row.group[1]), (0.0, 0.0))
        sums[row.dim, row.group[1]] = hard + row.asked * scale.hard(row.dim, row.group), asked + row.asked
    mean = {key: hard / asked for key, (hard, asked) in sums.items()}
    return {dim: tuple(mean.get((dim, level), expected(level)) for level in LEVELS) for dim, _ in sums}


def tallies(registry: Registry, kind: str | None = None, weeks: int = WEEKS) -> list[Tally]:
    """What every model solved of each group in each of the newest weeks; ``kind``: of anchors or fresh items only."""
    rows = registry.file.all(
        """SELECT dim, name, week, generator, level, count(*), sum(solved)
        FROM run JOIN model ON model.id = run.model JOIN result ON result.run = run.id JOIN item ON seq = item
        WHERE status = 'valid' AND (?1 IS NULL OR kind = ?1)
            AND week IN (SELECT DISTINCT week FROM run ORDER BY week DESC LIMIT ?2)
        GROUP BY dim, name, week, generator, level""",
        (kind, weeks),
    )
    return [
        Tally(dim, (name, week), (gen, level), asked, solved) for dim, name, week, gen, level, asked, solved in rows
    ]


def _fit(rows: list[Tally], persons: list[Person], groups: list[Group]) -> Fit:
    asked, solved = np.zeros((len(persons), len(groups))), np.zeros((len(persons), len(groups)))
    row, column = {p: i for i, p in enumerate(persons)}, {g: i for i, g in enumerate(groups)}
    for tally in rows:
        asked[row[tally.person], column[tally.group]] += tally.asked
        solved[row[tally.person], column[tally.group]] += tally.solved
    return fit(asked, solved, np.array([expected(level) for _, level in groups]))
