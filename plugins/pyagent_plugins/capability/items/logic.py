"""Questions of deduction: who is first, what follows, who lies."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from pyagent_plugins.capability.items import gym
from pyagent_plugins.capability.items.maths import NAMES
from pyagent_plugins.capability.items.question import Draw, Generator, Question, ask

END = "End with a line that says `Answer:` and {}."
PAIRS = (
    ("taller", "shorter", "tallest", "shortest"),
    ("older", "younger", "oldest", "youngest"),
    ("faster", "slower", "fastest", "slowest"),
)


def order(draw: Draw) -> Question:
    """Who is first of a row: 2 to 7 people, told in order, then shuffled, then in both directions."""
    chance = draw.chance
    count = (2, 3, 4, 5, 7)[draw.level - 1]
    row = chance.sample(NAMES, count)
    more, less, most, least = PAIRS[draw.turn % 3]
    facts = [f"{a} is {more} than {b}." for a, b in pairwise(row)]
    if draw.level >= 4:
        facts = [
            f"{b} is {less} than {a}." if chance.random() < 0.5 else fact
            for fact, a, b in zip(facts, row, row[1:], strict=False)
        ]
    if draw.level >= 3:
        chance.shuffle(facts)
    # The one in the middle of the text is as likely as the first: by turns the question asks for either end.
    top = draw.turn % 2 == 0
    place = 1 if draw.level == 5 else 0
    words = ("second " if place else "") + (most if top else least)
    answer = row[place] if top else row[-1 - place]
    text = f"{' '.join(facts)} Who is the {words}?"
    if draw.level == 1:
        text = f"{facts[0]} Who is {more if top else less}, {' or '.join(sorted(row))}?"
    spec = {"right": answer, "among": sorted(row)}
    # What a model would have to say that always takes the first, second ... name of the text.
    label = str(sorted(row, key=" ".join(facts).index).index(answer))
    if draw.level >= 3:
        return ask(f"{text} {END.format('the name')}", "one_of", spec, "logic.order", label=label, max_tokens=256)
    shots = [
        ("Tom is taller than Sue. Sue is taller than Max. Who is the tallest?", "Tom"),
        ("Bill is older than Rose. Rose is older than Ida. Who is the youngest?", "Ida"),
    ]
    if draw.level == 1:
        shots = [
            ("Tom is taller than Sue. Who is taller, Sue or Tom?", "Tom"),
            ("Bill is older than Rose. Who is younger, Bill or Rose?", "Rose"),
            ("Amy is faster than Sam. Who is faster, Amy or Sam?", "Amy"),
        ]
    return ask(text, "one_of", spec, "logic.order", label=label, shots=shots, max_tokens=16)


KINDS = ("cats", "birds", "fish", "horses", "frogs", "bees", "sheep", "ducks")
TRAITS = ("green", "tame", "loud", "quick", "shy", "striped")


def classes(draw: Draw) -> Question:
    """Does it follow? Yes and no by turns; chains of 1 to 5 steps, with what does not matter in between."""
    chance = draw.chance
    yes = draw.turn % 2 == 0
    steps = (1, 2, 3, 4, 5)[draw.level - 1]
    name, trait = chance.choice(NAMES), chance.choice(TRAITS)
    kinds = chance.sample(KINDS, steps)
    facts = [f"All {a} are {b}." for a, b in pairwise(kinds)]
    facts.append(f"{'All' if yes else 'No'} {kinds[-1]} are {trait}.")
    if draw.level >= 3:
        other = chance.choice([kind for kind in KINDS if kind not in kinds])
        facts.append(f"{'No' if yes else 'All'} {other} are {trait}.")
        chance.shuffle(facts)
    text = f"{' '.join(facts)} {name} is one of the {kinds[0]}. Is {name} {trait}?"
    right = "Yes" if yes else "No"
    spec: dict[str, Any] = {"right": right, "among": ["Yes", "No"]}
    if draw.level >= 3:
        return ask(f"{text} {END.format('Yes or No')}", "one_of", spec, "logic.classes", label=right, max_tokens=256)
    shots = [
        ("All dogs are brown. Rex is one of the dogs. Is Rex brown?", "Yes"),
        ("No mice are slow. Pip is one of the mice. Is Pip slow?", "No"),
        ("No cows are blue. Bea is one of the cows. Is Bea blue?", "No"),
        ("All owls are wise. Ole is one of the owls. Is Ole wise?", "Yes"),
    ]
    return ask(text, "one_of", spec, "logic.classes", label=right, shots=shots, max_tokens=8)


def family(draw: Draw) -> Question:
    """reasoning-gym's relatives. Its syllogisms are left out: some of their answers do not follow."""
    size = {3: 4, 4: 6, 5: 8}[draw.level]
    entry = gym.entry("family_relationships", draw, min_family_size=size, max_family_size=size)
    text = f"{entry.question} {END.format('that one word')}"
    return ask(text, "exact", [entry.answer], "logic.family", max_tokens=256)


def liars(draw: Draw) -> Question:
    """Knights and knaves of reasoning-gym, asked for one person so that a program can tell; both roles by turns."""
    people, depth = {3: (2, 2), 4: (3, 2), 5: (4, 3)}[draw.level]
    wanted = draw.turn % 2

    def role(entry: gym.Entry) -> tuple[str, str]:
        first = entry.answer.split(",")[0].split(" and ")[0]
        name, _, kind = first.partition(" is ")
        return name, kind.split()[-1].rstrip(".")

    def due(entry: gym.Entry) -> bool:
        truthful = entry.question.split("inhabited only by ")[1].split(" and ")[0].rstrip("s")
        return (role(entry)[1] == truthful) == (wanted == 0)

    entry = gym.entry("knights_knaves", draw, due, n_people=people, depth_constraint=depth, width_constraint=depth)
    name, kind = role(entry)
    kinds = entry.question.split("inhabited only by ")[1].split(". ")[0].split(" and ")
    story = entry.question.split(" So who is ")[0]
    among = sorted(each.rstrip("s") for each in kinds)
    text = f"{story} Which one is {name}: {' or '.join(among)}? {END.format('that one word')}"
    label = "truthful" if wanted == 0 else "liar"
    return ask(text, "one_of", {"right": kind, "among": among}, "logic.liars", label=label, max_tokens=320)


GENERATORS = (
    Generator("logic.order", "reason.logic", "1", order),
    Generator("logic.classes", "reason.logic", "1", classes),
    Generator("logic.family", "reason.logic", "1", family, levels=(3, 4, 5)),
    Generator("logic.liars", "reason.logic", "1", liars, levels=(4, 5)),
)
