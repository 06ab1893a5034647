"""The core's layers, each with what stands inside it written out: what is tried, asked and kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pyagent.engine.base import Bound, Piece, Reply, Request
from pyagent.errors import ContextOverflow, EngineUnreachable, KeyRefused, RateLimited, ReplyError, TransientError
from pyagent.event import Event
from pyagent.model import Message, Model, Result, Task, Usage
from pyagent.run.engines import Engines
from pyagent.run.journal import Journal
from pyagent.run.pipeline import Job, Spans, fold
from pyagent.run.steps import retry
from pyagent.run.steps.attempt import Attempt
from pyagent.run.steps.engine import Ask
from pyagent.run.steps.journal import Remember
from pyagent.run.steps.retry import Retry
from pyagent.run.stream import Frame, Stream
from pyagent.store.db import Store
from pyagent.store.writer import Writer

NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def job(events: list[Event] | None = None, **more: Any) -> Job:
    request = Request("m", (Message("user", "how many?"),), schema=more.pop("schema", None))
    emit = events.append if events is not None else lambda event: None
    return Job("run", Task("t", 1), "00" * 32, 0, Model("m"), request, emit, Spans(), **more)


def answers(*replies: Any) -> tuple[Callable[[Job], Any], list[Job]]:
    """An inner layer that gives these in turn (text, a Result, or an error to raise), and the jobs it got."""
    seen: list[Job] = []

    async def inner(job: Job) -> Result:
        reply = replies[min(len(seen), len(replies) - 1)]
        seen.append(job)
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, Result):
            return reply
        return Result("t", "ok", reply, usage=Usage(10, 5), cost_usd=0.1)

    return inner, seen


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.001)


def test_a_passing_fault_is_tried_again_and_told() -> None:
    events: list[Event] = []
    inner, seen = answers(TransientError("busy"), TransientError("busy", retry_after=0.001), "42")
    result = asyncio.run(Retry(retries=3)(job(events), inner))
    assert (result.output, result.attempts, len(seen)) == ("42", 3, 3)
    assert [event.kind for event in events] == ["retry.waiting", "retry.waiting"]


def test_a_fault_that_stays_fails_the_task_and_only_the_task() -> None:
    inner, seen = answers(TransientError("the server broke"))
    result = asyncio.run(Retry(retries=2)(job(), inner))
    assert (result.status, result.attempts, result.error, len(seen)) == ("failed", 3, "the server broke", 3)


@pytest.mark.parametrize("error", [ContextOverflow("9000 tokens do not fit 8192"), ReplyError("not JSON")])
def test_what_another_try_cannot_mend_is_not_tried_again(error: Exception) -> None:
    inner, seen = answers(error)
    result = asyncio.run(Retry()(job(), inner))
    assert (result.status, result.error, len(seen)) == ("failed", str(error), 1)


@pytest.mark.parametrize(
    ("error", "stops_with"),
    [
        (EngineUnreachable("nobody there"), EngineUnreachable),
        (TransientError("slow down", limited=True), RateLimited),
        (KeyRefused("no key"), KeyRefused),
    ],
)
def test_what_would_fail_every_task_stops_the_run(error: Exception, stops_with: type[Exception]) -> None:
    inner, _ = answers(error)
    with pytest.raises(stops_with):
        asyncio.run(Retry(retries=1)(job(), inner))


def test_a_call_that_takes_too_long_is_given_up() -> None:
    class Hangs:
        width = 1

        async def generate(self, request: Request, piece: Piece | None = None) -> Reply:
            await asyncio.sleep(60)
            raise AssertionError

        async def aclose(self) -> None: ...

        def bound(self, request: Request) -> Bound:
            return Bound(1, 1)

        def render(self, request: Request) -> str:
            return ""

    ask = Ask(Engines(lambda model: Hangs()), timeout=0.01)
    result = asyncio.run(fold([Retry(retries=0), ask])(job()))
    assert (result.status, result.error) == ("failed", "no answer within 0.01 s")


def test_a_provider_that_wants_an_hour_is_not_waited_for() -> None:
    inner, seen = answers(TransientError("come back in an hour", retry_after=3600, limited=True))
    with pytest.raises(RateLimited, match="after 1 try"):
        asyncio.run(Retry(retries=3)(job(), inner))
    assert len(seen) == 1


def test_an_answer_that_misses_its_schema_is_asked_again_with_what_was_wrong() -> None:
    inner, seen = answers("four", '{"n": "four"}', '```json\n{"n": 4}\n```')
    result = asyncio.run(Attempt(repairs=2)(job(schema=NUMBER), inner))
    assert (result.status, result.output, result.usage, result.attempts) == ("ok", {"n": 4}, Usage(30, 15), 3)
    assert result.cost_usd == pytest.approx(0.3)
    told = [message.content for message in seen[2].request.messages]
    assert told[:2] == ["how many?", '{"n": "four"}']
    assert "at $.n: 'four' is not of type 'integer'" in told[2]


def test_repairs_end_and_the_last_answer_stays_visible() -> None:
    inner, seen = answers("four")
    result = asyncio.run(Attempt(repairs=1)(job(schema=NUMBER), inner))
    assert (result.status, result.output, len(seen)) == ("failed", "four", 2)
    assert result.error is not None
    assert "no answer met the schema in 2 tries" in result.error


def test_a_later_layer_of_the_same_task_is_not_asked_when_the_journal_knows_it(home: Path) -> None:
    async def story() -> tuple[Result, Result, Result, int]:
        with Store.open(home / "a.db") as store:
            writer = Writer(home / "a.db")
            inner, seen = answers("42")
            first = await fold([Remember(Journal(store, writer, "run")), _Inner(inner)])(job())
            await writer.flushed()
            way = fold([Remember(Journal(store, writer, "run")), _Inner(inner)])
            again = await way(replace(job(), task=Task("renamed", 9)))
            other = await way(replace(job(), nth=1))
            await writer.close()
            return first, again, other, len(seen)

    first, again, other, asked = asyncio.run(story())
    assert (first.known, again.known, other.known) == (False, True, False)
    assert (again.id, again.output) == ("renamed", "42")
    assert asked == 2


def test_a_layer_that_breaks_fails_its_task_with_the_place(home: Path) -> None:
    async def story() -> Result:
        with Store.open(home / "a.db") as store:
            writer = Writer(home / "a.db")
            inner, _ = answers(ZeroDivisionError("by zero"))
            result = await Remember(Journal(store, writer, "run"))(job(), inner)
            await writer.close()
            return result

    result = asyncio.run(story())
    assert result.status == "failed"
    assert result.error is not None
    assert result.error.startswith("ZeroDivisionError: by zero (inner in test_steps.py:")


class _Inner:
    name, order = "inner", 99

    def __init__(self, inner: Callable[[Job], Any]) -> None:
        self._inner = inner

    async def __call__(self, job: Job, proceed: Any) -> Result:
        result: Result = await self._inner(job)
        return result


def test_a_retry_opens_an_epoch_and_pieces_of_the_older_one_are_dropped() -> None:
    seen: list[Frame] = []
    stream = Stream(seen.append)
    first = stream.open()
    first("wro", 1)
    second = stream.open()
    second("right", 2)
    first("ng", 3)
    second("!", None)
    assert seen == [Frame(0, 0, "wro", 1), Frame(1, 0, "right", 2), Frame(1, 1, "!", None)]
    late: list[Frame] = []
    stream.join(late.append)
    second("?", None)
    assert [frame.text for frame in late] == ["right", "!", "?"]
