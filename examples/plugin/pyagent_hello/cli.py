"""`pyagent hello`: how a command gets at the settings and writes its result."""

from __future__ import annotations

from typing import Annotated

import typer

from pyagent.cli import context

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Say hello.")


@app.callback()
def group() -> None:
    """Say hello."""


@app.command()
def greet(ctx: typer.Context, name: Annotated[str, typer.Argument(help="Whom to greet.")] = "world") -> None:
    """Greet somebody, in the words of [plugins.hello] greeting."""
    greeting = context.app(ctx).plugin_settings("hello")["greeting"]
    out = context.output(ctx)
    if out.json:
        return out.emit({"greeting": greeting, "name": name})
    return out.print(f"{greeting}, {name}!")
