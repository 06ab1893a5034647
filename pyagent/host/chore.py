"""A recurring job at work: one command line of PyAgent in a process of its own, and a record of how it ended.

A process of its own, so that a job that crashes or leaks takes neither the scheduler nor the next job with it.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pyagent.errors import Busy, StoreError
from pyagent.store.lock import RunLock

# What a job printed last; the whole of it lies in its log.
TAIL = 2000


@dataclass(frozen=True, slots=True)
class Ended:
    """One time that a job ran. ``exit_code`` is None while it runs, or when its process was killed with us."""

    name: str
    started: float
    ended: float | None
    exit_code: int | None
    tail: str = ""


def perform(name: str, argv: Sequence[str], folder: str, cwd: str) -> int:
    """Run ``pyagent *argv`` in ``cwd`` and give its exit code; ``folder`` holds the record, the locks and the logs.

    Raises Busy (75) when the same job is at work already, here or in another process.
    """
    lock = RunLock(Path(folder) / "locks", f"job-{name}")
    try:
        lock.acquire()
    except Busy as error:
        raise Busy(f"the job {name} is at work already", "wait for it to end") from error
    try:
        started = time.time()
        _write(folder, Ended(name, started, None, None))
        log = Path(folder) / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as out:
            code = _child(argv, cwd, out.fileno())
        _write(folder, Ended(name, started, time.time(), code, _tail(log)))
        return code
    finally:
        lock.release()


def _child(argv: Sequence[str], cwd: str, out: int) -> int:
    """The command's exit code. It stays in our process group, so that Ctrl-C on a terminal reaches both."""
    child = subprocess.Popen(
        [sys.executable, "-m", "pyagent", "--no-input", *argv],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.STDOUT,
        env={**os.environ, "NO_COLOR": "1"},
    )
    try:
        code = child.wait()
    except BaseException:
        child.send_signal(signal.SIGTERM)
        child.wait()
        raise
    return 128 - code if code < 0 else code


def last(folder: Path, name: str) -> Ended | None:
    """How the job ended last, None when it never ran."""
    path = _database(folder)
    if not path.exists():
        return None
    with closing(_open(path)) as db:
        row = db.execute(
            "SELECT name, started, ended, exit_code, tail FROM ended WHERE name = ? ORDER BY started DESC LIMIT 1",
            (name,),
        ).fetchone()
    return None if row is None else Ended(*row)


def _database(folder: Path) -> Path:
    return folder / "schedule.db"


def _write(folder: str, ended: Ended) -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    with closing(_open(_database(Path(folder)))) as db, db:
        db.execute(
            "INSERT OR REPLACE INTO ended VALUES(?, ?, ?, ?, ?)",
            (ended.name, ended.started, ended.ended, ended.exit_code, ended.tail),
        )
        # A year of weeks, or a week of hours.
        db.execute(
            "DELETE FROM ended WHERE name = ?1 AND started NOT IN "
            "(SELECT started FROM ended WHERE name = ?1 ORDER BY started DESC LIMIT 200)",
            (ended.name,),
        )


def _open(path: Path) -> sqlite3.Connection:
    try:
        db = sqlite3.connect(path, timeout=10.0)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(
            "CREATE TABLE IF NOT EXISTS ended(name TEXT NOT NULL, started REAL NOT NULL, ended REAL, "
            "exit_code INTEGER, tail TEXT NOT NULL, PRIMARY KEY(name, started)) WITHOUT ROWID"
        )
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be used ({error})", "move it away; the schedule is made anew") from error
    return db


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL))
        return file.read().decode("utf-8", "replace")
