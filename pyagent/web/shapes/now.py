"""What is happening: the sums of the day, who is at work, events as lines."""

from __future__ import annotations

from pyagent.web.shapes.base import Shape
from pyagent.web.shapes.runs import Run


class Counts(Shape):
    running: int
    paused: int
    waiting: int
    finished: int
    stopped: int
    dead: int


class Overview(Shape):
    runs: Counts
    agents_at_work: int
    approvals_waiting: int
    tasks_done_24h: int
    tokens_24h: int
    cost_usd_24h: float | None
    unknown_cost: bool
    recent: list[Run]


class Pulse(Shape):
    """Parallel lists, one place a second, the oldest first: agents at work, and tasks done in that second."""

    at: list[int]
    work: list[int]
    done: list[int]


class Agent(Shape):
    run: str
    task: str
    n: int
    model: str | None
    started: float
    state: str


class Line(Shape):
    seq: int
    at: float
    run: str
    task: str | None
    kind: str
    text: str
