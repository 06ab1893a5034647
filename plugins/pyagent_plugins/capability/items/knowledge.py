"""Questions of what is known: an open answer each, so that guessing among letters gains nothing."""

from __future__ import annotations

from random import Random

from pyagent_plugins.capability.items.facts import facts
from pyagent_plugins.capability.items.question import Draw, Generator, Question, ask

SHOTS = [
    ("What is the capital of Belgium?", "Brussels"),
    ("What is the chemical symbol of helium?", "He"),
    ("How many wheels has a bicycle?", "Two"),
    ("Who invented the telephone?", "Bell"),
]
SYSTEM = "Answer with the name, word or number alone."


def general(draw: Draw) -> Question:
    """Facts of a level in an order that the set's own seed shuffles: no fact comes twice in a set."""
    rows = facts(draw.level)
    Random(f"{draw.shared}/{draw.level}").shuffle(rows)
    question, answers = rows[draw.turn % len(rows)]
    return ask(question, "exact", answers, "know.general", label=answers[0], shots=SHOTS, system=SYSTEM, max_tokens=24)


GENERATORS = (Generator("know.general", "know.general", "1", general),)
