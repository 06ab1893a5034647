"""The tables of the cache's one file, and how it is opened: brought to this version, or set aside when it is broken."""

from __future__ import annotations

import os
import secrets
import sqlite3
import time
from pathlib import Path

from pyagent.store.db import connect, migrate
from pyagent.store.schema import Migration

CORRUPT = 11  # SQLITE_CORRUPT
NOT_A_DATABASE = 26  # SQLITE_NOTADB


def m001_entries(db: sqlite3.Connection) -> None:
    """Texts are BLOBs of UTF-8: a prompt or a file name may hold lone surrogates, which TEXT refuses."""
    for statement in (
        # AUTOINCREMENT: a number is never given twice, also when its entry is gone.
        """CREATE TABLE entry(
            seq INTEGER PRIMARY KEY AUTOINCREMENT, scope BLOB NOT NULL, exact BLOB NOT NULL, created REAL NOT NULL,
            expires REAL, model TEXT, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, usd REAL,
            depends INTEGER NOT NULL, size INTEGER NOT NULL, checksum INTEGER NOT NULL, packed INTEGER NOT NULL,
            prompt BLOB NOT NULL, answer BLOB NOT NULL)""",
        "CREATE INDEX entry_exact ON entry(exact, scope)",
        "CREATE INDEX entry_expires ON entry(expires) WHERE expires IS NOT NULL",
        # Beside the entry, not in it: an exact look-up never reads these 800 bytes.
        "CREATE TABLE meaning(seq INTEGER PRIMARY KEY, embedder TEXT, vector BLOB, features BLOB)",
        """CREATE TABLE dep(seq INTEGER NOT NULL, kind TEXT NOT NULL, key BLOB NOT NULL, version BLOB NOT NULL,
            PRIMARY KEY(seq, kind, key)) WITHOUT ROWID""",
        "CREATE INDEX dep_key ON dep(kind, key)",
        # Found stale at a look-up: kept, since a file may change back, but the first to go when room is needed.
        "CREATE TABLE retired(seq INTEGER PRIMARY KEY)",
        # How often somebody said that this changed, and when last.
        """CREATE TABLE bump(kind TEXT NOT NULL, key BLOB NOT NULL, n INTEGER NOT NULL, at REAL NOT NULL,
            PRIMARY KEY(kind, key)) WITHOUT ROWID""",
        """CREATE TABLE feedback(
            id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, correct INTEGER NOT NULL, at REAL NOT NULL)""",
        "CREATE TABLE state(name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID",
        "CREATE TABLE tally(name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID",
        "CREATE TABLE total(entries INTEGER NOT NULL, bytes INTEGER NOT NULL)",
        "INSERT INTO total VALUES (0, 0)",
        "INSERT INTO state VALUES ('low', 0)",
        # Triggers: no way of deleting an entry can forget its parts or the totals.
        """CREATE TRIGGER entry_in AFTER INSERT ON entry BEGIN
            UPDATE total SET entries = entries + 1, bytes = bytes + new.size; END""",
        """CREATE TRIGGER entry_out AFTER DELETE ON entry BEGIN
            DELETE FROM meaning WHERE seq = old.seq;
            DELETE FROM dep WHERE seq = old.seq;
            DELETE FROM retired WHERE seq = old.seq;
            UPDATE total SET entries = entries - 1, bytes = bytes - old.size; END""",
    ):
        db.execute(statement)
    db.execute("INSERT INTO state VALUES ('identity', ?)", (secrets.token_hex(8),))


def m002_guessed(db: sqlite3.Connection) -> None:
    """Whether an end is the cache's own guess; of what was there, every end without a declaration."""
    db.execute("ALTER TABLE entry ADD COLUMN guessed INTEGER NOT NULL DEFAULT 0")
    db.execute("UPDATE entry SET guessed = 1 WHERE depends = 0 AND expires NOT NULL")


MIGRATIONS: tuple[Migration, ...] = (m001_entries, m002_guessed)


def is_broken(error: sqlite3.Error) -> bool:
    """Whether SQLite says that the file is not (or no longer) a sound database."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (CORRUPT, NOT_A_DATABASE)


def prepare(path: Path) -> sqlite3.Connection:
    """A writing connection to a file of this version. Raises sqlite3.Error, or StoreTooNew."""
    db = connect(path)
    try:
        migrate(db, path, MIGRATIONS, "cache", "upgrade pyagent, or point the cache elsewhere")
    except BaseException:
        db.close()
        raise
    return db


def set_aside(path: Path) -> Path:
    """Rename a broken database with its WAL; gives its new name. Other processes keep the renamed file open.

    SQLite (since 3.8.3) sees that the file moved and does not touch the new one's WAL when it closes the old one.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    aside = path.with_name(f"{path.name}.broken-{stamp}-{os.getpid()}")
    # The WAL first: a new database must never meet an old WAL.
    for tail in ("-wal", "-shm", ""):
        part = path.with_name(path.name + tail)
        if part.exists():
            part.rename(aside.with_name(aside.name + tail))
    return aside
