"""Keeps what was computed, with the versions of what it was made from; failing to keep never costs the answer."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from pyagent.errors import Busy, StoreError
from pyagent_plugins.cache.agreement import agree
from pyagent_plugins.cache.entry import Dependency, Entry
from pyagent_plugins.cache.index.index import VectorIndex
from pyagent_plugins.cache.matching import kept
from pyagent_plugins.cache.question import Computed, Question
from pyagent_plugins.cache.shelf.depends import Versions
from pyagent_plugins.cache.shelf.limits import EntryRefused
from pyagent_plugins.cache.shelf.pace import Pace
from pyagent_plugins.cache.shelf.shelf import Shelf
from pyagent_plugins.cache.tallies import Tallies

if TYPE_CHECKING:
    from pyagent.embed.batch import AsyncEmbedder


class Keeper:
    """The write path: shelf and index in one transaction, on a thread. ``warn`` hears once that nothing can be kept."""

    def __init__(
        self,
        shelf: Shelf,
        index: VectorIndex | None,
        versions: Versions,
        embedder: str,
        tallies: Tallies,
        warn: Callable[[str], None],
        pace: Pace,
        embed: AsyncEmbedder | None,
    ) -> None:
        self._pace, self._embed = pace, embed
        self._shelf, self._index, self._versions, self._embedder = shelf, index, versions, embedder
        self._tallies, self._warn = tallies, warn
        self._failed = False

    async def recorded(self, declared: tuple[Dependency, ...]) -> tuple[Dependency, ...]:
        """Versions as they are before the computation, so that an edit during it makes the answer stale."""
        if self._versions.waits(declared):
            return await asyncio.to_thread(self._versions.record, declared)
        return self._versions.record(declared)

    async def keep(
        self, question: Question, computed: Computed, dependencies: tuple[Dependency, ...], ttl: float | None
    ) -> Entry | None:
        """The new entry, or None when it is too large or the folder cannot be written."""
        try:
            await self._compare(question, computed)
            return await asyncio.to_thread(self._put, question, computed, dependencies, ttl)
        except EntryRefused as error:
            self._tallies.add("refused")
            self._warn(str(error))
        except (StoreError, Busy) as error:
            self._tallies.add("unkept")
            if not self._failed:
                self._warn(f"answers cannot be kept any more: {error}")
            self._failed = True
        return None

    async def _compare(self, question: Question, computed: Computed) -> None:
        """Did an undeclared answer that is made anew come out as before? How long such ones live stands on this."""
        if math.isinf(self._pace.evidence.interval):
            return  # nothing declared was seen to change: nothing would follow
        before = self._shelf.exacts(question.scope, question.key, 1, ended=True)
        if before and before[0].guessed:
            self._pace.anew(before[0], await agree(json.loads(before[0].answer), computed.value, self._embed))

    def _put(
        self, question: Question, computed: Computed, dependencies: tuple[Dependency, ...], ttl: float | None
    ) -> Entry:
        shelf, index = self._shelf, self._index
        life = shelf.limits.lifetime(question.text, dependencies, ttl)
        return shelf.store(
            question.scope,
            question.key,
            question.text,
            json.dumps(computed.value, ensure_ascii=False),
            vector=question.vector,
            embedder=self._embedder or None,
            features=kept(question.text, question.features) if question.features is not None else None,
            expires=None if life is None else shelf.clock.now() + life,
            guessed=ttl is None and not dependencies,
            model=computed.model,
            input_tokens=computed.input_tokens,
            output_tokens=computed.output_tokens,
            usd=computed.usd,
            dependencies=dependencies,
            on_write=index.add if index is not None else None,
            above=(lambda: index.high) if index is not None else None,
        )
