"""Asks one engine the questions of a check: many in flight, each within the budget, none twice.

``answers`` is what a check needs of whoever is measured; an engine is one way to give it (see also selves.py).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Protocol, TypeVar

from pyagent.engine.base import Engine, Reply, Request
from pyagent.errors import (
    BudgetExceeded,
    ContextOverflow,
    EngineError,
    EngineUnreachable,
    RateLimited,
    ReplyError,
    TransientError,
)
from pyagent.model import Message, Model, Usage
from pyagent.run.budget import Budget, Cost
from pyagent_plugins.capability.items.agents import World
from pyagent_plugins.capability.items.graders import Said
from pyagent_plugins.capability.items.question import Question

T = TypeVar("T")
# Seconds before the second try. A third would make a slow service look better than its users find it.
WAIT = 0.5
# So many answers in a row that did not come: the service is gone, and the rest is for another time.
GONE = 10
# Items with one long text go in so few at a time that the engine process that has read it gets them all.
TOGETHER = 3


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one question. ``seconds`` and ``ttft`` are wall time; ``error``: no answer came, and why.

    ``overflow``: the question is longer than the model's context. ``calls`` and ``failures`` count what was asked of
    the service for it, and how much of that failed. ``served`` is the name that it answers under.
    """

    said: Said = field(default_factory=Said)
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    ttft: float | None = None
    cost_usd: float | None = 0.0
    error: str | None = None
    overflow: bool = False
    calls: int = 0
    failures: int = 0
    served: str = ""
    cut: bool = False


Asked = tuple[str, Question]
Hear = Callable[[str, Heard], Awaitable[None]]


class Asker(Protocol):
    """Who is measured. ``answers`` asks all and hands each answer on as it comes.

    Raises BudgetExceeded, EngineUnreachable and whatever else makes going on useless; what was heard is kept.
    """

    def able(self, question: Question) -> bool: ...

    async def answers(self, asked: Sequence[Asked], hear: Hear) -> None: ...

    async def aclose(self) -> None: ...


async def heard_by(asker: Asker, asked: Sequence[Asked]) -> dict[str, Heard]:
    """All answers at once, by name."""
    heard: dict[str, Heard] = {}

    async def hear(name: str, each: Heard) -> None:
        heard[name] = each

    await asker.answers(asked, hear)
    return heard


