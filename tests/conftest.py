"""What every test stands on: its own home, and no key of the person who runs it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.program import STUB, Server

# The bundled model is made ready once for all tests (145 MB, a second or five); it is the same for each.
MODELS = Path(tempfile.gettempdir()) / f"pyagent-models-{os.getuid()}"


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh PYAGENT_HOME; nothing of the user's is read or written."""
    folder = tmp_path_factory.mktemp("home")
    (MODELS / "models").mkdir(parents=True, exist_ok=True)
    (folder / "cache").mkdir()
    (folder / "cache" / "models").symlink_to(MODELS / "models")
    monkeypatch.setenv("PYAGENT_HOME", str(folder))
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "PYAGENT_MODEL", "PYAGENT_STORE"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start stub servers with these options; all end with the test."""
    started: list[Server] = []

    def start(*options: str) -> Server:
        process = subprocess.Popen(
            [sys.executable, str(STUB), "--port", "0", *options], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        started.append(Server(int(process.stdout.readline()), process))
        return started[-1]

    yield start
    for server in started:
        server.process.kill()
        server.process.wait()
