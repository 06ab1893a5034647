"""`pyagent capability`: the group; each verb is a file beside this one, imported when it is used."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, help="What each model can do, measured.")
