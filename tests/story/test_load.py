"""What a run costs beside its answers stays small: bounded memory, few statements, nothing opened for nothing."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pyagent.run.runner import BEHIND
from tests.program import Server, pyagent, start_pyagent, write_tasks

WIDTH = 64
LOADED = """
import sys
from pyagent.__main__ import run
code = run(sys.argv[1:])
print(*sys.modules, file=sys.stderr)
sys.exit(code)
"""


def peak(tmp_path: Path, server: Server, size: int) -> int:
    """Bytes that a run of ``size`` tasks held at its largest."""
    path = write_tasks(tmp_path / f"{size}.jsonl", *({"prompt": f"question number {n}"} for n in range(size)))
    command = ("-q", "swarm", "run", str(path), "-m", "stub", "--base-url", server.url, "--cache", "off")
    with (tmp_path / "out").open("w") as out:
        process = subprocess.Popen([sys.executable, "-m", "pyagent", *command, "-j", str(WIDTH)], stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def test_a_task_costs_a_few_hundred_bytes_of_memory(tmp_path: Path, serve: Callable[..., Server]) -> None:
    """An index of 74 bytes a task; nothing else may grow with the file."""
    server, small, large = serve(), 1_500, 15_000
    # What waits for the disk is bounded, 3 MB of it: 220 bytes a task here.
    assert (peak(tmp_path, server, large) - peak(tmp_path, server, small)) / (large - small) < 600


def test_agents_wait_for_a_disk_that_is_behind(tmp_path: Path, home: Path, serve: Callable[..., Server]) -> None:
    """What is not committed is paid for again after a kill, and lies in memory: there is never much of it."""
    server, count = serve(), 5_000
    path = write_tasks(tmp_path / "t.jsonl", *({"prompt": f"q{n}"} for n in range(count)))
    command = ("-q", "swarm", "run", str(path), "-m", "stub", "--base-url", server.url, "--cache", "off")
    process = start_pyagent(*command, "-j", str(WIDTH))
    assert process.stdout is not None
    process.stdout.readline()
    other = sqlite3.connect(home / "pyagent.db", timeout=30, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    before = server.count()["requests"]
    # Long enough for all that is left where nothing holds it back; a busy writer is given up after 5 s.
    time.sleep(2.5)
    asked = server.count()["requests"] - before
    other.execute("ROLLBACK")
    other.close()
    process.stdout.read()
    assert process.wait() == 0
    # Twice: what is on its way to the disk, and what was answered meanwhile.
    assert asked <= 2 * (BEHIND + WIDTH) + WIDTH
    assert server.count()["requests"] == count


def test_a_finished_run_opens_nothing(tmp_path: Path) -> None:
    path = write_tasks(tmp_path / "t.jsonl", {"prompt": "Say hello.", "max_tokens": 2})
    first = pyagent("-q", "swarm", "run", str(path))
    again = subprocess.run(
        [sys.executable, "-c", LOADED, "-q", "swarm", "run", str(path)], capture_output=True, text=True, check=True
    )
    assert again.stdout == first.out
    loaded = {name.partition(".")[0] for name in again.stderr.split()}
    assert not loaded & {"aiohttp", "httpx", "jinja2", "llama_cpp", "numpy", "onnxruntime", "rich", "tokenizers"}


def test_a_finished_run_that_gets_new_tasks_has_all_its_agents(tmp_path: Path, serve: Callable[..., Server]) -> None:
    server = serve("--latency", "0.2")
    path = write_tasks(tmp_path / "t.jsonl", {"prompt": "first"})
    command = ("-q", "swarm", "run", str(path), "-m", "stub", "--base-url", server.url, "--cache", "off")
    assert pyagent(*command).code == 0
    write_tasks(path, *({"prompt": prompt} for prompt in ("first", *(f"q{n}" for n in range(40)))))
    ended = pyagent(*command)
    assert (ended.code, len(ended.lines)) == (0, 41)
    assert server.count()["most_open"] > 8
