"""Scores that are not ability: items known by heart, and one answer given to everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from pyagent_plugins.capability.registry.change import Bias, Gap
from pyagent_plugins.capability.words import Outcome

# More than five points, and more than chance would give one model in a hundred.
POINTS, SURE = 0.05, 0.01
# Of a template's items, at least eight, nine in ten got the same answer, and it was wrong for a quarter or more.
FEWEST, SAME, RIGHT = 8, 0.9, 0.75
SHOWN = 80  # characters of an answer


def gaps(outcomes: Sequence[Outcome]) -> list[Gap]:
    """Anchors minus fresh over all (``dim`` empty) first, then in each dimension that asked both kinds.

    Only over all is it called memorised: one dimension has too few items for five points.
    """
    return [gap for dim in ["", *sorted({o.dim for o in outcomes})] if (gap := _gap(outcomes, dim))]


def _gap(outcomes: Sequence[Outcome], dim: str) -> Gap | None:
    """Differences within equal dimension and level, each weighed by how well it is known (Mantel and Haenszel 1959)."""
    cells: dict[tuple[str, int], tuple[list[float], list[float]]] = {}
    for o in outcomes:
        if dim in ("", o.dim):
            cells.setdefault((o.dim, o.level), ([], []))[o.kind == "fresh"].append(o.solved)
    both = [(np.array(a), np.array(f)) for a, f in cells.values() if a and f]
    if not both:
        return None
    weights = np.array([len(a) * len(f) / (len(a) + len(f)) for a, f in both])
    weights /= weights.sum()
    gap = float(sum(w * (a.mean() - f.mean()) for w, (a, f) in zip(weights, both, strict=True)))
    variance = sum(w * w * (_variance(a) + _variance(f)) for w, (a, f) in zip(weights, both, strict=True))
    error = float(np.sqrt(variance))
    half = -float(ndtri(0.025)) * error
    sure = gap + float(ndtri(SURE)) * error > 0
    anchors, fresh = sum(len(a) for a, _ in both), sum(len(f) for _, f in both)
    return Gap(dim, gap, max(-1.0, gap - half), min(1.0, gap + half), anchors, fresh, not dim and gap > POINTS and sure)


def _variance(values: np.ndarray) -> float:
    """Of a mean; one more answer of each kind, so that three right of three are not taken for certain."""
    share = (values.sum() + 1) / (len(values) + 2)
    return float(share * (1 - share) / len(values))


def biases(outcomes: Sequence[Outcome]) -> list[Bias]:
    """Templates whose items nearly all got one answer, which was often wrong: "always answers X"."""
    rows: dict[tuple[str, str], list[Outcome]] = {}
    for o in outcomes:
        if o.error is None:
            rows.setdefault((o.dim, o.cluster), []).append(o)
    return [bias for (dim, cluster), mine in sorted(rows.items()) if (bias := _bias(dim, cluster, mine))]


def _bias(dim: str, cluster: str, rows: Sequence[Outcome]) -> Bias | None:
    said, times = Counter(" ".join(o.said.casefold().split()) for o in rows).most_common(1)[0]
    solved = float(np.mean([o.solved for o in rows]))
    if len(rows) < FEWEST or times < SAME * len(rows) or solved > RIGHT:
        return None
    return Bias(dim, cluster, said[:SHOWN], times / len(rows), solved, len(rows))
