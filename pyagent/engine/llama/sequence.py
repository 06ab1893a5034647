"""One answer in the making: its tokens, how far they are computed, and the text that may be shown already."""

from __future__ import annotations

import codecs
from array import array
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pyagent.engine.llama.grammar import Cursor, Grammar


@dataclass(frozen=True, slots=True)
class Ask:
    """A submitted request, tokenised. ``limit`` is the most output tokens that context and request allow."""

    id: int
    prompt: array[int]
    limit: int
    temperature: float
    seed: int
    stop: tuple[str, ...] = ()
    grammar: Grammar | None = None
    logprobs: bool = False
    samples: int = 1
    stream: bool = False


class Prose:
    """Turns token bytes into text: whole characters only, and nothing that a stop string may yet swallow."""

    __slots__ = ("_decoder", "_held", "_longest", "_shown", "_stop")

    def __init__(self, stop: tuple[str, ...] = ()) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stop = tuple(word for word in stop if word)
        self._longest = max(map(len, self._stop), default=0)
        self._held = ""
        self._shown: list[str] = []

    def feed(self, piece: bytes) -> tuple[str, bool]:
        """What may be shown now, and whether a stop string was met (then this was the last of it)."""
        self._held += self._decoder.decode(piece)
        cut = min((at for word in self._stop if (at := self._held.find(word)) >= 0), default=-1)
        if cut >= 0:
            return self._show(cut, drop=True), True
        return self._show(len(self._held) - self._overlap()), False

    def flush(self) -> str:
        """What was held back, when the answer ends without a stop string."""
        self._held += self._decoder.decode(b"", True)
        return self._show(len(self._held))

    @property
    def text(self) -> str:
        return "".join(self._shown)

    def _show(self, end: int, drop: bool = False) -> str:
        text, self._held = self._held[:end], "" if drop else self._held[end:]
        if drop:
            self._decoder.reset()
        if text:
            self._shown.append(text)
        return text

    def _overlap(self) -> int:
        """Length of the longest end of the held text that begins a stop string."""
        for size in range(min(self._longest - 1, len(self._held)), 0, -1):
            end = self._held[-size:]
            if any(word.startswith(end) for word in self._stop):
                return size
        return 0


class Sequence:
    """One sample of an Ask. ``computed`` of its ``tokens`` are in the KV cells of ``place``.

    ``cells`` names the cells with numbers that forks share, so that used cells can be counted; ``cached`` are the
    prompt tokens that came from another sequence when it first started, ``prefilled`` those it computed itself.
    ``plan`` holds the tokens that close a grammar when the rest is too short for anything else.
    """

    __slots__ = (
        "ask", "cached", "call", "cells", "closing", "computed", "cursor", "finish", "logprobs",
        "place", "plan", "prefilled", "prose", "sample", "started", "tokens",
    )  # fmt: skip

    def __init__(self, ask: Ask, sample: int, call: Call) -> None:
        self.ask, self.sample, self.call = ask, sample, call
        self.tokens = array("i", ask.prompt)
        self.computed = self.cached = self.prefilled = 0
        self.started = False
        self.place = -1
        self.cells: list[int] = []
        # A stop string inside of JSON would tear it, so that under a grammar there are none.
        self.prose = Prose(() if ask.grammar else ask.stop)
        self.cursor: Cursor | None = ask.grammar.start() if ask.grammar else None
        self.plan: list[int] | None = None
        self.closing = False
        self.logprobs: list[float] = []
        self.finish: str | None = None

    @property
    def pending(self) -> int:
        """Tokens not in the cells yet; 1 for a sequence that is decoding."""
        return len(self.tokens) - self.computed

    @property
    def produced(self) -> int:
        return len(self.tokens) - len(self.ask.prompt)

    @property
    def fresh(self) -> bool:
        return not self.produced and self.finish is None

    def forget(self) -> None:
        """The cells are gone; all tokens so far, answer included, have to be computed again."""
        self.computed, self.place, self.cells = 0, -1, []

    def outcome(self) -> dict[str, Any]:
        """The sample as the wire wants it."""
        return {
            "text": self.prose.text,
            "finish": self.finish,
            "tokens": self.produced,
            "logprobs": self.logprobs if self.ask.logprobs else None,
        }


@dataclass(slots=True)
class Call:
    """An Ask at work. ``first`` keeps the logits behind the prompt while samples are yet to start from them."""

    ask: Ask
    sequences: list[Sequence] = field(default_factory=list)
    first: Any = None
    paused: bool = False

    @classmethod
    def of(cls, ask: Ask) -> Call:
        call = cls(ask)
        call.sequences = [Sequence(ask, sample, call) for sample in range(ask.samples)]
        return call

    @property
    def done(self) -> bool:
        return all(sequence.finish for sequence in self.sequences)

    def message(self) -> dict[str, Any]:
        """``cached_tokens`` are those of the prompt that the first sample found; its forks are free."""
        return {
            "op": "done",
            "id": self.ask.id,
            "samples": [sequence.outcome() for sequence in self.sequences],
            "prompt_tokens": len(self.ask.prompt),
            "cached_tokens": self.sequences[0].cached,
            "computed_tokens": sum(sequence.prefilled for sequence in self.sequences),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Retained:
    """A finished or preempted sequence whose cells stay for those that begin alike."""

    tokens: array[int]
    place: int
    cells: list[int]

    @property
    def computed(self) -> int:
        return len(self.tokens)


def shared(a: array[int], b: array[int]) -> int:
    """Length of the longest common prefix."""
    size = min(len(a), len(b))
    differ = np.frombuffer(a, np.int32)[:size] != np.frombuffer(b, np.int32)[:size]
    first = int(differ.argmax()) if size else 0
    return first if size and differ[first] else size
