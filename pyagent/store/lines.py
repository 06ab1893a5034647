"""Runs as a list shows them, in a page, on a phone and in a terminal: rows, their sums, and whether anybody works."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from pyagent.store.db import AT_WORK, RunRow, alive
from pyagent.store.views import Totals, Views


@dataclass(frozen=True, slots=True)
class RunLine:
    """``status``: running, paused, waiting, finished, stopped or dead; ``waiting`` counts questions to a person.

    ``alive``: a process works on the run, or holds it while a person is asked.
    """

    row: RunRow
    status: str
    totals: Totals
    waiting: int
    alive: bool

    @property
    def done(self) -> int:
        return self.totals.ok + self.totals.failed + self.totals.skipped


class Lines:
    """Remembers totals: of an ended run for good, of one at work row by row. For any thread, with its own Views."""

    def __init__(self) -> None:
        self._totals: dict[str, tuple[float, Totals]] = {}
        self._lock = threading.Lock()

    def all(self, views: Views) -> list[RunLine]:
        """Every run, the newest first."""
        waiting = views.waiting()
        return [self._line(views, row, waiting.get(row.id, 0)) for row in views.runs()]

    def of(self, views: Views, row: RunRow) -> RunLine:
        return self._line(views, row, views.waiting().get(row.id, 0))

    def totals(self, views: Views, row: RunRow) -> Totals:
        """What the run's results add up to. ``updated`` changes when a process begins or ends its work on it."""
        with self._lock:
            known = self._totals.get(row.id)
        if known is None or known[0] != row.updated:
            total = views.totals(row.id)
        elif row.status in AT_WORK:
            total = known[1] + views.totals(row.id, known[1].upto)
        else:
            return known[1]
        with self._lock:
            self._totals[row.id] = (row.updated, total)
        return total

    def _line(self, views: Views, row: RunRow, waiting: int) -> RunLine:
        working = at_work(row)
        paused = working and views.paused(row)
        return RunLine(row, status(row, working, waiting, paused), self.totals(views, row), waiting, working)


def at_work(row: RunRow) -> bool:
    """Whether a process works on the run, or holds it while a person is asked."""
    return row.status in AT_WORK and alive(row.pid)


def status(row: RunRow, working: bool, waiting: int, paused: bool) -> str:
    """running, paused, waiting, finished, stopped or dead: its process was killed and it can be resumed."""
    if row.status == "running" and not working:
        return "dead"
    if working and paused:
        return "paused"
    if row.status == "waiting" or (row.status == "stopped" and row.exit_code == 5 and waiting):
        return "waiting"
    return row.status
