"""`pyagent trace` on the journal of real runs against a real server, one of them killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.program import STUB, servers

TASKS = [{"id": "one", "prompt": "first secret"}, {"id": "deep/two", "prompt": "second secret"}]


@pytest.fixture
def serve() -> Iterator[Callable[..., list[str]]]:
    """Start a stub server with these options; gives the arguments that ask it."""
    with servers(STUB) as start:
        yield lambda *options: ["-m", "stub", "--base-url", start(*options).url]


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    path = tmp_path / "tickets.jsonl"
    path.write_text("".join(json.dumps(task) + "\n" for task in TASKS))
    return path


def spans(text: str) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = json.loads(text)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    return made


def test_a_run_can_be_listed_shown_and_exported(pyagent: Any, tasks: Path, serve: Any, tmp_path: Path) -> None:
    stub = serve("--echo", "--faults", "500", "--every", "2")
    assert pyagent("swarm", "run", str(tasks), *stub, "-j", "1").returncode == 0

    (run,) = json.loads(pyagent("--json", "trace", "list").stdout)
    assert (run["status"], run["tasks"], run["ok"], run["failed"]) == ("finished", 2, 2, 0)
    rows = json.loads(pyagent("trace", "list", run["run"], "--json").stdout)
    assert {(row["task"], row["status"], row["tokens"]) for row in rows} == {("one", "ok", 20), ("deep/two", "ok", 20)}

    shown = pyagent("trace", "show", run["run"][:7]).stdout
    assert "task one  ok" in shown
    assert "call stub" in shown
    assert "retry.waiting" in shown
    assert "24+16 tokens" in shown.splitlines()[-1]
    assert "secret" not in shown

    full = pyagent("trace", "show", f"{run['run']}/deep/two", "--full").stdout
    # Each call shows the question, and each that was answered shows the echo.
    assert full.count("second secret") == 2 * full.count("| user:") - full.count("error:")
    assert "first secret" not in full

    out = tmp_path / "trace.json"
    assert pyagent("trace", "export", run["run"], "--otlp", "-o", str(out)).returncode == 0
    names = [span["name"] for span in spans(out.read_text())]
    assert names.count("chat stub") == 3
    assert names.count("invoke_agent") == 2
    assert names[-1] == f"invoke_workflow {run['run']}"
    assert "secret" not in out.read_text()
    assert "first secret" in pyagent("trace", "export", run["run"], "--content").stdout
    assert pyagent("trace", "export", run["run"]).stdout == out.read_text()

    events = [json.loads(line) for line in pyagent("trace", "export", run["run"], "--jsonl").stdout.splitlines()]
    assert [event["seq"] for event in events] == sorted(event["seq"] for event in events)
    assert events[0]["kind"] == "run.started"
    (task,) = json.loads(pyagent("--json", "trace", "show", f"{run['run']}/one").stdout)
    assert task["spans"][0]["name"] == "call"
    assert task["input_tokens"] == 12


def test_a_killed_run_is_shown_as_it_was_left_and_then_as_it_ended(
    pyagent: Any, tasks: Path, serve: Any, home: Path
) -> None:
    command = ["swarm", "run", str(tasks), "--run", "kill", *serve("--echo", "--latency", "1.5"), "-j", "2"]
    process = subprocess.Popen([sys.executable, "-m", "pyagent", *command], env=dict(os.environ))
    deadline = time.monotonic() + 60
    while "call stub" not in pyagent("trace", "show", "kill").stdout:
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGKILL)
    process.wait()

    left = pyagent("trace", "show", "kill").stdout
    assert "unfinished" in left
    assert pyagent(*command).returncode == 0
    made = spans(pyagent("trace", "export", "kill").stdout)
    names = [span["name"] for span in made]
    assert names.count("invoke_workflow kill") == 2
    assert len({span["spanId"] for span in made}) == len(made)
    unfinished = [span for span in made if any(each["key"] == "pyagent.unfinished" for each in span["attributes"])]
    assert {"invoke_workflow kill", "chat stub"} <= {span["name"] for span in unfinished}


def test_what_is_not_there_is_said_in_one_line_with_code_2(pyagent: Any, tasks: Path, serve: Any) -> None:
    nothing = pyagent("trace", "list")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert "nothing yet" in nothing.stderr
    assert json.loads(pyagent("trace", "list", "--json").stdout) == []
    pyagent("swarm", "run", str(tasks), "--run", "known", *serve("--echo"))
    for args in (("show", "unknown"), ("show", "known/three"), ("export", "known", "--otlp", "--jsonl")):
        ended = pyagent("trace", *args)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert len(ended.stderr.splitlines()) == 2
    ended = pyagent("trace", "export", "known", "-o", "/no/such/folder/x")
    assert ended.returncode == 74
    assert "/no/such/folder" in ended.stderr


def test_a_closed_pipe_is_no_traceback(tasks: Path, serve: Any, pyagent: Any) -> None:
    pyagent("swarm", "run", str(tasks), "--run", "r", *serve("--echo"))
    for verb in ("show r --full", "export r", "export r --jsonl"):
        line = f"{sys.executable} -m pyagent trace {verb} | head -c 1"
        ended = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=60, check=False)
        assert "Traceback" not in ended.stderr
