"""How a check begins: once for each (week, model, suite), with exactly its items, keeping the answers it has."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterable, Sequence
from datetime import date

from pyagent.errors import UsageError
from pyagent_plugins.capability.registry.rows import Check
from pyagent_plugins.capability.words import Item

ITEM = "id, dim, level, kind, generator, version, seed, cluster, sha"


def week_of(text: str) -> str:
    """``text`` if it is an ISO week like 2026-W48; raises UsageError."""
    try:
        if not re.fullmatch(r"\d{4}-W\d{2}", text, re.ASCII):
            raise ValueError
        date.fromisocalendar(int(text[:4]), int(text[6:]), 1)
    except ValueError:
        raise UsageError(f"{text!r} is not an ISO week", "say it like 2026-W48") from None
    return text


def begin(db: sqlite3.Connection, week: str, model: int, suite: str, items: Sequence[Item]) -> Check:
    db.execute("INSERT INTO suite VALUES (?,?) ON CONFLICT DO NOTHING", (suite, time.time()))
    db.execute(
        """INSERT INTO run(week, model, suite, status, reason, started) VALUES (?,?,?,'running','',?)
        ON CONFLICT DO NOTHING""",
        (week, model, suite, time.time()),
    )
    found = "SELECT id, status FROM run WHERE (week, model, suite) = (?,?,?)"
    run, status = db.execute(found, (week, model, suite)).fetchone()
    if status == "valid":
        return Check(run, _done(db, run), True)
    if status == "invalid":
        clear(db, run)
    db.execute("UPDATE run SET status = 'running', reason = '', finished = NULL WHERE id = ?", (run,))
    _ask(db, run, items)
    return Check(run, _done(db, run))


def _ask(db: sqlite3.Connection, run: int, items: Iterable[Item]) -> None:
    """Let the run ask just these; answers to others are dropped."""
    rows = [(i.id, i.dim, i.level, i.kind, i.generator, i.version, str(i.seed), i.cluster, i.sha) for i in items]
    db.executemany(f"INSERT INTO item({ITEM}) VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING", rows)
    db.execute("DELETE FROM asked WHERE run = ?", (run,))
    db.executemany(
        "INSERT OR IGNORE INTO asked SELECT ?, seq FROM item WHERE (id, sha) = (?,?)",
        [(run, row[0], row[8]) for row in rows],
    )
    db.execute("DELETE FROM result WHERE run = ?1 AND item NOT IN (SELECT item FROM asked WHERE run = ?1)", (run,))


def asked(db: sqlite3.Connection, run: int) -> list[tuple[str, int]]:
    return db.execute("SELECT id, seq FROM asked JOIN item ON seq = item WHERE run = ?", (run,)).fetchall()


def _done(db: sqlite3.Connection, run: int) -> frozenset[str]:
    rows = db.execute("SELECT id FROM result JOIN item ON seq = item WHERE run = ?", (run,))
    return frozenset(id for (id,) in rows)


def clear(db: sqlite3.Connection, run: int) -> None:
    for table in ("result", "capability", "op"):
        db.execute(f"DELETE FROM {table} WHERE run = ?", (run,))
    db.execute("UPDATE run SET status = 'running', reason = '', finished = NULL WHERE id = ?", (run,))
