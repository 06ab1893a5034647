"""Runs as the API shows them: the journal's rows with what they add up to, and whether anybody works on them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from pyagent.host.app import DEFAULT_MODEL
from pyagent.store.db import AT_WORK, RunRow, alive
from pyagent.store.views import Totals, Views

Shape = dict[str, Any]


class Runs:
    """Shapes rows. Totals are remembered: of an ended run for good, of one at work row by row."""

    def __init__(self, waiting: Callable[[Views], dict[str, int]]) -> None:
        self._totals: dict[str, tuple[float, Totals]] = {}
        self._waiting = waiting
        self._lock = threading.Lock()

    def all(self, views: Views) -> list[Shape]:
        """Every run, the newest first."""
        waiting = self._waiting(views)
        return [self._shape(views, row, waiting.get(row.id, 0)) for row in views.runs()]

    def one(self, views: Views, id: str) -> Shape | None:
        row = views.run(id)
        return self.shape(views, row) if row else None

    def shape(self, views: Views, row: RunRow) -> Shape:
        return self._shape(views, row, self._waiting(views).get(row.id, 0))

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

    def _shape(self, views: Views, row: RunRow, waiting: int) -> Shape:
        total = self.totals(views, row)
        working = at_work(row)
        return {
            "id": row.id,
            "name": row.name,
            "file": row.file,
            "status": status(row, working, waiting, working and views.paused(row)),
            "total": row.total,
            "done": {"ok": total.ok, "failed": total.failed, "skipped": total.skipped},
            "waiting": waiting,
            "started": row.started,
            "updated": row.updated,
            "exit_code": row.exit_code,
            "reason": row.reason,
            "model": row.settings.get("model") or DEFAULT_MODEL,
            "tokens": {"input": total.input_tokens, "output": total.output_tokens},
            "cost_usd": None if total.unknown else round(total.usd, 9),
            "alive": working,
        }


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
