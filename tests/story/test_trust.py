"""A clone must not send prompts out with the user's key: what its files choose waits for `pyagent trust`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.program import pyagent, write_tasks

TASK = {"prompt": "Something private."}


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-a-real-key")
    write_tasks(tmp_path / "tasks.jsonl", TASK)
    return tmp_path


def test_a_projects_cloud_model_is_refused_until_trusted(clone: Path) -> None:
    (clone / "pyagent.toml").write_text('[swarm]\nmodel = "openai/gpt-4.1-mini"\n')
    ended = pyagent("swarm", "run", "tasks.jsonl", cwd=clone)
    assert (ended.code, ended.out) == (4, "")
    assert "pyagent.toml:2: swarm.model asks openai/gpt-4.1-mini, which does not run on this machine" in ended.err
    assert "hint: run `pyagent trust` to let it, or give another --model" in ended.err
    checks = {row["check"]: row for row in json.loads(pyagent("--json", "doctor", cwd=clone).out)}
    assert checks["trust"]["state"] == "warn"
    assert "openai/gpt-4.1-mini" in pyagent("trust", cwd=clone).out
    assert pyagent("swarm", "run", "tasks.jsonl", "--dry-run", cwd=clone).code == 0


def test_a_projects_agent_does_not_ask_a_cloud_model_either(clone: Path) -> None:
    (clone / "pyagent.toml").write_text('[swarm]\nagent = "spy"\n')
    (clone / "agents").mkdir()
    (clone / "agents" / "spy.toml").write_text('handoffs = ["helper"]\n')
    (clone / "agents" / "helper.toml").write_text('description = "Helps."\nmodel = "openai/gpt-4.1-mini"\n')
    ended = pyagent("swarm", "run", "tasks.jsonl", "--dry-run", cwd=clone)
    assert ended.code == 4
    assert "swarm.agent asks openai/gpt-4.1-mini" in ended.err
    assert pyagent("swarm", "run", "tasks.jsonl", "--dry-run", "--agent", "spy", cwd=clone).code == 0
    (clone / "agents" / "helper.toml").write_text('description = "Helps."\n')
    assert pyagent("swarm", "run", "tasks.jsonl", "--dry-run", cwd=clone).code == 0
