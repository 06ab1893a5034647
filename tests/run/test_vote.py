"""Samples become one answer: what counts as the same answer, who is chosen, and what the Result carries."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyagent.engine.base import Request, ToolSpec
from pyagent.event import Event
from pyagent.model import Agent, Message, Model, Result, Task, Usage
from pyagent.run.pipeline import Job, Spans
from pyagent.run.steps.vote import Vote, consensus, decide, normal, shared
from pyagent.run.stream import Frame, Stream

SCHEMA = {"type": "object", "properties": {"n": {"type": "number"}}, "required": ["n"], "additionalProperties": False}


@pytest.mark.parametrize(
    "same",
    [
        ["42", " 42\n", "42.0", "42.", "**42**", "$42", "The answer is 42.", "Some words.\nAnswer: 42", "\\boxed{42}"],
        ["1,234.50", "1234.5"],
        ["B", "(b)", "b.", "**Answer:** B", "So the answer is B."],
        ["New   York", "new york.", "“New York”"],
        ["-0", "0", "0.0"],
    ],
)
def test_texts_that_say_the_same_are_one_answer(same: list[str]) -> None:
    assert len({normal(text) for text in same}) == 1


@pytest.mark.parametrize(
    "different",
    [
        ["42", "42%", "4.2", "-42", "142", "42 dollars"],
        ["yes", "no", "not yes"],
        # Longer than any exact number: not rounded into one.
        ["1" * 40, "1" * 39 + "2"],
        # A number in the middle of a sentence is no answer to be pulled out.
        ["I count 3 cats and 4 dogs", "I count 3 cats and 5 dogs"],
        ["The answer is 4.", "The answer is 4. No, it is 5."],
    ],
)
def test_texts_that_differ_stay_apart(different: list[str]) -> None:
    assert len({normal(text) for text in different}) == len(different)


def test_json_answers_are_compared_as_values() -> None:
    assert normal('{"n": 1}', SCHEMA) == normal('```json\n{ "n": 1.0 }\n```', SCHEMA)
    assert normal('{"n": 1}', SCHEMA) != normal('{"n": 2}', SCHEMA)
    assert normal('{"n": "1"}', SCHEMA) is None
    assert normal("{", SCHEMA) is None


def test_the_majority_wins_as_it_was_written_first() -> None:
    decision = decide("majority", ["a", "The answer is B.", "b", "", "c"])
    assert (decision.index, decision.behind) == (1, 2)
    assert decision.counts[0] == ("b", 2)
    assert dict(decision.counts) == {"a": 1, "b": 2, "c": 1}


def test_ties_go_to_the_first() -> None:
    assert decide("majority", ["x", "y", "y", "x"]).index == 0
    assert decide("longest_agreement", ["one two", "three four"]).index == 0


def test_first_valid_takes_the_first_that_meets_the_schema() -> None:
    samples = ["nothing", '{"n": 3}', '{"n": 4}', '{"n":4.0}']
    decision = decide("first_valid", samples, SCHEMA)
    assert (decision.index, decision.behind) == (1, 1)
    assert decide("majority", samples, SCHEMA).index == 2
    assert decide("first_valid", ["", " \n", "text"]).index == 2


def test_when_all_are_invalid_the_first_stands_alone() -> None:
    decision = decide("majority", ["x", "y"], SCHEMA)
    assert (decision.index, decision.behind, decision.counts) == (0, 0, ())


def test_longest_agreement_takes_the_text_that_shares_most_with_the_others() -> None:
    texts = [
        "Bananas are yellow.",
        "Turn it off, wait ten seconds, then turn it on again.",
        "Please turn it off and wait ten seconds; then turn it on.",
        "Turn it off, wait, then on again.",
    ]
    decision = decide("longest_agreement", texts)
    assert (decision.index, decision.behind) == (1, 3)


def test_long_texts_without_spaces_agree_by_the_character() -> None:
    assert consensus(["猫が好きです", "犬が好きです", "雨"]) == (0, 2)


@given(st.lists(st.sampled_from("abcd"), max_size=14), st.lists(st.sampled_from("abcd"), max_size=14))
def test_the_common_words_are_counted_as_the_textbook_does(a: list[str], b: list[str]) -> None:
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1][j + 1] = table[i][j] + 1 if x == y else max(table[i][j + 1], table[i + 1][j])
    assert shared(a, b) == table[-1][-1]


@given(st.lists(st.text(max_size=30), min_size=1, max_size=6), st.sampled_from(["majority", "longest_agreement"]))
def test_any_texts_give_a_decision(samples: list[str], vote: str) -> None:
    decision = decide(vote, samples)
    assert 0 <= decision.index < len(samples)
    assert 0 <= decision.behind <= len(samples)
    assert decision == decide(vote, samples)


def job(samples: int, vote: Any = "majority", **more: Any) -> tuple[Job, list[Event]]:
    events: list[Event] = []
    request = Request("m", (Message("user", "?"),), samples=samples, seed=more.pop("seed", None))
    request = replace(request, schema=more.pop("schema", None), tools=more.pop("tools", ()))
    task = Task("t", samples=samples, vote=vote)
    return Job("r", task, "k", 0, Model("m"), request, events.append, Spans(), **more), events


def gives(texts: Sequence[str]) -> Callable[[Job], Any]:
    async def proceed(_: Job) -> Result:
        return Result("t", "ok", texts[0], samples=tuple(texts) if len(texts) > 1 else ())

    return proceed


def test_the_result_carries_the_agreement_and_the_event_the_counts() -> None:
    start, events = job(4)
    result = asyncio.run(Vote()(start, gives(["5", "6", "6.0", ""])))
    assert (result.output, result.agreement, result.samples) == ("6", 0.5, ())
    assert result.line()["agreement"] == 0.5
    assert [event.kind for event in events] == ["vote.decided"]
    assert events[0].data["counts"] == [{"answer": "6", "votes": 2}, {"answer": "5", "votes": 1}]
    assert events[0].data["chosen"] == 1


def test_one_sample_passes_through() -> None:
    start, events = job(1)
    result = asyncio.run(Vote()(start, gives(["5"])))
    assert (result.output, result.agreement, events) == ("5", None, [])


def test_who_watched_the_first_sample_gets_the_chosen_one() -> None:
    frames: list[Frame] = []
    stream = Stream(frames.append)
    stream.open()("5", None)
    start, _ = job(3, stream=stream)
    asyncio.run(Vote()(start, gives(["5", "6", "6"])))
    assert [(frame.epoch, frame.text) for frame in frames] == [(0, "5"), (1, "6")]
    asyncio.run(Vote()(start, gives(["6", "5", "6"])))
    assert len(frames) == 2


def talking(answers: Sequence[str], asked: list[Job]) -> Callable[[Job], Any]:
    """An inner layer with tools: each talk answers by its seed, the first one last."""

    async def proceed(one: Job) -> Result:
        asked.append(one)
        index = (one.request.seed or 0) - 100
        await asyncio.sleep(0.01 * (len(answers) - index))
        if answers[index] == "broken":
            return Result("t", "failed", error="it broke", usage=Usage(1, 1), cost_usd=0.0)
        return Result("t", "ok", answers[index], usage=Usage(10, 1), cost_usd=0.5, attempts=2)

    return proceed


def test_with_tools_each_sample_is_a_talk_of_its_own() -> None:
    asked: list[Job] = []
    tools = (ToolSpec("add", "", {}),)
    start, events = job(4, tools=tools, seed=100, stream=Stream())
    result = asyncio.run(Vote()(start, talking(["7", "8", "broken", "8"], asked)))
    assert (result.output, result.agreement) == ("8", 0.5)
    assert (result.usage, result.cost_usd, result.attempts) == (Usage(31, 4), 1.5, 7)
    assert [one.request.samples for one in asked] == [1, 1, 1, 1]
    assert [one.request.seed for one in asked] == [100, 101, 102, 103]
    assert [one.stream is None for one in asked] == [False, True, True, True]
    spans = [event.span for event in events if event.kind == "sample.started"]
    assert sorted(spans) == sorted(event.span for event in events if event.kind == "sample.finished") == [1, 2, 3, 4]


def test_an_agent_that_may_hand_over_talks_too() -> None:
    asked: list[Job] = []
    start, _ = job(2, seed=100, agent=Agent("a", handoffs=("b",)))
    assert asyncio.run(Vote()(start, talking(["7", "7"], asked))).agreement == 1.0
    assert len(asked) == 2


def test_when_every_talk_fails_the_task_fails() -> None:
    start, events = job(2, tools=(ToolSpec("add", "", {}),), seed=100)
    result = asyncio.run(Vote()(start, talking(["broken", "broken"], [])))
    assert (result.status, result.error, result.usage) == ("failed", "it broke", Usage(2, 2))
    assert "vote.decided" not in [event.kind for event in events]


def test_a_schema_decides_among_talks() -> None:
    start, _ = job(3, tools=(ToolSpec("add", "", {}),), seed=100, schema=SCHEMA)
    samples = ["no", json.dumps({"n": 1}), json.dumps({"n": 1.0})]
    result = asyncio.run(Vote()(start, talking(samples, [])))
    assert (result.output, result.agreement) == ('{"n": 1}', 2 / 3)


def test_a_dry_run_does_not_vote() -> None:
    start, events = job(3, dry=True)
    result = asyncio.run(Vote()(start, gives(["5", "6", "6"])))
    assert (result.output, events) == ("5", [])
