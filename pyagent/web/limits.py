"""How often somebody may ask: buckets that refill, so that a script in a loop cannot starve the runs."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

# The most callers that are remembered; the one that was silent longest is forgotten first.
REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Rate:
    """``burst`` at once, then ``per_second``."""

    burst: float
    per_second: float


# A page loads about 40 files and calls at once. Ten wrong tokens a minute: 256 bits will not be guessed.
REQUESTS, LOGINS, REFUSALS = Rate(400, 100), Rate(10, 1 / 6), Rate(60, 5)


class Buckets:
    """One bucket for each caller."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = rate, clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> float:
        """0 when the caller may go on, else the seconds until it may."""
        now = self._clock()
        level, at = self._levels.pop(caller, (self._rate.burst, now))
        level = min(self._rate.burst, level + (now - at) * self._rate.per_second)
        allowed = level >= 1
        self._levels[caller] = (level - 1 if allowed else level, now)
        if len(self._levels) > REMEMBERED:
            self._levels.popitem(last=False)
        return 0.0 if allowed else (1 - level) / self._rate.per_second
