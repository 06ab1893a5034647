"""`pyagent tui`: the terminal view, when there is a terminal and what draws in it."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from pyagent.cli import context
from pyagent.errors import ConfigError, UsageError
from pyagent.store.db import Store


def tui(ctx: typer.Context) -> None:
    """Watch and steer every run, and decide what waits for a person, in this terminal."""
    app, out = context.app(ctx), context.output(ctx)
    if out.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("pyagent tui needs a terminal", "`pyagent swarm status` and `swarm approve` do without")
    try:
        from pyagent.tui.app import Tui
    except ImportError as error:
        raise ConfigError(
            f"the terminal view cannot be loaded: {error}", "install it with: pip install 'pyagent-swarm[tui]'"
        ) from None
    with Store.open(app.db_path) as store:
        Tui(store, Path(app.data_dir) / "tui.log").run()
