"""`pyagent route`: which model a prompt would get, and with --explain why not another."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyagent.cli import context
from pyagent.errors import PyAgentError
from pyagent_plugins.capability.cli.prompt import Prompt, Said, read, stated

if TYPE_CHECKING:
    from pyagent.host.app import App
    from pyagent.model import Model
    from pyagent_plugins.capability.route.chooser import Choice

COLUMNS = ("model", "p", "bound", "cost", "enough", "lacks")


def route(
    ctx: typer.Context,
    prompt: Prompt,
    explain: Annotated[bool, typer.Option("--explain", help="Also every other model, and the needs.")] = False,
    quality: Annotated[
        float | None, typer.Option(min=0, max=1, metavar="X", help="The share of the best to reach.")
    ] = None,
    models: Annotated[
        str | None, typer.Option("--models", metavar="A,B", help="Only among these; all that are configured.")
    ] = None,
    said: Said = None,
) -> None:
    """Say which model a prompt would get: the cheapest that is measured to be good enough. Asks no model."""
    from pyagent_plugins.capability.needs.need import explained, needs_of
    from pyagent_plugins.capability.route.chooser import Chooser
    from pyagent_plugins.capability.route.evidence import read as evidence

    host, out = context.app(ctx), context.output(ctx)
    text = read(prompt)
    share = host.settings.get("swarm.quality") if quality is None else quality
    needs = needs_of(text, stated(said))
    found = list(_models(host, models))
    local = frozenset(model.name for model in found if host.engine_kind(model).local)
    seen = evidence(Path(host.paths.data) / "capability.db", [model.name for model in found])
    chooser = Chooser(found, local, seen, bool(host.settings.get("swarm.require_measured")))
    choice = chooser.choose(text, needs, share)
    if out.json:
        out.emit(_line(choice, share) | ({"needs": needs.line(), "explanation": explained(needs)} if explain else {}))
        return
    out.print(choice.model.name)
    if explain:
        out.print(f"{choice.decision.why}.")
        for line in explained(needs):
            out.print(line)
        out.table([_row(row) for row in choice.rows], COLUMNS)
    elif not choice.measured:
        out.note(choice.decision.why)


def _models(host: App, named: str | None) -> Iterable[Model]:
    """The default model first, then the others; those whose engine is missing are left out."""
    if named is not None:
        names = [name.strip() for name in named.split(",") if name.strip()]
        wanted = [host.model(name) for name in dict.fromkeys(names)] or [host.model()]
    else:
        default = host.model()
        wanted = [default, *(model for model in host.models().values() if model.name != default.name)]
    for model in wanted:
        try:
            yield host.priced(model)
        except PyAgentError:
            if named is not None:
                raise


def _line(choice: Choice, quality: float) -> dict[str, Any]:
    decision = choice.decision
    return {
        "model": decision.model,
        "probability": round(decision.probability, 4) if choice.measured else None,
        "bound": round(decision.bound, 4) if choice.measured else None,
        "cost": decision.cost,
        "quality": quality,
        "why": decision.why,
        "candidates": list(choice.rows),
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    percent = {key: None if row[key] is None else f"{row[key]:.0%}" for key in ("p", "bound")}
    cost = None if row["cost"] is None else f"${row['cost']:.6f}"
    return row | percent | {"cost": cost, "lacks": ", ".join(row["lacks"]) or None}
