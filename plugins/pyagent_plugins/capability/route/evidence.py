"""What the registry holds, as the router needs it: the table with ages and alerts, and how routed prompts fared."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pyagent.errors import PyAgentError

if TYPE_CHECKING:
    from pyagent_plugins.capability.registry.registry import Registry
    from pyagent_plugins.capability.registry.rows import RouteRow
    from pyagent_plugins.capability.route.table import Table
    from pyagent_plugins.capability.words import Cell

MEASURE = "run `pyagent capability check`"
WEEK = 7 * 86_400.0
# Alerts that say that a model may not be what its cells tell.
DOUBTS = ("regression", "behaviour_change", "drift", "memorised", "bias", "stopped")


@dataclass(frozen=True, slots=True)
class Evidence:
    """``cells`` of the newest week, ``ages`` in weeks, ``alerted`` (model, dimension), ``ops`` by model, ``routes``
    with an outcome, ``ladders`` how hard the levels of each dimension are."""

    cells: tuple[Cell, ...] = ()
    ages: dict[str, float] = field(default_factory=dict)
    alerted: frozenset[tuple[str, str]] = frozenset()
    ops: dict[str, dict[str, float]] = field(default_factory=dict)
    routes: tuple[RouteRow, ...] = ()
    ladders: dict[str, tuple[float, ...]] = field(default_factory=dict)

    def of(self, model: str) -> dict[str, Cell]:
        return {cell.dim: cell for cell in self.cells if cell.model == model}

    def measured(self, model: str) -> bool:
        return any(cell.model == model and cell.applicable and cell.n for cell in self.cells)


def read(path: Path, models: Iterable[str]) -> Evidence:
    """What the registry at ``path`` holds of ``models``; nothing where there is no registry. Raises its errors."""
    if not path.exists():
        return Evidence()
    from pyagent_plugins.capability.registry.registry import Registry

    with Registry.open(path, readonly=True) as registry:
        return gathered(registry, models)


def gathered(registry: Registry, models: Iterable[str]) -> Evidence:
    from pyagent_plugins.capability.registry.scale import ladders

    names = set(models)
    cells = tuple(cell for cell in registry.cells(latest=True) if cell.model in names)
    found = {cell.model for cell in cells}
    return Evidence(
        cells,
        {name: age(registry, name) for name in found},
        frozenset((a.model, a.dim) for a in registry.alerts(unseen=True) if a.kind in DOUBTS and a.severity != "info"),
        {name: registry.ops(name) for name in found},
        tuple(registry.routes(judged=True, most=20_000)),
        ladders(registry) if cells else {},
    )


def age(registry: Registry, model: str) -> float:
    """Weeks since the last valid check of ``model`` ended."""
    ended = [check.finished for check in registry.checks(model) if check.status == "valid" and check.finished]
    return max(0.0, (time.time() - max(ended)) / WEEK) if ended else 0.0


def table_of(registry: Registry, models: Sequence[str]) -> Table:
    from pyagent_plugins.capability.route.table import Table

    evidence = gathered(registry, models)
    return Table.of(models, evidence.cells, evidence.ages, evidence.alerted, evidence.ladders)


class Writer:
    """Keeps decisions and their outcomes in the registry; where it cannot be written, the run goes on without."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._registry: Registry | None = None
        self.fault = ""

    def routed(self, *decision: object) -> int | None:
        """The decision's number, None when it could not be kept. Arguments as ``Registry.routed``."""
        try:
            if self._registry is None:
                from pyagent_plugins.capability.registry.registry import Registry

                self._registry = Registry.open(self._path)
            return self._registry.routed(*decision)  # type: ignore[arg-type]
        except PyAgentError as error:
            self.fault = str(error)
            return None

    def outcome(self, route: int | None, good: float) -> None:
        try:
            if route is not None and self._registry is not None:
                self._registry.outcome(route, good)
        except PyAgentError as error:
            self.fault = str(error)

    def close(self) -> None:
        if self._registry is not None:
            self._registry.close()
            self._registry = None
