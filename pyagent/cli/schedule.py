"""`pyagent schedule`: what recurs, when it runs next, and the process that runs it."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated, Any, Literal

import typer

from pyagent.cli import context
from pyagent.errors import UsageError
from pyagent.host.schedule import Planned, Schedule, unit

app = typer.Typer(add_completion=False, no_args_is_help=True, help="What recurs: list it, run it now, serve it.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="A job of `pyagent schedule list`.", show_default=False)]


def schedule(ctx: typer.Context) -> Schedule:
    """The user's schedule: the jobs of the plugins, with the record in the data folder."""
    host = context.app(ctx)
    return Schedule(host.jobs(), host.data_dir / "schedule", host.project_dir)


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List the jobs, when each runs next, and how it ended last."""
    out = context.output(ctx)
    planned = schedule(ctx).list()
    rows = [_row(each, bare=out.json) for each in planned]
    out.table(rows, ["name", "when", "next", "last", "exit", "command"])
    if planned and not any(each.next for each in planned):
        out.note("nothing serves the schedule: start `pyagent schedule serve`, or see `pyagent schedule print --help`")


@app.command("run-now")
def run_now(ctx: typer.Context, name: Name) -> None:
    """Run a job now, and end with its exit code."""
    plan = schedule(ctx)
    code = plan.run_now(name)
    ended = next(each.last for each in plan.list() if each.job.name == name)
    out = context.output(ctx)
    if ended is not None and out.json:
        out.emit({"name": name, "exit_code": code, "seconds": round((ended.ended or 0) - ended.started, 1)})
    elif ended is not None:
        sys.stdout.write(ended.tail)
    raise typer.Exit(code)


@app.command()
def serve(ctx: typer.Context) -> None:
    """Run jobs when they are due, until Ctrl-C. A time that was missed is caught up once."""
    plan = schedule(ctx)
    if not plan.jobs:
        raise UsageError("no plugin has a job to schedule", "see `pyagent plugin list`")
    words = ", ".join(f"{name} ({job.when})" for name, job in sorted(plan.jobs.items()))
    context.output(ctx).note(f"serving {words}; Ctrl-C ends it")
    plan.serve()


@app.command("print")
def print_(
    ctx: typer.Context,
    name: Name,
    shape: Annotated[
        Literal["cron", "systemd", "github"], typer.Option("--as", help="Whose schedule it is for.")
    ] = "cron",
) -> None:
    """Print a job for another scheduler."""
    plan = schedule(ctx)
    job = plan.jobs.get(name)
    if job is None:
        raise UsageError(f"no job {name!r}", f"known: {', '.join(sorted(plan.jobs)) or 'none'}")
    context.output(ctx).print(unit(job, shape).rstrip("\n"))


def _row(planned: Planned, bare: bool) -> dict[str, Any]:
    ended, job = planned.last, planned.job
    show = (lambda at: at.isoformat(timespec="seconds")) if bare else (lambda at: f"{at:%a %d %b %H:%M}")
    started = datetime.fromtimestamp(ended.started).astimezone() if ended else None
    exit_code: Any = ended.exit_code if ended else None
    if ended is not None and ended.ended is None and not bare:
        exit_code = "running"
    return {
        "name": job.name,
        "when": str(job.when),
        "next": show(planned.next) if planned.next else None,
        "last": show(started) if started else None,
        "exit": exit_code,
        "command": " ".join(["pyagent", *job.argv]),
    }
