"""Follows the journal at 10 Hz for all pages at once, so that a run started in any shell is seen as it happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from pyagent.store.lines import at_work
from pyagent.store.states import States
from pyagent.store.views import Change, Views

INTERVAL = 0.1
# Changes taken in one look; a journal that grew by more is read in several.
BATCH = 20_000
# Seconds between looks for processes that died without a word.
ROUNDS = 1.0


class Tail:
    """Where the journal is read to. ``changed`` holds the states that changed in followed runs, by run and n.

    ``version`` changes when anybody wrote anything; ``moved`` says that the last look saw it change.
    """

    def __init__(self, views: Callable[[], Views], aside: Callable[[Callable[[], States]], Awaitable[States]]) -> None:
        self._views, self._aside = views, aside
        self._states: dict[str, States] = {}
        self._wanted: dict[str, float] = {}
        self._round = 0.0
        self.seq = 0
        self.version = -1
        self.moved = True
        self.live: frozenset[str] = frozenset()
        self.changed: dict[str, dict[int, int]] = {}

    async def start(self) -> None:
        self.seq = self._views().top()
        await self._rounds()

    async def look(self) -> None:
        """Take what was written since the last look; 5 us when that is nothing."""
        version = self._views().version()
        self.moved, self.version = version != self.version, version
        if self.moved:
            more = self._take(self._views().changes(self.seq, BATCH))
            while more:
                # A long absence is made up for piece by piece: others have their turn between.
                await asyncio.sleep(0)
                more = self._take(self._views().changes(self.seq, BATCH))
        if time.monotonic() >= self._round:
            await self._rounds()

    async def states(self, run: str) -> States:
        """The states of a run, read from its beginning the first time."""
        self.follow(run)
        if run not in self._states:
            states = await self._aside(lambda: States.load(self._views(), run))
            # Changes that were read meanwhile are passed over by their seq.
            self._states.setdefault(run, states)
        # Whoever asks has perhaps seen a newer row of the run than the last look has.
        self._take(self._views().changes(self.seq, BATCH))
        return self._states[run]

    def taken(self, run: str) -> dict[int, int]:
        """What changed in a followed run since this was asked last."""
        return self.changed.pop(run, {})

    def follow(self, run: str) -> None:
        """Keep the run's states for the next minute."""
        self._wanted[run] = time.monotonic() + 60

    @property
    def asking(self) -> dict[str, States]:
        """The states of runs at work."""
        return {run: states for run, states in self._states.items() if run in self.live}

    def _take(self, changes: list[Change]) -> bool:
        """Fold changes in; True when there may be more."""
        by_run: dict[str, list[Change]] = {}
        for change in changes:
            by_run.setdefault(change.run, []).append(change)
        for run, some in by_run.items():
            if run in self._states:
                self._note(run, self._states[run].fold(some))
            if run not in self.live:
                self._round = 0.0
        if changes:
            self.seq = changes[-1].seq
        return len(changes) == BATCH

    async def _rounds(self) -> None:
        """Who is at work: their states are kept; those of a run whose process died are put right."""
        self._round = time.monotonic() + ROUNDS
        rows = self._views().working(list(self._states))
        live = {row.id for row in rows if at_work(row)}
        for row in rows:
            if row.id in live or row.id in self._wanted:
                states = await self.states(row.id) if row.id in live else self._states.get(row.id)
                if states is not None and states.total != row.total:
                    states.grow(row.total)
        for run in self.live - live:
            if run in self._states:
                self._note(run, self._states[run].lost())
        self.live = frozenset(live)
        now = time.monotonic()
        self._wanted = {run: until for run, until in self._wanted.items() if until > now or run in live}
        self._states = {run: s for run, s in self._states.items() if run in live or run in self._wanted}
        self.changed = {run: changed for run, changed in self.changed.items() if run in self._wanted}

    def _note(self, run: str, changed: dict[int, int]) -> None:
        if changed and run in self._wanted:
            self.changed.setdefault(run, {}).update(changed)
