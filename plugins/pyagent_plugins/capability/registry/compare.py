"""What changed between two weeks, and whether it is real: the same items paired, everything else by ability."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, ndtri

from pyagent.errors import UsageError
from pyagent_plugins.capability.registry.change import Change, Report, Share, Verdict
from pyagent_plugins.capability.registry.drift import drifts
from pyagent_plugins.capability.registry.rows import CheckRow
from pyagent_plugins.capability.registry.suspicion import biases, gaps
from pyagent_plugins.capability.stats.mcnemar import paired
from pyagent_plugins.capability.stats.multiplicity import benjamini_hochberg
from pyagent_plugins.capability.stats.power import visible
from pyagent_plugins.capability.words import Cell, Outcome

if TYPE_CHECKING:
    from pyagent_plugins.capability.registry.registry import Registry

# A cell's loss is news when it stands out of all cells of the week and is at least ten points.
ALPHA, POINTS = 0.05, 0.10
# A local model answers the same each time, so the bar is where chance has next to no part.
EXACT_ALPHA = 0.01
# Engines that run the weights themselves, greedily and in the same way each time.
LOCAL = ("llama",)
# Fewer items than this, asked in both weeks, are not worth a paired test.
FEWEST = 10
# Share of answers that flip where nobody knows it yet: what providers' updates of one model showed.
PSI = 0.15
Pair = tuple[Outcome, Outcome]
# One dimension before and after.
Cells = tuple[Cell | None, Cell | None]


def compare(registry: Registry, model: str, before: str, after: str) -> Report:
    """Hold a model's week ``after`` against ``before``. Raises UsageError for a week without a valid check."""
    old, new = measured(registry, model, before), measured(registry, model, after)
    answers = registry.answered(new.id)
    earlier = registry.answered(old.id)
    pairs = [(earlier[seq], answer) for seq, answer in answers.items() if seq in earlier]
    cells = _both(registry.cells(model, before), registry.cells(model, after))
    # Models measured in the same week are looked at side by side: what is found must stand out among all of them.
    family = len({row.model for row in registry.checks(week=after) if row.status == "valid"})
    exact = _exact(old) and _exact(new)
    rows = list(answers.values())
    return Report(
        model,
        before,
        after,
        _identity(old, new),
        exact,
        len(pairs),
        sum(b.answer_sha != a.answer_sha for b, a in pairs),
        overall(pairs, cells.values(), family, exact),
        tuple(dimensions(pairs, cells, family)),
        tuple(gaps(rows)),
        tuple(biases(rows)),
        tuple(drifts(registry, model, registry.baseline(model) or registry.weeks(model)[0], after)),
        _ops(registry.ops(model, before), registry.ops(model, after)),
    )


def measured(registry: Registry, model: str, week: str) -> CheckRow:
    """The check that speaks for the model in that week; UsageError when there is none."""
    found = registry.speaking(model, week)
    if found is None:
        weeks = registry.weeks(model)
        hint = f"weeks that have one: {', '.join(weeks[-5:])}" if weeks else "run `pyagent capability check`"
        raise UsageError(f"{model} has no valid check in {week}", hint)
    return found


def overall(pairs: Sequence[Pair], cells: Iterable[Cells], family: int, exact: bool) -> Change:
    """The index over all dimensions that both weeks measured; news by either half of alpha, or for an exact model."""
    both = [(b, a) for b, a in cells if b and a and b.n and a.n]
    before, after = index([b for b, _ in both]), index([a for _, a in both])
    if len(pairs) < FEWEST:
        return Change("", before, after, "same")
    found = _paired("", before, after, pairs)
    least = min(found.p, math.exp(-found.log_e)) if found.delta < 0 else found.p
    q = min(1.0, 2 * least * _looks(family))
    verdict: Verdict = "same"
    if found.delta and (q <= ALPHA or (exact and found.p < EXACT_ALPHA)):
        verdict = "regression" if found.delta < 0 else "improvement"
    return replace(found, q=q, verdict=verdict)


def looks(registry: Registry, before: str, after: str) -> int:
    """How many times an overall index is looked at in the week ``after``, of which not all are measured yet."""
    weeks = [{row.model for row in registry.checks(week=week) if row.status == "valid"} for week in (before, after)]
    return _looks(max(1, *map(len, weeks)))


