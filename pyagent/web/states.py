"""What each task of a run is doing, as one byte a task: what a grid of a thousand agents is painted from."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from pyagent.store.views import Change

QUEUED, ASKING, OK, FAILED, SKIPPED, WAITING, REUSED = range(7)
NAMES = ("queued", "asking", "ok", "failed", "skipped", "waiting", "reused")
# A reused answer is good too; the grid shows that nobody was asked for it.
_REUSED = ("exact", "semantic", "coalesced")


class States:
    """The states of one run. Tasks are numbered ``n`` in the order in which they first appeared in the events."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.seq = 0
        self.ids: list[str] = []
        self.began: dict[int, float] = {}
        self._of: dict[str, int] = {}
        self._states = bytearray()
        self._total = 0

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

    def state(self, task: str) -> int:
        n = self._of.get(task)
        return QUEUED if n is None else self._states[n]

    def number(self, task: str) -> int | None:
        return self._of.get(task)

    @property
    def total(self) -> int:
        return max(self._total, len(self.ids))

    @property
    def asking(self) -> int:
        return len(self.began)

    def at(self, n: int) -> int:
        return self._states[n]

    def snapshot(self) -> dict[str, Any]:
        """The whole run; ``states`` is base64 of ``total`` bytes."""
        whole = bytes(self._states) + bytes(self.total - len(self._states))
        return {"total": self.total, "ids": self.ids, "states": base64.b64encode(whole).decode()}

    def delta(self, changed: Mapping[int, int], known: int) -> dict[str, Any]:
        """What changed; ``known`` tasks had their ids told before."""
        new = {str(n): self.ids[n] for n in range(known, len(self.ids))}
        return {"d": [[n, state] for n, state in changed.items()], "ids": new, "total": self.total}

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
