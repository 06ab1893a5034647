"""What a plugin's author tests with: a host with only their plugin in it, and the contracts of its parts."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from pyagent.engine.base import Bound, Choice, Engine, Piece, Reply, Request
from pyagent.event import Event
from pyagent.host.app import App
from pyagent.host.plugins import modules
from pyagent.model import Message, Model, Result, Task, Usage
from pyagent.run.pipeline import Job, Proceed, Spans, Step, fold


def load_plugins(settings: Mapping[str, Any] | None = None, /, **plugins: ModuleType) -> App:
    """An application in an empty home, with only the plugins given as ``name=module``.

    ``settings`` are dotted: ``{"plugins.hello.greeting": "Hi"}``. Raises AssertionError naming what is wrong
    with a plugin that does not load.
    """
    home = Path(tempfile.mkdtemp(prefix="pyagent-test-"))
    app = App(cwd=home, env={"PYAGENT_HOME": str(home)}, sources=modules(plugins))
    if settings:
        app = app.with_flags(settings)
    broken = [f"{plugin.name}: {plugin.reason}" for plugin in app.plugins.broken]
    assert not broken, "; ".join(broken)
    return app


class StubEngine:
    """An engine that answers at once with ``answer(request)``: text, or an exception to raise.

    It stands in for a model where the model is not what is tested. ``requests`` holds what it was asked.
    """

    width = 4

    def __init__(self, answer: Callable[[Request], str | Exception] = lambda request: "ok") -> None:
        self._answer = answer
        self.requests: list[Request] = []
        self.closed = False

    async def generate(self, request: Request, piece: Piece | None = None) -> Reply:
        self.requests.append(request)
        answer = self._answer(request)
        if isinstance(answer, Exception):
            raise answer
        words = answer.split(" ")[: request.max_tokens]
        for i, word in enumerate(words if piece else ()):
            piece(word if i == 0 else " " + word, None)  # type: ignore[misc]
            await asyncio.sleep(0)
        text = " ".join(words)
        finish: Any = "stop" if text == answer else "length"
        usage = Usage(self.bound(request).input_tokens, len(words) * request.samples)
        return Reply((Choice(text, finish),) * request.samples, usage, request.model)

    def bound(self, request: Request) -> Bound:
        words = sum(len(message.content.split()) for message in request.messages)
        return Bound(words, request.max_tokens * request.samples, exact=True)

    def render(self, request: Request) -> str:
        return "\n".join(f"{message.role}: {message.content}" for message in request.messages)

    async def aclose(self) -> None:
        self.closed = True


def job(prompt: str = "Say hello.", **request: Any) -> Job:
    """A job with one user message, for calling a step alone; its events are dropped."""
    asked = Request("test", (Message("user", prompt),), **request)
    events: Callable[[Event], None] = lambda event: None  # noqa: E731
    return Job("test", Task("1", 1, prompt), "0" * 64, 0, Model("test", "stub"), asked, events, Spans())


def engine_contract(engine: Engine, request: Request | None = None) -> Reply:
    """Hold an engine to its Protocol with one real request, and give the reply. Closes the engine.

    Checks: one choice a sample, a usage within ``bound``, pieces that make up the first choice's text,
    ``render`` that shows the prompt, and ``aclose`` that may be called twice.
    """
    asked = request or Request("test", (Message("user", "Say hello."),), max_tokens=16)
    return asyncio.run(_hold_engine(engine, asked))


async def _hold_engine(engine: Engine, request: Request) -> Reply:
    assert engine.width >= 1, f"width is {engine.width}: it must be at least 1"
    bound = engine.bound(request)
    assert request.messages[-1].content in engine.render(request), "render does not show the prompt"
    pieces: list[str] = []
    try:
        reply = await engine.generate(request, lambda text, token: pieces.append(text))
    finally:
        await engine.aclose()
    await engine.aclose()
    assert len(reply.choices) == request.samples, f"{len(reply.choices)} choices for {request.samples} samples"
    used = reply.usage
    assert used.output_tokens <= bound.output_tokens, f"used {used.output_tokens} tokens, bound {bound}"
    assert used.input_tokens <= bound.input_tokens, f"read {used.input_tokens} tokens, bound {bound}"
    if pieces:
        streamed, text = "".join(pieces), reply.choices[0].text
        assert streamed == text, f"streamed {streamed!r}, answered {text!r}"
    return reply


def step_contract(step: Step, given: Job | None = None) -> Result:
    """Hold a step to its Protocol with one job over a stub engine, and give the Result.

    Checks: a name, an order that is not another's place, a Result, and errors from inside that pass through.
    """
    assert isinstance(step.name, str), "a step needs a name"
    assert step.name, "a step needs a name"
    assert isinstance(step.order, int), "a step needs a whole number as its order"
    assert step.order < Innermost.order, f"order {step.order} is inside the engine's, {Innermost.order}"
    result = asyncio.run(_run(step, given or job(), None))
    assert isinstance(result, Result), f"a step gives a Result, not {result!r}"
    fault = OSError("from inside")
    passed = asyncio.run(_caught(step, given or job(), fault))
    assert passed in (None, fault), f"an error from inside must pass through as it is, not as {passed!r}"
    return result


async def _caught(step: Step, given: Job, fault: Exception) -> Exception | None:
    """What comes out when the inside fails; None when the step answers for itself."""
    try:
        await _run(step, given, fault)
    except Exception as error:
        return error
    return None


async def _run(step: Step, given: Job, fault: Exception | None) -> Result:
    return await fold([step, Innermost(StubEngine(lambda request: fault or "ok"))])(given)


class Innermost:
    """The engine's place in the pipeline, as small as it can be."""

    name = "engine"
    order = 60

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def __call__(self, job: Job, proceed: Proceed) -> Result:
        reply = await self._engine.generate(job.request)
        return Result(job.task.id, "ok", reply.choices[0].text, usage=reply.usage, model=reply.model)