def _looks(family: int) -> int:
    # Beside other models half of alpha is left to cells and drifts: 26 quiet weeks of eight models had 1.1 false
    # alarms of this test otherwise, and 0.3 so (benchmarks/capability_alarms.py).
    return 1 if family == 1 else 2 * family


def dimensions(pairs: Sequence[Pair], cells: Mapping[str, Cells], family: int) -> list[Change]:
    """Every dimension, with q over all cells of the week."""
    by_dim: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_dim.setdefault(pair[1].dim, []).append(pair)
    raw = [_dimension(dim, *both, by_dim.get(dim, [])) for dim, both in sorted(cells.items())]
    tested = [change for change in raw if change.test != "none"]
    q = dict(zip((c.dim for c in tested), benjamini_hochberg([c.p for c in tested], len(tested) * family), strict=True))
    return [_judged(replace(change, q=q.get(change.dim, 1.0))) for change in raw]


def _judged(change: Change) -> Change:
    if change.test == "none" or change.q > ALPHA or abs(change.delta) < POINTS:
        return change
    return replace(change, verdict="regression" if change.delta < 0 else "improvement")


def _dimension(dim: str, before: Cell | None, after: Cell | None, pairs: Sequence[Pair]) -> Change:
    if before is None or after is None or not before.n or not after.n:
        verdict: Verdict = "same" if not (before and before.n) and not (after and after.n) else "new"
        verdict = "gone" if before and before.n else verdict
        return Change(dim, _share(before), _share(after), verdict)
    if len(pairs) >= FEWEST:
        return _paired(dim, _share(before), _share(after), pairs)
    return _unpaired(before, after)


def _paired(dim: str, before: Share | None, after: Share | None, pairs: Sequence[Pair]) -> Change:
    """McNemar on the items of both weeks; p in the direction of the change."""
    found = paired([b.solved for b, _ in pairs], [a.solved for _, a in pairs], [a.cluster for _, a in pairs])
    p = found.better if found.delta > 0 else found.worse
    psi = max(PSI, (found.lost + found.won) / found.n)
    return Change(
        dim, before, after, "same", "mcnemar", found.n, found.lost, found.won, found.delta, found.low, found.high,
        p, 1.0, found.log_e, visible(found.n, psi),
    )  # fmt: skip


def _unpaired(before: Cell, after: Cell) -> Change:
    """Two abilities on one scale; between the shares the interval of independent ones (Newcombe 1998)."""
    delta = after.solved - before.solved
    low = delta - math.hypot(after.solved - after.low, before.high - before.solved)
    high = delta + math.hypot(after.high - after.solved, before.solved - before.low)
    change = Change(before.dim, _share(before), _share(after), "same", delta=delta, low=low, high=high)
    if before.theta is None or after.theta is None or before.theta_se is None or after.theta_se is None:
        return change
    z = abs(after.theta - before.theta) / math.hypot(before.theta_se, after.theta_se)
    return replace(change, test="ability", p=float(ndtr(-z)))


def index(cells: Sequence[Cell]) -> Share | None:
    """Every dimension counts the same; the errors of dimensions are independent."""
    cells = [cell for cell in cells if cell.n]
    if not cells:
        return None
    mean = float(np.mean([cell.solved for cell in cells]))
    z = -float(ndtri(0.025))
    half = z * math.sqrt(sum(((c.high - c.low) / 2 / z) ** 2 for c in cells)) / len(cells)
    return Share(mean, max(0.0, mean - half), min(1.0, mean + half), sum(cell.n for cell in cells))


def _both(before: Iterable[Cell], after: Iterable[Cell]) -> dict[str, Cells]:
    old, new = {cell.dim: cell for cell in before}, {cell.dim: cell for cell in after}
    return {dim: (old.get(dim), new.get(dim)) for dim in sorted({*old, *new})}


def _share(cell: Cell | None) -> Share | None:
    return Share(cell.solved, cell.low, cell.high, cell.n) if cell and cell.n else None


def _exact(check: CheckRow) -> bool:
    return check.measured.engine in LOCAL


def _identity(old: CheckRow, new: CheckRow) -> tuple[str, ...]:
    """What is not the same any more."""
    names = [field.name for field in fields(old.measured) if field.name != "declared"]
    return tuple(name for name in names if getattr(old.measured, name) != getattr(new.measured, name))


def _ops(old: Mapping[str, float], new: Mapping[str, float]) -> dict[str, tuple[float | None, float | None]]:
    return {name: (old.get(name), new.get(name)) for name in sorted({*old, *new})}
