"""Stopping costs what was used: before a run begins nothing, in the middle of a local call the tokens so far."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.program import pyagent, start_pyagent, until, write_tasks


@pytest.mark.parametrize("as_json", [False, True])
def test_ctrl_c_before_the_run_begins_is_one_line_and_130(home: Path, tmp_path: Path, as_json: bool) -> None:
    options = ["--json"] if as_json else []
    process = start_pyagent(*options, "swarm", "run", "-", cwd=tmp_path, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write('{"prompt": "never asked"}\n')
    process.stdin.flush()
    # It waits for the rest of its tasks from here on.
    until(lambda: any((home / "spool").glob(".*.part")) if (home / "spool").is_dir() else False)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    if as_json:
        assert json.loads(err)["code"] == 130
    else:
        assert err.splitlines() == ["error: stopped by SIGINT", "hint: Run the same command again."]
    assert list((home / "spool").iterdir()) == []


@pytest.mark.skipif(importlib.util.find_spec("llama_cpp") is None, reason="needs the extra 'local'")
def test_a_local_call_that_is_stopped_counts_what_it_used(tmp_path: Path) -> None:
    write_tasks(tmp_path / "tasks.jsonl", {"prompt": "Count up to a thousand.", "max_tokens": 4000})
    process = start_pyagent("swarm", "run", "tasks.jsonl", "--stream", "--workers", "1", cwd=tmp_path)
    assert process.stdout is not None
    for _ in range(5):
        assert "text" in json.loads(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    row = json.loads(pyagent("--json", "swarm", "status").out)
    spent = row[0]["tokens"] if isinstance(row, list) else row["tokens"]
    assert 5 < spent < 2000, "and not the 4,000 tokens that were reserved"


def test_what_is_not_known_is_not_shown_as_free(tmp_path: Path, serve: Any) -> None:
    write_tasks(tmp_path / "tasks.jsonl", {"prompt": "q"})
    assert (
        pyagent("swarm", "run", "tasks.jsonl", "-m", "nobody-knows", "--base-url", serve().url, cwd=tmp_path).code == 0
    )
    said = pyagent("swarm", "status").out
    assert "unknown" in said
    (row,) = json.loads(pyagent("--json", "swarm", "status").out)
    assert row["cost_usd"] is None
    assert "unknown" in pyagent("swarm", "status", row["run"]).out
