"""Many agents ask for one vector each; together they get them in one batch, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pyagent.embed.base import Embedder

if TYPE_CHECKING:
    import numpy as np

# 3 ms: half of what one text costs, and enough for the callers of one turn of the loop to gather.
GATHER = 0.003
# Texts in one batch, so that a caller behind a large one does not wait for all of it: about 0.4 s.
MOST = 64

Asked = tuple[tuple[str, ...], "asyncio.Future[np.ndarray]"]


class AsyncEmbedder:
    """Gathers what is asked within ``gather`` seconds, or while a batch runs, into one call in one thread.

    Use it from one event loop. An error of a batch reaches all who are in it; a cancelled caller disturbs nobody.
    """

    def __init__(self, inner: Embedder, gather: float = GATHER, most: int = MOST) -> None:
        self.name, self.dim, self.window = inner.name, inner.dim, inner.window
        self.batches = 0
        self._inner = inner
        self._gather, self._most = gather, most
        self._waiting: list[Asked] = []
        self._timer: asyncio.TimerHandle | None = None
        self._running: asyncio.Future[np.ndarray] | None = None
        self._pending: set[asyncio.Future[np.ndarray]] = set()
        self._thread = ThreadPoolExecutor(1, "pyagent-embed")

    async def embed(self, texts: Sequence[str]) -> np.ndarray:
        """float32 of shape [len(texts), dim]."""
        done: asyncio.Future[np.ndarray] = asyncio.get_running_loop().create_future()
        self._pending.add(done)
        done.add_done_callback(self._pending.discard)
        self._waiting.append((tuple(texts), done))
        self._arm()
        return await done

    async def embed_one(self, text: str) -> np.ndarray:
        """float32 of shape [dim]."""
        vectors = await self.embed([text])
        return vectors[0]  # type: ignore[no-any-return]

    async def aclose(self) -> None:
        """Answer what was asked, then end the thread."""
        while self._pending:
            await asyncio.wait(self._pending)
        self._thread.shutdown(wait=False)

    def _arm(self) -> None:
        if self._timer is None and self._running is None and self._waiting:
            self._timer = asyncio.get_running_loop().call_later(self._gather, self._start)

    def _start(self) -> None:
        self._timer = None
        batch = self._take()
        if not batch:
            return
        self.batches += 1
        # The same text from two callers is embedded once.
        places = {text: place for place, text in enumerate(dict.fromkeys(t for texts, _ in batch for t in texts))}
        loop = asyncio.get_running_loop()
        self._running = loop.run_in_executor(self._thread, self._inner.embed, list(places))
        self._running.add_done_callback(lambda made: self._finish(batch, places, made))

    def _take(self) -> list[Asked]:
        """The callers of the next batch: at least one, then as many as fit; those who gave up are dropped."""
        self._waiting = [asked for asked in self._waiting if not asked[1].done()]
        taken, texts = 0, 0
        while taken < len(self._waiting) and (taken == 0 or texts + len(self._waiting[taken][0]) <= self._most):
            texts += len(self._waiting[taken][0])
            taken += 1
        batch, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return batch

    def _finish(self, batch: list[Asked], places: dict[str, int], made: asyncio.Future[np.ndarray]) -> None:
        self._running = None
        error = made.exception()
        for texts, done in batch:
            if done.done():
                continue
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(made.result()[[places[text] for text in texts]])
        self._arm()
