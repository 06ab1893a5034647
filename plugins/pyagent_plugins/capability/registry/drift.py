"""Losses too small for one week: fresh items of all later weeks against the frozen ability of the baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pyagent_plugins.capability.registry.change import Drift
from pyagent_plugins.capability.registry.scale import Ability, Group, Scale, Tally, fitted, tallies
from pyagent_plugins.capability.stats.cusum import THRESHOLD, Cusum
from pyagent_plugins.capability.stats.rasch import ability, chance

if TYPE_CHECKING:
    from pyagent_plugins.capability.registry.registry import Registry

# The baseline is itself measured: a loss counts from this many of its standard errors below it. With 0, cells whose
# baseline was lucky alarm (benchmarks/capability_alarms.py).
MARGIN = 1.25


@dataclass(frozen=True, slots=True)
class Answer:
    """A fresh item's answer: which dimension and group, and the share solved."""

    dim: str
    group: Group
    solved: float


def drifts(registry: Registry, model: str, baseline: str, until: str) -> list[Drift]:
    """The evidence in each dimension and over all (``dim`` empty) in the weeks after ``baseline`` up to ``until``.

    The baseline is that week alone: what was accepted then, not what the model could do before.
    """
    rows = [tally for tally in tallies(registry) if tally.person[1] <= until]
    scale = fitted(rows)
    base = _abilities([tally for tally in rows if tally.person == (model, baseline)], scale)
    weeks = [week for week in registry.weeks(model) if baseline < week <= until]
    return watch(base, scale, [_fresh(registry, model, week) for week in weeks], baseline)


def watch(base: dict[str, Ability], scale: Scale, weeks: Sequence[Sequence[Answer]], since: str = "") -> list[Drift]:
    """The same from answers at hand, week by week."""
    found: list[Drift] = []
    for name, dims in [("", list(base)), *((dim, [dim]) for dim in sorted(base))]:
        # The errors of several dimensions are independent: their mean's is smaller by the root of their number.
        margin = MARGIN / math.sqrt(len(dims) or 1)
        level = {dim: base[dim].theta - margin * base[dim].se for dim in dims}
        sums, solved, expected = Cusum(), list[float](), list[float]()
        first: int | None = None
        for week in weeks:
            logits = [level[a.dim] - scale.hard(a.dim, a.group) for a in week if a.dim in level]
            answers = [a.solved for a in week if a.dim in level]
            if sums.week(answers, logits) and first is None:
                first = sums.weeks
            solved += answers
            expected += [base[a.dim].theta - scale.hard(a.dim, a.group) for a in week if a.dim in level]
        if solved:
            shares = (float(chance(np.array(expected), 0.0).mean()), float(np.mean(solved)))
            row = Drift(name, since, sums.weeks, len(solved), *shares, sums.value, THRESHOLD, sums.alarmed, first)
            found.append(row)
    return found


def _abilities(rows: Sequence[Tally], scale: Scale) -> dict[str, Ability]:
    found = {}
    for dim in sorted({row.dim for row in rows}):
        mine = [row for row in rows if row.dim == dim]
        asked, solved = np.array([row.asked for row in mine]), np.array([row.solved for row in mine])
        hard = np.array([scale.hard(dim, row.group) for row in mine])
        found[dim] = Ability(*ability(asked, solved, hard))
    return found


def _fresh(registry: Registry, model: str, week: str) -> list[Answer]:
    check = registry.speaking(model, week)
    if check is None:
        return []
    generator = {item.id: item.generator for item in registry.items(check.id)}
    return [
        Answer(o.dim, (generator[o.item], o.level), o.solved) for o in registry.outcomes(check.id) if o.kind == "fresh"
    ]
