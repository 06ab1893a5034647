"""The engines of a run: one for each model, opened when it is first asked, closed together."""

from __future__ import annotations

from collections.abc import Callable

from pyagent.engine.base import Engine
from pyagent.model import Model


class Engines:
    """Opens by ``open(model)``; the same model gets the same engine. ``opened`` is called after each opening."""

    def __init__(self, open: Callable[[Model], Engine]) -> None:
        self._open = open
        self._engines: dict[str, Engine] = {}
        self.opened: Callable[[], None] = lambda: None

    def get(self, model: Model) -> Engine:
        engine = self._engines.get(model.name)
        if engine is None:
            engine = self._engines[model.name] = self._open(model)
            self.opened()
        return engine

    async def aclose(self) -> None:
        engines, self._engines = self._engines, {}
        for engine in engines.values():
            await engine.aclose()
