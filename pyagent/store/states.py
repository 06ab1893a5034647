"""What each task of a run is doing, one byte a task, followed from the journal: what every grid is painted from."""

from __future__ import annotations

from collections.abc import Iterable

from pyagent.store.lines import at_work
from pyagent.store.views import Change, Views

QUEUED, ASKING, OK, FAILED, SKIPPED, WAITING, REUSED = range(7)
NAMES = ("queued", "asking", "ok", "failed", "skipped", "waiting", "reused")
# A reused answer is good too; the grid shows that nobody was asked for it.
_REUSED = ("exact", "semantic", "coalesced")


class States:
    """The states of one run. Tasks are numbered ``n`` in the order in which they first appeared in the events;
    up to ``total`` the rest is queued. ``began`` holds when each task that is asking began.
    """

    def __init__(self, run: str) -> None:
        self.run = run
        self.seq = 0
        self.ids: list[str] = []
        self.began: dict[int, float] = {}
        self._of: dict[str, int] = {}
        self._states = bytearray()
        self._total = 0

    @classmethod
    def load(cls, views: Views, run: str) -> States:
        """A run's states from its journal."""
        states, row = cls(run), views.run(run)
        states.fold(views.states(run))
        if row is not None:
            states.grow(row.total)
            if not at_work(row):
                states.lost()
        return states

    def fold(self, changes: Iterable[Change]) -> dict[int, int]:
        """Take changes in order; gives the new state of each task that changed. Older ones are passed over."""
        changed: dict[int, int] = {}
        for change in changes:
            if change.seq > self.seq:
                self.seq = change.seq
                self._take(change, changed)
        return changed

    def lost(self) -> dict[int, int]:
        """Nobody works on the run any more: who was asking is queued again."""
        changed: dict[int, int] = {}
        for n in list(self.began):
            self._set(n, QUEUED, changed)
        return changed

    def grow(self, total: int) -> None:
        """The run has so many tasks; those that did not appear yet are queued."""
        self._total = total

    def number(self, task: str) -> int | None:
        return self._of.get(task)

    @property
    def total(self) -> int:
        return max(self._total, len(self.ids))

    @property
    def asking(self) -> int:
        return len(self.began)

    def at(self, n: int) -> int:
        return self._states[n] if n < len(self._states) else QUEUED

    def id(self, n: int) -> str:
        """The id of a task; empty for one that has not appeared yet."""
        return self.ids[n] if n < len(self.ids) else ""

    def counts(self) -> list[int]:
        """How many tasks are in each state."""
        counts = [self._states.count(state) for state in range(len(NAMES))]
        counts[QUEUED] += self.total - len(self._states)
        return counts

    def whole(self) -> bytes:
        """The state of each task, ``total`` bytes."""
        return bytes(self._states) + bytes(self.total - len(self._states))

    def _take(self, change: Change, changed: dict[int, int]) -> None:
        if change.task is None:
            # A process began or ended: what an earlier one was asking, it asks no more.
            if change.kind in ("run.started", "run.finished"):
                changed.update(self.lost())
            return
        n = self._number(change.task)
        if change.kind == "task.started":
            self._set(n, ASKING, changed)
            self.began[n] = change.at
        elif change.kind in ("task.finished", "task.unasked"):
            self._set(n, _finished(change), changed)
        elif change.kind == "approval.asked":
            self._set(n, WAITING, changed)

    def _set(self, n: int, state: int, changed: dict[int, int]) -> None:
        self.began.pop(n, None)
        self._states[n] = state
        changed[n] = state

    def _number(self, task: str) -> int:
        n = self._of.get(task)
        if n is None:
            n = self._of[task] = len(self.ids)
            self.ids.append(task)
            self._states.append(QUEUED)
        return n


def _finished(change: Change) -> int:
    if change.status == "ok":
        return REUSED if change.source in _REUSED else OK
    return SKIPPED if change.status == "skipped" else FAILED
