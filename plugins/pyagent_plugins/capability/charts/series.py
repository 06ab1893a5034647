"""What the pictures show, read from the registry once: so that a picture holds no query and a test needs no picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyagent_plugins.capability.words import DIMENSIONS

if TYPE_CHECKING:
    from pyagent_plugins.capability.registry.change import Gap, Share
    from pyagent_plugins.capability.registry.registry import Registry


@dataclass(frozen=True, slots=True)
class Line:
    """A model's index over the weeks that it was measured in; ``marks`` are the weeks with a regression."""

    model: str
    weeks: tuple[str, ...]
    shares: tuple[Share, ...]
    marks: frozenset[str]


@dataclass(frozen=True, slots=True)
class Point:
    """Cost against ability: USD for an item that passed (0: a model of one's own) and the index, now and a week ago."""

    model: str
    cost: float
    share: Share
    before: tuple[float, Share] | None


@dataclass(frozen=True, slots=True)
class Heat:
    """Shares solved, models down, dimensions across; None where it was not measured or not applicable."""

    models: tuple[str, ...]
    dims: tuple[str, ...]
    solved: tuple[tuple[float | None, ...], ...]


def lines(held: Registry, models: Sequence[str]) -> list[Line]:
    """The index of each model by week."""
    from pyagent_plugins.capability.registry.compare import index

    found = []
    for model in models:
        weeks = {week: share for week in held.weeks(model) if (share := index(held.cells(model, week)))}
        marks = frozenset(alert.week for alert in held.alerts(model) if alert.severity == "regression")
        if weeks:
            found.append(Line(model, tuple(weeks), tuple(weeks.values()), marks & weeks.keys()))
    return found


def points(held: Registry, models: Sequence[str]) -> list[Point]:
    """Models whose cost for a passed item is known, with where they stood in their week before."""
    found = []
    for line in lines(held, models):
        costs = [held.ops(line.model, week).get("op.cost_per_pass") for week in line.weeks[-2:]]
        if costs[-1] is None:
            continue
        before = (costs[0], line.shares[-2]) if len(costs) == 2 and costs[0] is not None else None
        found.append(Point(line.model, costs[-1], line.shares[-1], before))
    return found


def heat(held: Registry, models: Sequence[str]) -> Heat:
    """Each model's newest cells."""
    known = {(cell.model, cell.dim): cell.solved for cell in held.cells(latest=True) if cell.applicable and cell.n}
    mine = tuple(model for model in models if any(name == model for name, _ in known))
    dims = tuple(d.name for d in DIMENSIONS if any((model, d.name) in known for model in mine))
    return Heat(mine, dims, tuple(tuple(known.get((model, dim)) for dim in dims) for model in mine))


def learned(held: Registry, models: Sequence[str]) -> list[tuple[str, list[Gap]]]:
    """Anchors minus fresh items of each model's newest week, over all first, then by dimension."""
    from pyagent_plugins.capability.registry.suspicion import gaps

    found = []
    for model in models:
        weeks = held.weeks(model)
        check = held.speaking(model, weeks[-1]) if weeks else None
        if check is not None and (mine := gaps(held.outcomes(check.id))):
            found.append((model, mine))
    return found