class EngineAsker:
    """Asks an Engine. ``timeout`` bounds one call in seconds; ``budget`` is hard.

    ``long`` opens another engine for long texts, where the one at hand has no room for them.
    """

    def __init__(
        self,
        engine: Engine,
        model: Model,
        timeout: float,
        budget: Budget | None = None,
        long: Callable[[], Engine] | None = None,
    ) -> None:
        self._engine, self._model, self._timeout = engine, model, timeout
        self._short, self._long = engine, long
        self._budget = budget or Budget()
        self._failed_in_a_row = 0

    def able(self, question: Question) -> bool:
        return True

    async def answers(self, asked: Sequence[Asked], hear: Hear) -> None:
        """Short questions with as many in flight as the engine likes; long ones a few at a time for each text."""
        long = [pair for pair in asked if pair[1].template.startswith("context.")]
        # Those that begin alike one after the other: an engine that keeps prefixes reads each once. The rest is mixed:
        # long answers never run alone, and a disaster shows in all dimensions early.
        short = sorted((pair for pair in asked if not pair[1].template.startswith("context.")), key=beginning)
        await self._spread(short, hear, self._engine.width)
        texts: dict[str, list[Asked]] = {}
        for pair in long:
            texts.setdefault(pair[1].template, []).append(pair)
        if texts and self._long:
            self._engine = self._long()
        try:
            await all_or_none([self._one_text(group, hear) for group in texts.values()])
        finally:
            if self._engine is not self._short:
                await self._engine.aclose()
                self._engine = self._short

    async def aclose(self) -> None:
        await self._engine.aclose()

    async def _one_text(self, group: list[Asked], hear: Hear) -> None:
        """The first alone: it reads the text for all, or shows that it does not fit."""
        first, heard = group[0], await self._ask(group[0][1])
        await hear(first[0], heard)
        if heard.overflow:
            for name, _ in group[1:]:
                await hear(name, Heard(overflow=True))
            return
        await self._spread(group[1:], hear, TOGETHER)

    async def _spread(self, asked: Sequence[Asked], hear: Hear, width: int) -> None:
        left = iter(asked)

        async def work() -> None:
            for name, question in left:
                await hear(name, await self._ask(question))

        await all_or_none([work() for _ in range(min(width, len(asked)))])

    async def _ask(self, question: Question) -> Heard:
        """One answer, with a second try after a passing fault. Raises when the service is gone."""
        started = time.monotonic()
        heard = await self._try(question)
        if heard.error and not heard.overflow:
            await asyncio.sleep(WAIT)
            again = await self._try(question)
            heard = replace(again, calls=heard.calls + again.calls, failures=heard.failures + again.failures)
        heard = replace(heard, seconds=time.monotonic() - started)
        self._failed_in_a_row = self._failed_in_a_row + 1 if heard.error else 0
        if self._failed_in_a_row >= GONE:
            raise EngineUnreachable(
                f"the last {GONE} answers of {self._model.name} did not come: {heard.error}",
                "see that it works, then run the same command again: what was answered is kept",
            )
        return heard

    async def _try(self, question: Question) -> Heard:
        """The question's turns against the engine; tools are played by its world."""
        world = World(question.world) if question.world is not None else None
        request = question.request(self._model.name)
        total, calls, first = Usage(), 0, None
        served = ""
        said, cut = Said(), False
        for number in range(question.turns):
            if world is not None and number == question.turns - 1:
                # The last turn is for the answer, as in the agents' own loop.
                request = replace(request, tool_choice="none")
            watch = Watch()
            calls += 1
            try:
                reply = await self._call(request, watch)
            except ContextOverflow as error:
                return Heard(usage=total, overflow=True, calls=calls, error=str(error), cost_usd=self._cost(total))
            except ReplyError as error:
                # The model's own fault: what it said is no answer, and no fault of the service.
                said = Said(f"({error})", state=world.state if world else {})
                return Heard(said, total, 0.0, first, self._cost(total), calls=calls, served=served)
            except RateLimited:
                raise
            except EngineError as error:
                return Heard(usage=total, calls=calls, failures=1, error=str(error), cost_usd=self._cost(total))
            choice = reply.choices[0]
            total, served = total + reply.usage, reply.served
            first = watch.first if first is None else first
            said, cut = Said(choice.text, choice.calls, world.state if world else {}), choice.finish == "length"
            if world is None or not choice.calls:
                break
            turn = Message("assistant", choice.text, choice.calls)
            results = tuple(Message("tool", world.run(call), call_id=call.id) for call in choice.calls)
            request = replace(request, messages=(*request.messages, turn, *results))
        return Heard(said, total, 0.0, first, self._cost(total), calls=calls, served=served, cut=cut)

    async def _call(self, request: Request, watch: Watch) -> Reply:
        worst = self._worst(request)
        await self._budget.reserve(worst)
        used = worst
        try:
            reply = await within(self._engine, self._timeout, lambda: self._engine.generate(request, watch.piece))
            used = Cost(reply.usage.total, self._cost(reply.usage) or 0.0)
            return reply
        except EngineError as error:
            used = worst if error.charged else Cost()
            raise
        finally:
            await self._budget.settle(worst, used)

    def _worst(self, request: Request) -> Cost:
        if not self._budget.limited:
            return Cost()
        bound = self._engine.bound(request)
        usage = Usage(bound.input_tokens, bound.output_tokens)
        return Cost(usage.total, self._cost(usage) or 0.0)

    def _cost(self, usage: Usage) -> float | None:
        return self._model.cost(usage)


def beginning(pair: Asked) -> tuple[str, ...]:
    """A place by what a prompt begins with: its tools and the turns before the last. Beginnings that share their first
    turn stay together; where nothing is shared, the order is by chance, and always the same."""
    question = pair[1]
    tools = "".join(tool.name for tool in question.tools)
    before = [message.content for message in question.messages[:-1]]
    first = (tools, before[0] if before else "" if tools else question.messages[-1].content)
    return (sha256("\0".join(first).encode("utf-8", "replace")).hexdigest(), *before, question.tool_choice)


class Watch:
    """When the first piece of an answer came, in seconds from its making."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self.first: float | None = None

    def piece(self, text: str, token: int | None) -> None:
        if self.first is None:
            self.first = time.monotonic() - self._started


async def within(engine: Engine, seconds: float, call: Callable[[], Awaitable[T]]) -> T:
    """The call, given up after ``seconds`` unless the engine bounds its calls itself (see ``Engine``)."""
    if getattr(engine, "timed", False):
        return await call()
    try:
        async with asyncio.timeout(seconds):
            return await call()
    except TimeoutError:
        raise TransientError(f"no answer within {seconds:g} s", "raise --timeout", charged=True) from None


async def all_or_none(works: Iterable[Awaitable[None]]) -> None:
    """All to their end; the first failure cancels the others and is raised itself, not in a group.

    A budget that is used up is no failure of the others: they come to their own end first.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        while tasks:
            done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            failed = [task.exception() for task in done if task.exception() is not None]
            if failed and all(isinstance(error, BudgetExceeded) for error in failed) and waiting:
                await asyncio.wait(waiting)
            for error in failed:
                if error is not None:
                    raise error
            tasks = list(waiting)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
