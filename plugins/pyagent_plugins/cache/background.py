"""What the cache does beside the answers: renewing, judging, deciding how a sealed window is searched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from pyagent_plugins.cache.flight import Failed

WAITING = 256  # more is dropped: a judge that is slower than the traffic must not collect all of it
PATIENCE = 20.0  # seconds at the end: what is not done by then is given up, and measured another time


class Background:
    """Tasks of one event loop that nobody waits for. One that fails is told to ``warn``, once for each ``what``."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._tasks: dict[asyncio.Task[Any], str] = {}
        self._told: set[str] = set()

    def run(self, what: str, work: Coroutine[Any, Any, Any]) -> bool:
        """Start it; False when too much is waiting already."""
        if len(self._tasks) >= WAITING:
            work.close()
            return False
        task = asyncio.create_task(work)
        self._tasks[task] = what
        task.add_done_callback(self._done)
        return True

    def busy(self, what: str) -> bool:
        return what in self._tasks.values()

    async def aclose(self) -> None:
        """Wait for what is under way, but not for ever."""
        if self._tasks:
            _, late = await asyncio.wait(list(self._tasks), timeout=PATIENCE)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        what = self._tasks.pop(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, Failed) and what not in self._told:
            self._told.add(what)
            self._warn(f"{what}: {error}")
