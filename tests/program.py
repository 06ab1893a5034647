"""What stories need: a server that counts, and `pyagent` as its users start it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STUB = Path(__file__).resolve().parent / "servers" / "stub.py"


@dataclass
class Server:
    """An OpenAI-compatible server in its own process."""

    port: int
    process: subprocess.Popen[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def count(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/count") as reply:
            counted: dict[str, Any] = json.load(reply)
        return counted


@contextmanager
def servers(script: str | Path) -> Iterator[Callable[..., Server]]:
    """Start servers from a script, with options; the first line that one prints is its port. All end with the block."""
    started: list[Server] = []

    def start(*options: str) -> Server:
        process = subprocess.Popen([sys.executable, str(script), *options], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        started.append(Server(int(process.stdout.readline()), process))
        return started[-1]

    try:
        yield start
    finally:
        for server in started:
            server.process.kill()
            server.process.communicate()


@dataclass
class Ended:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


def start_pyagent(*args: str, **more: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pyagent", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def pyagent(*args: str, stdin: str | None = None, timeout: float = 120, **more: Any) -> Ended:
    process = start_pyagent(*args, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL, **more)
    out, err = process.communicate(stdin, timeout=timeout)
    return Ended(process.returncode, out, err)


def write_tasks(path: Path, *tasks: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(task) + "\n" for task in tasks))
    return path


def until(true: Callable[[], Any], seconds: float = 60) -> Any:
    """The first answer of ``true`` that is; a test that waits for ever says nothing."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
    return found
