"""What can be watched: the overview, runs, approvals, statistics, the agents of a run, the stream of a task."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyagent.store.views import Views
from pyagent.web import states as wire

if TYPE_CHECKING:
    from pyagent.web.core import Core
    from pyagent.web.hub import Topic

# Seconds between looks at what costs a query over a run's results, or over all of them.
RUNS_EVERY, STATS_EVERY = 1.0, 5.0
NEWEST = 200


def topic(core: Core, name: str) -> Topic | None:
    """The topic of a name; None when there is none, or no such run or task."""
    noun, _, rest = name.partition(":")
    plain: dict[str, Callable[[Core], Topic]] = {
        "overview": Overview,
        "runs": AllRuns,
        "approvals": Deck,
        "stats": Statistics,
    }
    if noun in plain and not rest:
        return plain[noun](core)
    if noun == "agents" and core.views().run(rest) is not None:
        return Agents(core, rest)
    run, _, task = rest.partition("/")
    if noun == "stream" and task and core.views().run(run) is not None:
        return Stream(core, run, task)
    return None


class Whole:
    """A topic that says all of itself, when it has changed, at most every so often."""

    every = RUNS_EVERY

    def __init__(self, core: Core) -> None:
        self.core = core
        self._version, self._next = -1, 0.0
        self._said: Any = None

    def look(self) -> Any:
        raise NotImplementedError

    async def snapshot(self) -> Any:
        now = await self.core.aside(self.look)
        # Pages that are here already compare with what they were told, not with what a new one gets.
        self._said = now if self._said is None else self._said
        return now

    async def delta(self) -> Any | None:
        now, version = time.monotonic(), self.core.tail.version
        # Also when nobody wrote: a process may have died without a word, or an hour have passed.
        due = now >= self._next and (version != self._version or now - self._next > STATS_EVERY)
        if not due:
            return None
        self._version, self._next = version, now + self.every
        before, after = self._said, await self.core.aside(self.look)
        self._said = after
        return after if after != before else None


class Overview(Whole):
    def look(self) -> Any:
        return self.core.overview()


class Statistics(Whole):
    every = STATS_EVERY

    def look(self) -> Any:
        return self.core.stats(30)


class Listed:
    """A topic that says the items which changed."""

    pace = 0.0

    def __init__(self, core: Core) -> None:
        self.core = core
        self._had: dict[str, Any] = {}
        self._version, self._next = -1, 0.0

    def look(self) -> list[dict[str, Any]]:
        raise NotImplementedError

    def missing(self, ids: list[str]) -> tuple[list[dict[str, Any]], list[str]]:
        """What became of items that are not among those looked at any more: (items, ids that are gone)."""
        return [], ids

    async def snapshot(self) -> Any:
        items = await self.core.aside(self.look)
        if not self._had:
            self._had = {item["id"]: item for item in items}
        return {"items": items}

    async def delta(self) -> Any | None:
        now, version = time.monotonic(), self.core.tail.version
        if now < self._next or (version == self._version and now - self._next < STATS_EVERY):
            return None
        self._version, self._next = version, now + self.pace
        items = await self.core.aside(self.look)
        has = {item["id"]: item for item in items}
        changed = [item for item in items if self._had.get(item["id"]) != item]
        more, gone = self.missing([id for id in self._had if id not in has])
        self._had = has
        return {"items": changed + more, "gone": gone} if changed or more or gone else None


class AllRuns(Listed):
    pace = RUNS_EVERY

    def look(self) -> list[dict[str, Any]]:
        return self.core.runs.all(self.core.views())[:NEWEST]


class Deck(Listed):
    """Approvals. A card that leaves the deck comes once more, with what became of it."""

    def look(self) -> list[dict[str, Any]]:
        return [approval.line() for approval in self.core.approvals().waiting()]

    def missing(self, ids: list[str]) -> tuple[list[dict[str, Any]], list[str]]:
        decided = {approval.id: approval.line() for approval in self.core.approvals().decided()}
        return [decided[id] for id in ids if id in decided], [id for id in ids if id not in decided]


class Agents:
    """The states of a run's tasks."""

    def __init__(self, core: Core, run: str) -> None:
        self._tail, self._run = core.tail, run
        self._known = 0
        self._tail.follow(run)

    async def snapshot(self) -> Any:
        states = await self._tail.states(self._run)
        if not self._known:
            self._known = len(states.ids)
        return wire.snapshot(states)

    async def delta(self) -> Any | None:
        self._tail.follow(self._run)
        changed = self._tail.taken(self._run)
        if not changed:
            return None
        states = await self._tail.states(self._run)
        said = wire.delta(states, changed, self._known)
        self._known = len(states.ids)
        return said


class Stream:
    """The text of a task, as it comes."""

    def __init__(self, core: Core, run: str, task: str) -> None:
        self._core, self._run, self._task = core, run, task
        self._last: tuple[int, int] | None = None
        self._text = ""

    async def snapshot(self) -> Any:
        if self._last is None:
            self._more(self._core.views())
        return {"epoch": self._last[0] if self._last else 0, "index": 0, "text": self._text}

    async def delta(self) -> Any | None:
        if not self._core.tail.moved:
            return None
        before = self._last
        fresh = self._more(self._core.views())
        if not fresh or self._last is None:
            return None
        index = next(first for epoch, first, _ in fresh if epoch == self._last[0])
        text = "".join(text for epoch, _, text in fresh if epoch == self._last[0])
        # Whoever sees a higher epoch drops what it has.
        return {"epoch": self._last[0], "index": index if before else 0, "text": text}

    def _more(self, views: Views) -> list[tuple[int, int, str]]:
        fresh = views.chunks(self._run, self._task, self._last)
        for epoch, first, text in fresh:
            if self._last is None or epoch > self._last[0]:
                self._text = ""
            self._text += text
            self._last = (epoch, first)
        return fresh


PLAIN: dict[str, Callable[[Core], Topic]] = {
    "overview": Overview,
    "runs": AllRuns,
    "approvals": Deck,
    "stats": Statistics,
}
