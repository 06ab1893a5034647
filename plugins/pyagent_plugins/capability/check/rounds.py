"""Checks several models one after the other: opens whoever is asked, keeps the lock, and goes on past a broken one."""

from __future__ import annotations

import asyncio
import hashlib
import signal
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pyagent import __version__
from pyagent.engine.base import Engine, EngineOptions
from pyagent.errors import Busy, ConfigError, Interrupted, ModelMissing
from pyagent.host.app import App
from pyagent.model import Model
from pyagent.run.budget import Budget
from pyagent.store.lock import RunLock
from pyagent_plugins.capability.check.asking import Asker, EngineAsker
from pyagent_plugins.capability.check.checker import Checker, Ended, Progress
from pyagent_plugins.capability.check.forbidden import NAME as SANDBOX
from pyagent_plugins.capability.check.forbidden import check as check_sandbox
from pyagent_plugins.capability.check.measured import measured
from pyagent_plugins.capability.check.routed import NAME as ROUTER
from pyagent_plugins.capability.check.routed import RoutedAsker
from pyagent_plugins.capability.check.selves import NAME as SWARM
from pyagent_plugins.capability.check.selves import WITH_TOOLS, SwarmAsker
from pyagent_plugins.capability.route.chooser import Chooser
from pyagent_plugins.capability.route.evidence import gathered
from pyagent_plugins.capability.words import Measured

T = TypeVar("T")
# A local engine with a long text has few sequences: each then has room for all of it (see `EXACT_BYTES`).
LONG_SEQUENCES = 2
# Seconds for one call. A local one shares its cores with all others in flight, and waits for its place among them.
FAR, LOCAL = 120.0, 1800.0
Tell = Callable[[str, Progress], None]


