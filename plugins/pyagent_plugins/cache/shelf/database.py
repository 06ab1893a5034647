"""One database file under the cache: a reader that never waits, a writer that queues, and what to do when it breaks."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from pyagent.store.db import connect, explain, transaction
from pyagent_plugins.cache.shelf.tables import is_broken, prepare, set_aside

T = TypeVar("T")
QUESTION = 500  # numbers in one query; SQLite takes 999 in its oldest builds


class Database:
    """Two connections to one file, safe for several threads, not for use across a fork.

    A file that turns out to be broken is renamed, its new name noted in ``broken``, and an empty one takes its
    place. A file that another process put there (or that somebody removed) is noticed at the next read or write.
    """

    def __init__(self, path: Path) -> None:
        """Raises OSError, sqlite3.Error as StoreError or Busy, and StoreTooNew."""
        self.path = path
        self.broken: list[Path] = []
        self._lock = threading.RLock()
        # Two queries at once on one connection share a snapshot: the later would miss what was committed between.
        self._reading = threading.Lock()
        self._connect()

    def close(self) -> None:
        self._reader.close()
        self._writer.close()

    def all(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query, from the last commit of any process."""
        self._same_file()
        try:
            with self._reading:
                return self._reader.execute(query, values).fetchall()
        except sqlite3.Error as error:
            self._recover(error)
        try:
            with self._reading:
                return self._reader.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise explain(error, self.path) from error

    def state(self) -> tuple[object, int]:
        """Something that differs from what it was once any process, this one too, has committed since."""
        found = self.all("PRAGMA data_version")
        return self._reader, found[0][0]

    def some(self, query: str, numbers: Sequence[int], values: Sequence[Any] = ()) -> list[Any]:
        """As ``all``, for a list of numbers of any length that stand where the query has a ``#``, before ``values``."""
        rows: list[Any] = []
        for start in range(0, len(numbers), QUESTION):
            part = numbers[start : start + QUESTION]
            rows += self.all(query.replace("#", ",".join("?" * len(part))), (*part, *values))
        return rows

    def write(self, work: Callable[[sqlite3.Connection], T], durable: bool = False) -> T:
        """Do ``work`` in one transaction and give what it gives; ``durable`` waits until it is on the disk.

        It is done once more on the empty file when the old one turned out to be broken.
        """
        with self._lock:
            self._same_file()
            try:
                return self._transact(work, durable)
            except sqlite3.Error as error:
                self._recover(error)
            try:
                return self._transact(work, durable)
            except sqlite3.Error as error:
                raise explain(error, self.path) from error

    def vacuum(self) -> None:
        """Give free pages back to the disk; when that fails now (no space, busy) they are used again anyway."""
        with self._lock, suppress(sqlite3.Error):
            self._writer.execute("VACUUM")

    def _transact(self, work: Callable[[sqlite3.Connection], T], durable: bool) -> T:
        if durable:
            self._writer.execute("PRAGMA synchronous = FULL")
        try:
            with transaction(self._writer):
                return work(self._writer)
        finally:
            if durable:
                self._writer.execute("PRAGMA synchronous = NORMAL")

    def _connect(self) -> None:
        try:
            self._writer = prepare(self.path)
        except sqlite3.Error as error:
            if not is_broken(error):
                raise explain(error, self.path) from error
            self._replace(None)
            self._writer = prepare(self.path)
        self._reader = connect(self.path)
        self._reader.execute("PRAGMA query_only = 1")
        self._file = _identity(self.path)

    def _same_file(self) -> None:
        # 1 µs. Without it this process would go on with a file that another one has set aside, and would not see
        # what was invalidated since.
        if _identity(self.path) != self._file:
            self._reopen()

    def _reopen(self) -> None:
        with self._lock:
            if _identity(self.path) == self._file:
                return
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Not closed: another thread may be reading from it. It goes with its last user.
            self._connect()

    def _recover(self, error: sqlite3.Error) -> None:
        """Put an empty file in the place of a broken one; anything else is raised, explained."""
        if not is_broken(error):
            raise explain(error, self.path) from error
        with self._lock:
            self._replace(self._file)
            self._connect()

    def _replace(self, seen: tuple[int, int] | None) -> None:
        """Set the file aside, unless another process has done it since it was ``seen`` (None: never opened)."""
        with _alone(self.path.with_suffix(".lock")):
            found = _identity(self.path)
            if found is not None and (found == seen or (seen is None and not _sound(self.path))):
                self.broken.append(set_aside(self.path))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _sound(path: Path) -> bool:
    """Whether a file that failed is in order after all: another process may have replaced it meanwhile."""
    try:
        db = connect(path)
    except sqlite3.Error as error:
        return not is_broken(error)
    try:
        return bool(db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.Error as error:
        return not is_broken(error)
    finally:
        db.close()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
