"""`pyagent capability show MODEL`: each thing it can do, how sure that is, and how it came to be so."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyagent.cli import context
from pyagent.report.text import money, one_line
from pyagent_plugins.capability.cli import shown

if TYPE_CHECKING:
    from pyagent.cli.output import Output
    from pyagent_plugins.capability.registry.registry import Registry
    from pyagent_plugins.capability.registry.rows import CheckRow
    from pyagent_plugins.capability.words import Outcome

COLUMNS = ("dimension", "solved", "n", "complied", "ability", "levels", "weeks")
NARROW = ("dimension", "solved", "n", "complied", "levels", "weeks")
WEEKS = 12
# A level is reached when at least half of its items are solved, and those of every level below.
HALF = 0.5


def show(
    ctx: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A measured model.")],
    week: Annotated[
        str | None, typer.Option("--week", metavar="WEEK", help="Like 2026-W48; the newest by default.")
    ] = None,
) -> None:
    """Show what a model can do: every dimension with its interval and n, levels reached, service, weeks."""
    from pyagent_plugins.capability.registry.compare import measured

    out = context.output(ctx)
    with shown.registry(context.app(ctx)) as held:
        shown.known(held, model)
        weeks = held.weeks(model)
        wanted = shown.week(week) if week else (weeks[-1] if weeks else held.checks(model)[0].week)
        if not weeks and not week:
            _unmeasured(out, held.checks(model)[0])
            return
        facts = _facts(held, measured(held, model, wanted))
    if out.json:
        out.emit(facts)
        return
    _tell(out, facts)


def _unmeasured(out: Output, check: CheckRow) -> None:
    if out.json:
        out.emit({"model": check.model, "week": check.week, "status": check.status, "reason": check.reason})
        return
    out.print(f"{check.model}: its check of {check.week} is {check.status}; {one_line(check.reason) or 'not ended'}")


def _facts(held: Registry, check: CheckRow) -> dict[str, Any]:
    from pyagent_plugins.capability.registry.beside import beside
    from pyagent_plugins.capability.registry.compare import index

    single = beside(held, check.model, check.week) if check.model.startswith("self:") else None
    cells = held.cells(check.model, check.week)
    history = held.cells(check.model)
    weeks = [week for week in held.weeks(check.model) if week <= check.week][-WEEKS:]
    reached = _levels(held.outcomes(check.id))
    whole = index(cells)
    return {
        "model": check.model,
        "week": check.week,
        "suite": check.suite,
        "finished": check.finished,
        "answered": check.answered,
        "items": check.items,
        "cost_usd": check.cost_usd,
        "baseline": held.baseline(check.model),
        "identity": asdict(check.measured),
        "index": asdict(whole) if whole else None,
        "beside": asdict(single) if single else None,
        "cells": [
            {
                **asdict(cell),
                "level": reached.get(cell.dim, (0, {}))[0],
                "by_level": reached.get(cell.dim, (0, {}))[1],
                "weeks": _past(history, cell.dim, weeks),
            }
            for cell in cells
        ],
        "ops": held.ops(check.model, check.week),
        "alerts": [asdict(alert) for alert in held.alerts(check.model, check.week)],
    }


def _past(history: list[Any], dim: str, weeks: list[str]) -> dict[str, float | None]:
    solved = {cell.week: cell.solved for cell in history if cell.dim == dim and cell.n}
    return {week: solved.get(week) for week in weeks}


def _levels(outcomes: list[Outcome]) -> dict[str, tuple[int, dict[int, float]]]:
    """By dimension: the level reached (0: none) and the share solved at each."""
    rows: dict[str, dict[int, list[float]]] = {}
    for o in outcomes:
        rows.setdefault(o.dim, {}).setdefault(o.level, []).append(o.solved)
    found = {}
    for dim, levels in rows.items():
        shares = {level: sum(x) / len(x) for level, x in sorted(levels.items())}
        top = 0
        for level, solved in shares.items():
            if solved < HALF:
                break
            top = level
        found[dim] = (top, shares)
    return found


def _tell(out: Output, facts: dict[str, Any]) -> None:
    who = facts["identity"]
    parts = [who["engine"], who["quant"], f"{who['context']:,} tokens" if who["context"] else "", who["version"]]
    out.print(f"{facts['model']}  ({', '.join(one_line(part) for part in parts if part)})")
    age = shown.age(facts["finished"])
    age = "just now" if age == "now" else f"{age} old"
    out.print(
        f"{facts['week']}, {facts['suite']}, {facts['answered']} of {facts['items']} items, "
        f"{age}, cost {money(facts['cost_usd'])}, baseline {facts['baseline'] or 'none'}"
    )
    if whole := facts["index"]:
        told = f"index {shown.percent(**whole)}, n={whole['n']}"
        out.print(f"{told}; percent solved with 95 % intervals, ability in logits")
    if single := facts["beside"]:
        out.print(_beside(single))
    out.print("")
    out.table([_row(cell) for cell in facts["cells"]], COLUMNS if shown.wide(out, 100) else NARROW)
    if facts["ops"]:
        out.print("")
        ops = [{"service": name, "value": f"{value:.4g}"} for name, value in facts["ops"].items()]
        out.table(ops, ("service", "value"))
    for alert in facts["alerts"]:
        out.print(f"{alert['severity']}: {one_line(alert['message'])}")


def _beside(single: dict[str, Any]) -> str:
    found = single["found"]
    told = f"beside {single['model']}, the best single model: {shown.span(found['delta'], found['low'], found['high'])}"
    p = min(1.0, 2 * min(found["worse"], found["better"]))
    return (
        f"{told} points, {found['lost']} lost and {found['won']} won of {found['n']} items, p={p:.2g}; "
        f"for {money(single['own'])}, where that one takes {money(single['its'])}"
    )


def _row(cell: dict[str, Any]) -> dict[str, Any]:
    if not cell["applicable"] or not cell["n"]:
        return {"dimension": cell["dim"], "solved": "not applicable"}
    theta = "-" if cell["theta"] is None else f"{cell['theta']:+.2f} ±{cell['theta_se']:.2f}"
    return {
        "dimension": cell["dim"],
        "solved": shown.percent(cell["solved"], cell["low"], cell["high"]),
        "n": cell["n"],
        "complied": f"{100 * cell['complied']:.0f}",
        "ability": theta,
        "levels": f"{cell['level']}/5",
        "weeks": shown.sparkline(list(cell["weeks"].values())),
    }
