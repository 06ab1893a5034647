"""Whether PyAgent's own choice beats the best single model: the same items of the same week, answered by both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyagent_plugins.capability.stats.mcnemar import Paired, paired

if TYPE_CHECKING:
    from pyagent_plugins.capability.registry.registry import Registry
    from pyagent_plugins.capability.words import Outcome

# Fewer items that both answered tell nothing.
FEWEST = 10


@dataclass(frozen=True, slots=True)
class Beside:
    """``found`` is from ``model``, the best single one on the items that both answered, to what stands beside it;
    ``its`` and ``own`` are their costs of these items in USD, None: a price is unknown."""

    model: str
    found: Paired
    its: float | None
    own: float | None


def beside(registry: Registry, name: str, week: str) -> Beside | None:
    """``name`` beside the best single model of the week; None where none answered the same items."""
    mine = _answers(registry, name, week)
    others = {model: _answers(registry, model, week) for model in registry.models() if not model.startswith("self:")}
    shared = {model: sorted(mine.keys() & rows.keys()) for model, rows in others.items()}
    most = max(map(len, shared.values()), default=0)
    if most < FEWEST:
        return None
    # A model that answered less is no match for the whole.
    whole = [model for model, items in shared.items() if len(items) == most]
    best = max(whole, key=lambda model: (sum(others[model][item].solved for item in shared[model]), model))
    pairs = [(others[best][item], mine[item]) for item in shared[best]]
    found = paired([b.solved for b, _ in pairs], [a.solved for _, a in pairs], [a.cluster for _, a in pairs])
    return Beside(best, found, _cost([b for b, _ in pairs]), _cost([a for _, a in pairs]))


def _answers(registry: Registry, model: str, week: str) -> dict[int, Outcome]:
    check = registry.speaking(model, week)
    return registry.answered(check.id) if check else {}


def _cost(rows: list[Outcome]) -> float | None:
    costs = [row.cost_usd for row in rows]
    return None if None in costs else sum(cost or 0.0 for cost in costs)
