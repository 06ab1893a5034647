"""What is asked and what its grader needs, as data: so that every item can be hashed and built again from its seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from pyagent.engine.base import Request, ToolSpec
from pyagent.model import Message, ToolCall

Shots = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Question:
    """One item's contents. ``answer`` is JSON, read by the grader of that name (items/graders.py).

    ``label`` is what always saying one thing would have to hit. ``world`` holds what scripted tools know; then
    at most ``turns`` calls of the model make one answer. ``template`` is the cluster: what fails together.
    """

    messages: tuple[Message, ...]
    grader: str
    answer: Any
    label: str
    template: str
    max_tokens: int = 32
    schema: Mapping[str, Any] | None = None
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: Literal["auto", "none", "required"] = "auto"
    world: Mapping[str, Any] | None = None
    turns: int = 1

    def request(self, model: str) -> Request:
        """The (first) call, greedy."""
        return Request(
            model,
            self.messages,
            max_tokens=self.max_tokens,
            schema=self.schema,
            tools=self.tools,
            tool_choice=self.tool_choice,
        )

    def sha(self) -> str:
        """SHA-256 of everything that is sent and of everything the grader knows."""
        row = {
            "messages": [
                [message.role, message.content, [[call.name, dict(call.arguments)] for call in message.calls]]
                for message in self.messages
            ],
            "grader": self.grader,
            "answer": self.answer,
            "max_tokens": self.max_tokens,
            "schema": self.schema,
            "tools": [[tool.name, tool.description, tool.parameters] for tool in self.tools],
            "choice": self.tool_choice,
            "world": self.world,
            "turns": self.turns,
        }
        return hashlib.sha256(json.dumps(row, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Draw:
    """What a generator makes a question from: ``level`` 1..5, its own source of chance, and its number.

    Labels go round by ``turn`` (0..255), so that each is right equally often; ``seed`` is the item's.
    """

    level: int
    seed: int

    @property
    def turn(self) -> int:
        return self.seed & 0xFF

    @property
    def chance(self) -> Random:
        """A fresh source: the same numbers each time it is asked for."""
        return Random(f"{self.seed}/{self.level}")

    @property
    def shared(self) -> int:
        """What all items of a set have in common: a haystack is made from it."""
        return self.seed >> 8


Make = Callable[[Draw], Question]


@dataclass(frozen=True, slots=True)
class Generator:
    """Makes questions of one dimension for ``levels``; ``version`` goes up when any of its questions changes."""

    name: str
    dim: str
    version: str
    make: Make
    levels: tuple[int, ...] = (1, 2, 3, 4, 5)
    weight: int = field(default=1, compare=False)


def ask(
    text: str,
    grader: str,
    answer: Any,
    template: str,
    *,
    label: str | None = None,
    shots: Shots = (),
    system: str = "",
    worked: Sequence[Message] = (),
    **more: Any,
) -> Question:
    """A question in words, after worked examples as earlier turns: what a small model follows best.

    ``worked`` are examples in whole turns, with calls.
    """
    turns = [Message("system", system)] if system else []
    turns += worked
    for asked, said in shots:
        turns += [Message("user", asked), Message("assistant", said)]
    return Question(
        (*turns, Message("user", text)), grader, answer, str(answer if label is None else label), template, **more
    )


def called(
    text: str, tool: str, arguments: Mapping[str, Any], result: str, said: str, number: int = 1
) -> list[Message]:
    """A worked example: somebody asks, a tool is called, its result is told."""
    call = ToolCall(f"call_{number}", tool, arguments)
    return [
        Message("user", text),
        Message("assistant", "", (call,)),
        Message("tool", result, call_id=call.id),
        Message("assistant", said),
    ]
