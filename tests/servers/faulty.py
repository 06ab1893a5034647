"""A small server that misbehaves as told: each request takes the next reply of a script.

It runs in the test's own event loop, on a real socket: ``async with Faulty(...) as server: server.url``.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Writer = asyncio.StreamWriter
Answer = Callable[[Writer], Awaitable[None]]


@dataclass(frozen=True)
class Seen:
    """A request as it came over the wire, ``at`` by the loop's clock; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    raw: bytes
    at: float

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


@dataclass
class Faulty:
    """Replies in turn; the last one is given to all further requests. ``dropped``: a client left without waiting."""

    replies: list[Answer]
    tls: ssl.SSLContext | None = None
    seen: list[Seen] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    dropped: asyncio.Event = field(default_factory=asyncio.Event)
    open: int = 0
    most_open: int = 0

    async def __aenter__(self) -> Faulty:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        try:
            while (request := await read(reader)) is not None:
                self.seen.append(request)
                self.asked.set()
                self.open += 1
                self.most_open = max(self.most_open, self.open)
                try:
                    await self._answer(reader, writer)
                finally:
                    self.open -= 1
        except (ConnectionError, asyncio.IncompleteReadError):
            self.dropped.set()
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        """Answer, but notice when the client leaves meanwhile."""
        reply = self.replies[min(len(self.seen), len(self.replies)) - 1]
        answering = asyncio.ensure_future(reply(writer))
        leaving = asyncio.ensure_future(gone(reader))
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            answering.cancel()
            raise ConnectionResetError("the client left")
        leaving.cancel()
        await answering


async def gone(reader: asyncio.StreamReader) -> None:
    # Reading instead would take the first byte of the next request.
    while not reader.at_eof() and reader.exception() is None:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def read(reader: asyncio.StreamReader) -> Seen | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    method, path, _ = head[0].split(" ", 2)
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Seen(method, path, headers, body, asyncio.get_running_loop().time())


def send(status: int, body: bytes | Any = b"", kind: str = "application/json", **headers: str) -> Answer:
    """A whole reply; ``retry_after="1"`` becomes a Retry-After header."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def answer(writer: Writer) -> None:
        lines = [f"HTTP/1.1 {status} Whatever", f"content-type: {kind}", f"content-length: {len(data)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + data)
        await writer.drain()

    return answer


def events(*datas: Any, pause: float = 0.0, end: bool = True, size: int = 0) -> Answer:
    """A stream of server-sent events: strings as they are, else JSON. Cut into writes of ``size`` bytes if given;
    without ``end`` the connection is cut after the last event."""

    async def answer(writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for data in datas:
            text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
            name = f"event: {data['type']}\n" if isinstance(data, dict) and "type" in data else ""
            line = f"{name}data: {text}\n\n".encode()
            for at in range(0, len(line), size or len(line)):
                part = line[at : at + (size or len(line))]
                writer.write(b"%x\r\n%b\r\n" % (len(part), part))
                await writer.drain()
                if pause or size:
                    await asyncio.sleep(pause)
        if end:
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        else:
            raise ConnectionResetError("told to cut")

    return answer


def raw(data: bytes) -> Answer:
    """Bytes as they are, then the connection is cut."""

    async def answer(writer: Writer) -> None:
        writer.write(data)
        await writer.drain()
        raise ConnectionResetError("told to cut")

    return answer


async def hang(writer: Writer) -> None:
    """No headers, ever."""
    await asyncio.sleep(3600)


def huge(size: int, status: int = 200) -> Answer:
    """A body of ``size`` bytes, sent as long as the client takes it."""

    async def answer(writer: Writer) -> None:
        writer.write(b"HTTP/1.1 %d OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (status, size))
        block = b" " * (1 << 20)
        for _ in range(size // len(block)):
            writer.write(block)
            await writer.drain()

    return answer


def completion(text: str = "fine", finish: str = "stop", **more: Any) -> dict[str, Any]:
    """A whole chat completion as OpenAI documents it."""
    message = {"role": "assistant", "content": text, **more}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }


def chunk(text: str | None = None, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    """One streamed piece of a chat completion."""
    given = delta if text is None else {"content": text, **delta}
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": given, "finish_reason": finish}]}
