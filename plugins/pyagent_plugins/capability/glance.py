"""What was measured and how prompts were routed, for whoever looks on: read from the registry as it lies."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyagent.errors import PyAgentError

COLUMNS = ("model", "tasks", "chance", "judged", "good", "last")
# Chance: what the router believed of the model that it chose; good: what judges said afterwards.
ROUTED = """SELECT chosen, count(*), round(avg(p), 4), count(good), round(avg(good), 4), max(at)
    FROM route GROUP BY chosen ORDER BY count(*) DESC, chosen"""


def glance(path: Path) -> Iterator[tuple[str, Any]]:
    """``capability``, ``measured`` and ``routing`` as JSON; nothing where nothing was measured or it cannot be read."""
    from pyagent_plugins.capability.registry.registry import Registry

    if not path.is_file():
        return
    try:
        with Registry.open(path, readonly=True) as held:
            cells = held.cells()
            routed = held.file.all(ROUTED)
    except (PyAgentError, sqlite3.Error):
        return
    names = ("dim", "n", "solved", "low", "high")
    rows = [{"model": cell.model, "week": cell.week, **{name: getattr(cell, name) for name in names}} for cell in cells]
    yield "capability", rows
    yield "measured", measured(rows)
    yield "routing", [dict(zip(COLUMNS, row, strict=True)) for row in routed]


def measured(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """By model: the newest week and the share solved in each dimension of it."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        held = found.get(row["model"])
        if held is None or row["week"] > held["week"]:
            held = found[row["model"]] = {"week": row["week"]}
        if row["week"] == held["week"]:
            held[row["dim"]] = round(row["solved"], 4)
    return found
