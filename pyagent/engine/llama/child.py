"""How a Python child of ours is started, and what it means when it dies at once."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pyagent
from pyagent.errors import EngineUnreachable

# Only this package from source: with `:all:` pip would build numpy too. The cache may hold another CPU's build.
REBUILD = "Rebuild it here: pip install --force-reinstall --no-cache-dir --no-binary llama-cpp-python llama-cpp-python"


def command(module: str, *arguments: str) -> list[str]:
    """Run ``module`` in a fresh interpreter. -P: a ``random.py`` in the user's folder is not ours to import."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment(threads: int = 1) -> dict[str, str]:
    """The child's environment.

    PASSIVE: libgomp's barriers spin otherwise, and decoding falls from 18 to 1 token a second on busy cores.
    Without GGML_NO_BACKTRACE a dying child starts a debugger on itself, which may hang.
    """
    ours = str(Path(pyagent.__file__).parents[1])  # for a checkout that is not installed
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), ours]))
    return {
        **os.environ,
        "PYTHONPATH": path,
        "OMP_WAIT_POLICY": "PASSIVE",
        "OMP_NUM_THREADS": str(threads),
        "GGML_NO_BACKTRACE": "1",
    }


def cause(code: int, stderr: str = "") -> str:
    """``Segmentation fault``, ``exit code 3: what it said last``: ``code`` is as subprocess gives it."""
    why = signal.strsignal(-code) or f"signal {-code}" if code < 0 else f"exit code {code}"
    said = stderr.strip().splitlines()
    return f"{why}: {said[-1][:200]}" if said else why


def died(code: int, stderr: str) -> EngineUnreachable:
    """The error for a child that died before it could work."""
    return EngineUnreachable(
        f"llama.cpp does not run on this machine ({cause(code, stderr)})",
        REBUILD,
    )
