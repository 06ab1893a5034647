"""Events as spans: what opened, what closed it, and what happened in between; the tree behind `trace` and OTLP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyagent.event import Event


@dataclass(slots=True)
class Span:
    """``name`` is the noun of its events; ``number`` and ``parent`` count within the task (0: the task itself).

    A task of None is the run. ``nth`` counts how often the task (or run) was begun: a killed process leaves
    spans without an end (``finished`` False; ``ended`` is when anything was last seen), and the next one begins
    the same numbers anew. ``opened`` and ``closed`` are the data of both events. ``run_nth`` is the process of
    the run that it belongs to, 0 when unknown. Tokens and USD of a task and a run are the sums of their calls;
    USD is None once one of them is not known.
    """

    name: str
    run: str
    task: str | None
    number: int
    parent: int | None
    nth: int
    run_nth: int
    started: float
    ended: float
    opened: Mapping[str, Any]
    closed: Mapping[str, Any] = field(default_factory=dict)
    finished: bool = False
    events: list[Event] = field(default_factory=list)
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = 0.0

    @property
    def seconds(self) -> float:
        return max(0.0, self.ended - self.started)

    @property
    def error(self) -> str | None:
        """Why it failed, when it did."""
        error = self.closed.get("error")
        if error is None and self.closed.get("status") == "failed":
            error = "failed"
        return None if error is None else str(error)

    def add(self, call: Span) -> None:
        self.input_tokens += call.input_tokens
        self.output_tokens += call.output_tokens
        self.usd = None if self.usd is None or call.usd is None else self.usd + call.usd


def spans(events: Iterable[Event]) -> Iterator[Span]:
    """Spans of one run as they close, children before their parents; those without an end when that is known.

    Memory is that of what is open, whatever the length of the journal.
    """
    forest = _Forest()
    for event in events:
        noun, _, verb = event.kind.rpartition(".")
        if verb == "started":
            yield from forest.open(noun, event)
        elif verb == "finished":
            yield from forest.close(noun, event)
        else:
            forest.note(event)
    yield from forest.rest()


class _Forest:
    """The open spans, by task and number."""

    def __init__(self) -> None:
        self._open: dict[str | None, dict[int, Span]] = {}
        self._times: Counter[str | None] = Counter()

    def open(self, noun: str, event: Event) -> Iterator[Span]:
        if event.span == 0:
            # Whatever is still open here belongs to a process that died.
            yield from self._drop(event.task)
            self._times[event.task] += 1
        self._open.setdefault(event.task, {})[event.span] = Span(
            noun,
            event.run,
            event.task,
            event.span,
            event.parent,
            self._times[event.task],
            self._times[None],
            event.at,
            event.at,
            event.data,
        )

    def close(self, noun: str, event: Event) -> Iterator[Span]:
        span = self._open.get(event.task, {}).get(event.span)
        if span is None or span.name != noun:
            self.note(event)
            return
        span.ended, span.closed, span.finished = event.at, event.data, True
        if noun == "call":
            self._count(span)
        if event.span == 0:
            del self._open[event.task][0]
            yield from self._drop(event.task, event.at)
        else:
            del self._open[event.task][event.span]
        yield span

    def note(self, event: Event) -> None:
        """Keep an event with the span that it happened in."""
        tree = self._open.get(event.task, {})
        for span in tree.values():
            span.ended = max(span.ended, event.at)
        if event.span in tree:
            tree[event.span].events.append(event)

    def rest(self) -> Iterator[Span]:
        for task in sorted(self._open, key=lambda task: task is None):
            yield from self._drop(task)

    def _drop(self, task: str | None, at: float = 0.0) -> Iterator[Span]:
        for span in reversed(self._open.pop(task, {}).values()):
            span.ended = max(span.ended, at)
            yield span

    def _count(self, call: Span) -> None:
        call.input_tokens = call.closed.get("input_tokens") or 0
        call.output_tokens = call.closed.get("output_tokens") or 0
        call.usd = call.closed.get("cost_usd", None if call.error is None else 0.0)
        for above in (self._open.get(call.task, {}).get(0), self._open.get(None, {}).get(0)):
            if above is not None and above is not call:
                above.add(call)
