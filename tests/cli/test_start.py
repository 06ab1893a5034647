"""Starting is cheap: nothing heavy is imported to show a version, a help or a completion."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HEAVY = {
    *("aiohttp", "apscheduler", "asyncio", "fastapi", "genai_prices", "httpx", "jinja2", "jsonschema"),
    *("llama_cpp", "numpy", "onnxruntime", "pydantic", "rich", "textual", "tokenizers", "torch"),
    *("transformers", "uvicorn", "xllamacpp"),
}
LOOK = """
import sys
from pyagent.__main__ import run
try:
    code = run(sys.argv[1:])
finally:
    print("LOADED", *sys.modules, file=sys.stderr)
"""


def loaded(*args: str, cwd: Path) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *args], cwd=cwd, capture_output=True, text=True, check=False, env=os.environ
    )
    line = next(line for line in done.stderr.splitlines() if line.startswith("LOADED"))
    return {name.partition(".")[0] for name in line.split()[1:]}


@pytest.mark.parametrize(
    "args",
    [
        ["--help"],
        ["-h"],
        ["plugin", "--help"],
        ["config", "show", "--help"],
        ["swarm", "--help"],
        ["swarm", "run", "--help"],
        ["__complete", "swarm", ""],
        ["__complete", "mod"],
        ["completion", "bash"],
        ["config", "get", "swarm.jobs"],
        ["commands"],
    ],
    ids=" ".join,
)
def test_nothing_heavy_is_imported(args: list[str], tmp_path: Path) -> None:
    assert loaded(*args, cwd=tmp_path) & HEAVY == set()


def test_the_version_is_answered_before_typer_is_imported(pyagent: Any, tmp_path: Path) -> None:
    script = "import sys; sys.argv = ['pyagent', '--version']; from pyagent.__main__ import main; main()"
    script += "; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True, env=os.environ
    )
    version, modules = done.stdout.splitlines()
    assert version == pyagent("-q", "--version").stdout.strip()
    assert version.startswith("pyagent ")
    assert not {"typer", "pluggy", "dataclasses", "pyagent.host.app"} & set(modules.split())


def test_a_group_that_is_not_used_is_not_imported(tmp_path: Path) -> None:
    script = LOOK.replace("*sys.modules", "*(n for n in sys.modules if n.startswith('pyagent'))")
    done = subprocess.run(
        [sys.executable, "-c", script, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    names = done.stderr.split()
    assert "pyagent_plugins.swarm" in names, "a plugin registers"
    assert "pyagent_plugins.swarm.cli" not in names, "its commands wait"
    assert "pyagent.cli.model" not in names


def test_the_benchmark_of_the_start_runs(tmp_path: Path) -> None:
    script = Path(__file__).parents[2] / "benchmarks" / "startup.py"
    done = subprocess.run(
        [sys.executable, str(script), "--repeat", "1"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "pyagent --version" in done.stdout
