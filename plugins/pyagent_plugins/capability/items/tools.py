"""Questions that are answered by calling a tool: the right one, rightly filled, and none where none fits."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from pyagent.engine.base import ToolSpec
from pyagent_plugins.capability.items.maths import NAMES
from pyagent_plugins.capability.items.question import Draw, Generator, Question, ask
from pyagent_plugins.capability.items.texts import CITIES, MONTHS

TEXT, WHOLE = {"type": "string"}, {"type": "integer"}


def spec(name: str, does: str, /, **properties: Mapping[str, Any]) -> ToolSpec:
    """A tool with a closed object of required arguments."""
    return ToolSpec(
        name,
        does,
        {
            "type": "object",
            "properties": dict(properties),
            "required": [key for key, each in properties.items() if "default" not in each],
            "additionalProperties": False,
        },
    )


# Tools with what people say when they need one; the last of each group is close to the first.
GROUPS: tuple[tuple[tuple[ToolSpec, str], ...], ...] = (
    (
        (spec("get_weather", "Current weather of a city.", city=TEXT), "What is the weather in {city} now?"),
        (spec("get_forecast", "Weather of the coming days of a city.", city=TEXT), "Will it rain in {city} tomorrow?"),
        (spec("get_climate", "Average weather of a city over many years.", city=TEXT),
         "How warm is {city} in an average year?"),
    ),
    (
        (spec("send_email", "Send an email.", to=TEXT, text=TEXT), "Email {name} that I am late."),
        (spec("send_message", "Send a short text message to a phone.", to=TEXT, text=TEXT),
         "Text {name} on the phone that I am late."),
        (spec("draft_email", "Write an email and keep it without sending.", to=TEXT, text=TEXT),
         "Prepare an email to {name} that says I am late, but do not send it yet."),
    ),
    (
        (spec("set_alarm", "Set an alarm clock for a time.", time=TEXT), "Wake me up at {hour}:15."),
        (spec("set_timer", "Start a countdown of some minutes.", minutes=WHOLE), ("Start a countdown of {hour} "
            "minutes.")),
        (spec("add_event", "Put an appointment into the calendar.", title=TEXT, day=TEXT),
         "Put my dinner with {name} on {day} {month} into the calendar."),
    ),
    (
        (spec("play_music", "Play music by an artist.", artist=TEXT), "Play some music by {name}."),
        (spec("play_video", "Show a video.", title=TEXT), "Show me the video about {city}."),
        (spec("stop_playing", "Stop music and video."), "Be quiet now, no more music."),
    ),
    (
        (spec("calculate", "Compute an arithmetic expression.", expression=TEXT), "What is {a} times {b}?"),
        (spec("convert_money", "Convert an amount between currencies.", amount=WHOLE, to=TEXT),
         "How much are {a} dollars in euros?"),
        (spec("convert_units", "Convert lengths and weights between units.", amount=WHOLE, to=TEXT),
         "How many kilometres are {a} miles?"),
    ),
    (
        (spec("search_flights", "Find flights to a city.", city=TEXT), "Find me a flight to {city}."),
        (spec("book_hotel", "Book a hotel room in a city.", city=TEXT), "I need a room in {city} for the night."),
        (spec("find_restaurant", "Find a restaurant in a city.", city=TEXT), "Where can I eat well in {city}?"),
    ),
)  # fmt: skip
# Pairs that the smallest model tells apart.
EASY = (("get_weather", "play_music"), ("set_timer", "search_flights"))
PLAIN = (
    "Say hello to {name}.",
    "Which word rhymes with house?",
    "What is the opposite of hot?",
    "Tell me a short joke about {city}.",
    "Thank you, that was all, {name}.",
    "Write one sentence about friendship.",
    "Spell the word {city}.",
    "What colour is grass?",
)
# Looks as if one of the tools fitted, and none does.
NEAR = (
    "Which tools could you use to plan a trip to {city}? Do not use any, just tell me.",
    "I already emailed {name} and the alarm is set. Just say that you are glad.",
    "What does the word forecast mean?",
    "Yesterday I asked you for the weather in {city}; no need to look again. Say goodbye.",
    "If I had {a} dollars and you {b}, which of us would have more?",
    "Explain in one sentence what a currency is.",
    "Delete all files of {name}.",
    "Do not play any music. What is a song?",
)
SYSTEM = "You are an assistant with tools."


def _fill(text: str, chance: Random) -> str:
    return text.format(
        city=chance.choice(CITIES),
        name=chance.choice(NAMES),
        hour=chance.randint(5, 11),
        day=chance.randint(1, 28),
        month=chance.choice(MONTHS),
        a=chance.randint(11, 89),
        b=chance.randint(11, 89),
    )


def _offer(draw: Draw, turn: int) -> tuple[tuple[ToolSpec, ...], int, str]:
    """The tools of a level with the place of the right one, which goes round, and what asks for it.

    All items of a level see the same list in the same order (two lists at level 1): an engine that keeps prefixes
    reads it once. Up to level 3 each tool is of another kind; then near ones stand beside the right one.
    """
    order = Random(f"tools/{draw.level}")
    groups = order.sample(GROUPS, len(GROUPS))
    if draw.level == 1:
        rows = [row for group in GROUPS for row in group if row[0].name in EASY[turn // 2 % 2]]
    elif draw.level <= 3:
        rows = [order.choice(group) for group in groups[: 2 * draw.level - 1]]
    else:
        rows = [row for group in groups[: draw.level - 1] for row in group]
        order.shuffle(rows)
    place = turn % len(rows)
    return tuple(tool for tool, _ in rows), place, _fill(rows[place][1], draw.chance)


def select(draw: Draw) -> Question:
    tools, place, text = _offer(draw, draw.turn)
    answer = {"name": tools[place].name, "arguments": None}
    return ask(
        text,
        "call",
        answer,
        "tool.select",
        label=str(place),
        system=SYSTEM,
        tools=tools,
        tool_choice="required",
        max_tokens=96,
    )


def abstain(draw: Draw) -> Question:
    """A call by turns needed and out of place."""
    chance = draw.chance
    needed = draw.turn % 2 == 0
    tools, place, text = _offer(draw, draw.turn // 2)
    if not needed:
        text = _fill(chance.choice(PLAIN if draw.level <= 2 else NEAR), chance)
    answer = {"name": tools[place].name if needed else None, "arguments": None}
    return ask(
        text,
        "call",
        answer,
        "tool.abstain",
        label="call" if needed else "answer",
        system=SYSTEM,
        tools=tools,
        max_tokens=96,
    )


def arguments(draw: Draw) -> Question:
    """One tool to fill: a field (1), two (2), a choice and a truth (3), dates to normalise (4), a nested order (5)."""
    chance = draw.chance
    text, tool, values = (_city, _table, _ticket, _leave, _order)[draw.level - 1](chance, draw.turn)
    answer = {"name": tool.name, "arguments": values}
    label = str(next(iter(values.values())))
    return ask(
        text,
        "call",
        answer,
        f"tool.args.{tool.name}",
        label=label,
        system=SYSTEM,
        tools=(tool,),
        tool_choice="required",
        max_tokens=256 if draw.level == 5 else 128,
    )


Filled = tuple[str, ToolSpec, dict[str, Any]]


def _city(chance: Random, turn: int) -> Filled:
    city = chance.choice(CITIES)
    tool = spec("get_weather", "Current weather of a city.", city={"type": "string", "description": "Name of the city"})
    text = chance.choice(("What is the weather in {}?", "How is the weather in {} today?", "Is it cold in {} now?"))
    return text.format(city), tool, {"city": city}


def _table(chance: Random, turn: int) -> Filled:
    name, guests = chance.choice(NAMES), chance.randint(2, 12)
    tool = spec("book_table", "Book a table.", name={**TEXT, "description": "Who comes"}, guests=WHOLE)
    return f"Book a table for {guests} people for {name}.", tool, {"name": name, "guests": guests}


def _ticket(chance: Random, turn: int) -> Filled:
    city, count = chance.choice(CITIES), chance.randint(2, 6)
    kind = ("first", "second")[turn % 2]
    returns = turn // 2 % 2 == 0
    tool = spec(
        "buy_ticket",
        "Buy train tickets.",
        city=TEXT,
        count=WHOLE,
        travel_class={"enum": ["first", "second"]},
        with_return={"type": "boolean"},
    )
    way = "there and back" if returns else "one way"
    text = f"I need {count} {kind}-class train tickets to {city}, {way}."
    return text, tool, {"city": city, "count": count, "travel_class": kind, "with_return": returns}


def _leave(chance: Random, turn: int) -> Filled:
    name, month = chance.choice(NAMES), chance.randrange(12)
    start = chance.randint(1, 14)
    days = chance.randint(3, 12)
    tool = spec(
        "enter_leave",
        "Enter days off.",
        person=TEXT,
        first_day={**TEXT, "description": "YYYY-MM-DD"},
        last_day={**TEXT, "description": "YYYY-MM-DD, included"},
        paid={"type": "boolean"},
    )
    paid = turn % 2 == 0
    text = (
        f"{name} takes {days} days off from {start} {MONTHS[month]} 2026 on, counting every day, "
        f"{'paid' if paid else 'unpaid'}."
    )
    first, last = f"2026-{month + 1:02}-{start:02}", f"2026-{month + 1:02}-{start + days - 1:02}"
    return text, tool, {"person": name, "first_day": first, "last_day": last, "paid": paid}


def _order(chance: Random, turn: int) -> Filled:
    name, city = chance.choice(NAMES), chance.choice(CITIES)
    goods = chance.sample(("lamp", "chair", "desk", "kettle", "clock", "vase"), 3)
    counts = [chance.randint(1, 9) for _ in goods]
    item = {
        "type": "object",
        "properties": {"article": TEXT, "count": WHOLE, "gift": {"type": "boolean"}},
        "required": ["article", "count", "gift"],
        "additionalProperties": False,
    }
    tool = spec(
        "place_order",
        "Order goods. Articles in the singular, in the order in which they are named at last.",
        customer=TEXT,
        ship_to={"type": "object", "properties": {"city": TEXT, "express": {"type": "boolean"}},
                 "required": ["city", "express"], "additionalProperties": False},
        items={"type": "array", "items": item},
    )  # fmt: skip
    a, b, c = goods
    text = (
        f"Order for {name}: {counts[0]} {a}s, {counts[1]} {b}s as a gift, {counts[2]} {c}s. Wait, one {a} more, "
        f"and leave "
        f"out the {c}s. Ship to {city}, {'as fast as you can' if turn % 2 else 'no hurry'}."
    )
    values = {
        "customer": name,
        "ship_to": {"city": city, "express": bool(turn % 2)},
        "items": [
            {"article": a, "count": counts[0] + 1, "gift": False},
            {"article": b, "count": counts[1], "gift": True},
        ],
    }
    return text, tool, values


GENERATORS = (
    Generator("tool.select", "tool.select", "1", select),
    Generator("tool.args", "tool.args", "1", arguments),
    Generator("tool.abstain", "tool.abstain", "1", abstain),
)
