"""Questions of arithmetic: bare sums, stories, and reasoning-gym's."""

from __future__ import annotations

from random import Random

from pyagent_plugins.capability.items import gym
from pyagent_plugins.capability.items.question import Draw, Generator, Question, ask

STEPS = "Work it out step by step. End with a line that says `Answer:` and the number."
NAMES = ("Anna", "Ben", "Clara", "David", "Ella", "Frank", "Grace", "Henry", "Iris", "Jack", "Kate", "Leo")
THINGS = ("apples", "books", "coins", "pencils", "stamps", "marbles", "eggs", "cards", "shells", "tickets")
PLAIN = "What is {}? Answer with the number."


def sums(draw: Draw) -> Question:
    chance = draw.chance
    a, b, c, d = (chance.randint(2, 9) for _ in range(4))
    two, three = chance.randint(11, 89), chance.randint(103, 989)
    text = (
        f"{a} + {b}",
        f"{two} + {chance.randint(11, 89)}",
        f"{a} * {b} + {c} * {d}",
        f"{three} * {two} - {chance.randint(103, 989)}",
        f"({three} * {two} + {chance.randint(1009, 9901)}) * {chance.randint(11, 89)} % {chance.randint(89, 199)}",
    )[draw.level - 1]
    answer = int(eval(text, {"__builtins__": {}}))  # our own digits and signs
    if draw.level >= 3:
        return ask(f"Compute {text}. {STEPS}", "number", answer, "math.sums", max_tokens=256)
    shots = [(PLAIN.format(sum), f"{sum} = {right}") for sum, right in (("3 + 4", 7), ("6 + 2", 8), ("20 + 15", 35))]
    return ask(PLAIN.format(text), "number", answer, "math.sums", shots=shots[: draw.level + 1], max_tokens=16)


def stories(draw: Draw) -> Question:
    chance = draw.chance
    text, answer = (_one, _two, _three, _shares, _meeting)[draw.level - 1](chance)
    if draw.level >= 3:
        return ask(f"{text} {STEPS}", "number", answer, "math.stories", max_tokens=256)
    shots = [
        ("Ida has 2 cups. She buys 3 more cups. How many cups does Ida have now?", "2 + 3 = 5 cups"),
        ("Max has 4 hats. He buys 2 more hats. How many hats does Max have now?", "4 + 2 = 6 hats"),
    ]
    if draw.level == 2:
        shots[1] = (
            "Max has 9 hats. He gives 2 away and then buys 5. How many hats does Max have now?",
            "9 - 2 = 7 and 7 + 5 = 12 hats",
        )
    return ask(text, "number", answer, "math.stories", shots=shots, max_tokens=32)


def _one(chance: Random) -> tuple[str, int]:
    name, thing = chance.choice(NAMES), chance.choice(THINGS)
    a, b = chance.randint(2, 9), chance.randint(2, 9)
    return f"{name} has {a} {thing}. {name} buys {b} more {thing}. How many {thing} does {name} have now?", a + b


def _two(chance: Random) -> tuple[str, int]:
    name, thing = chance.choice(NAMES), chance.choice(THINGS)
    a, b, c = chance.randint(20, 60), chance.randint(3, 18), chance.randint(3, 30)
    text = f"{name} has {a} {thing}. {name} gives {b} away and then buys {c}. How many {thing} does {name} have now?"
    return text, a - b + c


def _three(chance: Random) -> tuple[str, int]:
    name, thing = chance.choice(NAMES), chance.choice(THINGS)
    boxes, each, lost, price = (chance.randint(*span) for span in ((4, 12), (6, 24), (2, 11), (2, 9)))
    text = (
        f"{name} buys {boxes} boxes with {each} {thing} in each. {lost} {thing} are broken. {name} sells the rest for "
        f"${price} each. How many dollars does {name} get?"
    )
    return text, (boxes * each - lost) * price


def _shares(chance: Random) -> tuple[str, int]:
    name, other = chance.sample(NAMES, 2)
    share, rise, base = chance.choice((20, 25, 40, 60)), chance.choice((10, 30, 50)), 100 * chance.randint(3, 19)
    left = base * (100 - share) // 100
    text = (
        f"{name} and {other} run a shop. {name} gets {share}% of the ${base} they earn in May and {other} the rest. "
        f"In June {other} earns {rise}% more than in May. How many dollars does {other} earn in both months together?"
    )
    return text, left + left * (100 + rise) // 100


def _meeting(chance: Random) -> tuple[str, int]:
    one, two = chance.sample(NAMES, 2)
    slow, fast = chance.randint(3, 9) * 4, chance.randint(10, 18) * 4
    # Speeds are multiples of 4 and times of 15, so that every distance is whole.
    minutes, wait = 15 * chance.randint(5, 30), chance.choice((15, 30, 45))
    distance = ((slow + fast) * minutes + slow * wait) // 60
    text = (
        f"{one} and {two} cycle towards each other on a road of {distance} km. {one} starts {wait} minutes "
        f"before {two} "
        f"and rides at {slow} km/h; {two} rides at {fast} km/h. How many minutes after {two}'s start do they meet?"
    )
    return text, minutes


def equations(draw: Draw) -> Question:
    sizes = {1: (2, 2, 9), 2: (2, 2, 30), 3: (3, 3, 60), 4: (3, 4, 300), 5: (5, 6, 999)}
    low, high, top = sizes[draw.level]
    entry = gym.entry("simple_equations", draw, min_terms=low, max_terms=high, min_value=1, max_value=top)
    if draw.level >= 3:
        return ask(f"{entry.question} {STEPS}", "number", int(entry.answer), "math.equations", max_tokens=256)
    shots = [
        ("Solve for x: x + 4 = 9", "x = 5"),
        ("Solve for y: y - 2 = 6", "y = 8"),
        ("Solve for k: 3 + k = 4", "k = 1"),
    ]
    return ask(entry.question, "number", int(entry.answer), "math.equations", shots=shots, max_tokens=16)


def word_problems(draw: Draw) -> Question:
    """reasoning-gym's re-drawn GSM8K templates; those that do not come out even are passed over."""
    entry = gym.entry("gsm_symbolic", draw, accept=lambda entry: entry.answer.lstrip("-").isdigit())
    return ask(f"{entry.question} {STEPS}", "number", int(entry.answer), "math.word_problems", max_tokens=320)


GENERATORS = (
    Generator("math.sums", "reason.math", "1", sums),
    Generator("math.stories", "reason.math", "1", stories),
    Generator("math.equations", "reason.math", "1", equations, levels=(1, 2, 3, 4, 5)),
    Generator("math.word_problems", "reason.math", "1", word_problems, levels=(4, 5)),
)
