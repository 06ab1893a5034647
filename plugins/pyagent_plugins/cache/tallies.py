"""Counts what happened, and writes it down now and then: a commit for each look-up would cost more than the look-up."""

from __future__ import annotations

import time
from collections import Counter

from pyagent.errors import PyAgentError
from pyagent_plugins.cache.shelf.memory import Memory

# Counts of at most so many seconds are lost with a killed process; they are statistics, not money.
INTERVAL = 2.0


class Tallies:
    """Named sums, kept in ``memory``."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._counts: Counter[str] = Counter()
        self._since = time.monotonic()

    def add(self, name: str, amount: float = 1) -> None:
        self._counts[name] += amount  # type: ignore[assignment]  # a Counter sums floats as well
        if time.monotonic() - self._since > INTERVAL:
            self.flush()

    def flush(self) -> None:
        """Write down what was counted; a store that cannot be written costs statistics only."""
        counts, self._counts = self._counts, Counter()
        self._since = time.monotonic()
        if counts:
            try:
                self._memory.add(dict(counts))
            except PyAgentError:
                self._counts.update(counts)
