"""Commits what a run writes, in batches on a thread, so that neither a slow disk nor a lock stalls the agents."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from enum import IntEnum
from functools import cache
from itertools import chain
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from pyagent.errors import PyAgentError
from pyagent.store.db import connect, explain, transaction

# 50 ms: a killed process loses at most this much of its events; a commit costs 0.4 ms.
INTERVAL = 0.05
# 5 ms: what a killed process has been given and must ask, and pay for, again.
RESULT_INTERVAL = 0.005


class Put(IntEnum):
    """What can be written; within a batch it is done in this order, so that a row exists before it is settled."""

    RESERVE = 0
    SETTLE = 1
    RESULT = 2
    ASK = 3
    APPLY = 4
    OUTCOME = 5
    EVENT = 6
    CHUNK = 7


SQL = {
    Put.RESERVE: """INSERT INTO attempt(run, n, task, model, reserved_tokens, reserved_usd, started)
        VALUES (?,?,?,?,?,?,?)""",
    # Always an update: the row is there. As an INSERT many share a statement.
    Put.SETTLE: """INSERT INTO attempt(used_tokens, used_usd, ended, run, n, task, model, reserved_tokens, started)
        VALUES (?,?,?,?,?,'','',0,0) ON CONFLICT(run, n) DO UPDATE SET used_tokens = excluded.used_tokens,
        used_usd = excluded.used_usd, ended = excluded.ended""",
    Put.RESULT: "INSERT OR REPLACE INTO result VALUES (?,?,?,?,?,?,?,?)",
    # What is asked already stays asked; what a person decided is acted on once.
    Put.ASK: """INSERT OR IGNORE INTO approval(id, run, key, nth, kind, point, task, title, detail, risk, data, better,
        draft, created, place, state, admin) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,'waiting',0)""",
    Put.APPLY: "UPDATE approval SET applied = ? WHERE id = ? AND applied IS NULL",
    Put.OUTCOME: "UPDATE approval SET outcome = ? WHERE id = ?",
    Put.EVENT: "INSERT INTO event(run, task, span, parent, kind, at, data) VALUES (?,?,?,?,?,?,?)",
    Put.CHUNK: "INSERT OR REPLACE INTO chunk VALUES (?,?,?,?,?,?)",
}

# Rows a statement. The thread gives up the interpreter's lock for each statement and waits for it after: row by
# row it falls behind a busy event loop for good. 64 rows of 8 values stay below SQLite's old limit of 999.
AT_ONCE = (64, 8)

Batch = tuple[list[list[Sequence[Any]]], list[asyncio.Future[None]]]


class Writer:
    """The one writing connection of a run's process. Use it from one event loop.

    ``put`` never waits. ``await flushed()`` returns when all that was put before is committed, or raises the
    StoreError or Busy that stopped it; after an error nothing more is written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._rows: list[list[Sequence[Any]]] = [[] for _ in Put]
        self._waiting: list[asyncio.Future[None]] = []
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None
        self._wait = INTERVAL
        self._urgent = False
        self._in_flight = False
        self._numbers = 0
        self._later: dict[int, tuple[asyncio.TimerHandle, Callable[[], None]]] = {}
        self._queue: SimpleQueue[Batch | None] = SimpleQueue()
        self.error: PyAgentError | None = None
        self._thread = threading.Thread(target=self._work, name="pyagent-writer", daemon=True)
        self._thread.start()

    def put(self, what: Put, row: Sequence[Any]) -> None:
        self._rows[what].append(row)
        self._schedule()

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call back after ``seconds``, or when the writer closes, whichever is first."""

        def due() -> None:
            del self._later[number]
            call()

        number = self._numbers = self._numbers + 1
        self._later[number] = (self._loop.call_later(seconds, due), call)

    def flushed(self) -> asyncio.Future[None]:
        """A future for the commit of all that was put so far; it does not hurry the commit."""
        done = self._loop.create_future()
        if self.error is not None:
            done.set_exception(self.error)
        elif not self._timer and not self._in_flight and not any(self._rows):
            done.set_result(None)
        else:
            self._waiting.append(done)
            self._schedule()
        return done

    def flush(self) -> asyncio.Future[None]:
        """As ``flushed``, and commit as soon as the thread is free."""
        done = self.flushed()
        if not done.done():
            self._urgent = True
            self._schedule()
        return done

    async def close(self) -> None:
        """Commit the rest and end the thread. Raises what stopped an earlier commit."""
        for timer, call in list(self._later.values()):
            timer.cancel()
            call()
        try:
            await self.flush()
        finally:
            self._queue.put(None)
            await self._loop.run_in_executor(None, self._thread.join)

    def _schedule(self) -> None:
        """Have the thread called when what waits wants it: now, soon, or in its own time."""
        wait = 0.0 if self._urgent else RESULT_INTERVAL if self._rows[Put.RESULT] or self._rows[Put.ASK] else INTERVAL
        if self._in_flight or (self._timer is not None and wait >= self._wait):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._wait = wait
        # call_soon: whatever else this turn of the loop puts shares the commit.
        self._timer = self._loop.call_later(wait, self._send) if wait else self._loop.call_soon(self._send)

    def _send(self) -> None:
        self._timer = None
        self._urgent = False
        self._in_flight = True
        self._queue.put((self._rows, self._waiting))
        self._rows, self._waiting = [[] for _ in Put], []

    def _sent(self, waiting: list[asyncio.Future[None]], error: PyAgentError | None) -> None:
        self._in_flight = False
        self.error = self.error or error
        if self.error is not None:
            waiting, self._waiting = waiting + self._waiting, []
        for done in waiting:
            if not done.done():
                done.set_exception(self.error) if self.error else done.set_result(None)
        if self.error is None and (self._waiting or any(self._rows)):
            self._schedule()

    def _work(self) -> None:
        db: sqlite3.Connection | None = None
        while (batch := self._queue.get()) is not None:
            rows, waiting = batch
            error = None
            try:
                db = db or connect(self._path)
                with transaction(db):
                    for what in Put:
                        write(db, SQL[what], rows[what])
            except sqlite3.Error as problem:
                error = explain(problem, self._path)
            self._loop.call_soon_threadsafe(self._sent, waiting, error)
        if db is not None:
            db.close()


def write(db: sqlite3.Connection, sql: str, rows: Sequence[Sequence[Any]]) -> None:
    """Execute ``sql`` for each row; many rows of an INSERT share a statement."""
    done = 0
    for size in AT_ONCE if "VALUES" in sql else ():
        while len(rows) - done >= size:
            db.execute(repeated(sql, size), list(chain.from_iterable(rows[done : done + size])))
            done += size
    db.executemany(sql, rows[done:])


@cache
def repeated(sql: str, times: int) -> str:
    """The INSERT with its row of values so many times."""
    head, values, rest = sql.partition("VALUES")
    row, end, tail = rest.partition(")")
    return f"{head}{values}{', '.join([row + end] * times)}{tail}"
