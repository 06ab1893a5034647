"""Two scores: right however it is said, and said as it was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from pyagent.engine.base import ToolSpec
from pyagent.model import Message, ToolCall
from pyagent_plugins.capability.items.agents import World
from pyagent_plugins.capability.items.graders import Said, grade
from pyagent_plugins.capability.items.question import Question
from pyagent_plugins.capability.items.suite import PROFILES, build, items

TOOL = ToolSpec("get", "Get.", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})


def asked(grader: str, answer: Any, **more: Any) -> Question:
    return Question((Message("user", "?"),), grader, answer, "x", "t", **more)


@pytest.mark.parametrize(
    ("grader", "answer", "said", "solved", "complied"),
    [
        ("number", 64, "64", 1, True),
        ("number", 64, "42 + 22 = 64", 1, False),
        ("number", 64, "First 42.\nAnswer: 64", 1, True),
        ("number", 64, "Answer: 64.", 1, True),
        ("number", 1234, "It is **1,234**", 1, False),
        ("number", 64, "64 is not it, 65 is", 0, False),
        ("number", -3, "-3", 1, True),
        ("one_of", {"right": "Yes", "among": ["Yes", "No"]}, "yes", 1, True),
        ("one_of", {"right": "Yes", "among": ["Yes", "No"]}, "No, wait. Yes", 1, False),
        ("one_of", {"right": "Yes", "among": ["Yes", "No"]}, "Not at all", 0, False),
        ("one_of", {"right": "Ann", "among": ["Ann", "Anna"]}, "Anna", 0, True),
        ("exact", ["Paris"], "The capital of France is Paris.", 1, False),
        ("exact", ["Paris"], "paris", 1, True),
        ("exact", ["Paris"], "Parisian", 0, True),
        ("exact", ["7", "seven"], "17", 0, True),
        ("exact", ["月曜日"], "それは月曜日です", 1, True),
        ("verbatim", "DOG", "DOG", 1, True),
        ("verbatim", "DOG", "dog", 0, True),
        ("verbatim", "DOG", '"DOG"', 1, True),
        ("sequence", ["a", "b"], "a, b", 1, True),
        ("sequence", ["a", "b"], "a b", 1, False),
        ("sequence", ["a", "b"], "b, a", 0, False),
        ("constrained", [["lower", None], ["words", 3]], "one two three", 1, True),
        ("constrained", [["lower", None], ["words", 3]], "Here you are:\n\none two three", 1, False),
        ("constrained", [["lower", None], ["words", 3]], "One two three", 0, False),
        ("constrained", [["bullets", 2]], "- a\n- b", 1, True),
        ("constrained", [["acrostic", "ab"]], "Apple\nbook", 1, True),
        ("constrained", [["times", ["x", 2]]], "x y x", 1, True),
    ],
)
def test_words_are_read_leniently_and_their_form_strictly(
    grader: str, answer: Any, said: str, solved: float, complied: bool
) -> None:
    found = grade(asked(grader, answer), Said(said))
    assert (found.solved, found.complied) == (solved, complied)


SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("said", "solved", "complied"),
    [
        ('{"n": 5}', 1, True),
        ('{"n": 6}', 0, True),
        ('Here: {"n": 5}', 1, False),
        ('```json\n{"n": 5}\n```', 1, False),
        ('{"n": true}', 0, False),
        ("five", 0, False),
    ],
)
def test_json_is_right_in_its_values_and_complies_with_its_schema(said: str, solved: float, complied: bool) -> None:
    found = grade(asked("data", {"n": 5}, schema=SCHEMA), Said(said))
    assert (found.solved, found.complied) == (solved, complied)


def call(name: str, **arguments: Any) -> tuple[ToolCall, ...]:
    return (ToolCall("1", name, arguments),)


@pytest.mark.parametrize(
    ("answer", "said", "solved", "complied"),
    [
        ({"name": "get", "arguments": None}, Said(calls=call("get", city="Rome")), 1, True),
        ({"name": "get", "arguments": None}, Said("Rome is warm."), 0, False),
        ({"name": "get", "arguments": {"city": "Rome"}}, Said(calls=call("get", city="rome")), 1, True),
        ({"name": "get", "arguments": {"city": "Rome"}}, Said(calls=call("get", city="Oslo")), 0, True),
        ({"name": "get", "arguments": {"city": "Rome"}}, Said(calls=call("get", town="Rome")), 0, False),
        ({"name": None, "arguments": None}, Said("Hello!"), 1, True),
        ({"name": None, "arguments": None}, Said(calls=call("get", city="Rome")), 0, False),
        ({"name": None, "arguments": None}, Said(""), 0, True),
    ],
)
def test_a_call_is_right_by_name_and_arguments(answer: Any, said: Said, solved: float, complied: bool) -> None:
    found = grade(asked("call", answer, tools=(TOOL,)), said)
    assert (found.solved, found.complied) == (solved, complied)


def test_the_office_can_be_worked_through_by_its_script() -> None:
    """Level 5 to its end: a ticket that moved twice, two sums of hours, and a note of them."""
    item = next(item for item in items(PROFILES["smoke"], "2026-W48", ["agent"]) if item.level == 4)
    question = build(item)
    assert question.world is not None
    world = World(question.world)
    tickets = [word.strip("?.,") for word in question.messages[-1].content.split() if word.startswith("T-")]
    people = [world.run(ToolCall("1", "look_up", {"key": ticket})) for ticket in tickets[:2]]
    hours = [world.run(ToolCall("2", "look_up", {"key": f"hours of {name}"})) for name in people]
    total = world.run(ToolCall("3", "add", {"a": hours[0], "b": hours[1]}))
    assert grade(question, Said(f"Together {total} hours.", state=world.state)).solved == 1.0
    assert "no record" in world.run(ToolCall("4", "look_up", {"key": "nobody"}))
    assert "do not fit" in world.run(ToolCall("5", "add", {"a": "x"}))
    assert "no tool" in world.run(ToolCall("6", "fly", {}))
