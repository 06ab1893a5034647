"""The registry's one SQLite file: opened, brought to this version, and never set aside by itself."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pyagent.errors import PyAgentError, StoreError
from pyagent.store.db import BUSY_TIMEOUT, connect, explain, migrate, transaction
from pyagent_plugins.capability.registry.schema import MIGRATIONS

T = TypeVar("T")
# Measured history cannot be computed anew, so a broken file stays where it is for the user to decide.
REMEDY = "put a backup in its place, or save what `sqlite3 FILE .recover` finds; moved away, measuring starts anew"


class RegistryFile:
    """One connection, safe for several threads. Every error of SQLite becomes one line that names the file."""

    def __init__(self, path: Path, readonly: bool = False) -> None:
        """Raises StoreError, StoreTooNew or Busy. A ``readonly`` file that does not exist is empty, and not made."""
        self.path = path
        self._lock = threading.RLock()
        try:
            self._db = _reader(path) if readonly else _writer(path)
        except OSError as error:
            hint = "set PYAGENT_HOME to a writable folder"
            raise StoreError(f"{path.parent} cannot be written ({error.strerror})", hint) from None
        except sqlite3.Error as error:
            raise said(error, path) from None

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def all(self, query: str, values: Sequence[Any] | dict[str, Any] = ()) -> list[Any]:
        """All rows of a query."""
        try:
            with self._lock:
                return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise said(error, self.path) from error

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do ``work`` in one transaction and give what it gives."""
        try:
            with self._lock, transaction(self._db):
                return work(self._db)
        except sqlite3.Error as error:
            raise said(error, self.path) from error


def said(error: sqlite3.Error, path: Path) -> PyAgentError:
    """One line for an error of SQLite; for a torn file with what can still be done."""
    if isinstance(error, sqlite3.DatabaseError) and any(w in str(error) for w in ("malformed", "not a database")):
        return StoreError(f"the registry {path} is damaged ({error})", REMEDY)
    return explain(error, path)


def _writer(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    return _prepared(connect(path), path)


def _reader(path: Path) -> sqlite3.Connection:
    if not path.exists():
        return _prepared(sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False), path)
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        timeout=BUSY_TIMEOUT / 1000,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        if db.execute("PRAGMA user_version").fetchone()[0] >= len(MIGRATIONS):
            return _prepared(db, path)
    except BaseException:
        db.close()
        raise
    # Of an older version, or just made by another process: a reader may bring it up, as any program would.
    db.close()
    return _writer(path)


def _prepared(db: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    try:
        migrate(db, path, MIGRATIONS, "registry")
    except BaseException:
        db.close()
        raise
    return db


def where(equal: Mapping[str, str | None], more: str = "") -> tuple[str, tuple[str, ...]]:
    """A WHERE clause for the columns whose value is not None, and the values; ``more`` is one more condition."""
    parts = [f"{column} = ?" for column, value in equal.items() if value is not None] + [more] * bool(more)
    values = tuple(value for value in equal.values() if value is not None)
    return (f"WHERE {' AND '.join(parts)}" if parts else ""), values
