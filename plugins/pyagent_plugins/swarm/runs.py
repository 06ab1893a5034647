"""Looking after runs that stand in the store: what they did, their results, and telling the one at work what to do."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from pyagent.cli import context
from pyagent.cli.trace import found
from pyagent.errors import UsageError
from pyagent.store.db import RunRow, Store
from pyagent.store.lines import at_work
from pyagent.store.lines import status as called
from pyagent.store.views import Views
from pyagent_plugins.swarm.options import one_of

Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's name, or how it starts.")]


def status(
    ctx: typer.Context,
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="One run; all when not said.")] = None,
) -> None:
    """Show what runs there are and how far they are."""
    out = context.output(ctx)
    with Store.open(context.app(ctx).db_path) as store:
        rows = [found(store, run)] if run else store.runs()
        views = Views(store)
        asked = views.waiting()
        table = [_row(views, row, asked.get(row.id, 0)) for row in rows]
    if not out.json:
        table = [{**row, "cost_usd": "unknown" if row["cost_usd"] is None else row["cost_usd"]} for row in table]
    if run and not out.json:
        for name, value in table[0].items():
            print(f"{name:<9} {'-' if value is None else value}")
        return
    if not table and not out.json:
        out.note("no runs yet; start one with `pyagent swarm run TASKS`")
    columns = ("run", "status", "done", "ok", "failed", "tokens", "cost_usd", "updated", "file")
    out.table(table, columns)


def results(
    ctx: typer.Context,
    run: Run,
    only: Annotated[
        str | None,
        typer.Option("--status", metavar="ok|failed|skipped", help="Only results with this status."),
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Instead of stdout.")] = None,
    format: Annotated[str, typer.Option(metavar="FORMAT", help="jsonl, json, csv or table.")] = "jsonl",
) -> None:
    """Print the results of a run, as far as it is."""
    from pyagent_plugins.swarm.reports import print_document, shapes, write_document

    more = shapes(context.app(ctx), format)
    if only is not None:
        one_of("--status", only, ("ok", "failed", "skipped"))
    with Store.open(context.app(ctx).db_path) as store:
        lines = (line for line in store.results(found(store, run).id) if only is None or line["status"] == only)
        if output is None:
            print_document(format, lines, more)
        else:
            write_document(output, format, lines, more)


def resume(ctx: typer.Context, run: Run) -> None:
    """Go on with a run: one that is paused, or one that ended, by its own command in its own folder."""
    with Store.open(context.app(ctx).db_path) as store:
        row = found(store, run)
        if at_work(row):
            store.command(row.id, "resume")
            context.output(ctx).note(f"{row.name} goes on")
            return
    try:
        os.chdir(row.cwd)
    except OSError as error:
        raise UsageError(
            f"the folder of {row.name}, {row.cwd}, is gone ({error.strerror})", "start it by hand"
        ) from None
    argv = list(row.argv)
    if "-" in argv and not Path(row.file).exists():
        raise UsageError(f"the tasks of {row.name} came from stdin and are gone", "pipe them in again")
    # What came from stdin lies spooled under the run's file.
    argv = [row.file if word == "-" else word for word in argv]
    if "-" in row.argv and "--run" not in argv:
        argv += ["--run", row.id]
    os.execv(sys.executable, [sys.executable, "-m", "pyagent", *argv])


def pause(ctx: typer.Context, run: Run) -> None:
    """Let the process that works on a run take no more tasks, until `swarm resume`; calls in flight end."""
    with Store.open(context.app(ctx).db_path) as store:
        row = _working(store, run)
        store.command(row.id, "pause")
    context.output(ctx).note(f"{row.name} is paused; go on with `pyagent swarm resume {row.name}`")


def stop(
    ctx: typer.Context,
    run: Run,
    wait: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="Wait so long for it to end.")] = 30,
) -> None:
    """Ask the process that works on a run to commit and end."""
    with Store.open(context.app(ctx).db_path) as store:
        row = _working(store, run)
        store.command(row.id, "stop")
        deadline = time.monotonic() + wait
        while at_work(row) and time.monotonic() < deadline:
            time.sleep(0.1)
            row = found(store, row.name)
    told = "is still ending" if at_work(row) else "is stopped; what is done is saved"
    context.output(ctx).note(f"{row.name} {told}")


def scale(
    ctx: typer.Context,
    run: Run,
    width: Annotated[int, typer.Argument(min=1, metavar="N", help="Tasks in flight from now on.")],
) -> None:
    """Give a run that is at work more or fewer agents."""
    with Store.open(context.app(ctx).db_path) as store:
        row = _working(store, run)
        store.command(row.id, "scale", str(width))
    context.output(ctx).note(f"{row.name} goes on with {width} tasks in flight")


def _working(store: Store, name: str) -> RunRow:
    row = found(store, name)
    if not at_work(row):
        raise UsageError(f"no process works on {row.name}", f"go on with `pyagent swarm resume {row.name}`")
    return row


def _row(views: Views, row: RunRow, waiting: int) -> dict[str, Any]:
    """``waiting`` counts questions to a person; the status is the one that the pages show."""
    spent, working = views.store.spent(row.id), at_work(row)
    state = called(row, working, waiting, working and views.paused(row))
    return {
        "run": row.name,
        "status": state,
        "done": f"{sum(row.done.values())}/{row.total}",
        "ok": row.done.get("ok", 0),
        "failed": row.done.get("failed", 0) + row.done.get("skipped", 0),
        "tokens": spent.tokens,
        "cost_usd": None if spent.unpriced else round(spent.usd, 6),
        "updated": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row.updated)),
        "file": row.file,
        "reason": row.reason,
    }
