"""What a run has done so far, in numbers: for the progress line, the summary and the exit code."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from pyagent.model import Result, Usage


@dataclass(slots=True)
class Tally:
    """Counts of one process's view of a run. ``known`` of the done ones were there before it started, ``waiting`` of
    the missing ones wait for a person.

    ``usd`` sums known costs; ``unpriced`` counts answers whose cost is not known.
    """

    total: int
    ok: int = 0
    failed: int = 0
    skipped: int = 0
    known: int = 0
    waiting: int = 0
    usage: Usage = field(default_factory=Usage)
    usd: float = 0.0
    unpriced: int = 0
    started: float = field(default_factory=time.monotonic)

    def add(self, result: Result, known: bool) -> None:
        if result.status == "ok":
            self.ok += 1
        elif result.status == "failed":
            self.failed += 1
        else:
            self.skipped += 1
        if known:
            self.known += 1
            return
        self.usage = self.usage + result.usage
        if result.cost_usd is None:
            self.unpriced += 1
        else:
            self.usd += result.cost_usd

    @property
    def done(self) -> int:
        return self.ok + self.failed + self.skipped

    @property
    def missing(self) -> int:
        return self.total - self.done

    @property
    def rate(self) -> float:
        """Answers a second, of those made by this process."""
        seconds = time.monotonic() - self.started
        return (self.done - self.known) / seconds if seconds > 0 else 0.0

    @property
    def eta(self) -> float | None:
        """Seconds until all is done at this rate, or None when nothing can be said yet."""
        return self.missing / self.rate if self.rate > 0 else None
