"""How often somebody said that a thing changed: one increment ends every answer made from it, in every process.

Exact, in the shelf's own file: a mapped array of counters would also end answers whose keys fall on the same cell,
and could lose an increment with the power. This costs 5 µs at a look-up, and 6 µs more
a dependency after somebody wrote.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence

from pyagent_plugins.cache.shelf.database import Database
from pyagent_plugins.cache.shelf.rows import encoded
from pyagent_plugins.cache.shelf.steady import Clock

Thing = tuple[str, str]  # kind and key
KNOWN = 10_000  # counters kept in memory while nobody writes


class Counters:
    """Invalidations by kind and key. What one process counts, every other sees at its next look-up.

    The counter of a folder counts for every file below it, so that invalidating a folder is one increment, too.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self._known: dict[Thing, int] = {}
        self._state: object = None

    def count(self, kind: str, key: str) -> int:
        """How often it was invalidated; 0 when never."""
        return self.counts(((kind, key),))[0]

    def counts(self, things: Sequence[Thing]) -> list[int]:
        """As ``count``, for several at once. Read again only when somebody has written since."""
        state = self._db.state()
        if state != self._state or len(self._known) > KNOWN:
            self._known, self._state = {}, state
        known = self._known
        for thing in things:
            if thing not in known:
                known[thing] = int(self._sum("coalesce(sum(n), 0)", *thing) or 0)
        return [known[thing] for thing in things]

    def at(self, kind: str, key: str) -> float | None:
        """When it was last invalidated, in cache time."""
        when = self._sum("max(at)", kind, key)
        return None if when is None else float(when)

    def bump(self, things: Sequence[Thing]) -> list[int]:
        """Count these up, all or none. Gives the numbers of the entries that were deleted for it; what was begun
        before and is stored later is stale, too. On the disk when it returns: no crash brings an answer back."""
        now = self._clock.now()

        def work(db: sqlite3.Connection) -> list[int]:
            return [seq for kind, key in things for seq in _bump(db, kind, encoded(key), now)]

        return self._db.write(work, durable=True)

    def kinds(self, key: str) -> list[str]:
        """As what entries depend on this key: it may name a file and a tag alike."""
        return [kind for (kind,) in self._db.all("SELECT DISTINCT kind FROM dep WHERE key = ?", (encoded(key),))]

    def dependents(self, kind: str, key: str) -> list[int]:
        """The numbers of the entries made from this, or from a file below it."""
        return [seq for (seq,) in self._db.all(DEPENDENTS, (kind, *_range(kind, encoded(key))))]

    def _sum(self, what: str, kind: str, key: str) -> float | None:
        keys = [encoded(name) for name in (_upwards(key) if kind == "file" else (key,))]
        query = f"SELECT {what} FROM bump WHERE kind = ? AND key IN ({','.join('?' * len(keys))})"
        found: float | None = self._db.all(query, (kind, *keys))[0][0]
        return found


DEPENDENTS = """SELECT seq FROM dep WHERE kind = ?1 AND key = ?2
    UNION SELECT seq FROM dep WHERE kind = ?1 AND key >= ?3 AND key < ?4"""


def _upwards(path: str) -> list[str]:
    """The path and every folder above it."""
    names = [path]
    while (parent := os.path.dirname(path)) != path:
        names.append(path := parent)
    return names


def _range(kind: str, key: bytes) -> tuple[bytes, bytes, bytes]:
    """The key, and the range of keys below it: from ``folder/`` to ``folder0``, since `0` follows `/`."""
    low = key.rstrip(b"/") + b"/"
    return (key, low, low[:-1] + b"0") if kind == "file" else (key, key, key)


def _bump(db: sqlite3.Connection, kind: str, key: bytes, now: float) -> list[int]:
    db.execute(
        """INSERT INTO bump VALUES (?,?,1,?)
        ON CONFLICT(kind, key) DO UPDATE SET n = n + 1, at = max(at, excluded.at)""",
        (kind, key, now),
    )
    dead = [seq for (seq,) in db.execute(DEPENDENTS, (kind, *_range(kind, key)))]
    db.executemany("DELETE FROM entry WHERE seq = ?", [(seq,) for seq in dead])
    return dead
