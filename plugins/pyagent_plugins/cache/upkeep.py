"""Keeps the shelf within its window and its limits, a few rows at each store, so that nobody ever waits for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from pyagent_plugins.cache.limits import Limits
from pyagent_plugins.cache.rows import Draft, encoded

SWEEP = 64  # rows that one store may delete behind the window: each store adds one, so that it always catches up
VERSIONS = 4  # answers kept to one question, made from different versions: switching a branch back finds its own

LOW = "(SELECT value FROM state WHERE name = 'low')"


def sweep(db: sqlite3.Connection, limits: Limits, now: float) -> None:
    """Delete a few of the entries behind the window or long past their time; end the oldest beyond the limits."""
    past = now - limits.grace
    db.execute(f"DELETE FROM entry WHERE seq IN (SELECT seq FROM entry WHERE seq < {LOW} LIMIT {SWEEP})")
    db.execute(f"DELETE FROM entry WHERE seq IN (SELECT seq FROM entry WHERE expires < ? LIMIT {SWEEP})", (past,))
    entries, size = db.execute("SELECT entries, bytes FROM total").fetchone()
    if entries > limits.entries or size > limits.bytes:
        raise_low(db, _beyond(db, limits, entries, size))
        db.execute(f"DELETE FROM entry WHERE seq < {LOW}")


def _beyond(db: sqlite3.Connection, limits: Limits, entries: int, size: int) -> int:
    """The number at which the window must begin for the rest to be within the limits."""
    last = 0
    for seq, freed in db.execute("SELECT seq, size FROM entry ORDER BY seq"):
        if entries <= limits.entries and size <= limits.bytes:
            break
        last, entries, size = seq, entries - 1, size - freed
    return last + 1


def following(db: sqlite3.Connection, above: int = 0) -> int:
    """The next entry's number: above all that were given, above ``above``, and in the window."""
    query = f"SELECT coalesce(max(seq), 0), {LOW} FROM sqlite_sequence WHERE name = 'entry'"
    highest, low = db.execute(query).fetchone()
    return int(max(highest + 1, above + 1, low))


def raise_low(db: sqlite3.Connection, low: int) -> None:
    db.execute("UPDATE state SET value = max(value, ?) WHERE name = 'low'", (low,))


def delete(db: sqlite3.Connection, seqs: Iterable[int]) -> int:
    return db.executemany("DELETE FROM entry WHERE seq = ?", [(seq,) for seq in seqs]).rowcount


def supersede(db: sqlite3.Connection, seq: int, draft: Draft) -> None:
    """Delete the older answers to this question that were made from the same versions, or are one too many."""
    query = "SELECT seq FROM entry WHERE exact = ? AND scope = ? AND seq < ? ORDER BY seq DESC"
    older = [found for (found,) in db.execute(query, (draft.exact, draft.scope, seq))]
    made_from = {(dep.kind, encoded(dep.key), encoded(dep.version)) for dep in draft.dependencies}
    same = "SELECT kind, key, version FROM dep WHERE seq = ?"
    delete(db, {old for old in older if set(db.execute(same, (old,))) == made_from}.union(older[VERSIONS - 1 :]))
