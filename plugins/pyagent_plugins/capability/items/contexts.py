"""Questions whose answer stands somewhere in a long text; all items of a set share the text, so it is read once.

The text is a log of a house: true to its length by a count of words, as nobody's tokenizer is at hand here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random

from pyagent_plugins.capability.items.maths import NAMES
from pyagent_plugins.capability.items.question import Draw, Generator, Question, ask

# Tokens of a line by SmolLM2's vocabulary, which cuts numbers into digits: 16 to 17 on average.
LINE = 16
# Tokens of the text. Reading costs the square of it, and other vocabularies need more of them for the same text.
SIZES = {"2k": 1_700, "8k": 6_400, "32k": 29_000}
COLOURS = ("red", "blue", "green", "white", "black", "yellow", "brown", "grey", "pink", "orange")
THINGS = ("box", "key", "bag", "cup", "map", "coat", "lamp", "bell", "rope", "drum")
ROOMS = ("kitchen", "hall", "attic", "cellar", "library", "garage", "garden", "tower", "stable", "chapel")
DOINGS = (
    "{name} walked through the {room} and closed the window again.",
    "Nothing was moved in the {room} while {name} was there.",
    "{name} swept the floor of the {room} and went home.",
    "The light in the {room} was on, and {name} turned it off.",
    "{name} waited in the {room} for a guest who did not come.",
)


@dataclass(frozen=True, slots=True)
class House:
    """The text, and what is true in it: codes by (colour, thing), who keeps what, where it was put last."""

    text: str
    codes: dict[tuple[str, str], int]
    keepers: dict[tuple[str, str], str]
    places: dict[tuple[str, str], str]


@cache
def house(shared: int, size: str) -> House:
    """The house of a set, with as many filling lines as its size takes."""
    chance = Random(f"house/{shared}/{size}")
    pairs = [(colour, thing) for colour in COLOURS for thing in THINGS]
    chance.shuffle(pairs)
    # Two colours of each thing and two things of each colour at least: similar ones stand in the way.
    pairs = pairs[:12]
    codes = dict(zip(pairs, chance.sample(range(1000, 9999), len(pairs)), strict=True))
    keepers = dict(zip(pairs, chance.sample(NAMES, len(pairs)), strict=True))
    told: list[str] = []
    places: dict[tuple[str, str], str] = {}
    for pair in pairs:
        what = " ".join(pair)
        told.append(f"The number of the {what} is {codes[pair]}.")
        told.append(f"{keepers[pair]} looks after the {what}.")
    moves = [(pair, chance.choice(ROOMS)) for pair in pairs for _ in range(2)]
    chance.shuffle(moves)
    count = SIZES[size] // LINE
    filling = [_filling(chance) for _ in range(max(0, count - len(told) - len(moves)))]
    rows = told + filling
    chance.shuffle(rows)
    # Moves keep their order, for the last one counts.
    for at, (pair, room) in zip(sorted(chance.sample(range(len(rows)), len(moves))), moves, strict=True):
        places[pair] = room
        rows[at] += f" Then the {' '.join(pair)} was put into the {room}."
    text = "\n".join(f"{number}. {row}" for number, row in enumerate(rows, 1))
    return House(text, codes, keepers, places)


def _filling(chance: Random) -> str:
    return chance.choice(DOINGS).format(name=chance.choice(NAMES), room=chance.choice(ROOMS))


def retrieve(draw: Draw, size: str) -> Question:
    """A number (1), the thing of a number (2), the place put last (3), by its keeper (4), a sum of two (5)."""
    home = house(draw.shared, size)
    pairs = list(home.codes)
    pair = pairs[(draw.turn * 5 + draw.level) % len(pairs)]
    other = pairs[(draw.turn * 5 + draw.level + 1) % len(pairs)]
    what = " ".join(pair)
    question, grader, answer = (
        (f"What is the number of the {what}?", "number", home.codes[pair]),
        (f"Which thing has the number {home.codes[pair]}? Say its colour and name.", "exact", [what]),
        (f"In which room is the {what} at the end?", "exact", [home.places[pair], f"the {home.places[pair]}"]),
        (f"What is the number of the thing that {home.keepers[pair]} looks after?", "number", home.codes[pair]),
        (
            f"Add the number of the thing that {home.keepers[pair]} looks after and the number of the "
            f"{' '.join(other)}. "
            "What is the sum?",
            "number",
            home.codes[pair] + home.codes[other],
        ),
    )[draw.level - 1]
    text = f"A log of a house:\n\n{home.text}\n\nAnswer from the log, with the answer alone. {question}"
    return ask(text, grader, answer, f"context.{size}.{draw.shared & 0xFFFF:04x}", label=str(answer), max_tokens=32)


def _of(size: str) -> Generator:
    return Generator(f"context.{size}", f"context.retrieve@{size}", "1", lambda draw: retrieve(draw, size))


GENERATORS = tuple(_of(size) for size in SIZES)
