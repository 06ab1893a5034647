"""`pyagent store`: what is in it, a copy that works, and old runs that go for good."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pyagent.cli.store import seconds, size
from pyagent.errors import UsageError
from pyagent.event import Event
from pyagent.store.db import Store

DAY = 86400


@pytest.fixture
def store(home: Path) -> Path:
    """A store with a run of today, one of 40 days ago and one that runs since then."""
    path = home / "pyagent.db"
    with Store.open(path) as made:
        for id, status, age in (("new", "finished", 0), ("old", "finished", 40), ("busy", "running", 40)):
            made.begin_run(id, id, "t.jsonl", "/", [], {}, 1)
            with made.write() as db:
                at = time.time() - age * DAY
                event = Event("task.started", id, "a", at=at)
                db.execute("UPDATE run SET status = ?, updated = ?, started = ? WHERE id = ?", (status, at, at, id))
                db.execute(
                    "INSERT INTO event(run, task, span, parent, kind, at, data) VALUES (?,?,0,NULL,?,?,'{}')",
                    (event.run, event.task, event.kind, event.at),
                )
    return path


def names(path: Path) -> set[str]:
    with Store.open(path) as made:
        return {run.name for run in made.runs()}


def test_info_counts_what_is_there(pyagent: Any, store: Path) -> None:
    facts = json.loads(pyagent("--json", "store", "info").stdout)
    assert (facts["file"], facts["runs"], facts["events"], facts["results"]) == (str(store), 3, 3, 0)
    assert str(store) in pyagent("store", "info").stdout


def test_a_backup_is_a_store_of_its_own_and_replaces_nothing_unasked(pyagent: Any, store: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    assert pyagent("store", "backup", str(copy)).returncode == 0
    assert names(copy) == {"new", "old", "busy"}
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert json.loads(pyagent("--store", str(copy), "--json", "store", "info").stdout)["runs"] == 3

    before = copy.read_bytes()
    assert pyagent("store", "backup", str(copy)).returncode == 2
    assert copy.read_bytes() == before
    assert pyagent("store", "backup", str(copy), "--force").returncode == 0
    assert pyagent("store", "backup", str(store), "--force").returncode == 2
    assert pyagent("store", "backup", str(tmp_path / "no" / "folder.db")).returncode == 74
    assert sorted(file.name for file in tmp_path.iterdir() if "copy" in file.name) == ["copy.db"]
    assert names(store) == {"new", "old", "busy"}


def test_purge_takes_the_old_runs_with_all_they_left_and_leaves_the_others(pyagent: Any, store: Path) -> None:
    dry = pyagent("store", "purge", "--older-than", "30d", "--dry-run")
    assert dry.stdout == "old\n"
    assert names(store) == {"new", "old", "busy"}
    assert json.loads(pyagent("--json", "store", "purge", "--older-than", "30d").stdout) == {
        "runs": ["old"],
        "deleted": True,
    }
    assert names(store) == {"new", "busy"}
    with Store.open(store) as made:
        assert list(made.events("old")) == []
        assert len(list(made.events("new"))) == 1
    assert pyagent("store", "purge", "--older-than", "30d").stdout == ""


def test_purge_needs_an_age_that_it_understands(pyagent: Any, store: Path) -> None:
    assert pyagent("store", "purge").returncode == 2
    ended = pyagent("store", "purge", "--older-than", "soon")
    assert (ended.returncode, "'soon' is not an age" in ended.stderr) == (2, True)
    assert names(store) == {"new", "old", "busy"}


@pytest.mark.parametrize(
    ("age", "expected"), [("30d", 30 * DAY), ("12h", 12 * 3600), ("1.5h", 5400), ("2w3d", 17 * DAY), (" 90S ", 90)]
)
def test_ages(age: str, expected: float) -> None:
    assert seconds(age) == expected


@pytest.mark.parametrize("age", ["", "30", "d", "3 0d", "-1d", "30d!", "1y"])
def test_no_ages(age: str) -> None:
    with pytest.raises(UsageError):
        seconds(age)


def test_sizes() -> None:
    assert [size(count) for count in (0, 999, 1500, 2_500_000, 3e9)] == ["0 B", "999 B", "1.5 kB", "2.5 MB", "3.0 GB"]
