"""The server's own small file beside the store: who may come in, what was done, how panels are arranged.

Apart from the store because it holds secrets' digests: the store is copied by `store backup`, this is not.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyagent.store.db import connect, explain, migrate, transaction

TABLES = (
    # kind: session (a cookie), token (a bearer token) or launch (good for one exchange). Never a secret itself.
    """CREATE TABLE access(
        id TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, kind TEXT NOT NULL, name TEXT NOT NULL,
        scopes TEXT NOT NULL, created REAL NOT NULL, expires REAL, used REAL)""",
    """CREATE TABLE audit(
        seq INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,
        status INTEGER NOT NULL, detail TEXT NOT NULL, address TEXT NOT NULL)""",
    "CREATE TABLE panel(id TEXT PRIMARY KEY, enabled INTEGER, place INTEGER)",
    """CREATE TABLE repeat(
        who TEXT NOT NULL, key TEXT NOT NULL, request BLOB NOT NULL, status INTEGER, head TEXT, body BLOB,
        at REAL NOT NULL, PRIMARY KEY(who, key))""",
)


class Database:
    """One connection under a lock: requests come from several threads, and each use takes microseconds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            # Made with mode 600 before SQLite opens it.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
            self._db = connect(path)
            migrate(self._db, path, MIGRATIONS, "web", "upgrade pyagent, or delete that file: you sign in again")
        except sqlite3.Error as error:
            raise explain(error, path) from None

    def all(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def write(self, query: str, values: Sequence[Any] = ()) -> int:
        """Run one statement in a transaction; gives the number of rows that it touched."""
        with self._lock, transaction(self._db):
            return self._db.execute(query, values).rowcount

    def close(self) -> None:
        with self._lock:
            self._db.close()


def m001_tables(db: sqlite3.Connection) -> None:
    for statement in TABLES:
        db.execute(statement)


MIGRATIONS = (m001_tables,)
