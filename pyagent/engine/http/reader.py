"""Puts a reply together, whether it comes whole or in events, so that each API only says where its words are."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pyagent.engine.base import Choice, Piece
from pyagent.engine.http.failure import failure
from pyagent.errors import ReplyError, TransientError
from pyagent.model import ToolCall, Usage

Finish = Literal["stop", "length", "tool"]
# What an error in the middle of a stream would have been as a status.
STATUS_OF = {
    "overloaded_error": 529,
    "rate_limit_error": 429,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "invalid_request_error": 400,
    "request_too_large": 413,
}


@dataclass(slots=True)
class PartialCall:
    """A tool call in the making; ``arguments`` are pieces of JSON text."""

    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Partial:
    """One choice in the making."""

    text: list[str] = field(default_factory=list)
    calls: dict[int, PartialCall] = field(default_factory=dict)
    finish: Finish | None = None
    logprobs: list[float] = field(default_factory=list)


class Reader(ABC):
    """Reads one reply of ``who``; ``piece`` gets the first choice's text as it comes."""

    def __init__(self, who: str, piece: Piece | None = None) -> None:
        self.who = who
        self.piece = piece
        self.choices: dict[int, Partial] = {}
        self.usage: Usage | None = None
        # Who the service says has answered; its name for a model may be a newer model's alias.
        self.served = ""
        self.ended = False
        # The key, so that no error repeats it when a server does.
        self.secret = ""

    def event(self, data: str) -> None:
        """Take the data of one server-sent event."""
        if data == "[DONE]":
            self.ended = True
        elif data:
            self._deliver(self._parse(self.delta, data))

    def whole(self, reply: Any) -> None:
        """Take a reply that came in one piece."""
        self._deliver(self._parse(self.body, reply))
        self.ended = True

    def done(self) -> tuple[Choice, ...]:
        """All choices. Raises TransientError when the stream ended before the answer did."""
        choices = [self.choices[index] for index in sorted(self.choices)]
        if not choices or (not self.ended and any(choice.finish is None for choice in choices)):
            raise TransientError(f"{self.who} cut the answer short", "It is tried again.", charged=True)
        return tuple(self._choice(choice) for choice in choices)

    @abstractmethod
    def delta(self, event: Mapping[str, Any]) -> str:
        """Take one streamed event; give the text that it adds to the first choice."""

    @abstractmethod
    def body(self, reply: Mapping[str, Any]) -> str:
        """Take a whole reply; give the first choice's text."""

    def choice(self, index: int) -> Partial:
        return self.choices.setdefault(index, Partial())

    def withheld(self, why: str) -> ReplyError:
        """The provider or the model will not answer this; asking again gives the same."""
        return ReplyError(f"{self.who} withheld the answer ({why})", "Reword the task.", charged=True)

    def _parse(self, take: Any, data: Any) -> str:
        """Run ``take``; anything of another shape than documented is one error, worth another try."""
        try:
            reply = json.loads(data) if isinstance(data, str) else data
            if reply.get("error"):
                raise self._error(reply)
            text: str = take(reply)
            self.served = self.served or _served(reply)
            return text
        except (ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError) as error:
            raise TransientError(
                f"{self.who} sent an answer of another shape than its API has",
                "If it stays so, check base_url and the provider's kind.",
                charged=True,
            ) from error

    def _error(self, reply: Mapping[str, Any]) -> Exception:
        error = reply["error"]
        kind = error.get("type") if isinstance(error, dict) else None
        code = error.get("code") if isinstance(error, dict) else None
        status = code if isinstance(code, int) and 400 <= code < 600 else STATUS_OF.get(str(kind), 500)
        return failure(status, {}, json.dumps(reply).encode(), self.who, self.secret)

    def _deliver(self, text: str) -> None:
        if text and self.piece is not None:
            self.piece(text, None)

    def _choice(self, partial: Partial) -> Choice:
        calls = tuple(self._call(partial.calls[index], index) for index in sorted(partial.calls))
        return Choice(
            text="".join(partial.text),
            finish="tool" if calls else partial.finish or "stop",
            calls=calls,
            logprobs=tuple(partial.logprobs) or None,
        )

    def _call(self, call: PartialCall, index: int) -> ToolCall:
        text = "".join(call.arguments).strip() or "{}"
        try:
            arguments = json.loads(text)
        except ValueError:
            arguments = None
        if not isinstance(arguments, dict) or not call.name:
            raise ReplyError(f"The arguments of the call to {call.name!r} are not a JSON object", charged=True)
        return ToolCall(call.id or f"call_{index}", call.name, arguments)


def _served(reply: Mapping[str, Any]) -> str:
    """The model that a reply names: OpenAI's and Anthropic's ``model`` (in ``message_start``), Google's version."""
    inner = reply.get("message")
    name = reply.get("model") or reply.get("modelVersion") or (inner.get("model") if isinstance(inner, dict) else None)
    return name if isinstance(name, str) else ""
