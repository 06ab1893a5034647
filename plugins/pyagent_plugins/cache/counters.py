"""How often somebody said that a thing changed: one number each, so that one increment ends every answer made from it.

Exact, in the shelf's own file: a mapped array of counters would also end answers whose keys fall on the same cell,
and lose an increment with the power; this costs 3 µs a dependency at a look-up.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence

from pyagent_plugins.cache.steady import Clock
from pyagent_plugins.cache.database import Database
from pyagent_plugins.cache.rows import decoded, encoded

Thing = tuple[str, str]  # kind and key


class Counters:
    """Invalidations by kind and key. What one process counts, every other sees at its next look-up."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock

    def count(self, kind: str, key: str) -> int:
        """How often it was invalidated; 0 when never."""
        rows = self._db.all("SELECT n FROM bump WHERE kind = ? AND key = ?", (kind, encoded(key)))
        return int(rows[0][0]) if rows else 0

    def at(self, kind: str, key: str) -> float | None:
        """When it was last invalidated, in cache time."""
        rows = self._db.all("SELECT at FROM bump WHERE kind = ? AND key = ?", (kind, encoded(key)))
        return float(rows[0][0]) if rows else None

    def bump(self, things: Sequence[Thing]) -> list[int]:
        """Count these up, all or none. Gives the numbers of the entries that were deleted for it; what was begun
        before and is stored later is stale, too. On the disk when it returns: no crash brings an answer back."""
        now = self._clock.now()

        def work(db: sqlite3.Connection) -> list[int]:
            return [seq for kind, key in things for seq in _bump(db, kind, encoded(key), now)]

        return self._db.write(work, durable=True)

    def known(self, key: str) -> list[Thing]:
        """What entries depend on under this key, of whatever kind, and the files in the folder of this name."""
        name = encoded(key)
        # From "folder/" to "folder0": `0` follows `/`.
        low, high = encoded(key.rstrip(os.sep) + os.sep), encoded(key.rstrip(os.sep) + chr(ord(os.sep) + 1))
        rows = self._db.all(
            """SELECT kind, key FROM dep WHERE key = ?1
            UNION SELECT kind, key FROM dep WHERE kind = 'file' AND key >= ?2 AND key < ?3""",
            (name, low, high),
        )
        return [(kind, decoded(found)) for kind, found in rows]


def _bump(db: sqlite3.Connection, kind: str, key: bytes, now: float) -> list[int]:
    db.execute(
        """INSERT INTO bump VALUES (?,?,1,?)
        ON CONFLICT(kind, key) DO UPDATE SET n = n + 1, at = max(at, excluded.at)""",
        (kind, key, now),
    )
    dead = [seq for (seq,) in db.execute("SELECT seq FROM dep WHERE kind = ? AND key = ?", (kind, key))]
    db.executemany("DELETE FROM entry WHERE seq = ?", [(seq,) for seq in dead])
    return dead
