"""One SQLite file holds everything durable, shared by every process of the user; this opens it and reads it.

WAL, so that readers never wait; `BEGIN IMMEDIATE` with a busy timeout, so that writers queue instead of failing.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyagent.errors import Busy, PyAgentError, StoreError, StoreTooNew
from pyagent.event import Event
from pyagent.store.schema import MIGRATIONS, Migration

# A run that waits for a person may have a process, or not: whether it is `alive` says so.
AT_WORK = ("running", "waiting")
# Milliseconds. Commits take about 1 ms; whoever waits longer than this waits for a stuck process.
BUSY_TIMEOUT = 5000


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as the store knows it; ``done`` maps a Result status to its count."""

    id: str
    name: str
    file: str
    cwd: str
    argv: tuple[str, ...]
    settings: Mapping[str, Any]
    status: str
    total: int
    pid: int | None
    started: float
    updated: float
    exit_code: int | None
    reason: str | None
    done: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run has used: settled attempts by what they used, attempts cut by a kill by what they reserved.

    ``unpriced`` counts attempts whose model has no known price; they are not in ``usd``.
    """

    tokens: int = 0
    usd: float = 0.0
    attempts: int = 0
    unpriced: int = 0


def explain(error: sqlite3.Error, path: Path) -> PyAgentError:
    """Turn an SQLite error into one line with its exit code."""
    text = str(error)
    if "full" in text or "disk I/O" in text:
        return StoreError(f"the disk that holds {path} is full or failing ({text})", "free some space and run again")
    if "locked" in text or "busy" in text:
        return Busy(f"{path} is locked by another process", "try again in a moment")
    if "readonly" in text or "unable to open" in text:
        return StoreError(f"{path} cannot be written ({text})", "set PYAGENT_HOME or --store to a writable folder")
    return StoreError(f"{path} cannot be used ({text})", "move the file away to start afresh, or restore a backup")


class Store:
    """The store of one user. Open it once a process; it is not for use from several threads at once."""

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        self.path = path
        self.db = db

    @classmethod
    def open(cls, path: Path | str) -> Store:
        """Open or create the file and bring it to this version. Raises StoreError, StoreTooNew or Busy."""
        path = Path(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            db = connect(path)
            migrate(db, path)
        except OSError as error:
            raise StoreError(
                f"{path.parent} cannot be written ({error.strerror})",
                "set PYAGENT_HOME or --store to a writable folder",
            ) from None
        except sqlite3.Error as error:
            raise explain(error, path) from None
        return cls(path, db)

    def close(self) -> None:
        self.db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # runs

    def runs(self) -> list[RunRow]:
        """All runs, the newest first."""
        return [self._run(row) for row in self._all("SELECT * FROM run ORDER BY started DESC, id")]

    def run(self, name: str) -> RunRow | None:
        """The run with this name, id, or the only one whose name starts so."""
        rows = self._all("SELECT * FROM run WHERE name = ? OR id = ?", (name, name))
        if not rows:
            rows = self._all("SELECT * FROM run WHERE substr(name, 1, ?) = ? LIMIT 2", (len(name), name))
        return self._run(rows[0]) if len(rows) == 1 else None

    def _run(self, row: Sequence[Any]) -> RunRow:
        counts = self._all("SELECT status, count(*) FROM result WHERE run = ? GROUP BY status", (row[0],))
        id, name, file, cwd, argv, settings, status, total, pid, started, updated, exit_code, reason = row
        return RunRow(
            id, name, file, cwd, tuple(json.loads(argv)), json.loads(settings),
            status, total, pid, started, updated, exit_code, reason, dict(counts),
        )  # fmt: skip

    def begin_run(
        self,
        id: str,
        name: str,
        file: str,
        cwd: str,
        argv: Sequence[str],
        settings: Mapping[str, Any],
        total: int,
    ) -> None:
        """Record that this process works on the run from now on."""
        now = time.time()
        with self.write() as db:
            db.execute(
                """INSERT INTO run VALUES (?,?,?,?,?,?,'running',?,?,?,?,NULL,NULL)
                ON CONFLICT(id) DO UPDATE SET argv = excluded.argv, settings = excluded.settings,
                cwd = excluded.cwd, file = excluded.file, status = 'running', total = excluded.total,
                pid = excluded.pid, updated = excluded.updated, exit_code = NULL, reason = NULL""",
                (
                    id,
                    name,
                    file,
                    cwd,
                    json.dumps(list(argv)),
                    json.dumps(settings),
                    total,
                    os.getpid(),
                    now,
                    now,
                ),
            )
            # What was meant for an earlier process is not meant for this one.
            db.execute("UPDATE control SET taken = ? WHERE run = ? AND taken IS NULL", (now, id))

    def end_run(self, id: str, status: str, exit_code: int, reason: str | None) -> None:
        with self.write() as db:
            db.execute(
                "UPDATE run SET status = ?, exit_code = ?, reason = ?, pid = NULL, updated = ? WHERE id = ?",
                (status, exit_code, reason, time.time(), id),
            )

    def say_status(self, id: str, status: str) -> None:
        """What the process at work is doing: ``running``, or ``waiting`` for a person."""
        with self.write() as db:
            db.execute("UPDATE run SET status = ? WHERE id = ?", (status, id))

    # results

    def results(self, run: str) -> Iterator[dict[str, Any]]:
        """The Result lines of a run, in order of completion."""
        with self._explained():
            for (body,) in self.db.execute("SELECT body FROM result WHERE run = ? ORDER BY rowid", (run,)):
                yield json.loads(body)

    def bodies(self, run: str, wanted: Iterable[tuple[bytes, int]]) -> dict[tuple[bytes, int], dict[str, Any]]:
        """The stored lines for (key, nth) pairs, those that exist."""
        found = {}
        for key, nth in wanted:
            row = self._all("SELECT body FROM result WHERE run = ? AND key = ? AND nth = ?", (run, key, nth))
            if row:
                found[key, nth] = json.loads(row[0][0])
        return found

    def has_results(self, run: str) -> bool:
        return bool(self._all("SELECT 1 FROM result WHERE run = ? LIMIT 1", (run,)))

    def forget(self, run: str, statuses: Sequence[str] | None) -> int:
        """Delete results (of these statuses, or all) so that their tasks are done again; gives how many."""
        where = "" if statuses is None else f" AND status IN ({','.join('?' * len(statuses))})"
        with self.write() as db:
            return db.execute(f"DELETE FROM result WHERE run = ?{where}", (run, *(statuses or ()))).rowcount

    def keep_only(self, run: str, names: Iterable[tuple[bytes, int]]) -> int:
        """Delete the results of tasks that the file no longer has; gives how many."""
        with self.write() as db:
            db.execute(
                "CREATE TEMP TABLE IF NOT EXISTS wanted(key BLOB, nth INTEGER, PRIMARY KEY(key, nth)) WITHOUT ROWID"
            )
            db.execute("DELETE FROM wanted")
            db.executemany("INSERT INTO wanted VALUES (?,?)", names)
            return db.execute(
                """DELETE FROM result WHERE run = ? AND NOT EXISTS
                (SELECT 1 FROM wanted WHERE wanted.key = result.key AND wanted.nth = result.nth)""",
                (run,),
            ).rowcount

    def spent(self, run: str) -> Spent:
        """What the run has used over all its processes."""
        row = self._all(
            """SELECT coalesce(sum(CASE WHEN ended IS NULL THEN reserved_tokens ELSE used_tokens END), 0),
            coalesce(sum(CASE WHEN ended IS NULL THEN reserved_usd ELSE used_usd END), 0), coalesce(max(n) + 1, 0),
            coalesce(sum(reserved_usd IS NULL), 0)
            FROM attempt WHERE run = ?""",
            (run,),
        )[0]
        return Spent(int(row[0]), float(row[1]), int(row[2]), int(row[3]))

    # events, streams, control

    def events(self, run: str, task: str | None = None, after: int = 0) -> Iterator[Event]:
        """Events with ``seq`` above ``after``, in order; of one task or of the whole run."""
        where, values = ("", (run, after)) if task is None else (" AND task = ?", (run, after, task))
        query = f"SELECT seq, run, task, span, parent, kind, at, data FROM event WHERE run = ? AND seq > ?{where}"
        with self._explained():
            for seq, of, name, span, parent, kind, at, data in self.db.execute(f"{query} ORDER BY seq", values):
                yield Event(kind, of, name, span, parent, at, json.loads(data), seq)

    def chunks(self, run: str, task: str) -> list[tuple[int, int, str]]:
        """(epoch, first index, text) of the newest epoch of a task's stream."""
        return self._all(
            """SELECT epoch, first, text FROM chunk WHERE run = ?1 AND task = ?2 AND epoch =
            (SELECT max(epoch) FROM chunk WHERE run = ?1 AND task = ?2) ORDER BY first""",
            (run, task),
        )

    def command(self, run: str, verb: str, argument: str = "") -> None:
        """Ask the process that owns the run for something: stop, pause, resume, scale."""
        with self.write() as db:
            db.execute(
                "INSERT INTO control(run, verb, argument, at) VALUES (?,?,?,?)",
                (run, verb, argument, time.time()),
            )

    def commands(self, run: str) -> list[tuple[str, str]]:
        """Take the commands that wait for the run: (verb, argument), each once, in order."""
        waiting = self._all(
            "SELECT seq, verb, argument FROM control WHERE run = ? AND taken IS NULL ORDER BY seq", (run,)
        )
        if waiting:
            with self.write() as db:
                db.execute(
                    "UPDATE control SET taken = ? WHERE run = ? AND seq <= ?",
                    (time.time(), run, waiting[-1][0]),
                )
        return [(verb, argument) for _, verb, argument in waiting]

    # the file itself

    def backup(self, target: Path) -> None:
        """Write a consistent copy while others go on."""
        with self._explained():
            copy = sqlite3.connect(target)
            try:
                self.db.backup(copy)
            finally:
                copy.close()

    def purge(self, older_than: float) -> list[str]:
        """Delete the runs that nobody touched since ``older_than`` (seconds since the epoch); gives their names."""
        untouched = self._all("SELECT id, name, status, pid FROM run WHERE updated < ?", (older_than,))
        # A killed process could not say that it ended.
        old = [(id, name) for id, name, status, pid in untouched if status not in AT_WORK or not alive(pid)]
        with self.write() as db:
            for id, _ in old:
                for table, column in (
                    ("result", "run"), ("attempt", "run"), ("event", "run"), ("chunk", "run"),
                    ("control", "run"), ("approval", "run"), ("run", "id"),
                ):  # fmt: skip
                    db.execute(f"DELETE FROM {table} WHERE {column} = ?", (id,))
        if old:
            with self._explained():
                self.db.execute("VACUUM")
        return [name for _, name in old]

    def read(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """The rows of a query of whoever keeps tables of its own here."""
        return self._all(query, values)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction, committed at the end."""
        with self._explained(), transaction(self.db):
            yield self.db

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise explain(error, self.path) from error

    def _all(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._explained():
            return self.db.execute(query, values).fetchall()


def alive(pid: int | None) -> bool:
    """Whether a process with this number exists."""
    try:
        os.kill(pid or 0, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return bool(pid)


def connect(path: Path) -> sqlite3.Connection:
    """A connection in WAL mode with explicit transactions."""
    db = sqlite3.connect(path, timeout=BUSY_TIMEOUT / 1000, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    # NORMAL: a commit survives a killed process; a power cut may lose the last ones, never the file.
    db.execute("PRAGMA synchronous = NORMAL")
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """`BEGIN IMMEDIATE` takes the write lock at once, so that no statement inside can fail for it."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def migrate(
    db: sqlite3.Connection,
    path: Path,
    steps: Sequence[Migration] = MIGRATIONS,
    kind: str = "store",
    hint: str = "upgrade pyagent, or point PYAGENT_HOME elsewhere",
) -> None:
    """Run the ``steps`` that the file lacks, each once, one process at a time; the file counts them itself.

    Raises StoreTooNew when the file has more than there are: it names ``kind`` and says ``hint``.
    """
    if _version(db, path, len(steps), kind, hint) == len(steps):
        return
    with transaction(db):
        version = _version(db, path, len(steps), kind, hint)
        for number, step in enumerate(steps[version:], version + 1):
            step(db)
            db.execute(f"PRAGMA user_version = {number}")


def _version(db: sqlite3.Connection, path: Path, known: int, kind: str, hint: str) -> int:
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if version > known:
        raise StoreTooNew(
            f"{path} was written by a newer pyagent ({kind} version {version}, this one knows {known})", hint
        )
    return version
