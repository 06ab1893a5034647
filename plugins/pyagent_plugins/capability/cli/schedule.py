"""`pyagent capability schedule`: the weekly check, for the scheduler that the machine has already."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from pyagent.cli import context
from pyagent.host.schedule import unit


def schedule(
    ctx: typer.Context,
    shape: Annotated[
        Literal["cron", "systemd", "github"] | None, typer.Option("--print", help="Whose schedule it is for.")
    ] = None,
) -> None:
    """Say when the check recurs, or print it for cron, systemd or GitHub."""
    out = context.output(ctx)
    job = next(job for job in context.app(ctx).jobs() if job.name == "capability-check")
    if shape is not None:
        out.print(unit(job, shape).rstrip("\n"))
        return
    if out.json:
        out.emit({"name": job.name, "when": str(job.when), "argv": ["pyagent", *job.argv]})
        return
    out.print(f"{job.when}: pyagent {' '.join(job.argv)}")
    out.note("run it by `pyagent schedule serve`, or print it with --print cron|systemd|github")
