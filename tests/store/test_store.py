"""The store: what is committed stays, whoever else writes; what cannot be used is said in one line."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pyagent.errors import StoreError, StoreTooNew
from pyagent.store.db import Store
from pyagent.store.schema import VERSION


def begun(store: Store, id: str = "run1", name: str = "tasks-run1") -> str:
    store.begin_run(id, name, "/tasks.jsonl", "/", ["swarm", "run", "tasks.jsonl"], {"model": None}, 3)
    return id


def put_result(store: Store, run: str, key: bytes, status: str = "ok") -> None:
    with store.write() as db:
        body = json.dumps({"status": status})
        db.execute("INSERT INTO result VALUES (?,?,0,'t',1,?,0,?)", (run, key, status, body))


def test_a_run_is_found_by_name_by_id_and_by_how_its_name_starts(home: Path) -> None:
    with Store.open(home / "a.db") as store:
        begun(store, "aaa", "tasks-aaa")
        begun(store, "bbb", "questions-bbb")
        assert store.run("tasks-aaa").id == "aaa"  # type: ignore[union-attr]
        assert store.run("bbb").name == "questions-bbb"  # type: ignore[union-attr]
        assert store.run("quest").id == "bbb"  # type: ignore[union-attr]
        assert store.run("nothing") is None
        begun(store, "ccc", "tasks-ccc")
        assert store.run("tasks-") is None, "two runs start so"


def test_results_outlive_the_process_and_count_by_status(home: Path) -> None:
    with Store.open(home / "a.db") as store:
        run = begun(store)
        put_result(store, run, b"1")
        put_result(store, run, b"2", "failed")
    with Store.open(home / "a.db") as again:
        assert dict(again.run(run).done) == {"ok": 1, "failed": 1}  # type: ignore[union-attr]
        assert again.bodies(run, [(b"1", 0), (b"1", 1)]) == {(b"1", 0): {"status": "ok"}}
        assert again.forget(run, ["failed"]) == 1
        assert [line["status"] for line in again.results(run)] == ["ok"]


def test_an_attempt_that_was_never_settled_counts_as_what_it_reserved(home: Path) -> None:
    with Store.open(home / "a.db") as store:
        run = begun(store)
        with store.write() as db:
            db.execute("INSERT INTO attempt VALUES (?,0,'t','m',100,0.5,40,0.2,1,2)", (run,))
            db.execute("INSERT INTO attempt VALUES (?,1,'t','m',100,0.5,NULL,NULL,1,NULL)", (run,))
        spent = store.spent(run)
    assert (spent.tokens, spent.usd, spent.attempts) == (140, 0.7, 2)


def test_commands_are_taken_once_and_not_by_a_later_process(home: Path) -> None:
    with Store.open(home / "a.db") as store:
        run = begun(store)
        store.command(run, "scale", "8")
        store.command(run, "stop")
        assert store.commands(run) == [("scale", "8"), ("stop", "")]
        assert store.commands(run) == []
        store.command(run, "stop")
        begun(store)
        assert store.commands(run) == [], "it was meant for the process before"


def test_a_store_of_a_newer_version_is_refused_and_left_alone(home: Path) -> None:
    path = home / "a.db"
    Store.open(path).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(StoreTooNew, match="newer pyagent") as refused:
        Store.open(path)
    assert refused.value.exit_code == 78
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (VERSION + 1,)


@pytest.mark.parametrize("content", [b"this is no database, it is a letter" * 50, b"\0" * 5000])
def test_a_file_that_is_no_store_is_named(home: Path, content: bytes) -> None:
    path = home / "a.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"a\.db cannot be used"):
        Store.open(path)
    assert path.read_bytes() == content


def test_a_folder_that_cannot_be_made_is_named(home: Path) -> None:
    (home / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written") as refused:
        Store.open(home / "file" / "a.db")
    assert refused.value.exit_code == 74
    assert "PYAGENT_HOME" in refused.value.hint


def test_many_processes_open_and_write_one_new_store_at_once(home: Path) -> None:
    program = (
        "import sys; from pyagent.store.db import Store\n"
        "with Store.open(sys.argv[1]) as store:\n"
        "    for i in range(20):\n"
        "        store.begin_run(f'{sys.argv[2]}-{i}', f'{sys.argv[2]}-{i}', 'f', '/', [], {}, 1)\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(home / "a.db"), str(n)]) for n in range(4)]
    assert [writer.wait() for writer in writers] == [0, 0, 0, 0]
    with Store.open(home / "a.db") as store:
        assert len(store.runs()) == 80


def test_purge_deletes_old_runs_with_all_that_is_theirs_and_backup_is_whole(home: Path) -> None:
    with Store.open(home / "a.db") as store:
        old, new = begun(store, "old", "old"), begun(store, "new", "new")
        for run in (old, new):
            put_result(store, run, b"k")
            store.end_run(run, "finished", 0, None)
        with store.write() as db:
            db.execute("UPDATE run SET updated = 1000 WHERE id = 'old'")
        store.backup(home / "copy.db")
        assert store.purge(time.time() - 60) == ["old"]
        assert [run.name for run in store.runs()] == ["new"]
        assert not list(store.results("old"))
        assert len(list(store.results("new"))) == 1
    with Store.open(home / "copy.db") as copy:
        assert {run.name for run in copy.runs()} == {"old", "new"}
