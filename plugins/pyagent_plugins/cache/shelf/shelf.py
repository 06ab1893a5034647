"""The truth of the cache, one SQLite file: answers, what they were made from, and what is known about them.

Everything else (vectors in mapped arrays, codes, buckets) is derived and can be built again from here. Readers never
wait; writers queue on SQLite's lock, and the index's own writes ride in the same transaction, so that one process
writes at a time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyagent.errors import StoreError
from pyagent_plugins.cache.entry import Dependency, Entry
from pyagent_plugins.cache.shelf import census, upkeep
from pyagent_plugins.cache.shelf.counters import Counters
from pyagent_plugins.cache.shelf.database import Database
from pyagent_plugins.cache.shelf.limits import Limits
from pyagent_plugins.cache.shelf.memory import Memory
from pyagent_plugins.cache.shelf.rows import (
    COLUMNS,
    INSERT,
    NOW,
    UNNUMBERED,
    Draft,
    Meaning,
    Row,
    decoded,
    encoded,
    entry_of,
    row_of,
    values,
    whole,
)
from pyagent_plugins.cache.shelf.steady import Clock
from pyagent_plugins.cache.shelf.upkeep import LOW, VERSIONS

if TYPE_CHECKING:
    import numpy as np

# Called inside the transaction that stores an entry, with its seq, scope and vector: the index's `add`.
OnWrite = Callable[[int, bytes, "np.ndarray"], None]

# The `+` keeps SQLite from the index on expires: it would read every entry that has not ended.
ALIVE = f"seq >= {LOW} AND (+expires IS NULL OR +expires > ?)"
NEVER = float("-inf")  # as the time: nothing has ended yet


class Shelf:
    """The file of one cache folder. Open it once a process, never across a fork; safe for several threads.

    Everything raises only StoreError and Busy beside what is said. A file that turns out to be broken is renamed
    (``broken`` names it) and the shelf goes on empty. ``counters`` says what was invalidated, ``memory`` keeps
    feedback, tallies and the state of others.
    """

    def __init__(self, folder: Path, db: Database, limits: Limits, clock: Clock) -> None:
        self.folder, self.db, self.limits, self.clock = folder, db, limits, clock
        self.counters = Counters(db, clock)
        self.memory = Memory(db, clock)
        self._outdated: dict[Dependency, None] = {}
        self._noted: dict[tuple[str, str], str] = {}

    @classmethod
    def open(cls, folder: Path, limits: Limits | None = None, clock: Clock | None = None) -> Shelf:
        """Open or create ``folder/cache.db``. Raises StoreError, StoreTooNew or Busy."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return cls(folder, Database(folder / "cache.db"), limits or Limits(), clock or Clock(folder / "clock"))
        except OSError as error:
            raise StoreError(
                f"the cache in {folder} cannot be written ({error.strerror or error})",
                "point the cache to a writable folder, or run with --cache off",
            ) from None

    def close(self) -> None:
        self.db.close()
        self.clock.close()

    def __enter__(self) -> Shelf:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def broken(self) -> list[Path]:
        """The files that were set aside since it was opened."""
        return self.db.broken

    # what comes in

    def store(
        self,
        scope: bytes,
        exact: bytes,
        prompt: str,
        answer: str,
        *,
        vector: np.ndarray | None = None,
        embedder: str | None = None,
        features: bytes | None = None,
        on_write: OnWrite | None = None,
        above: Callable[[], int] | None = None,
        **more: Any,
    ) -> Entry:
        """Keep one answer: ``put`` with one Draft, whose entry's other fields are ``more``."""
        entry = Entry(UNNUMBERED, scope, exact, prompt, answer, **{"created": NOW, **more})
        return self.put([Draft(entry, vector, embedder, features)], on_write, above)[0]

    def put(
        self, drafts: Sequence[Draft], on_write: OnWrite | None = None, above: Callable[[], int] | None = None
    ) -> list[Entry]:
        """Keep answers in one transaction; when it returns, every process sees them and no kill loses them.

        ``on_write`` is called for each that has a vector, before the commit: what it raises undoes all. ``above``
        gives the highest number that the index knows: a number that it got from a killed writer is not used again.
        Raises EntryRefused (nothing is kept then).
        """
        rows = [row_of(draft) for draft in drafts]
        for row in rows:
            self.limits.refuse(row.size)

        outdated, self._outdated = self._outdated, {}

        def work(db: sqlite3.Connection) -> list[Entry]:
            made = [self._insert(db, row, draft, above) for row, draft in zip(rows, drafts, strict=True)]
            for entry, draft in zip(made, drafts, strict=True):
                if on_write is not None and draft.vector is not None:
                    on_write(entry.seq, entry.scope, draft.vector)
            upkeep.retire(db, outdated)
            upkeep.sweep(db, self.limits, self.clock.now())
            return made

        return self.db.write(work)

    # what is there

    def exact(self, scope: bytes, key: bytes) -> Entry | None:
        """The newest answer to exactly this question that is in the window and has not ended."""
        found = self.exacts(scope, key, 1)
        return found[0] if found else None

    def exacts(self, scope: bytes, key: bytes, most: int = VERSIONS, ended: bool = False) -> list[Entry]:
        """All answers to exactly this question, the newest first; with ``ended`` also those past their time.

        There can be more than one, made from different versions of what they depend on; an older one may be fresh
        when the newest is not.
        """
        query = f"SELECT {COLUMNS} FROM entry WHERE exact = ? AND scope = ? AND {ALIVE} ORDER BY seq DESC LIMIT ?"
        return self._entries(self.db.all(query, (key, scope, self._now(ended), most)))

    def entries(self, seqs: Iterable[int], scope: bytes | None = None, ended: bool = False) -> list[Entry]:
        """Those of these entries that are in the window, have not ended and belong to ``scope``, in this order."""
        numbers = list(seqs)
        rows = self.db.some(f"SELECT {COLUMNS} FROM entry WHERE seq IN (#) AND {ALIVE}", numbers, (self._now(ended),))
        found = {entry.seq: entry for entry in self._entries(rows) if scope is None or entry.scope == scope}
        return [found[seq] for seq in numbers if seq in found]

    def alive(self, seqs: Iterable[int]) -> set[int]:
        """Which of these numbers a look-up may still return."""
        query = f"SELECT seq FROM entry WHERE seq IN (#) AND {ALIVE}"
        return {seq for (seq,) in self.db.some(query, list(seqs), (self._now(False),))}

    def meanings(self, seqs: Iterable[int]) -> dict[int, Meaning]:
        """Vector and features by number: the vector as it was stored, whatever a mapped array says."""
        rows = self.db.some("SELECT seq, embedder, vector, features FROM meaning WHERE seq IN (#)", list(seqs))
        return {seq: Meaning(name, None if data is None else whole(data), kept) for seq, name, data, kept in rows}

    def compared(self, seqs: Iterable[int], scope: bytes) -> list[tuple[Entry, bytes | None]]:
        """As ``entries``, each with what the guards kept: one query, since the second costs as much as the first."""
        numbers = list(seqs)
        query = f"SELECT {COLUMNS}, features FROM entry LEFT JOIN meaning USING(seq) WHERE seq IN (#) AND {ALIVE}"
        rows = self.db.some(query, numbers, (self._now(False),))
        kept = {row[0]: row[-1] for row in rows}
        found = {entry.seq: entry for entry in self._entries([row[:-1] for row in rows]) if entry.scope == scope}
        return [(found[seq], kept[seq]) for seq in numbers if seq in found]

    def vectors(self, embedder: str, low: int = 0) -> Iterator[tuple[int, bytes, np.ndarray]]:
        """(seq, scope, float32 vector) of the window's entries of this embedder from ``low`` on, the oldest first:
        what an index is built from. Read in parts, so that writers go on."""
        query = """SELECT seq, scope, vector FROM entry JOIN meaning USING(seq)
            WHERE seq > ? AND embedder = ? AND vector NOT NULL ORDER BY seq LIMIT 1000"""
        last = max(self.low, low) - 1
        while rows := self.db.all(query, (last, embedder)):
            yield from ((seq, scope, whole(data)) for seq, scope, data in rows)
            last = rows[-1][0]

    def dim(self, embedder: str) -> int | None:
        """How many numbers the vectors of this embedder have, None when there is none."""
        query = "SELECT length(vector) / 2 FROM meaning WHERE embedder = ? AND vector NOT NULL LIMIT 1"
        rows = self.db.all(query, (embedder,))
        return int(rows[0][0]) if rows else None

    def numbers(self, after: int, most: int) -> list[int]:
        """The next numbers in the window after this one, in order."""
        query = f"SELECT seq FROM entry WHERE seq > ? AND seq >= {LOW} ORDER BY seq LIMIT ?"
        return [seq for (seq,) in self.db.all(query, (after, most))]

    def find(self, key: str) -> list[Entry]:
        """The entries that a person means: by number, or by the first digits (4 or more) of the exact key in hex."""
        if key.isdecimal() and (rows := self.db.all(f"SELECT {COLUMNS} FROM entry WHERE seq = ?", (int(key),))):
            return self._entries(rows)
        if not 4 <= len(key) <= 32 or any(letter not in "0123456789abcdef" for letter in key.lower()):
            return []
        first, last = bytes.fromhex(key.ljust(32, "0")), bytes.fromhex(key.ljust(32, "f"))
        query = f"SELECT {COLUMNS} FROM entry WHERE exact BETWEEN ? AND ? ORDER BY seq DESC LIMIT 20"
        return self._entries(self.db.all(query, (first, last)))

    # the window

    @property
    def low(self) -> int:
        """The window's oldest number: no look-up returns an entry below it."""
        return int(self.db.all(f"SELECT {LOW}")[0][0])

    @property
    def high(self) -> int:
        """The highest number ever given, 0 when there is none."""
        return int(self.db.all("SELECT coalesce(max(seq), 0) FROM sqlite_sequence")[0][0])

    @property
    def identity(self) -> str:
        """Sixteen digits that name this file: another one in its place gives its numbers to other entries."""
        return str(self.db.all("SELECT value FROM state WHERE name = 'identity'")[0][0])

    def advance(self, low: int) -> int:
        """Move the window so that it begins at ``low``; it never moves back. Gives where it begins now.

        One number is written and no entry is touched; later stores delete what lies behind, a few rows each.
        """
        self.db.write(lambda db: upkeep.raise_low(db, low))
        return self.low

    def oldest_since(self, created: float) -> int:
        """The first number whose entry was made at or after ``created`` (cache time): where a window by age begins."""
        query = f"SELECT seq FROM entry WHERE seq >= {LOW} AND created >= ? ORDER BY seq LIMIT 1"
        rows = self.db.all(query, (created,))
        return int(rows[0][0]) if rows else self.high + 1

    def newest(self, count: int) -> int:
        """The number at which a window of the newest ``count`` entries begins."""
        rows = self.db.all("SELECT seq FROM entry ORDER BY seq DESC LIMIT 1 OFFSET ?", (max(count, 1) - 1,))
        return max(int(rows[0][0]) if rows else 0, self.low)

    # what leaves

    def kill(self, seqs: Iterable[int]) -> int:
        """Delete entries; gives how many there were."""
        numbers = list(seqs)
        return self.db.write(lambda db: upkeep.delete(db, numbers)) if numbers else 0

    def outdated(self, dependency: Dependency) -> None:
        """Note that this was found in a new version: what was made from others is the first to go when room is
        needed, and is given again should that version come back. Written with the next answer."""
        thing = (dependency.kind, dependency.key)
        if self._noted.get(thing) != dependency.version:
            self._noted = {} if len(self._noted) > 10_000 else self._noted
            self._noted[thing] = dependency.version
            self._outdated[dependency] = None

    def clear(self, older_than: float | None = None, scope: bytes | None = None) -> int:
        """Delete the entries made before ``older_than`` (cache time) or of one scope, or all; gives how many.

        What was learned (calibration, feedback) and what was invalidated stays.
        """
        everything = older_than is None and scope is None

        def work(db: sqlite3.Connection) -> int:
            query = "DELETE FROM entry WHERE created < coalesce(?1, 9e999) AND scope = coalesce(?2, scope)"
            if everything:  # so that an index drops them at once, too
                upkeep.raise_low(db, upkeep.following(db))
            return db.execute(query, (older_than, scope)).rowcount

        gone = self.db.write(work)
        self.db.vacuum()
        return gone

    def feedback(self, seq: int, correct: bool) -> None:
        """Note what somebody said about an answer; a wrong one is deleted."""
        self.memory.feedback(seq, correct)

    def stats(self) -> census.Stats:
        return census.stats(self.db, self.limits, self.clock.now())

    def verify(self) -> list[str]:
        """Every fault of the file and of each entry, one sentence each; reads all of it."""
        return census.verify(self.db)

    # inside

    def _now(self, ended: bool) -> float:
        return NEVER if ended else self.clock.now()

    def _entries(self, rows: Sequence[Sequence[Any]]) -> list[Entry]:
        made = (entry_of(row, self._dependencies(row[0]) if row[9] else ()) for row in rows)
        # None: torn, or deleted between the two reads, which entry_of sees by the number of dependencies.
        return [entry for entry in made if entry is not None]

    def _dependencies(self, seq: int) -> tuple[Dependency, ...]:
        rows = self.db.all("SELECT kind, key, version FROM dep WHERE seq = ?", (seq,))
        return tuple(Dependency(kind, decoded(key), decoded(version)) for kind, key, version in rows)

    def _insert(self, db: sqlite3.Connection, row: Row, draft: Draft, above: Callable[[], int] | None) -> Entry:
        seq = upkeep.following(db, above() if above is not None else 0)
        created = self.clock.now() if row.entry.created == NOW else row.entry.created
        entry = replace(row.entry, seq=seq, created=created)
        db.execute(INSERT, values(entry, row))
        for dep in entry.dependencies:
            db.execute("INSERT INTO dep VALUES (?,?,?,?)", (seq, dep.kind, encoded(dep.key), encoded(dep.version)))
        if row.vector is not None or draft.features is not None:
            db.execute("INSERT INTO meaning VALUES (?,?,?,?)", (seq, draft.embedder, row.vector, draft.features))
        upkeep.supersede(db, entry)
        return entry
