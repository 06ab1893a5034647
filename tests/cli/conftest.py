"""The program as a user starts it: a process of its own, with its own stdout and stderr."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def pyagent(tmp_path: Path) -> Run:
    """``pyagent("model", "list", cwd=..., env={...})`` gives the finished process."""

    def run(*args: str, cwd: Path = tmp_path, env: dict[str, str] | None = None, text_in: str = "") -> object:
        return subprocess.run(
            [sys.executable, "-m", "pyagent", *args],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            input=text_in,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run  # type: ignore[return-value]


@pytest.fixture(scope="session")
def hello_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with examples/plugin really installed by pip, for PYTHONPATH."""
    folder = tmp_path_factory.mktemp("site")
    install(ROOT / "examples" / "plugin", folder)
    return folder


def install(project: Path, folder: Path) -> None:
    """pip install, offline: the build tool is the one of this environment."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    command += ["--no-index", "--disable-pip-version-check", "--target", str(folder), str(project)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
