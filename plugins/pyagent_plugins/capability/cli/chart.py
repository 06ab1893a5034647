"""`pyagent capability chart`: pictures of what was measured, and small ones in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from pyagent.cli import context
from pyagent.errors import ModelMissing, StoreError
from pyagent_plugins.capability.cli import shown


def chart(
    ctx: typer.Context,
    which: Annotated[
        Literal["ability", "frontier", "heat", "memorised", "all"],
        typer.Argument(metavar="[CHART]", help="ability, frontier, heat, memorised or all."),
    ] = "all",
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", metavar="MODEL", help="Only this model; more than once.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FOLDER", help="Where pictures go; none without it.")
    ] = None,
    format: Annotated[Literal["svg", "png"], typer.Option("--format", help="The kind of picture.")] = "svg",
) -> None:
    """Show each model's weeks as a line of bars; with -o also write pictures."""
    from pyagent_plugins.capability.charts import series
    from pyagent_plugins.capability.charts.draw import CHARTS, draw

    out = context.output(ctx)
    with shown.registry(context.app(ctx)) as held:
        models = [shown.known(held, name) for name in model] if model else held.models()
        if not (rows := series.lines(held, models)):
            raise ModelMissing("nothing is measured yet", "run `pyagent capability check`")
        files = []
        for name in (CHARTS if which == "all" else [which]) if folder is not None else []:
            path = _made(folder) / f"{name}.{format}"
            if draw(name, held, models, path):
                files.append(str(path))
            else:
                out.note(f"{name}: nothing to show yet")
    if out.json:
        told = [
            {"model": row.model, "weeks": {w: s.solved for w, s in zip(row.weeks, row.shares, strict=True)}}
            for row in rows
        ]
        out.emit({"models": told, "files": files})
        return
    width = max(len(row.model) for row in rows)
    for row in rows:
        bars = shown.sparkline([share.solved for share in row.shares])
        share = row.shares[-1]
        out.print(
            f"{row.model:<{width}}  {bars}  {shown.share(share)} %  n={share.n}  {row.weeks[0]} to {row.weeks[-1]}"
        )
    for file in files:
        out.note(f"wrote {file}")


def _made(folder: Path | None) -> Path:
    assert folder is not None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make {folder} ({error.strerror})", "name another folder with -o") from error
    return folder
