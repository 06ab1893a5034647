"""What each task of a run is doing, one byte a task, followed from the journal: what the grid is painted from."""

from __future__ import annotations

from collections.abc import Iterable

from pyagent.store.views import Change, Views

QUEUED, ASKING, OK, FAILED, SKIPPED, WAITING, REUSED = range(7)
NAMES = ("queued", "asking", "ok", "failed", "skipped", "waiting for a person", "reused")
_DONE = {"failed": FAILED, "skipped": SKIPPED}
# Read at once; a journal that grew by more is read in several looks.
BATCH = 20_000


class Board:
    """One run. Tasks are numbered in the order in which they first appeared; up to ``total`` the rest is queued."""

    def __init__(self, views: Views, run: str) -> None:
        self.run, self.ids, self.total = run, list[str](), 0
        self._views, self._of, self._states = views, dict[str, int](), bytearray()
        # Before the reading: what comes in meanwhile is read twice, which changes nothing.
        self._seq = views.top()
        self._fold(views.states(run))

    def follow(self, total: int, alive: bool) -> None:
        """Take in what happened since; nobody asks anything any more in a run that is not ``alive``."""
        while changes := self._views.changes(self._seq, BATCH):
            self._seq = changes[-1].seq
            self._fold(change for change in changes if change.run == self.run)
        self.total = max(total, len(self.ids))
        if not alive:
            self._lose()

    def state(self, n: int) -> int:
        return self._states[n] if n < len(self._states) else QUEUED

    def id(self, n: int) -> str:
        """The id of a task; empty for one that has not appeared yet."""
        return self.ids[n] if n < len(self.ids) else ""

    def number(self, task: str) -> int | None:
        return self._of.get(task)

    def counts(self) -> list[int]:
        """How many tasks are in each state."""
        counts = [self._states.count(state) for state in range(len(NAMES))]
        counts[QUEUED] += self.total - len(self._states)
        return counts

    def _fold(self, changes: Iterable[Change]) -> None:
        for change in changes:
            if change.task is not None:
                self._set(change.task, _state(change))
            elif change.kind == "run.started":
                # What an earlier process was asking it asks no more.
                self._lose()

    def _set(self, task: str, state: int | None) -> None:
        n = self._of.get(task)
        if n is None:
            n = self._of[task] = len(self.ids)
            self.ids.append(task)
            self._states.append(QUEUED)
        if state is not None:
            self._states[n] = state

    def _lose(self) -> None:
        self._states = self._states.replace(bytes([ASKING]), bytes([QUEUED]))


def _state(change: Change) -> int | None:
    if change.kind == "task.started":
        return ASKING
    if change.kind == "approval.asked":
        return WAITING
    if change.kind == "task.skipped":
        return SKIPPED
    if change.kind != "task.finished":
        return None
    return _DONE.get(change.status or "", OK if change.source in (None, "computed") else REUSED)
