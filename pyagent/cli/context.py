"""How a command gets at the application: two functions on typer's context, the same in core and plugins.

@app.command()
def run(ctx: typer.Context) -> None:
    model = context.app(ctx).model()
    context.output(ctx).note("asking " + model.name)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pyagent.cli.output import Output
from pyagent.host.app import App

if TYPE_CHECKING:
    import typer


@dataclass(slots=True)
class State:
    """What one call of the program holds; typer's ``ctx.obj``. The global options fill it in."""

    app: App
    output: Output
    debug: bool = False


def state(ctx: typer.Context) -> State:
    return cast(State, ctx.find_root().obj)


def app(ctx: typer.Context) -> App:
    """The application: settings, folders, plugins, models and engines."""
    return state(ctx).app


def output(ctx: typer.Context) -> Output:
    """Where results and notes go, in the shape that the global options ask for."""
    return state(ctx).output
