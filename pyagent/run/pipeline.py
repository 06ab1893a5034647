"""The way of a task: an onion of steps, so that each concern is one object with a name and a place.

Outermost first. A step may answer, or pass a changed job inward and touch what comes back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from pyagent.engine.base import Request
from pyagent.event import Emit, Event
from pyagent.model import Agent, Model, Result, Task
from pyagent.run.stream import Stream


@dataclass(frozen=True, slots=True)
class Among:
    """Who may answer where the user named no model: a step before the engine chooses one of ``models`` (with prices,
    the default first).

    ``quality`` 0..1 is the share of what the best would reach; ``local`` names the models that run on this machine;
    ``affords`` says whether a budget still has room for the worst case of asking a model. With ``measured`` only a
    model that was measured may answer. ``deterministic``: nothing is left to chance.
    """

    models: tuple[Model, ...]
    quality: float = 0.95
    local: frozenset[str] = frozenset()
    measured: bool = False
    deterministic: bool = False
    affords: Callable[[Model, Request], bool] = lambda model, request: True


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt at one task on its way inward; steps change it with ``dataclasses.replace``.

    ``key`` is the hex SHA-256 of what determines the answer, ``nth`` counts tasks with the same key in the
    file from 0. ``among`` is there while ``model`` is only the default; ``enough`` names the models whose answers
    will do for this task (None: ``model`` alone). ``dry`` is set in a dry run: a step must not ask anybody or change
    anything then. ``scope`` names the weights, the recipe and the mode that answer; ``pure`` is False when a tool
    may change the world; paths in the task are relative to ``folder``.
    """

    run: str
    task: Task
    key: str
    nth: int
    model: Model
    request: Request
    emit_event: Emit
    spans: Spans
    span: int = 0
    agent: Agent | None = None
    stream: Stream | None = None
    dry: bool = False
    scope: str = ""
    pure: bool = True
    folder: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)
    among: Among | None = None
    enough: frozenset[str] | None = None

    def emit(self, kind: str, /, **data: Any) -> None:
        """Record that something happened inside the current span."""
        self.emit_event(Event(kind, self.run, self.task.id, self.span, data=data))

    def open(self, name: str, /, **data: Any) -> Job:
        """Start a span ``name`` below the current one and give the job that lives in it."""
        span = self.spans.next()
        self.emit_event(Event(f"{name}.started", self.run, self.task.id, span, self.span, data=data))
        return replace(self, span=span)


@dataclass(slots=True)
class Spans:
    """Counts the spans of one task."""

    last: int = 0

    def next(self) -> int:
        self.last += 1
        return self.last


Proceed = Callable[[Job], Awaitable[Result]]


class Step(Protocol):
    """One layer. ``order`` says where: 10 journal, 20 expert, 22 route, 24 tools, 30 reuse, 40 attempt,
    44 turns, 46 retry, 50 budget, 60 engine. A lower number is further out. A step that holds something has an
    ``async aclose()``, which is called when the run ends."""

    name: str
    order: int

    async def __call__(self, job: Job, proceed: Proceed) -> Result: ...


def fold(steps: Iterable[Step]) -> Proceed:
    """Compose steps by their order; the innermost must answer."""

    async def nobody(job: Job) -> Result:
        raise RuntimeError("the pipeline has no engine step")

    inner: Proceed = nobody
    for step in sorted(steps, key=lambda step: (step.order, step.name), reverse=True):
        inner = _bind(step, inner)
    return inner


def _bind(step: Step, inner: Proceed) -> Proceed:
    # No coroutine of its own: a dozen layers would each cost one more for every task.
    def outer(job: Job) -> Awaitable[Result]:
        return step(job, inner)

    return outer
