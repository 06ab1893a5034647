"""`pyagent trace`: what happened in a run, from the journal: as a list, as a tree of spans, or for other tools."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyagent.cli import context
from pyagent.errors import UsageError
from pyagent.store.db import RunRow, Store

if TYPE_CHECKING:
    from pyagent.event import Event

app = typer.Typer(add_completion=False, no_args_is_help=True, help="What happened in a run.")

Place = Annotated[str, typer.Argument(metavar="RUN[/TASK]", help="A run's name, or one of its tasks.")]
RUNS = ("run", "status", "tasks", "ok", "failed", "started", "seconds")
TASKS = ("task", "status", "source", "model", "attempts", "seconds", "tokens", "cost_usd", "error")


@app.command("list")
def list_(
    ctx: typer.Context,
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="Its tasks instead of all runs.")] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="At most so many rows.")] = 200,
) -> None:
    """List the runs, or the tasks of one run."""
    from itertools import islice

    out = context.output(ctx)
    with Store.open(context.app(ctx).db_path) as store:
        if run is None:
            rows = [_run_row(row) for row in store.runs()[:limit]]
        else:
            rows = [_task_row(line) for line in islice(store.results(found(store, run).id), limit + 1)]
    if len(rows) > limit:
        rows.pop()
        out.note(f"only the first {limit}; see more with --limit")
    if not rows and not out.json:
        out.note("nothing yet; start with `pyagent swarm run TASKS`")
    out.table(rows, RUNS if run is None else TASKS)


@app.command()
def show(
    ctx: typer.Context,
    place: Place,
    full: Annotated[bool, typer.Option("--full", help="With prompts, answers, arguments and results.")] = False,
) -> None:
    """Show a run or a task as a tree of spans with time, tokens and cost."""
    from pyagent.cli.tree import nested, tree

    out = context.output(ctx)
    with Store.open(context.app(ctx).db_path) as store:
        run, task = locate(store, place)
        events = store.events(run.id, task)
        if out.json:
            out.emit(list(nested(events, full)))
            return
        for line in tree(events, full):
            out.print(line)


@app.command()
def export(
    ctx: typer.Context,
    place: Place,
    otlp: Annotated[bool, typer.Option("--otlp", help="OpenTelemetry traces in OTLP/JSON (the default).")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="The events as they are, one a line, with all texts.")] = False,
    content: Annotated[bool, typer.Option("--content", help="OTLP with prompts and answers.")] = False,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Instead of stdout.")] = None,
) -> None:
    """Write the events of a run, or of one task, for other tools."""
    from pyagent.cli.files import write
    from pyagent.report.otel import otlp as translate

    if otlp and jsonl:
        raise UsageError("--otlp and --jsonl are two shapes", "give one of them")
    with Store.open(context.app(ctx).db_path) as store:
        run, task = locate(store, place)
        events = store.events(run.id, task)
        pieces = _lines(events) if jsonl else translate(events, content)
        if output is None:
            for piece in pieces:
                print(piece, end="")
        else:
            write(output, pieces)
            context.output(ctx).note(f"wrote {output}")


def found(store: Store, name: str) -> RunRow:
    """The run with this name or id, or the only one whose name starts so; raises UsageError."""
    row = store.run(name)
    if row is None:
        names = [run.name for run in store.runs()]
        if alike := [each for each in names if each.startswith(name)]:
            raise UsageError(f"{len(alike)} runs begin with {name!r}", f"say more: {', '.join(alike[:5])}")
        known = names[:5]
        raise UsageError(
            f"there is no run {name!r}", f"known: {', '.join(known) or 'none yet'}; see `pyagent trace list`"
        )
    return row


def locate(store: Store, place: str) -> tuple[RunRow, str | None]:
    """The run and the task that RUN[/TASK] means; both may hold slashes themselves. Raises UsageError."""
    row = store.run(place)
    if row is not None:
        return row, None
    parts = place.split("/")
    for at in range(len(parts) - 1, 0, -1):
        row, task = store.run("/".join(parts[:at])), "/".join(parts[at:])
        if row is not None and next(store.events(row.id, task), None) is not None:
            return row, task
    if len(parts) > 1 and (row := store.run(parts[0])) is not None:
        raise UsageError(
            f"the run {row.name} has no task {'/'.join(parts[1:])!r}", f"see `pyagent trace list {row.name}`"
        )
    return found(store, place), None


def _lines(events: Iterator[Event]) -> Iterator[str]:
    from pyagent.report.jsonl import dumps

    for event in events:
        row = {
            "seq": event.seq, "at": event.at, "kind": event.kind, "run": event.run, "task": event.task,
            "span": event.span, "parent": event.parent, "data": event.data,
        }  # fmt: skip
        yield dumps(row) + "\n"


def _run_row(run: RunRow) -> dict[str, Any]:
    return {
        "run": run.name,
        "status": run.status,
        "tasks": run.total,
        "ok": run.done.get("ok", 0),
        "failed": run.done.get("failed", 0),
        "started": datetime.fromtimestamp(run.started).isoformat(" ", "seconds"),
        "seconds": round(run.updated - run.started, 1),
    }


def _task_row(line: dict[str, Any]) -> dict[str, Any]:
    usage = line.get("usage") or {}
    tokens = (usage.get("input_tokens") or 0) + (usage.get("output_tokens") or 0)
    return {**line, "task": line["id"], "tokens": tokens}
