"""One engine process: native code may crash in it without taking the run along.

The child reads and writes messages (``wire``) on one end of a socket pair. It dies with its parent, because the
socket then ends; its parent learns of its death in the same way.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import IO, Any

from pyagent.engine.llama import child
from pyagent.engine.llama.wire import Reader, pack
from pyagent.errors import EngineUnreachable, ModelMissing, PyAgentError

WORKER = "pyagent.engine.llama.worker"
Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Load:
    """What a worker loads: a GGUF file, with room for ``n_ctx`` tokens in ``n_seq`` sequences.

    ``kernels`` is the library of our own kernels; empty: llama.cpp's. ``weights`` is the open file that they share
    packed weights in; -1: each has its own.
    """

    path: str
    n_ctx: int
    n_seq: int
    n_threads: int = 1
    deterministic: bool = False
    kernels: str = ""
    weights: int = -1


class Process(asyncio.Protocol):
    """A child that answers messages. ``heard`` gets each message; ``buried`` is called once after a good start."""

    def __init__(self, load: Load, heard: Callable[[Message], None], buried: Callable[[str], None]) -> None:
        self._load, self._heard, self._buried = load, heard, buried
        self._reader = Reader()
        self._transport: asyncio.Transport | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None
        self._ready: asyncio.Future[Message] | None = None
        self._burial: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()
        self._started = False
        self.last_heard = 0.0

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    async def start(self) -> Message:
        """Start the child, load the model and give its ``ready`` message.

        Raises ModelMissing when it refuses the file, EngineUnreachable when it dies over it.
        """
        loop = asyncio.get_running_loop()
        self._ready = loop.create_future()
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._child = self._spawn(theirs.fileno())
            except OSError as error:
                ours.close()
                raise EngineUnreachable(
                    f"an engine process cannot be started: {error.strerror}", "Free memory or processes."
                ) from error
        await loop.create_unix_connection(lambda: self, sock=ours)
        self.send({"op": "load", **asdict(self._load)})
        try:
            ready = await self._ready
        except BaseException:
            await self.close()
            raise
        self._started = True
        return ready

    def _spawn(self, fd: int) -> subprocess.Popen[bytes]:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - read and closed at the burial
        return subprocess.Popen(
            child.command(WORKER, str(fd)),
            env=child.environment(self._load.n_threads),
            pass_fds=(fd, self._load.weights) if self._load.weights >= 0 else (fd,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._stderr,
            process_group=0,  # Ctrl-C is for the run: it commits first, and needs its workers for that
        )

    def send(self, message: Message) -> None:
        """Send a message; nothing happens when the child is gone, its death is reported anyway."""
        if self._transport and not self._transport.is_closing():
            self._transport.write(pack(message))

    def kill(self) -> None:
        """End the child now; ``buried`` follows."""
        if self._child:
            self._child.kill()

    async def close(self) -> None:
        """End the child and wait until it is gone."""
        self.kill()
        if self._transport:
            self._transport.abort()
            await self._gone.wait()
        elif self._child:
            await asyncio.to_thread(self._child.wait)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        self.last_heard = loop.time()
        for message in self._reader.feed(data):
            if self._ready and not self._ready.done():
                self._answer_start(message)
            else:
                self._heard(message)

    def _answer_start(self, message: Message) -> None:
        assert self._ready
        if message["op"] == "ready":
            self._ready.set_result(message)
        elif message["op"] == "failed":
            self._ready.set_exception(_refused(message, self._load.path))

    def connection_lost(self, exc: Exception | None) -> None:
        self._burial = asyncio.get_running_loop().create_task(self._bury())

    async def _bury(self) -> None:
        assert self._child
        assert self._stderr
        code = await asyncio.to_thread(_end, self._child)
        self._stderr.seek(0)
        said = self._stderr.read()[-4096:].decode("utf-8", "replace")
        self._stderr.close()
        if self._ready and not self._ready.done():
            self._ready.set_exception(child.died(code, said))
        elif self._started:
            self._buried(child.cause(code, said))
        self._gone.set()


def _end(process: subprocess.Popen[bytes]) -> int:
    """The exit code of a child whose socket has ended; a dying one has a second to say why."""
    try:
        return process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _refused(message: Message, path: str) -> PyAgentError:
    if message.get("kind") == "native":
        return EngineUnreachable(
            f"llama.cpp cannot load {path}: {message['error']}",
            "Free memory, or set a smaller context or fewer sequences for this model.",
        )
    return ModelMissing(f"the model cannot be loaded: {message['error']}", "Check the path of the model.")
