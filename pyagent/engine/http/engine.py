"""What every HTTP engine does alike: wait for a place, ask, learn what the server does not take, add up."""

from __future__ import annotations

import asyncio
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any, ClassVar
from weakref import WeakValueDictionary

from pyagent.engine.base import Bound, Choice, EngineOptions, Piece, Reply, Request
from pyagent.engine.http.address import private, read
from pyagent.engine.http.client import Client
from pyagent.engine.http.failure import Crowded, Refused
from pyagent.engine.http.limits import Gate
from pyagent.engine.http.reader import Reader
from pyagent.errors import KeyRefused
from pyagent.model import Model, Provider, Usage

WIDTH = 64
# Without a width in the configuration only the provider bounds it, by saying 429.
WIDEST = 4096
# A byte-level tokenizer makes at most one token of a byte; templates add role marks to each message and some add
# a system prompt of their own (Llama 3: 30 tokens, gpt-oss: about 70).
TOKENS_A_MESSAGE = 16
TOKENS_A_PROMPT = 128
# Before a tokenizer has counted, for rate limits only: the common four bytes a token.
BYTES_A_TOKEN = 4

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
_ASCII = json.JSONEncoder(separators=(",", ":"), check_circular=False)
_GATES: WeakValueDictionary[Provider, Gate] = WeakValueDictionary()


class HTTPEngine(ABC):
    """Asks one model over HTTP. An API says its official address, its body and how to read its replies.

    The key is looked up when the first call is made. Without ``key_env`` only the official address gets the
    usual variable's key, so that no other server is ever sent it.
    """

    # From when a call is sent: a call that waits for its place under a rate limit is not late.
    timed: ClassVar[bool] = True
    official: ClassVar[str]
    version: ClassVar[str]
    usual_key: ClassVar[str]
    # Tokens that the provider adds by itself when tools are given.
    tool_tokens: ClassVar[int] = 0

    def __init__(self, model: Model, options: EngineOptions) -> None:
        provider = model.provider or Provider(name=model.engine)
        self.model = model
        self.remote = model.remote or model.name
        self.options = model.options
        self.address = read(provider.base_url or self.official, self.version)
        self.key_env = provider.key_env or ("" if provider.base_url else self.usual_key)
        self.width = provider.width or WIDTH
        self._counts_tokens = provider.tokens_per_minute is not None
        self._gate = gate_of(provider)
        self._timeout = options.timeout
        self._client: Client | None = None

    @abstractmethod
    def url(self, stream: bool) -> str:
        """The address of one call."""

    @abstractmethod
    def headers(self, key: str) -> dict[str, str]:
        """The headers that this API wants, the key among them."""

    @abstractmethod
    def body(self, request: Request, stream: bool) -> dict[str, Any]:
        """The body of one call."""

    @abstractmethod
    def reader(self, request: Request, piece: Piece | None) -> Reader:
        """What reads the reply."""

    def adapt(self, refused: Refused, request: Request, sent: dict[str, Any]) -> bool:
        """Learn from a refusal; whether the next body for ``request`` differs from what was ``sent``."""
        return False

    def at_once(self, request: Request) -> bool:
        """Whether all samples come from one call."""
        return request.samples == 1

    async def generate(self, request: Request, piece: Piece | None = None) -> Reply:
        replies = [await self._ask(request, piece)] if self.at_once(request) else []
        # What one call did not give (a server may ignore n), each further call gives.
        made = sum(len(reply.choices) for reply in replies)
        rest = [replace(request, samples=1, seed=_plus(request.seed, i)) for i in range(made, request.samples)]
        replies += await _all([self._ask(each, None if replies or i else piece) for i, each in enumerate(rest)])
        if len(replies) == 1:
            return replies[0]
        usage = sum((reply.usage for reply in replies), Usage())
        return Reply(
            tuple(choice for reply in replies for choice in reply.choices), usage, self.model.name, replies[0].served
        )

    def bound(self, request: Request) -> Bound:
        size = len(encode(self.body(request, False))) + TOKENS_A_MESSAGE * len(request.messages) + TOKENS_A_PROMPT
        size += self.tool_tokens if request.tools or request.schema else 0
        prompts = 1 if self.at_once(request) else request.samples
        return Bound(size * prompts, request.max_tokens * request.samples)

    def render(self, request: Request) -> str:
        """The body of the first sample's call, as it is sent when nobody watches the stream."""
        return encode(self.body(request, False)).decode()

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _ask(self, request: Request, piece: Piece | None) -> Reply:
        while True:
            sent = self.body(request, piece is not None)
            try:
                return await self._call(request, sent, piece)
            except Refused as refused:
                if not self.adapt(refused, request, sent):
                    raise

    async def _call(self, request: Request, sent: dict[str, Any], piece: Piece | None) -> Reply:
        """One request: the caller's place in the gate is held until the answer is complete."""
        client = self._client or self._open()
        body = encode(sent)
        expected = len(body) / BYTES_A_TOKEN + request.max_tokens if self._counts_tokens else 0.0
        used = expected
        round = await self._gate.enter(expected)
        try:
            reader = self.reader(request, piece)
            reader.secret = client.secret
            whole = await client.post(self.url(piece is not None), body, reader.event)
            if whole is not None:
                reader.whole(whole)
            choices = reader.done()[: request.samples]
            usage = reader.usage or self._worst(request, body, choices)
            used = usage.total
            self._gate.well()
            return Reply(choices, usage, self.model.name, reader.served)
        except Crowded as error:
            self._gate.crowded(round, error.retry_after)
            raise
        finally:
            if self._counts_tokens:
                self._gate.settle(expected, used)
            self._gate.leave()

    def _worst(self, request: Request, body: bytes, choices: Sequence[Choice]) -> Usage:
        """A server that reports no usage is charged at most: a budget must not be passed for want of a number."""
        written = sum(_written(choice) for choice in choices)
        size = len(body) + TOKENS_A_MESSAGE * len(request.messages) + TOKENS_A_PROMPT
        return Usage(size, min(request.max_tokens * request.samples, written))

    def _open(self) -> Client:
        key = self._key()
        headers = {
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            # Unpacking costs more CPU than a few kB of text on the wire, and would hold back streamed pieces.
            "accept-encoding": "identity",
            "user-agent": "pyagent",
            **self.headers(key),
        }
        self._client = Client(self.address, headers, key, self.key_env, self._timeout)
        return self._client

    def _key(self) -> str:
        key = os.environ.get(self.key_env, "").strip() if self.key_env else ""
        if not key and self.key_env and not private(self.address.base):
            raise KeyRefused(f"{self.address.who} wants a key and {self.key_env} is not set", f"Set {self.key_env}.")
        if not key.isprintable() or not key.isascii():
            raise KeyRefused(f"The key in {self.key_env} holds characters that no key has", "Copy it again.")
        return key


