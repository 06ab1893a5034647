"""Keeps the shelf within its window and its limits, a few rows at each store, so that nobody ever waits for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from itertools import chain

from pyagent_plugins.cache.entry import Dependency, Entry
from pyagent_plugins.cache.shelf.limits import Limits
from pyagent_plugins.cache.shelf.rows import encoded

SWEEP = 64  # rows that one store may delete behind the window: each store adds one, so that it always catches up
RETIRED = 1000  # rows that one new version may mark: 2 ms
VERSIONS = 4  # answers kept to one question, made from different versions: switching a branch back finds its own

LOW = "(SELECT value FROM state WHERE name = 'low')"


def sweep(db: sqlite3.Connection, limits: Limits, now: float) -> None:
    """Delete a few of the entries behind the window or long past their time; end the oldest beyond the limits."""
    past = now - limits.grace
    db.execute(f"DELETE FROM entry WHERE seq IN (SELECT seq FROM entry WHERE seq < {LOW} LIMIT {SWEEP})")
    db.execute(f"DELETE FROM entry WHERE seq IN (SELECT seq FROM entry WHERE expires < ? LIMIT {SWEEP})", (past,))
    entries, size = db.execute("SELECT entries, bytes FROM total").fetchone()
    if entries > limits.entries or size > limits.bytes:
        _make_room(db, limits, entries, size)


def _make_room(db: sqlite3.Connection, limits: Limits, entries: int, size: int) -> None:
    """Delete what was found stale, then the oldest, until the rest is within the limits."""
    gone: list[int] = []
    low = 0
    stale = "SELECT seq, size, 0 FROM retired JOIN entry USING(seq) ORDER BY seq"
    oldest = "SELECT seq, size, 1 FROM entry WHERE seq NOT IN (SELECT seq FROM retired) ORDER BY seq"
    for seq, freed, last in chain(db.execute(stale), db.execute(oldest)):
        if entries <= limits.entries and size <= limits.bytes:
            break
        gone.append(seq)
        entries, size, low = entries - 1, size - freed, last * (seq + 1)
    raise_low(db, low)
    delete(db, gone)


def following(db: sqlite3.Connection, above: int = 0) -> int:
    """The next entry's number: above all that were given, above ``above``, and in the window."""
    query = f"SELECT coalesce(max(seq), 0), {LOW} FROM sqlite_sequence WHERE name = 'entry'"
    highest, low = db.execute(query).fetchone()
    return int(max(highest + 1, above + 1, low))


def raise_low(db: sqlite3.Connection, low: int) -> None:
    db.execute("UPDATE state SET value = max(value, ?) WHERE name = 'low'", (low,))


def retire(db: sqlite3.Connection, outdated: Iterable[Dependency]) -> None:
    """Mark what was made from other versions of these, and unmark what was made from this one."""
    for dep in outdated:
        what = (dep.kind, encoded(dep.key), encoded(dep.version))
        made_from = "SELECT seq FROM dep WHERE kind = ? AND key = ? AND version"
        db.execute(f"INSERT OR IGNORE INTO retired {made_from} != ? LIMIT {RETIRED}", what)
        db.execute(f"DELETE FROM retired WHERE seq IN ({made_from} = ? LIMIT {RETIRED})", what)


def delete(db: sqlite3.Connection, seqs: Iterable[int]) -> int:
    return db.executemany("DELETE FROM entry WHERE seq = ?", [(seq,) for seq in seqs]).rowcount


def supersede(db: sqlite3.Connection, entry: Entry) -> None:
    """Delete the older answers to this question that were made from the same versions, or are one too many."""
    query = "SELECT seq FROM entry WHERE exact = ? AND scope = ? AND seq < ? ORDER BY seq DESC"
    older = [found for (found,) in db.execute(query, (entry.exact, entry.scope, entry.seq))]
    made_from = {(dep.kind, encoded(dep.key), encoded(dep.version)) for dep in entry.dependencies}
    same = "SELECT kind, key, version FROM dep WHERE seq = ?"
    delete(db, {old for old in older if set(db.execute(same, (old,))) == made_from}.union(older[VERSIONS - 1 :]))
