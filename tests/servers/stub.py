"""An OpenAI-compatible server that answers at once, so that what is measured or counted is the client alone.

    python tests/servers/stub.py --port 0        prints its port, then serves until it is killed

It never parses a body unless ``--echo`` or ``--keep`` asks for it: about 30 µs of CPU a request.
``GET /count`` tells what was asked of it; ``POST /reset`` forgets that.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

FAULTS = {
    "429": b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 0\r\n",
    "500": b"HTTP/1.1 500 Internal Server Error\r\n",
    "503": b"HTTP/1.1 503 Service Unavailable\r\n",
    "401": b"HTTP/1.1 401 Unauthorized\r\n",
}


@dataclass
class Settings:
    """``faults`` are taken in turn by each ``every``-th request: a status of FAULTS, or ``cut``, which closes
    the connection in the middle of the reply. ``latency`` is in seconds; ``echo`` answers with the prompt."""

    answer: str = "ok"
    latency: float = 0.0
    faults: tuple[str, ...] = ()
    every: int = 10
    echo: bool = False
    keep: bool = False
    tokens: int = 8


@dataclass
class Tally:
    """What was asked: ``prompts`` counts each last message when ``--keep`` is set."""

    requests: int = 0
    faults: int = 0
    open: int = 0
    most_open: int = 0
    prompts: Counter[str] = field(default_factory=Counter)

    def line(self) -> bytes:
        return json.dumps(
            {
                "requests": self.requests,
                "faults": self.faults,
                "most_open": self.most_open,
                "prompts": dict(self.prompts),
            }
        ).encode()


class Connection(asyncio.Protocol):
    """One keep-alive connection; requests on it are answered in order."""

    def __init__(self, settings: Settings, tally: Tally) -> None:
        self.settings, self.tally = settings, tally
        self.pending = b""
        self.plain = reply(settings.answer, settings.tokens)
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.pending = self.pending + data if self.pending else data
        while (end := self.pending.find(b"\r\n\r\n")) >= 0:
            head = self.pending[:end]
            whole = end + 4 + length_of(head)
            if len(self.pending) < whole:
                return
            body, self.pending = self.pending[end + 4 : whole], self.pending[whole:]
            self.request(head, body)

    def request(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"POST /reset"):
            self.tally.__init__()  # type: ignore[misc]
            self.transport.write(ok(b"{}"))
        elif head.startswith(b"GET /count"):
            self.transport.write(ok(self.tally.line()))
        elif head.startswith(b"GET "):
            self.transport.write(ok(b'{"object":"list","data":[{"id":"stub","object":"model"}]}'))
        else:
            self.completion(body)

    def completion(self, body: bytes) -> None:
        tally, settings = self.tally, self.settings
        tally.requests += 1
        tally.open += 1
        tally.most_open = max(tally.most_open, tally.open)
        fault = ""
        if settings.faults and tally.requests % settings.every == 0:
            fault = settings.faults[tally.faults % len(settings.faults)]
            tally.faults += 1
        answer = self.answer(body, fault)
        if settings.latency:
            asyncio.get_running_loop().call_later(settings.latency, self.finish, answer, fault)
        else:
            self.finish(answer, fault)

    def finish(self, answer: bytes, fault: str) -> None:
        self.tally.open -= 1
        if self.transport.is_closing():
            return
        self.transport.write(answer)
        if fault == "cut":
            self.transport.close()

    def answer(self, body: bytes, fault: str) -> bytes:
        settings = self.settings
        text = settings.answer
        if settings.echo or settings.keep:
            prompt = str(json.loads(body)["messages"][-1]["content"])
            if settings.keep:
                self.tally.prompts[prompt] += 1
            text = prompt if settings.echo else text
        if fault in FAULTS:
            message = b'{"error":{"message":"the stub was told to fail"}}'
            return FAULTS[fault] + rest(message)
        if b'"stream":true' in body or b'"stream": true' in body:
            whole = streamed(text, settings.tokens)
        elif settings.echo:
            whole = reply(text, settings.tokens)
        else:
            whole = self.plain
        return whole[: len(whole) // 2] if fault == "cut" else whole


def length_of(head: bytes) -> int:
    """The Content-Length of a request head, 0 without one."""
    lower = head.lower()
    at = lower.find(b"content-length:")
    return int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


def rest(body: bytes, kind: bytes = b"application/json") -> bytes:
    return b"content-type: %b\r\ncontent-length: %d\r\n\r\n%b" % (kind, len(body), body)


def ok(body: bytes, kind: bytes = b"application/json") -> bytes:
    return b"HTTP/1.1 200 OK\r\n" + rest(body, kind)


def usage(tokens: int) -> dict[str, int]:
    return {"prompt_tokens": 12, "completion_tokens": tokens, "total_tokens": 12 + tokens}


def reply(text: str, tokens: int) -> bytes:
    """A whole chat completion, head included."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    body = {"id": "stub", "object": "chat.completion", "model": "stub", "choices": [choice]}
    return ok(json.dumps({**body, "usage": usage(tokens)}).encode())


def streamed(text: str, tokens: int) -> bytes:
    """The same as server-sent events, a word each, in a chunked body."""
    words = [word for word in text.replace(" ", "\0 ").split("\0") if word]
    events: list[Any] = [{"choices": [{"index": 0, "delta": {"content": word}}]} for word in words]
    events += [{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}]
    events += [{"choices": [], "usage": usage(tokens)}]
    lines = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events] + [b"data: [DONE]\n\n"]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(line), line) for line in lines)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + chunks + b"0\r\n\r\n"


async def serve(port: int, settings: Settings) -> None:
    tally = Tally()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(settings, tally), "127.0.0.1", port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description="An OpenAI-compatible server that answers at once.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--answer", default="ok")
    parser.add_argument("--tokens", type=int, default=8, help="completion_tokens it reports")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--faults", default="", help="429,500,503,401,cut taken in turn")
    parser.add_argument("--every", type=int, default=10, help="each n-th request gets a fault")
    parser.add_argument("--echo", action="store_true", help="answer with the last message")
    parser.add_argument("--keep", action="store_true", help="count each last message under /count")
    args = vars(parser.parse_args())
    args["faults"] = tuple(filter(None, args["faults"].split(",")))
    asyncio.run(serve(args.pop("port"), Settings(**args)))


if __name__ == "__main__":
    main()
