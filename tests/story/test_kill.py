"""Kill the program at any moment: the same command finishes the run, and nothing that was committed is asked again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyagent.store.db import Store
from tests.program import Server, pyagent, start_pyagent, write_tasks


def killed_after(process: subprocess.Popen[str], lines: int) -> list[str]:
    """The ids of the results that were printed by the time the process is dead."""
    assert process.stdout is not None
    seen = [process.stdout.readline() for _ in range(lines)]
    os.kill(process.pid, signal.SIGKILL)
    rest = process.stdout.read().splitlines()
    process.wait()
    whole = [line for line in [*seen, *rest] if line.strip().endswith("}")]
    return [json.loads(line)["id"] for line in whole]


def test_a_killed_run_finishes_without_paying_twice(tmp_path: Path, serve: Callable[..., Server]) -> None:
    server = serve("--latency", "0.02", "--keep")
    tasks = write_tasks(tmp_path / "t.jsonl", *({"id": f"t{n}", "prompt": f"q{n}"} for n in range(120)))
    command = ("swarm", "run", str(tasks), "-m", "stub", "--base-url", server.url, "-j", "6", "-q")
    committed: set[str] = set()
    for lines in (1, 40, 75):
        # On resume the known results come first: these lines are old ones and then some new ones.
        committed |= set(killed_after(start_pyagent(*command), lines))
    before = server.count()["prompts"]
    last = pyagent(*command)
    assert last.code == 0, last.err
    assert sorted(line["id"] for line in last.lines) == sorted(f"t{n}" for n in range(120))
    asked = server.count()["prompts"]
    for id in committed:
        assert asked[f"q{id[1:]}"] == before[f"q{id[1:]}"], f"{id} was committed and asked again"
    assert max(asked.values()) <= 4
    # In flight at a kill: 6 calls, and answers of the last 5 ms that were not committed yet.
    assert sum(asked.values()) <= 120 + 3 * (6 + 6), "only what was in flight at a kill is asked again"
    again = pyagent(*command)
    assert again.code == 0
    assert sorted(again.out.splitlines()) == sorted(last.out.splitlines())
    assert server.count()["prompts"] == asked, "a finished run asks nothing"


def test_what_was_reserved_at_the_kill_counts_as_spent(
    tmp_path: Path, home: Path, serve: Callable[..., Server]
) -> None:
    server = serve("--latency", "30")
    tasks = write_tasks(tmp_path / "t.jsonl", *({"prompt": f"q{n}", "max_tokens": 100} for n in range(4)))
    command = ("swarm", "run", str(tasks), "-m", "stub", "--base-url", server.url, "-j", "4", "-q")
    process = start_pyagent(*command, "--max-tokens", "100000")
    while server.count()["requests"] < 4:
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with Store.open(home / "pyagent.db") as store:
        run = store.runs()[0]
        spent = store.spent(run.id)
    (row,) = json.loads(pyagent("--json", "swarm", "status").out)
    assert row["status"] == "dead", "the word that the pages and the terminal have for it"
    assert spent.attempts == 4
    assert spent.tokens >= 4 * 100, "each call might have made 100 tokens"
    stopped = pyagent(*command, "--max-tokens", str(spent.tokens))
    assert stopped.code == 3
    assert "raise the limit" in stopped.err
    assert server.count()["requests"] == 4, "the budget was gone, so nothing was asked"


def test_an_edited_file_keeps_what_is_still_valid(tmp_path: Path, serve: Callable[..., Server]) -> None:
    server = serve("--keep")
    path = write_tasks(tmp_path / "t.jsonl", {"prompt": "a"}, {"prompt": "b"})
    command = ("swarm", "run", str(path), "-m", "stub", "--base-url", server.url, "--ordered")
    assert pyagent(*command).code == 0
    write_tasks(path, {"prompt": "new"}, {"prompt": "a"}, {"prompt": "b", "max_tokens": 7})
    ended = pyagent(*command)
    assert [line["id"] for line in ended.lines] == ["1", "2", "3"]
    assert server.count()["prompts"] == {"a": 1, "b": 2, "new": 1}, "a moved and stayed, b changed"
    stored = pyagent("swarm", "results", "t").lines
    assert sorted(line["id"] for line in stored) == ["1", "2", "3"], "what the file no longer asks is gone"


def test_equal_tasks_are_told_apart_by_how_often_they_occur(tmp_path: Path, serve: Callable[..., Server]) -> None:
    server = serve("--keep")
    path = write_tasks(tmp_path / "t.jsonl", *({"prompt": "flip a coin", "temperature": 1.0} for _ in range(3)))
    command = ("swarm", "run", str(path), "-m", "stub", "--base-url", server.url)
    assert len(pyagent(*command).lines) == 3
    assert len(pyagent(*command).lines) == 3
    assert server.count()["requests"] == 3


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_commits_says_how_to_go_on_and_exits_with_its_code(
    tmp_path: Path, serve: Callable[..., Server], number: signal.Signals, code: int
) -> None:
    server = serve("--latency", "0.05", "--keep")
    tasks = write_tasks(tmp_path / "t.jsonl", *({"prompt": f"q{n}"} for n in range(60)))
    command = ("swarm", "run", str(tasks), "-m", "stub", "--base-url", server.url, "-j", "4")
    process = start_pyagent(*command)
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == code, err
    assert "run the same command again to go on" in err
    printed = {json.loads(line)["id"] for line in [first, *out.splitlines()]}
    again = pyagent(*command)
    assert again.code == 0
    assert len(again.lines) == 60
    counts: dict[str, Any] = server.count()["prompts"]
    assert all(counts[f"q{int(id) - 1}"] == 1 for id in printed)


def test_a_second_signal_ends_at_once(tmp_path: Path, serve: Callable[..., Server]) -> None:
    server = serve("--latency", "60")
    # A task whose tool ignores cancellation would hold up a clean end; here the engine is just slow to close.
    tasks = write_tasks(tmp_path / "t.jsonl", {"prompt": "q"})
    process = start_pyagent("swarm", "run", str(tasks), "-m", "stub", "--base-url", server.url)
    while server.count()["requests"] < 1:
        pass
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 130


def test_two_processes_on_one_run_do_not_both_work(tmp_path: Path, serve: Callable[..., Server]) -> None:
    server = serve("--latency", "1.5")
    tasks = write_tasks(tmp_path / "t.jsonl", {"prompt": "q"})
    command = ("swarm", "run", str(tasks), "-m", "stub", "--base-url", server.url)
    holder = start_pyagent(*command)
    while server.count()["requests"] < 1:
        pass
    turned_away = pyagent(*command)
    assert turned_away.code == 75
    assert str(holder.pid) in turned_away.err
    waited = pyagent(*command, "--wait")
    assert waited.code == 0
    assert [line["status"] for line in waited.lines] == ["ok"]
    holder.communicate()
    assert server.count()["requests"] == 1
