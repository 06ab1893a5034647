"""What every test stands on: its own home, and no key of the person who runs it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.program import STUB, Server, servers

# Matrices here are small: OpenBLAS's threads only spin. Fitting a router of 900 prompts takes 0.3 s of CPU with one
# thread, and 1.7 to 4 s with two on a busy machine. Before numpy is imported; programs that tests start have it, too.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# The bundled model (145 MB, a second or five) and the kernels (7 s) are made once for all tests; the same for each.
MODELS = Path(tempfile.gettempdir()) / f"pyagent-models-{os.getuid()}"


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh PYAGENT_HOME; nothing of the user's is read or written."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "cache").mkdir()
    for made_once in ("models", "kernels"):
        (MODELS / made_once).mkdir(parents=True, exist_ok=True)
        (folder / "cache" / made_once).symlink_to(MODELS / made_once)
    monkeypatch.setenv("PYAGENT_HOME", str(folder))
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "PYAGENT_MODEL", "PYAGENT_STORE"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start stub servers with these options; all end with the test."""
    with servers(STUB) as start:
        yield start
