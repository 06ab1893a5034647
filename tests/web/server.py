"""A real `pyagent serve` in a process of its own, and a browser-like client that is signed in at it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.program import until as until

MODEL = """[swarm]
model = "stub"
[providers.stub]
base_url = "{url}"
[models.stub]
provider = "stub"
input_price = 1.0
output_price = 2.0
"""


@dataclass
class Served:
    """``home`` holds its store, ``folder`` is where it was started."""

    process: subprocess.Popen[str]
    url: str
    token: str
    home: Path
    folder: Path
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "PYAGENT_HOME": str(self.home)}

    def sign_in(self, token: str | None = None, **more: Any) -> httpx.Client:
        """A client with the session's cookie, its own Origin and the CSRF header."""
        body, headers = {"token": token or self.token}, {"origin": self.url}
        answer = httpx.post(f"{self.url}/api/v1/session", json=body, headers=headers, timeout=30, **more)
        assert answer.status_code == 200, answer.text
        headers["x-pyagent-csrf"] = answer.json()["csrf"]
        return httpx.Client(base_url=self.url, headers=headers, cookies=answer.cookies, timeout=30, **more)

    def stop(self) -> tuple[str, str]:
        self.process.terminate()
        return self.process.communicate(timeout=20)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def start(home: Path, folder: Path, *args: str, port: int = 0) -> Served:
    command = [sys.executable, "-m", "pyagent", "--json", "serve", "--port", str(port), "--no-open", *args]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYAGENT_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line.startswith("}"):
            break
    if not text:
        raise AssertionError(process.communicate()[1])
    said = json.loads(text)
    return Served(process, said["url"], said["link"].partition("#token=")[2], home, folder, said)


@contextmanager
def serving(home: Path, folder: Path, *args: str) -> Iterator[Served]:
    served = start(home, folder, *args)
    try:
        yield served
    finally:
        served.kill()
        for pipe in (served.process.stdout, served.process.stderr):
            if pipe is not None:
                pipe.close()


def events(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """(event, data, id) of server-sent events."""
    kind, data, id = "", "", ""
    for line in lines:
        if line.startswith("event: "):
            kind = line[7:]
        elif line.startswith("data: "):
            data = line[6:]
        elif line.startswith("id: "):
            id = line[4:]
        elif not line and data:
            yield kind, json.loads(data), id
            kind, data = "", ""
