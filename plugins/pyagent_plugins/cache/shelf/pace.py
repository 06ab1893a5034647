"""How fast answers go out of date, so that one that declares nothing lives no longer than the budget for stale ones.

Nobody knows when such an answer goes wrong; but the cache sees the others die, each time that something declared
has changed, and it sees, whenever an undeclared one is made anew, whether it came out the same. With answers going
wrong at a rate r, met at every age up to a life T alike, and making up a share u of all answers, a share of at most
``u r T / 2`` of what is given is stale (1 - (1 - e^-x)/x <= x/2 with x = rT). So T = 2 budget / (u r).

r begins as the rate at which declared answers die, and is held against those made anew as soon as there are any: it
is the 95 % bound of a Poisson rate (Garwood 1936), where the rate of the declared counts as the time without a change
that would bound it so. Nothing is learned before something declared was seen to change; then ``ttl`` alone holds.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass
from functools import lru_cache
from typing import Any

from pyagent.errors import PyAgentError
from pyagent_plugins.cache.entry import Entry
from pyagent_plugins.cache.risk import upper_bound
from pyagent_plugins.cache.shelf.memory import Memory

NAME = "pace"
INTERVAL = 2.0  # seconds of evidence that a killed process loses
KNOWN = 10_000  # entries whose last look is remembered: 1 MB
# Then old evidence is halved: a rate is known to about 10 % from so many changes, and follows one that moves.
CHANGES, ANSWERS = 128, 4096
_CONFIDENCE, _MANY = 0.95, 1_000_000


@dataclass(slots=True)
class Evidence:
    """Sums. ``died`` declared answers over ``watched`` seconds of being looked at; ``differed`` undeclared ones when
    made anew, over ``lived`` seconds; ``guessed`` undeclared ones of ``given`` answers. One that changed counts half
    its time, since nobody knows when in it."""

    died: float = 0.0
    watched: float = 0.0
    differed: float = 0.0
    lived: float = 0.0
    guessed: float = 0.0
    given: float = 0.0

    def plus(self, more: Evidence) -> Evidence:
        """Both, the older part halved where it is more than enough."""
        died, watched, differed, lived, guessed, given = map(sum, zip(astuple(self), astuple(more), strict=True))
        one, two, three = (0.5 if much else 1.0 for much in (died > CHANGES, differed > CHANGES, given > ANSWERS))
        return Evidence(one * died, one * watched, two * differed, two * lived, three * guessed, three * given)

    @property
    def interval(self) -> float:
        """Seconds between two changes of what one declared answer is made from; inf when none was seen."""
        return self.watched / self.died if self.died and self.watched else math.inf

    @property
    def rate(self) -> float:
        """Changes a second of one undeclared answer, at most; 0 while nothing declared was seen to change."""
        if math.isinf(self.interval):
            return 0.0
        return most(math.ceil(self.differed)) / (self.lived + most(0) * self.interval)

    @property
    def share(self) -> float:
        """Undeclared ones among the answers; the first ones count as such."""
        return (self.guessed + 1) / (self.given + 1)

    def life(self, budget: float) -> float:
        """Seconds that an undeclared answer may be given."""
        return 2 * budget / (self.share * self.rate) if self.rate else math.inf


@lru_cache(maxsize=2 * CHANGES)
def most(changes: int) -> float:
    """The 95 % bound on the mean of a Poisson count, as the limit of a binomial one: 3.0 for none, 4.7 for one."""
    return upper_bound(changes, _MANY, _CONFIDENCE) * _MANY


class Pace:
    """The evidence of all processes, and the life that follows; a number to compare with at a look-up. ``budget`` is
    the share of stale answers, 0 to learn nothing. Safe for several threads up to a lost count."""

    def __init__(self, memory: Memory, now: Callable[[], float], budget: float = 0.0) -> None:
        self.budget = budget
        self._memory, self._now = memory, now
        self._held, self._until = _read(memory.get(NAME)) if budget else (Evidence(), 0.0)
        self._new = Evidence()
        self._looks: dict[int, float] = {}  # by entry: when it was last found unchanged; inf once it has died
        self._written = time.monotonic()
        self._life = self._held.life(budget)

    @property
    def life(self) -> float:
        """Seconds that an answer may be given that declares nothing; inf where nothing speaks against it."""
        return self._life if self.budget else math.inf

    @property
    def evidence(self) -> Evidence:
        return self._held.plus(self._new)

    def looked(self, entry: Entry, changed: bool) -> None:
        """A declared answer was compared with what it was made from."""
        now = self._now()
        # What was before is counted already, by the process that was there.
        last = self._looks.get(entry.seq) or max(entry.created, self._until)
        if math.isinf(last) or not self.budget:
            return
        self._looks[entry.seq] = math.inf if changed else now
        gap = max(0.0, now - last)
        self._new.watched += gap / 2 if changed else gap
        if changed:
            self._new.died += 1
            self._learn()
        if len(self._looks) > KNOWN:
            self._looks, self._until = {}, now

    def gave(self, entry: Entry | None) -> None:
        """An answer was given: a kept one, or one that was made for it (None)."""
        self._new.given += 1
        self._new.guessed += entry is not None and entry.guessed
        if time.monotonic() - self._written > INTERVAL:
            self.flush()

    def anew(self, entry: Entry, same: bool) -> None:
        """The question of an undeclared answer was answered anew; with ``same`` the answer says what it said."""
        age = max(0.0, self._now() - entry.created)
        self._new.lived += age if same else age / 2
        self._new.differed += not same
        self._learn()

    def told(self) -> dict[str, Any]:
        """For people: ``life`` and ``interval`` are seconds, None for no end and for nothing seen."""
        found = self.evidence
        sums = {name: round(value, 1) for name, value in asdict(found).items()}
        life, interval = (None if math.isinf(each) else round(each, 3) for each in (self.life, found.interval))
        return {"budget": self.budget, "life": life, "interval": interval, **sums}

    def flush(self) -> None:
        """Add what was seen to what all processes saw, and take over theirs."""
        self._written = time.monotonic()
        if not self.budget or self._new == Evidence():
            return
        new, self._new = self._new, Evidence()

        def change(data: bytes | None) -> bytes:
            self._held = _read(data)[0].plus(new)
            return json.dumps([*astuple(self._held), self._now()]).encode()

        try:
            self._memory.change(NAME, change)
        except PyAgentError:  # a file that cannot be written costs evidence only
            self._held = self._held.plus(new)
        self._learn()

    def _learn(self) -> None:
        self._life = self.evidence.life(self.budget)


def _read(data: bytes | None) -> tuple[Evidence, float]:
    """(evidence, until when it was gathered); none of what another version wrote."""
    with suppress(ValueError, TypeError):
        *sums, until = json.loads(data or b"")
        return Evidence(*map(float, sums)), float(until)
    return Evidence(), 0.0
