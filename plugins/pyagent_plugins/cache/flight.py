"""The same question asked at once is computed once: followers wait for the leader, and outlive its failure.

A failing leader fails alone: the first follower to learn of it leads the next flight, and the rest join that one.
A cancelled leader loses nobody: its computation goes on for as long as somebody waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")


class Failed(Exception):
    """What a leader's computation came to when followers must not share it; ``value`` is the leader's own."""

    def __init__(self, value: object = None) -> None:
        super().__init__("the leader failed")
        self.value = value


@dataclass(eq=False, slots=True)
class Flight(Generic[T]):
    """A computation on its way. ``notes`` is what a match needs to know of it (its vector, its features)."""

    name: tuple[bytes, bytes]
    task: asyncio.Future[T]
    notes: dict[str, Any] = field(default_factory=dict)
    waiting: int = 0

    async def wait(self) -> T:
        """The outcome. Whoever waits may be cancelled alone; the last one to go cancels the computation."""
        self.waiting += 1
        try:
            return await asyncio.shield(self.task)
        finally:
            self.waiting -= 1
            if not self.waiting and not self.task.done():
                self.task.cancel()
                # It still puts down what it used; a run that ended before would not know.
                await asyncio.wait([self.task])


class Match(Protocol):
    """Finds a flight of the same scope whose answer would serve too, among those given."""

    def __call__(self, flights: list[Flight[Any]]) -> Flight[Any] | None: ...


class Flights(Generic[T]):
    """What is being computed in this process, by (scope, exact key). Use from one event loop."""

    def __init__(self) -> None:
        self._by_name: dict[tuple[bytes, bytes], Flight[T]] = {}
        self._by_scope: dict[bytes, dict[bytes, Flight[T]]] = {}

    def __len__(self) -> int:
        return len(self._by_name)

    def find(self, scope: bytes, key: bytes, match: Match | None = None) -> Flight[T] | None:
        """The flight with this name, else the one that ``match`` finds in the scope."""
        flight = self._by_name.get((scope, key))
        # One that has just landed is about to be removed: its outcome is stored, or was its leader's alone.
        if flight is not None and not flight.task.done():
            return flight
        if match is None:
            return None
        others = [other for other in self._by_scope.get(scope, {}).values() if not other.task.done()]
        return match(others) if others else None

    def lead(self, scope: bytes, key: bytes, compute: Callable[[], Awaitable[T]], **notes: Any) -> Flight[T]:
        """Start a computation that others can join until it is over."""

        flight = Flight((scope, key), asyncio.ensure_future(compute()), notes)
        # Before any waiter's own callback: whoever looks after the outcome starts anew or finds it stored.
        flight.task.add_done_callback(lambda _: self._remove(flight))
        self._by_name[scope, key] = flight
        self._by_scope.setdefault(scope, {})[key] = flight
        return flight

    async def run(
        self,
        scope: bytes,
        key: bytes,
        compute: Callable[[], Awaitable[T]],
        match: Match | None = None,
        joins: Callable[[Flight[T]], None] = lambda flight: None,
        **notes: Any,
    ) -> tuple[T, Flight[T] | None]:
        """(outcome, the flight that was joined or None for a leader).

        ``compute`` raises Failed, or any other exception, when its outcome is for the leader alone. The leader
        gets the exception; a follower tries again, which makes it the next leader or a follower of that one.
        ``joins`` hears of each flight that is joined, before it is waited for.
        """
        while True:
            flight = self.find(scope, key, match)
            if flight is None:
                return await self.lead(scope, key, compute, **notes).wait(), None
            joins(flight)
            try:
                return await flight.wait(), flight
            except asyncio.CancelledError:
                # Its own cancellation ends it; that of a flight that lost its last other waiter does not.
                me = asyncio.current_task()
                if me is None or me.cancelling() or not flight.task.cancelled():
                    raise
            except Exception:  # whatever it was, it is the leader's
                continue

    def _remove(self, flight: Flight[T]) -> None:
        scope, key = flight.name
        if self._by_name.get(flight.name) is flight:
            del self._by_name[flight.name]
            others = self._by_scope[scope]
            del others[key]
            if not others:
                del self._by_scope[scope]
