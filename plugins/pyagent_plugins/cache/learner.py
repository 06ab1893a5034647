"""How often semantic hits are wrong on the user's own traffic, measured, and what may be served because of it."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from pyagent_plugins.cache.agreement import agree
from pyagent_plugins.cache.calibration import Calibrator, Match, State
from pyagent_plugins.cache.meaning.verifier import fitted
from pyagent_plugins.cache.risk import RiskBudget
from pyagent_plugins.cache.shelf.memory import Memory

if TYPE_CHECKING:
    from pyagent.embed.batch import AsyncEmbedder

# Asks whether the kept answer serves: (its question, its answer, this question, the answer made for it).
Judge = Callable[[str, Any, str, Any], Awaitable[bool]]
NAME = "calibration"


class Learner:
    """The calibration as it stands in ``memory``, shared by processes; ``judge`` replaces the comparison of answers."""

    def __init__(
        self,
        memory: Memory,
        budget: RiskBudget,
        embed: AsyncEmbedder | None = None,
        judge: Judge | None = None,
        warn: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._memory, self.budget, self._embed, self._judge, self._warn = memory, budget, embed, judge, warn
        self._calibrator = self._loaded(memory.get(NAME))
        self._random = random.Random()

    def serves(self, match: Match) -> bool:
        """Whether a kept answer may be given for it."""
        return self._calibrator.serves(match)

    def looks(self) -> bool:
        """Whether a hit that would be served is computed anyway, this time, to see whether it is right."""
        return self._random.random() < self._calibrator.shadow_rate(served=True)

    async def compare(self, asked: str, kept: str, answer: Any, made: Any, match: Match) -> bool:
        """A would-be hit that was computed anyway: was the kept answer right? This is what the budget stands on."""
        if self._judge is not None:
            correct = await self._judge(kept, answer, asked, made)
        else:
            correct = await agree(answer, made, self._embed)
        served = self._calibrator.serves(match)
        self._learn(lambda calibrator: calibrator.sample(match, correct, served))
        return correct

    def report(self, match: Match, correct: bool) -> None:
        """A person's word about a served hit."""
        self._learn(lambda calibrator: calibrator.report(match, correct))

    def state(self) -> State:
        return self._calibrator.state()

    def _learn(self, lesson: Callable[[Calibrator], object]) -> None:
        """Change the calibration in one transaction, so that processes lose nothing of each other's."""

        def change(data: bytes | None) -> bytes:
            self._calibrator = self._loaded(data)
            lesson(self._calibrator)
            return self._calibrator.dump().encode()

        self._memory.change(NAME, change)

    def _loaded(self, data: bytes | None) -> Calibrator:
        try:
            if data is not None:
                return Calibrator.load(data.decode(), self.budget, fitted())
        except ValueError as error:
            self._warn(f"the calibration begins anew: {error}")
        return Calibrator(self.budget, fitted())
