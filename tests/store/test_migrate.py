"""One migration loop for every file: each step once, all or nothing, and nothing of a newer program's touched."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from pyagent.errors import StoreTooNew
from pyagent.store.db import connect, migrate


def first(db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE a(x)")


def second(db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE b(x)")
    db.execute("INSERT INTO b VALUES (1)")


def broken(db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE c(x)")
    db.execute("CREATE TABLE a(x)")


def version(db: sqlite3.Connection) -> int:
    number: int = db.execute("PRAGMA user_version").fetchone()[0]
    return number


def test_a_file_gets_just_the_steps_that_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    db = connect(path)
    migrate(db, path, (first,))
    migrate(db, path, (first, second))
    migrate(db, path, (first, second))
    assert version(db) == 2
    assert db.execute("SELECT count(*) FROM b").fetchone() == (1,)


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    db = connect(path)
    migrate(db, path, (first,))
    with pytest.raises(sqlite3.OperationalError):
        migrate(db, path, (first, second, broken))
    assert version(db) == 1
    assert [name for (name,) in db.execute("SELECT name FROM sqlite_master")] == ["a"]


def test_a_newer_file_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    db = connect(path)
    migrate(db, path, (first, second))
    with pytest.raises(StoreTooNew, match="shelf version 2, this one knows 1") as refused:
        migrate(db, path, (first,), "shelf", "upgrade the shelf")
    assert refused.value.hint == "upgrade the shelf"
