"""`pyagent capability accept MODEL`: what later weeks are held against."""

from __future__ import annotations

from typing import Annotated

import typer

from pyagent.cli import context
from pyagent.errors import UsageError
from pyagent_plugins.capability.cli import shown


def accept(
    ctx: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A measured model.")],
    week: Annotated[
        str | None, typer.Argument(metavar="[WEEK]", help="Like 2026-W48; the newest by default.", show_default=False)
    ] = None,
) -> None:
    """Accept a week's measurements as the baseline that later weeks are compared with."""
    app, out = context.app(ctx), context.output(ctx)
    with shown.registry(app) as held:
        shown.known(held, model)
        weeks = held.weeks(model)
    if not weeks:
        raise UsageError(f"{model} has no valid check", "run `pyagent capability check`")
    wanted = shown.week(week) if week else weeks[-1]
    with shown.registry(app, readonly=False) as held:
        held.accept(model, wanted)
    if out.json:
        out.emit({"model": model, "baseline": wanted})
        return
    out.note(f"{model} is held against {wanted} from now on")
