"""The tables, as numbered migrations, so that a store of any older version opens and a newer one is refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

Migration = Callable[[sqlite3.Connection], None]


def m001_runs(db: sqlite3.Connection) -> None:
    """A run is a journal: results and attempts by task key, events in order, chunks of streams, commands to it."""
    for statement in (
        """CREATE TABLE run(
            id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, file TEXT NOT NULL, cwd TEXT NOT NULL,
            argv TEXT NOT NULL, settings TEXT NOT NULL, status TEXT NOT NULL, total INTEGER NOT NULL,
            pid INTEGER, started REAL NOT NULL, updated REAL NOT NULL, exit_code INTEGER, reason TEXT)""",
        # key: SHA-256 of what determines the answer; nth: how many tasks of the file before it had the same key.
        """CREATE TABLE result(
            run TEXT NOT NULL, key BLOB NOT NULL, nth INTEGER NOT NULL, task TEXT NOT NULL, line INTEGER NOT NULL,
            status TEXT NOT NULL, at REAL NOT NULL, body TEXT NOT NULL)""",
        "CREATE UNIQUE INDEX result_key ON result(run, key, nth)",
        # A row without `ended` was in flight when its process died: what it reserved counts as spent.
        """CREATE TABLE attempt(
            run TEXT NOT NULL, n INTEGER NOT NULL, task TEXT NOT NULL, model TEXT NOT NULL,
            reserved_tokens INTEGER NOT NULL, reserved_usd REAL, used_tokens INTEGER, used_usd REAL,
            started REAL NOT NULL, ended REAL, PRIMARY KEY(run, n)) WITHOUT ROWID""",
        """CREATE TABLE event(
            seq INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, task TEXT, span INTEGER NOT NULL,
            parent INTEGER, kind TEXT NOT NULL, at REAL NOT NULL, data TEXT NOT NULL)""",
        "CREATE INDEX event_task ON event(run, task)",
        """CREATE TABLE chunk(
            run TEXT NOT NULL, task TEXT NOT NULL, epoch INTEGER NOT NULL, first INTEGER NOT NULL,
            at REAL NOT NULL, text TEXT NOT NULL, PRIMARY KEY(run, task, epoch, first)) WITHOUT ROWID""",
        """CREATE TABLE control(
            seq INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, verb TEXT NOT NULL,
            argument TEXT NOT NULL DEFAULT '', at REAL NOT NULL, taken REAL)""",
    ):
        db.execute(statement)


def m002_approvals(db: sqlite3.Connection) -> None:
    """What waits for a person, with the draft that goes on after the decision; and who watches."""
    for statement in (
        # point: which question of its kind this is within the task; better: the model that an escalation asks.
        """CREATE TABLE approval(
            id TEXT PRIMARY KEY, run TEXT NOT NULL, key BLOB NOT NULL, nth INTEGER NOT NULL, kind TEXT NOT NULL,
            point TEXT NOT NULL, task TEXT NOT NULL, title TEXT NOT NULL, detail TEXT NOT NULL, risk TEXT NOT NULL,
            data TEXT NOT NULL, better TEXT NOT NULL, draft TEXT NOT NULL, created REAL NOT NULL,
            place REAL NOT NULL, state TEXT NOT NULL, admin INTEGER NOT NULL, verb TEXT, reason TEXT, by TEXT,
            decided REAL, effective REAL, applied REAL, outcome TEXT)""",
        "CREATE UNIQUE INDEX approval_point ON approval(run, key, nth, kind, point)",
        "CREATE INDEX approval_state ON approval(state, place)",
        """CREATE TABLE watcher(
            pid INTEGER NOT NULL, kind TEXT NOT NULL, until REAL NOT NULL, PRIMARY KEY(pid, kind)) WITHOUT ROWID""",
    ):
        db.execute(statement)


MIGRATIONS: tuple[Migration, ...] = (m001_runs, m002_approvals)
VERSION = len(MIGRATIONS)
