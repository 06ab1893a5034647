"""`pyagent capability list`: who was measured, when, and how well."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from pyagent.cli import context
from pyagent.report.text import money
from pyagent_plugins.capability.cli import shown

if TYPE_CHECKING:
    from pyagent_plugins.capability.registry.registry import Registry

COLUMNS = ("model", "week", "age", "suite", "index", "n", "dims", "cost", "baseline", "alerts", "weeks")
NARROW = ("model", "week", "age", "index", "n", "baseline", "alerts", "weeks")


def list_(ctx: typer.Context) -> None:
    """List the measured models with their index over all dimensions, its interval and n."""
    out = context.output(ctx)
    with shown.registry(context.app(ctx)) as held:
        rows = [_row(held, model) for model in held.models()]
    if not rows and not out.json:
        out.note("nothing is measured yet; run `pyagent capability check`")
        return
    if out.json:
        out.emit(rows)
        return
    out.table([_told(row) for row in rows], COLUMNS if shown.wide(out, 120) else NARROW)


def _row(held: Registry, model: str) -> dict[str, Any]:
    """Everything about the newest check of a model; the index is None until one is valid."""
    from pyagent_plugins.capability.registry.compare import index

    newest = held.checks(model)[0]
    weeks = held.weeks(model)
    week = weeks[-1] if weeks else newest.week
    spoken = held.speaking(model, week) or newest
    cells = [cell for cell in held.cells(model, week) if cell.applicable and cell.n]
    whole = index(cells)
    return {
        "model": model,
        "week": week,
        "suite": spoken.suite,
        "status": newest.status,
        "reason": newest.reason,
        "finished": spoken.finished,
        "answered": spoken.answered,
        "items": spoken.items,
        "cost_usd": spoken.cost_usd,
        "index": asdict(whole) if whole else None,
        "dims": len(cells),
        "baseline": held.baseline(model),
        "alerts": len(held.alerts(model, week)),
        "identity": asdict(spoken.measured),
        "weeks": {w: (found.solved if (found := index(held.cells(model, w))) else None) for w in weeks[-12:]},
    }


def _told(row: dict[str, Any]) -> dict[str, Any]:
    whole = row["index"]
    return {
        "model": row["model"],
        "week": row["week"],
        "age": shown.age(row["finished"]),
        "suite": row["suite"],
        "index": shown.percent(**whole) if whole else row["status"],
        "n": whole["n"] if whole else f"{row['answered']}/{row['items']}",
        "dims": row["dims"] or None,
        "cost": money(row["cost_usd"]),
        "baseline": row["baseline"],
        "alerts": row["alerts"] or None,
        "weeks": shown.sparkline(list(row["weeks"].values())),
    }
