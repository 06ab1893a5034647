"""What the pool knows of a request on its way and of a worker's place, so that dealing is plain arithmetic."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pyagent.engine.base import Piece
from pyagent.engine.llama.leases import Lease
from pyagent.engine.llama.process import Message, Process

RESTARTS = 2  # of a worker, for the same request
SHARED = 200  # characters: a shorter common prefix costs less to compute than an uneven load
REMEMBERED = 512  # prefixes a worker is believed to have


@dataclass(eq=False, slots=True)
class Call:
    """One request on its way. ``sent`` is the text of the first sample that its consumer already has."""

    id: int
    message: Message
    piece: Piece | None
    done: asyncio.Future[Message]
    prefixes: list[tuple[int, int]]
    seat: Seat | None = None
    deaths: int = 0
    paused: bool = False
    sent: str = ""
    seen: int = 0

    @property
    def size(self) -> int:
        return int(self.message["samples"])

    @property
    def suspect(self) -> bool:
        """It was in so many workers that died that the next one is for it alone."""
        return self.deaths >= RESTARTS

    @property
    def repeatable(self) -> bool:
        """Whether another try gives the same text."""
        return self.message["temperature"] == 0 or self.message["seed"] is not None


@dataclass(eq=False, slots=True)
class Seat:
    """The place of one worker: its process while it lives, its leases while it may work, and what it owes."""

    process: Process | None = None
    starting: asyncio.Task[None] | None = None
    leases: list[Lease] = field(default_factory=list)
    active: bool = False
    draining: bool = False
    broken: bool = False
    calls: dict[int, Call] = field(default_factory=dict)
    prefixes: OrderedDict[int, None] = field(default_factory=OrderedDict)
    reports: deque[asyncio.Future[Message]] = field(default_factory=deque)
    overdue: int = 0

    @property
    def load(self) -> int:
        return sum(call.size for call in self.calls.values())

    @property
    def ready(self) -> bool:
        return self.process is not None and self.starting is None

    @property
    def open(self) -> bool:
        return self.active and not self.draining

    @property
    def alone(self) -> bool:
        """Whether it runs a suspect, which must not take others with it."""
        return any(call.suspect for call in self.calls.values())

    def admits(self, call: Call) -> bool:
        """Whether these two may meet: a suspect has a worker for itself."""
        return not self.calls or not (call.suspect or self.alone)

    def shared(self, call: Call) -> int:
        """Characters of the call's prompt that this worker has seen as a prefix."""
        return max((size for key, size in call.prefixes if key in self.prefixes and size >= SHARED), default=0)

    def remember(self, call: Call) -> None:
        for key, _ in call.prefixes:
            self.prefixes[key] = None
            self.prefixes.move_to_end(key)
        while len(self.prefixes) > REMEMBERED:
            self.prefixes.popitem(last=False)


def prefixes(segments: Sequence[Sequence[Any]]) -> list[tuple[int, int]]:
    """(key, characters) of the prompt up to the end of each segment but the last."""
    keys, key, size = [], 0, 0
    for text, special in segments[:-1]:
        key = hash((key, text, special))
        size += len(text)
        keys.append((key, size))
    return keys
