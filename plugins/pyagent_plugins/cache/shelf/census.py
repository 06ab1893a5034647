"""Counts what the cache holds and looks for faults in it, reading everything once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from pyagent.store.db import connect
from pyagent_plugins.cache.shelf.database import Database
from pyagent_plugins.cache.shelf.limits import Limits
from pyagent_plugins.cache.shelf.rows import checksum


@dataclass(frozen=True, slots=True)
class Stats:
    """``entries`` may be looked up now; ``ended`` are past their time, ``behind`` the window, both not deleted yet.

    ``bytes`` is what all of these cost, ``file`` the size of the file; ``oldest`` and ``newest`` are cache time.
    ``by_embedder`` counts vectors, ``declared`` the entries that say what they were made from.
    """

    entries: int
    ended: int
    behind: int
    bytes: int
    file: int
    limit_entries: int
    limit_bytes: int
    low: int
    high: int
    scopes: int
    declared: int
    oldest: float | None
    newest: float | None
    by_embedder: dict[str, int]
    tallies: dict[str, float]


def stats(db: Database, limits: Limits, now: float) -> Stats:
    low = db.all("SELECT value FROM state WHERE name = 'low'")[0][0]
    alive, ended, scopes, declared, oldest, newest = db.all(
        """SELECT coalesce(sum(expires IS NULL OR expires > ?1), 0), coalesce(sum(expires <= ?1), 0),
        count(DISTINCT scope), coalesce(sum(depends > 0), 0), min(created), max(created)
        FROM entry WHERE seq >= ?2""",
        (now, low),
    )[0]
    entries, size = db.all("SELECT entries, bytes FROM total")[0]
    embedders = "SELECT embedder, count(*) FROM meaning WHERE seq >= ? AND vector NOT NULL GROUP BY embedder"
    return Stats(
        entries=alive,
        ended=ended,
        behind=entries - alive - ended,
        bytes=size,
        file=sum(path.stat().st_size for path in db.path.parent.glob("cache.db*") if ".broken" not in path.name),
        limit_entries=limits.entries,
        limit_bytes=limits.bytes,
        low=low,
        high=db.all("SELECT coalesce(max(seq), 0) FROM sqlite_sequence")[0][0],
        scopes=scopes,
        declared=declared,
        oldest=oldest,
        newest=newest,
        by_embedder=dict(db.all(embedders, (low,))),
        tallies=dict(db.all("SELECT name, value FROM tally ORDER BY name")),
    )


def verify(shelf: Database) -> list[str]:
    """Every fault, one sentence each; empty when all is well. The file is read in one snapshot."""
    try:
        db = connect(shelf.path)
    except sqlite3.Error as error:
        return [f"{shelf.path}: {error}"]
    try:
        db.execute("BEGIN")
        faults = [f"{shelf.path}: {text}" for (text,) in db.execute("PRAGMA integrity_check(20)") if text != "ok"]
        return faults or [f"entry {text}" for text in _torn(db)] + list(_miscounted(db))
    except sqlite3.Error as error:
        return [f"{shelf.path}: {error}"]
    finally:
        db.close()


def _torn(db: sqlite3.Connection) -> Iterator[str]:
    query = """SELECT seq, depends, (SELECT count(*) FROM dep WHERE dep.seq = entry.seq), checksum, prompt, answer
        FROM entry ORDER BY seq"""
    for seq, depends, found, crc, prompt, answer in db.execute(query):
        if depends != found:
            yield f"{seq}: {depends} dependencies were stored and {found} are there"
        if crc != checksum(prompt, answer):
            yield f"{seq}: its text is not what was stored (the checksum differs)"


def _miscounted(db: sqlite3.Connection) -> Iterator[str]:
    counted = db.execute("SELECT count(*), coalesce(sum(size), 0) FROM entry").fetchone()
    kept = db.execute("SELECT entries, bytes FROM total").fetchone()
    if counted != kept:
        yield f"the totals say {kept} entries and bytes, and there are {counted}"
    for table in ("meaning", "dep", "retired"):
        lost = db.execute(f"SELECT count(DISTINCT seq) FROM {table} WHERE seq NOT IN (SELECT seq FROM entry)")
        if count := lost.fetchone()[0]:
            yield f"{count} rows of {table} belong to no entry"
    odd = db.execute("SELECT embedder, count(DISTINCT length(vector)) FROM meaning GROUP BY embedder")
    yield from (f"the vectors of {name} differ in length" for name, lengths in odd if lengths > 1)
