"""`pyagent model price`: what models cost, whose word that is, and what changed since the last look."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from pyagent.cli import context
from pyagent_plugins.capability.cli import shown


def price(
    ctx: typer.Context,
    models: Annotated[list[str] | None, typer.Argument(metavar="[MODEL]...", help="All by default.")] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Fetch the newest table first; later runs use it.")
    ] = False,
    source: Annotated[
        str | None, typer.Option("--from", metavar="URL", help="Where the table of genai-prices lies.")
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="Every price since the first look.")] = False,
) -> None:
    """Show prices in USD for a million tokens, keep them, and say what changed. Unknown is shown as -."""
    from pyagent_plugins.capability.prices import keep, quotes

    host, out = context.app(ctx), context.output(ctx)
    wanted = [host.model(name) for name in models] if models else list(host.models().values())
    if refresh or source:
        host.prices.fetch(source)
    found = quotes(host, wanted)
    with shown.registry(host, readonly=False) as held:
        year, week, _ = datetime.now().isocalendar()
        alerts = keep(held, found, f"{year}-W{week:02}")
        past = [row for quote in found for row in held.prices(quote.model)] if history else []
    rows: list[dict[str, Any]] = [asdict(row) for row in (past or found)]
    if history and not out.json:
        rows = [{**row, "valid_from": f"{datetime.fromtimestamp(row['valid_from']):%Y-%m-%d %H:%M}"} for row in rows]
    columns = ["model", "input", "output", "source", "valid_from" if history else "deprecated"]
    if out.json:
        out.emit({"prices": rows, "alerts": [asdict(alert) for alert in alerts]})
        return
    for row in rows:
        if row.get("deprecated") is False:
            row["deprecated"] = None
    out.table(rows, columns)
    for alert in alerts:
        out.note(f"{alert.severity}: {alert.message}")