def gate_of(provider: Provider) -> Gate:
    """The gate of a provider, shared by all its models: rate limits are an account's."""
    gate = _GATES.get(provider)
    if gate is None:
        limits = (provider.requests_per_minute, provider.tokens_per_minute)
        gate = _GATES[provider] = Gate(provider.width or WIDEST, *limits)
    return gate


def encode(body: dict[str, Any]) -> bytes:
    """The bytes of a body: UTF-8 as the user wrote it; a lone surrogate, which UTF-8 cannot hold, is escaped."""
    try:
        return _ENCODER.encode(body).encode()
    except UnicodeEncodeError:
        return _ASCII.encode(body).encode()


def _plus(seed: int | None, i: int) -> int | None:
    return None if seed is None else seed + i


def _written(choice: Choice) -> int:
    """The most tokens that a choice can have been, its calls with the marks around them."""
    calls = sum(len(_ASCII.encode(dict(call.arguments))) + len(call.name.encode()) + 32 for call in choice.calls)
    return len(choice.text.encode("utf-8", "replace")) + 1 + calls


async def _all(asks: Sequence[Coroutine[Any, Any, Reply]]) -> list[Reply]:
    """All or nothing: the first failure cancels the others and is raised itself, not in a group."""
    tasks = [asyncio.ensure_future(ask) for ask in asks]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
