"""The router measured like a model: each question goes to whom it would send it, and that model's answer counts.

So the registry says whether routing beats the best single model. Nothing is explored and nothing climbs: one question,
one decision by what was measured before, one answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyagent.errors import ModelMissing
from pyagent.model import Model
from pyagent_plugins.capability.check.asking import Asked, Asker, Hear, Heard
from pyagent_plugins.capability.items.question import Question
from pyagent_plugins.capability.needs.need import asked as told
from pyagent_plugins.capability.needs.need import needs_of
from pyagent_plugins.capability.route.chooser import Chooser

NAME = "self:router"


class RoutedAsker:
    """``opened`` gives whoever asks a model; each is opened when the first question goes to it."""

    def __init__(self, chooser: Chooser, quality: float, opened: Callable[[Model], Asker]) -> None:
        self._chooser, self._quality, self._opened = chooser, quality, opened
        self._askers: dict[str, Asker] = {}

    def able(self, question: Question) -> bool:
        return True

    async def answers(self, asked: Sequence[Asked], hear: Hear) -> None:
        """One model after the other, each with all of its questions. What no model can be asked is not applicable."""
        groups: dict[str, tuple[Model, list[Asked]]] = {}
        for name, question in asked:
            try:
                model = self.choose(question)
            except ModelMissing as error:
                await hear(name, Heard(overflow=True, error=str(error)))
                continue
            groups.setdefault(model.name, (model, []))[1].append((name, question))
        for model, group in groups.values():
            if model.name not in self._askers:
                self._askers[model.name] = self._opened(model)
            await self._askers[model.name].answers(group, hear)

    def choose(self, question: Question) -> Model:
        """Who gets the question. Raises ModelMissing when nobody meets what it must have."""
        text, system, turns = told(question.messages)
        needs = needs_of(
            text,
            system=system,
            tools=len(question.tools),
            schema=question.schema is not None,
            turns=turns,
            max_tokens=question.max_tokens,
        )
        return self._chooser.choose(text, needs, self._quality).model

    async def aclose(self) -> None:
        for asker in self._askers.values():
            await asker.aclose()
