"""Questions that take several turns: an office with records to look up and notes to write, played by a script.

The world is data (``Question.world``), so that the same conversation always meets the same answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from typing import Any

from pyagent.model import Message, ToolCall
from pyagent_plugins.capability.items.maths import NAMES
from pyagent_plugins.capability.items.question import Draw, Generator, Question, ask, called
from pyagent_plugins.capability.items.tools import TEXT, WHOLE, spec

LOOK_UP = spec("look_up", "Look a key up in the records. Gives its value.", key=TEXT)
HOURS = spec("hours_of", "The hours of work of a ticket.", ticket=TEXT)
ROOM = spec("room_of", "The room in which a person sits.", person=TEXT)
WORKER = spec("worker_of", "The person who works on a ticket.", ticket=TEXT)
ADD = spec("add", "Add two whole numbers.", a=WHOLE, b=WHOLE)
WRITE = spec("write", "Write a value under a key into the records.", key=TEXT, value=TEXT)
SYSTEM = "You work in an office. Look things up with the tools; never guess. When you know the answer, give it."


class World:
    """What scripted tools know and what was written; ``state`` holds only what the model wrote."""

    def __init__(self, records: Mapping[str, Any]) -> None:
        self._records = {str(key).casefold(): str(value) for key, value in records.items()}
        self.state: dict[str, str] = {}

    def run(self, call: ToolCall) -> str:
        """The answer to a call; what is wrong with it is an answer too."""
        arguments = {str(key): value for key, value in call.arguments.items()}
        try:
            if call.name in ("look_up", "room_of", "worker_of", "hours_of"):
                key = str(next(iter(arguments.values())) if call.name != "look_up" else arguments["key"])
                return self._records.get(key.strip().casefold(), f"there is no record {key!r}")
            if call.name == "add":
                return str(int(arguments["a"]) + int(arguments["b"]))
            if call.name == "write":
                key = str(arguments["key"]).strip().casefold()
                self.state[key] = self._records[key] = str(arguments["value"]).strip()
                return "written"
        except (KeyError, TypeError, ValueError, StopIteration) as error:
            return f"the arguments {json.dumps(arguments, default=str)[:80]} do not fit: {type(error).__name__}"
        return f"there is no tool {call.name}"


def office(draw: Draw) -> Question:
    """One look-up (1), a chain of two (2), three (3), two chains and a sum (4), a moved record and a note (5)."""
    chance = draw.chance
    people = chance.sample(NAMES, 6)
    numbers = chance.sample(range(11, 989), 6)
    text, records, says, state = (_single, _chain, _longer, _both, _moved)[draw.level - 1](chance, people, numbers)
    tools = ((HOURS,), (ROOM, WORKER), (LOOK_UP,), (LOOK_UP, ADD), (LOOK_UP, ADD, WRITE))[draw.level - 1]
    return ask(
        text,
        "goal",
        {"says": says, "state": state},
        f"agent.office.{draw.level}",
        label=says[0] if says else next(iter(state.values())),
        system=SYSTEM,
        worked=_examples(draw.level),
        tools=tools,
        world=records,
        turns=(2, 3, 5, 9, 10)[draw.level - 1],
        max_tokens=96,
    )


def _examples(level: int) -> list[Message]:
    """Up to level 2 the same task once before, for another person."""
    if level == 1:
        return [
            *called("How many hours has ticket T-18?", "hours_of", {"ticket": "T-18"}, "41", "T-18 has 41 hours"),
            *called("How many hours has ticket T-35?", "hours_of", {"ticket": "T-35"}, "6", "T-35 has 6 hours", 2),
        ]
    if level == 2:
        ticket = called("", "worker_of", {"ticket": "T-18"}, "Otto", "")[1:3]
        room = called("", "room_of", {"person": "Otto"}, "room 12", "", 2)[1:3]
        asked = Message("user", "In which room sits the person who works on ticket T-18?")
        return [asked, *ticket, *room, Message("assistant", "room 12")]
    return []


Played = tuple[str, dict[str, str], list[str], dict[str, str]]


def _single(chance: Random, people: list[str], numbers: list[int]) -> Played:
    tickets = [f"T-{number}" for number in chance.sample(range(100, 999), len(numbers))]
    records = {ticket: str(number) for ticket, number in zip(tickets, numbers, strict=True)}
    return f"How many hours has ticket {tickets[0]}?", records, [str(numbers[0])], {}


def _chain(chance: Random, people: list[str], numbers: list[int]) -> Played:
    ticket = f"T-{chance.randint(100, 999)}"
    records = {ticket: people[0], **{name: f"room {number}" for name, number in zip(people, numbers, strict=True)}}
    text = f"In which room sits the person who works on ticket {ticket}?"
    return text, records, [str(numbers[0])], {}


def _longer(chance: Random, people: list[str], numbers: list[int]) -> Played:
    ticket = f"T-{chance.randint(100, 999)}"
    records = {ticket: people[0]}
    records |= {f"boss of {name}": boss for name, boss in zip(people, people[1:] + people[:1], strict=True)}
    records |= {f"phone of {name}": str(number) for name, number in zip(people, numbers, strict=True)}
    text = (
        f"What is the phone number of the boss of the person who works on ticket {ticket}? The keys are the ticket, "
        "'boss of NAME' and 'phone of NAME'."
    )
    return text, records, [str(numbers[1])], {}


def _both(chance: Random, people: list[str], numbers: list[int]) -> Played:
    one, two = (f"T-{number}" for number in chance.sample(range(100, 999), 2))
    records = {one: people[0], two: people[3]}
    records |= {f"hours of {name}": str(number) for name, number in zip(people, numbers, strict=True)}
    text = (
        f"How many hours have the people who work on the tickets {one} and {two} together? The keys are the ticket and "
        "'hours of NAME'."
    )
    return text, records, [str(numbers[0] + numbers[3])], {}


def _moved(chance: Random, people: list[str], numbers: list[int]) -> Played:
    one, two, three = (f"T-{number}" for number in chance.sample(range(100, 999), 3))
    records = {one: f"moved to {two}", two: f"moved to {three}", three: people[2]}
    records |= {f"hours of {name}": str(number) for name, number in zip(people, numbers, strict=True)}
    records |= {f"boss of {name}": boss for name, boss in zip(people, people[1:] + people[:1], strict=True)}
    total = str(numbers[2] + numbers[3])
    text = (
        f"Find out who works on ticket {one}; a ticket may have moved. Add the hours of that person and of "
        f"their boss, and "
        f"write the sum under the key 'total {one}'. The keys are the ticket, 'hours of NAME' and 'boss of "
        f"NAME'. Then say "
        "the sum."
    )
    return text, records, [total], {f"total {one}".casefold(): total}


GENERATORS = (Generator("agent.office", "agent.multiturn", "1", office),)
