"""What the cache learned, beside its answers: feedback, tallies, and the states of others (calibration, router)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping

from pyagent_plugins.cache.shelf.database import Database
from pyagent_plugins.cache.shelf.steady import Clock

# So that no name of another part meets `low` or `identity`.
PREFIX = "x-"


class Memory:
    """Small durable facts by name. Clearing the cache leaves them."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock

    def get(self, name: str) -> bytes | None:
        """What was kept under this name."""
        rows = self._db.all("SELECT value FROM state WHERE name = ?", (PREFIX + name,))
        return bytes(rows[0][0]) if rows else None

    def set(self, name: str, value: bytes) -> None:
        self._db.write(lambda db: _set(db, name, value))

    def change(self, name: str, change: Callable[[bytes | None], bytes]) -> bytes:
        """Read, change and keep in one transaction: two processes lose nothing of each other's."""

        def work(db: sqlite3.Connection) -> bytes:
            row = db.execute("SELECT value FROM state WHERE name = ?", (PREFIX + name,)).fetchone()
            value = change(None if row is None else bytes(row[0]))
            _set(db, name, value)
            return value

        return self._db.write(work)

    def add(self, counts: Mapping[str, float]) -> None:
        """Add to tallies: hits, saved tokens, saved USD. One commit, so collect before you call."""
        query = "INSERT INTO tally VALUES (?,?) ON CONFLICT(name) DO UPDATE SET value = value + excluded.value"
        self._db.write(lambda db: db.executemany(query, list(counts.items())))

    def tallies(self) -> dict[str, float]:
        return dict(self._db.all("SELECT name, value FROM tally ORDER BY name"))

    def feedback(self, seq: int, correct: bool) -> None:
        """Note what somebody said about an answer; a wrong one is deleted."""

        def work(db: sqlite3.Connection) -> None:
            at = self._clock.now()
            db.execute("INSERT INTO feedback(seq, correct, at) VALUES (?,?,?)", (seq, bool(correct), at))
            if not correct:
                db.execute("DELETE FROM entry WHERE seq = ?", (seq,))

        self._db.write(work)

    def told(self) -> tuple[int, int]:
        """How often an answer was said to be (right, wrong)."""
        row = self._db.all("SELECT coalesce(sum(correct), 0), coalesce(sum(1 - correct), 0) FROM feedback")[0]
        return int(row[0]), int(row[1])


def _set(db: sqlite3.Connection, name: str, value: bytes) -> None:
    db.execute("INSERT OR REPLACE INTO state VALUES (?,?)", (PREFIX + name, value))
