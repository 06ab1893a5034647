"""What happens to the file: a newer program, a torn disk, two writers, a process that is killed while it writes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pyagent.errors import Busy, StoreError, StoreTooNew
from pyagent_plugins.capability.registry.registry import Registry
from pyagent_plugins.capability.registry.schema import MIGRATIONS
from tests.capability.weeks import LOCAL, able, check, items, outcome
from tests.program import pyagent

ROOT = Path(__file__).resolve().parents[3]
WRITER = """
import sys
from pathlib import Path
from pyagent_plugins.capability.registry.registry import Registry
from tests.capability.weeks import LOCAL, items, outcome
registry = Registry.open(Path(sys.argv[1]))
asked = items("2026-W48")
begun = registry.begin("2026-W48", registry.model(LOCAL), "weekly-1", asked)
print("begun", flush=True)
for item in asked:
    registry.record(begun.id, [outcome(item, 1.0, sys.argv[2] + " says " + item.id)])
print("done", flush=True)
"""


def writer(path: Path, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def test_two_processes_at_one_check_ask_every_item_once(tmp_path: Path) -> None:
    path = tmp_path / "capability.db"
    both = [writer(path, name) for name in ("a", "b")]
    assert [process.wait(60) for process in both] == [0, 0]
    with Registry.open(path) as registry:
        (row,) = registry.checks()
        outcomes = registry.outcomes(row.id)
    assert (row.items, row.answered) == (300, 300)
    assert len({o.item for o in outcomes}) == 300


def test_a_killed_writer_leaves_whole_answers_and_the_next_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "capability.db"
    process = writer(path, "a")
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    with Registry.open(path) as registry:
        while not registry.checks()[0].answered:
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        asked = items("2026-W48")
        begun = registry.begin("2026-W48", registry.model(LOCAL), "weekly-1", asked)
        assert begun.done
        registry.record(begun.id, [outcome(item, 1.0) for item in asked if item.id not in begun.done])
        assert len(registry.outcomes(begun.id)) == 300


def test_a_registry_of_a_newer_version_is_refused_and_left_alone(home: Path) -> None:
    path = home / "capability.db"
    Registry.open(path).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = path.read_bytes()
    for readonly in (False, True):
        with pytest.raises(StoreTooNew, match="registry version 2, this one knows 1"):
            Registry.open(path, readonly=readonly)
    ended = pyagent("capability", "list")
    assert ended.code == 78
    assert "newer pyagent" in ended.err
    assert "upgrade" in ended.err
    assert path.read_bytes() == before


def tear(path: Path) -> None:
    """Overwrite the middle of the file, as a failing disk does; the WAL is in the file by then."""
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xa5" * (size - 8192))


def test_a_torn_registry_is_named_and_never_set_aside(home: Path) -> None:
    path = home / "capability.db"
    with Registry.open(path) as registry:
        check(registry, LOCAL, "2026-W48", able(0))
    tear(path)
    for command in (["list"], ["show", "tiny"], ["compare"], ["accept", "tiny"]):
        ended = pyagent("capability", *command)
        assert ended.code == 74, ended.err
        assert f"the registry {path} is damaged" in ended.err
        assert "backup" in ended.err
        assert "Traceback" not in ended.err
    assert path.read_bytes()[8192:8200] == b"\xa5" * 8
    assert [entry.name for entry in home.iterdir() if "broken" in entry.name] == []


def test_a_file_that_is_no_database_is_named(home: Path) -> None:
    (home / "capability.db").write_text("measured: yes\n" * 300)
    ended = pyagent("capability", "list", "--json")
    assert ended.code == 74
    assert "is damaged" in ended.err


def test_reading_makes_no_file(home: Path) -> None:
    with Registry.open(home / "capability.db", readonly=True) as registry:
        assert registry.cells(latest=True) == []
        assert registry.models() == []
    assert pyagent("capability", "list").code == 0
    assert not (home / "capability.db").exists()


def test_a_reader_sees_what_a_writer_commits(tmp_path: Path) -> None:
    path = tmp_path / "capability.db"
    with Registry.open(path) as writes, Registry.open(path, readonly=True) as reads:
        check(writes, LOCAL, "2026-W48", able(0))
        assert len(reads.cells()) == 5
        with pytest.raises(StoreError):
            reads.accept("tiny", "2026-W48")


def test_a_writer_that_never_ends_is_busy_and_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "capability.db"
    Registry.open(path).close()
    stuck = sqlite3.connect(path, isolation_level=None)
    stuck.execute("BEGIN IMMEDIATE")
    with Registry.open(path) as registry:
        registry.file.all("PRAGMA busy_timeout = 50")
        with pytest.raises(Busy, match="locked"):
            registry.model(LOCAL)
    stuck.close()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        Registry.open(tmp_path / "file" / "capability.db")