class Rounds:
    """Runs a Checker over models by name. ``budget_usd`` is for all of them together, and hard."""

    def __init__(
        self,
        app: App,
        checker: Checker,
        timeout: float | None = None,
        budget_usd: float | None = None,
        again: bool = False,
    ) -> None:
        self._app, self._checker, self._timeout = app, checker, timeout
        self._budget_usd, self._spent, self._again = budget_usd, 0.0, again

    def names(self) -> list[str]:
        """Everything that is checked when nobody names a model: all that are configured, then PyAgent itself, whose
        router chooses by what was just measured where there is a choice."""
        models = self._app.models()
        return [*models, SWARM, *([ROUTER] if len(models) > 1 else []), SANDBOX]

    async def check(self, name: str, tell: Tell = lambda name, progress: None) -> Ended:
        """Check one model. Raises Busy (75) when another process does, and what stops the check."""
        if name == SANDBOX:
            return await check_sandbox(self._checker.registry, self._checker.week, self._again)
        who, model, asker = self._opened(name)
        lock = RunLock(Path(self._app.data_dir) / "locks", f"check-{_short(who)}")
        try:
            lock.acquire()
        except Busy as error:
            await asker.aclose()
            holder = str(error).rpartition(" ")[2]
            raise Busy(
                f"{name} is being checked by process {holder}", "wait for it; what it finds is kept for all"
            ) from None
        try:
            if self._again:
                self._checker.forget(who)
            ended = await self._checker.check(who, asker, model, lambda progress: tell(name, progress))
            self._spent += (ended.cost_usd or 0.0) if ended.fresh else 0.0
            return ended
        finally:
            await asker.aclose()
            lock.release()

    def _opened(self, name: str) -> tuple[Measured, Model | None, Asker]:
        own, _, inside = name.partition(":")[2].partition(":")
        own = f"self:{own}"
        if own in (SWARM, WITH_TOOLS) and name.startswith("self:"):
            return self._swarm(name, inside or None, own == WITH_TOOLS)
        if name == ROUTER:
            return self._router()
        model = self._priced(self._app.model(name))
        who = measured(self._app, model)
        before = 0.0 if self._again else self._checker.spent(who)
        return who, model, self._asker(model, self._bounded(before))

    def _asker(self, model: Model, budget: Budget | None) -> EngineAsker:
        return EngineAsker(self._open(model), model, self._patience(model), budget, self._long(model))

    def _bounded(self, spent: float) -> Budget | None:
        return Budget(max_usd=self._left(), usd=spent) if self._budget_usd is not None else None

    def _swarm(self, name: str, inside: str | None, tools: bool) -> tuple[Measured, None, Asker]:
        """``self:swarm`` asks as a user without -m does, ``self:swarm:MODEL`` with one."""
        model = self._priced(self._app.model(inside))
        inner = measured(self._app, model)
        who = Measured(name, "swarm", f"{__version__}/{inner.weights}", inner.version, inner.quant, inner.context)
        return who, None, SwarmAsker(inside, self._app.cwd, self._patience(model), self._left(), tools)

    def _router(self) -> tuple[Measured, None, Asker]:
        """All configured models, by what the registry holds of them. Raises ModelMissing (4) where that is nothing."""
        default = self._app.model()
        others = [model for model in self._app.models().values() if model.name != default.name]
        models = [self._priced(model) for model in (default, *others)]
        evidence = gathered(self._checker.registry, [model.name for model in models])
        if not evidence.cells:
            raise ModelMissing("no model was measured, so there is nothing to route by", "check the models first")
        local = frozenset(model.name for model in models if self._app.engine_kind(model).local)
        parts = sorted(f"{model.name}={measured(self._app, model).weights}" for model in models)
        weights = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        who = Measured(ROUTER, "router", weights, __version__, "", None)
        budget = self._bounded(0.0 if self._again else self._checker.spent(who))
        quality = self._app.settings.get("swarm.quality")
        return who, None, RoutedAsker(
            Chooser(models, local, evidence), quality, lambda model: self._asker(model, budget)
        )  # fmt: skip

    def _open(self, model: Model) -> Engine:
        return self._app.open_engine(model, self._options(model))

    def _long(self, model: Model) -> Callable[[], Engine] | None:
        """Another engine of the same weights for long texts; None where one does for all."""
        if model.engine != "llama":
            return None
        few = {**model.options, "sequences": LONG_SEQUENCES}
        return lambda: self._open(replace(model, options=few))

    def _options(self, model: Model) -> EngineOptions:
        """Local models answer the same whatever else is in flight: a changed answer then is a changed model."""
        local = self._app.engine_kind(model).local
        return EngineOptions(
            deterministic=local,
            timeout=self._patience(model),
            cache_dir=str(self._app.cache_dir),
            home=str(self._app.data_dir),
        )

    def _patience(self, model: Model) -> float:
        return self._timeout or (LOCAL if self._app.engine_kind(model).local else FAR)

    def _left(self) -> float | None:
        return None if self._budget_usd is None else max(0.0, self._budget_usd - self._spent)

    def _priced(self, model: Model) -> Model:
        found = self._app.priced(model)
        if self._budget_usd is not None and (found.input_price is None or found.output_price is None):
            raise ConfigError(
                f"--budget-usd needs the price of {model.name}, which is not known",
                f"set input_price and output_price under [models.{model.name!r}], or leave --budget-usd out",
            )
        return found


def _short(who: Measured) -> str:
    return hashlib.sha256(f"{who.name}\0{who.engine}\0{who.weights}".encode()).hexdigest()[:16]


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; SIGINT or SIGTERM stop it cleanly (130, 143): what was answered is kept."""

    async def guarded() -> T:
        task = asyncio.ensure_future(work)
        with _signals(task) as caught:
            try:
                return await task
            except asyncio.CancelledError:
                if not caught:
                    raise
                told = f"stopped by {signal.Signals(caught[0]).name}; what was answered is kept"
                raise Interrupted(told, "run the same command again to go on", caught[0]) from None

    return asyncio.run(guarded())


@contextmanager
def _signals(task: asyncio.Future[Any]) -> Iterator[list[int]]:
    loop, caught = asyncio.get_running_loop(), list[int]()

    def stop(number: int) -> None:
        caught.append(number)
        task.cancel()

    numbers: Sequence[int] = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, stop, number)
    try:
        yield caught
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
