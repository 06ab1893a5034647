"""How much the cache may hold and how long an answer may live when nobody said what it was made from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pyagent.errors import PyAgentError
from pyagent_plugins.cache.entry import Dependency

DAY = 86_400.0

# Words that make an answer depend on when it is asked. A word too many costs a miss, a word too few a stale answer,
# so that "current" counts although it may be an electric one.
TIMELY = (
    "today", "tonight", "yesterday", "tomorrow", "now", "nowadays", "currently", "current", "latest", "newest",
    "recent", "recently", "upcoming", "live", "breaking", "so far", "as of", "at the moment", "up to date",
    "up-to-date", "this morning", "this week", "this month", "this year", "last week", "last month", "next week",
    "next month", "what time", "what day",
)  # fmt: skip
_TIMELY = re.compile(r"\b(?:" + "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in TIMELY) + r")\b", re.I)


class EntryRefused(PyAgentError):
    """An answer that is not kept; the task has it all the same."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """``bytes`` and ``entries`` bound the whole cache, the oldest go first; ``entry`` bounds one entry, in bytes.

    Times are seconds: ``ttl`` for an answer that declares nothing it was made from, ``timely`` for a question with
    one of the words in TIMELY, ``grace`` for how long an ended answer is kept for stale-while-revalidate.
    """

    bytes: int = 1 << 30
    entries: int = 1_000_000
    entry: int = 1 << 20
    ttl: float = DAY
    timely: float = 60.0
    grace: float = DAY

    def lifetime(self, prompt: str, dependencies: Sequence[Dependency] = (), ttl: float | None = None) -> float | None:
        """Seconds that an answer may live, None for as long as what it was made from stays the same.

        What the caller says counts as it is. A hit never renews it: the end is fixed when the answer is stored.
        """
        if ttl is not None:
            return ttl
        if _TIMELY.search(prompt):
            return self.timely
        return None if dependencies else self.ttl

    def refuse(self, size: int) -> None:
        """Raises EntryRefused when an entry of ``size`` bytes is too large to be kept."""
        most = min(self.entry, self.bytes)
        if size > most:
            raise EntryRefused(
                f"an answer of {size:,} bytes is larger than the cache keeps ({most:,})",
                "raise the cache's limit for one entry if answers of this size come again",
            )
