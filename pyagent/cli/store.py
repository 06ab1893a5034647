"""`pyagent store`: the one file that holds every run: what is in it, a copy of it, and less of it."""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from pyagent.cli import context
from pyagent.cli.files import beside
from pyagent.cli.units import seconds, size
from pyagent.errors import UsageError
from pyagent.store.db import AT_WORK, Store, alive

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The file that holds every run.")

TABLES = ("run", "result", "attempt", "event", "chunk")


@app.command()
def info(ctx: typer.Context) -> None:
    """Show where the store is, how large, and what it holds."""
    out, path = context.output(ctx), context.app(ctx).db_path
    with Store.open(path) as store:
        facts = _facts(store)
    if out.json:
        out.emit(facts)
        return
    for name, value in facts.items():
        out.print(f"{name:<9} {value if value is not None else '-'}")


@app.command()
def backup(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Copy the store, complete and consistent, while runs go on."""
    if file.exists() and not force:
        raise UsageError(f"{file} is there already", "name another file, or give --force")
    part = beside(file)
    try:
        with Store.open(context.app(ctx).db_path) as store:
            if file.exists() and file.samefile(store.path):
                raise UsageError(f"{file} is the store itself", "name another file")
            store.backup(part)
        for end in ("-wal", "-shm"):
            # The log of a file that was here before would be read into the new one.
            file.with_name(file.name + end).unlink(missing_ok=True)
        os.replace(part, file)
    finally:
        part.unlink(missing_ok=True)
    context.output(ctx).note(f"wrote {file} ({size(file.stat().st_size)})")


@app.command()
def purge(
    ctx: typer.Context,
    older_than: Annotated[str, typer.Option("--older-than", metavar="AGE", help="An age like 30d, 12h or 2w.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which runs would go.")] = False,
) -> None:
    """Delete the runs that nobody touched for so long, with their results and traces. Running ones stay."""
    out = context.output(ctx)
    before = time.time() - seconds(older_than)
    with Store.open(context.app(ctx).db_path) as store:
        if dry_run:
            old = [run for run in store.runs() if run.updated < before]
            names = [run.name for run in old if run.status not in AT_WORK or not alive(run.pid)]
        else:
            names = store.purge(before)
    if out.json:
        out.emit({"runs": names, "deleted": not dry_run})
        return
    for name in names:
        out.print(name)
    out.note(f"{len(names)} {'run' if len(names) == 1 else 'runs'} {'would be ' if dry_run else ''}deleted")


def _facts(store: Store) -> dict[str, Any]:
    def one(query: str) -> Any:
        return store.db.execute(query).fetchone()[0]

    oldest, newest = one("SELECT min(started) FROM run"), one("SELECT max(updated) FROM run")
    files = [store.path.with_name(store.path.name + end) for end in ("", "-wal", "-shm")]
    return {
        "file": str(store.path),
        "size": size(sum(file.stat().st_size for file in files if file.exists())),
        "version": one("PRAGMA user_version"),
        **{f"{table}s": one(f"SELECT count(*) FROM {table}") for table in TABLES},
        "oldest": oldest and datetime.fromtimestamp(oldest).isoformat(" ", "seconds"),
        "newest": newest and datetime.fromtimestamp(newest).isoformat(" ", "seconds"),
    }
