"""Gives every open page what it watches: one look at the journal for all of them, one bounded queue for each.

A topic is a noun that a page shows. It can say all of itself (a snapshot) and what changed since the last tick
(a delta). A page that is too slow for its queue loses the deltas and gets snapshots again.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

# Ticks that may wait for a page: 6 s at 10 Hz.
QUEUE = 64
# Ticks that are kept for pages that come back, and how long a topic is followed after its last page left.
RING, LINGER = 600, 30.0
HEARTBEAT = 15.0
# A page that keeps more topics than this open is broken.
MOST_TOPICS = 64


class Topic(Protocol):
    """Something to watch."""

    async def snapshot(self) -> Any:
        """All of it, as JSON."""

    async def delta(self) -> Any | None:
        """What changed since the last snapshot or delta that anybody got; None when nothing did."""


@dataclass(slots=True)
class Followed:
    """A topic while somebody watches it; ``since`` is the tick from which no delta was missed."""

    topic: Topic
    since: int
    watchers: int = 0
    left: float = 0.0


@dataclass(slots=True, eq=False)
class Tab:
    """One open page. ``has`` is the tick up to which it has each topic; ``lost``: it needs snapshots."""

    topics: tuple[str, ...]
    has: dict[str, int] = field(default_factory=dict)
    queue: deque[tuple[int, dict[str, bytes]]] = field(default_factory=deque)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    lost: bool = False
    closed: bool = False

    def put(self, tick: int, said: dict[str, bytes]) -> None:
        if len(self.queue) == QUEUE:
            self.queue.clear()
            self.lost = True
        self.queue.append((tick, said))
        self.wake.set()

    def take(self) -> list[bytes]:
        """The messages that the page does not have yet."""
        found = [
            message
            for tick, said in self.queue
            for name, message in said.items()
            if name in self.topics and tick > self.has[name]
        ]
        self.has.update(dict.fromkeys(self.topics, self.queue[-1][0]) if self.queue else {})
        self.queue.clear()
        return found

    def close(self) -> None:
        self.closed = True
        self.wake.set()


class Hub:
    """All open pages. ``make`` gives the topic of a name, or None when there is no such thing."""

    def __init__(self, make: Callable[[str], Topic | None], seq: Callable[[], int]) -> None:
        self._make, self._seq = make, seq
        self._followed: dict[str, Followed] = {}
        self._tabs: set[Tab] = set()
        self._ring: deque[tuple[int, dict[str, bytes]]] = deque(maxlen=RING)
        self._tick = 0
        # Told apart from the ticks of an earlier server: its pages need snapshots.
        self._boot = secrets.token_hex(3)
        # A snapshot in the middle of a tick would hold some of it twice.
        self._one = asyncio.Lock()

    def known(self, names: Iterable[str]) -> list[str]:
        """Those of ``names`` that can be watched, each once."""
        return [name for name in dict.fromkeys(names) if name in self._followed or self._make(name) is not None]

    async def stream(
        self, names: Sequence[str], last: str = "", watch: Callable[[Tab], Callable[[], None]] | None = None
    ) -> AsyncIterator[bytes]:
        """What a page gets until it is closed: events as server-sent ones. ``watch`` may close it from outside."""
        tab = self.open(names)
        unwatch = watch(tab) if watch else None
        try:
            yield b"retry: 2000\n\n"
            yield await self._greet(tab, last)
            while True:
                yield await self._next(tab)
                if tab.closed:
                    return
        finally:
            self.leave(tab)
            if unwatch:
                unwatch()

    def open(self, names: Sequence[str]) -> Tab:
        tab = Tab(tuple(names))
        self._tabs.add(tab)
        for name in names:
            topic = self._make(name) if name not in self._followed else None
            if topic is not None:
                self._followed[name] = Followed(topic, self._tick)
            self._followed[name].watchers += 1
        return tab

    def leave(self, tab: Tab) -> None:
        if tab in self._tabs:
            self._tabs.discard(tab)
            for name in tab.topics:
                followed = self._followed[name]
                followed.watchers -= 1
                followed.left = time.monotonic()

    def close(self) -> None:
        for tab in self._tabs:
            tab.close()

    @property
    def pages(self) -> int:
        return len(self._tabs)

    @property
    def topics(self) -> list[str]:
        return list(self._followed)

    async def tick(self) -> None:
        """One look: what changed goes to every page that watches it, encoded once."""
        async with self._one:
            said: dict[str, bytes] = {}
            for name, followed in list(self._followed.items()):
                if not followed.watchers and time.monotonic() - followed.left > LINGER:
                    del self._followed[name]
                elif (delta := await followed.topic.delta()) is not None:
                    said[name] = self._encode("delta", name, delta)
            if not said:
                return
            self._tick += 1
            self._ring.append((self._tick, said))
            for tab in self._tabs:
                if not said.keys().isdisjoint(tab.topics):
                    tab.put(self._tick, said)

    async def _greet(self, tab: Tab, last: str) -> bytes:
        """What was missed since the event ``last``, or snapshots where that is not known."""
        boot, _, number = last.partition(".")
        known = boot == self._boot and number.isdecimal()
        since = int(number) if known else -1
        covered = known and (since >= self._tick or (bool(self._ring) and self._ring[0][0] <= since + 1))
        async with self._one:
            fresh = [name for name in tab.topics if not covered or self._followed[name].since > since]
            tab.has = dict.fromkeys(tab.topics, since)
            tab.queue = deque(entry for entry in self._ring if covered and entry[0] > since)
            snapshots = await self._snapshots(tab, fresh)
            return self._join(snapshots + tab.take())

    async def _next(self, tab: Tab) -> bytes:
        try:
            await asyncio.wait_for(tab.wake.wait(), HEARTBEAT)
        except TimeoutError:
            return b": still here\n\n"
        tab.wake.clear()
        if tab.closed:
            return b": closed\n\n"
        if not tab.lost:
            return self._join(tab.take())
        async with self._one:
            tab.lost = False
            return self._join(await self._snapshots(tab, tab.topics) + tab.take())

    async def _snapshots(self, tab: Tab, names: Iterable[str]) -> list[bytes]:
        """Each topic whole, as it stands at this tick. No tick may come between: hold ``_one``."""
        made = []
        for name in names:
            made.append(self._encode("snapshot", name, await self._followed[name].topic.snapshot()))
            tab.has[name] = self._tick
        return made

    def _encode(self, event: str, name: str, data: Any) -> bytes:
        body = json.dumps(
            {"topic": name, "seq": self._seq(), "data": data}, ensure_ascii=False, separators=(",", ":"), default=str
        )
        # JSON holds no raw line break, so that one `data:` line is the whole message.
        return f"event: {event}\ndata: {body}\n".encode("utf-8", "replace")

    def _join(self, messages: Sequence[bytes]) -> bytes:
        """Messages with the id on the last one: only who has all of a tick may come back from there."""
        if not messages:
            return b": nothing new\n\n"
        return b"\n".join(messages) + f"id: {self._boot}.{self._tick}\n\n".encode()
