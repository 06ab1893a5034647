"""Worlds to try routers in: prompts with what each model made of them, by laws that no router knows.

Each world has another hidden structure, and none was shaped after a router: what decides is the subject, the length,
a few words, the numbers, how two things meet, all of these by task type, or nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SYLLABLES = [
    "ba",
    "ke",
    "mi",
    "lo",
    "tu",
    "ran",
    "sel",
    "dor",
    "vin",
    "pal",
    "que",
    "zor",
    "fin",
    "gar",
    "hul",
    "jem",
    "nok",
]
Text = Callable[[np.random.Generator], str]


@dataclass(frozen=True)
class World:
    """``outcomes`` 0/1 [n, m], ``costs`` USD [n, m], ``kind`` the hidden type of each prompt."""

    name: str
    prompts: list[str]
    outcomes: np.ndarray
    costs: np.ndarray
    kind: np.ndarray


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def vocabulary(rng: np.random.Generator, size: int) -> list[str]:
    return ["".join(rng.choice(SYLLABLES, rng.integers(2, 4))) for _ in range(size)]


def sentence(rng: np.random.Generator, words: list[str], length: int) -> str:
    """Words by Zipf's law with commas and an end."""
    ranks = np.minimum(rng.zipf(1.3, length) - 1, len(words) - 1)
    text = " ".join(words[rank] for rank in ranks)
    return text[:1].upper() + text[1:] + rng.choice([".", "?", "."])


def passage(rng: np.random.Generator, words: list[str], length: int) -> str:
    parts, left = [], length
    while left > 0:
        size = int(min(left, rng.integers(5, 18)))
        parts.append(sentence(rng, words, size))
        left -= size
    return " ".join(parts)


def pair(
    rng: np.random.Generator, name: str, prompts: list[str], weak: np.ndarray, strong: np.ndarray, kind: np.ndarray
) -> World:
    """Two models by their chances; a prompt has luck of its own, which they share in part."""
    luck = rng.uniform(size=(len(prompts), 1))
    own = rng.uniform(size=(len(prompts), 2))
    draw = np.where(rng.uniform(size=(len(prompts), 1)) < 0.5, luck, own)
    outcomes = (draw < np.stack([weak, strong], axis=1)).astype(float)
    chars = np.array([len(prompt) for prompt in prompts])[:, None]
    return World(name, prompts, outcomes, (chars / 4 + 200) * np.array([0.24, 24.7]) / 1e6, kind)


def by_subject(rng: np.random.Generator, n: int) -> World:
    kinds, common = 24, vocabulary(rng, 300)
    own = [vocabulary(rng, 120) for _ in range(kinds)]
    skill = rng.normal(0.4, 1.0, kinds), rng.normal(1.4, 0.7, kinds)
    kind = rng.integers(kinds, size=n)
    texts = []
    for at in kind:
        length = int(rng.integers(12, 90))
        mixed = [own[at] if rng.uniform() < 0.3 else common for _ in range(3)]
        texts.append(" ".join(passage(rng, words, length // 3) for words in mixed))
    return pair(rng, "subject", texts, sigmoid(skill[0][kind]), sigmoid(skill[1][kind]), kind)


def by_length(rng: np.random.Generator, n: int) -> World:
    words, length = vocabulary(rng, 800), np.exp(rng.normal(3.6, 0.7, n)).astype(int) + 4
    hard = (np.log(length) - 3.6) / 0.7
    texts = [passage(rng, words, size) for size in length]
    return pair(rng, "length", texts, sigmoid(0.6 - 1.1 * hard), sigmoid(1.7 - 0.5 * hard), (hard > 0).astype(int))


def by_words(rng: np.random.Generator, n: int) -> World:
    words = vocabulary(rng, 1500)
    traps = set(rng.choice(words[20:], 60, replace=False))
    texts = [passage(rng, words, int(rng.integers(15, 70))) for _ in range(n)]
    hits = np.array([sum(word.strip(".,?").lower() in traps for word in text.split()) for text in texts])
    return pair(rng, "words", texts, sigmoid(1.2 - 1.3 * hits), sigmoid(1.6 - 0.15 * hits), np.minimum(hits, 4))


def by_numbers(rng: np.random.Generator, n: int) -> World:
    """Word problems: steps and the size of numbers make them hard, not their length."""
    things, who = ["apples", "coins", "books", "miles", "cards", "boxes"], ["Ann", "Ben", "Cleo", "Dan", "Eve"]
    filler = ["It was a fine day.", "The weather did not matter much.", "Nobody else was there at that time."]
    texts, steps, size = [], rng.integers(1, 8, n), rng.integers(1, 5, n)
    for step, digits in zip(steps, size, strict=True):
        name, thing = rng.choice(who), rng.choice(things)
        parts = [f"{name} has {rng.integers(1, 10**digits)} {thing}."]
        acts = ["buys {} more", "gives away {}", "finds {}", "loses {}", "sells {} for $2 each"]
        parts += [f"Then {name} {rng.choice(acts).format(rng.integers(1, 10**digits))}." for _ in range(step)]
        parts += [str(rng.choice(filler)) for _ in range(rng.integers(0, 8))]
        order = rng.permutation(len(parts) - 1) + 1
        texts.append(" ".join([parts[0], *(parts[i] for i in order), f"How many {thing} does {name} have now?"]))
    hard = (steps - 4) / 2 + (size - 2.5) / 2
    return pair(rng, "numbers", texts, sigmoid(0.3 - 0.9 * hard), sigmoid(2.0 - 0.5 * hard), steps)


def by_meeting(rng: np.random.Generator, n: int) -> World:
    """Neither form nor subject decides alone: the weak model fails long prose and short code."""
    words, names = vocabulary(rng, 500), vocabulary(rng, 60)
    code, long = rng.integers(2, size=n), rng.integers(2, size=n)
    texts = []
    for is_code, is_long in zip(code, long, strict=True):
        size = int(rng.integers(50, 120) if is_long else rng.integers(8, 30))
        if is_code:
            lines = [f"    {rng.choice(names)} = {rng.choice(names)}({rng.integers(99)})" for _ in range(size // 4 + 1)]
            texts.append(f"Complete this.\n```\ndef {rng.choice(names)}():\n" + "\n".join(lines) + "\n```")
        else:
            texts.append(passage(rng, words, size))
    odd = code == long
    weak, strong = np.where(odd, 1.6, -0.8), np.where(odd, 1.8, 1.0)
    return pair(rng, "meeting", texts, sigmoid(weak), sigmoid(strong), 2 * code + long)


def by_nothing(rng: np.random.Generator, n: int) -> World:
    words = vocabulary(rng, 800)
    texts = [passage(rng, words, int(rng.integers(10, 80))) for _ in range(n)]
    return pair(rng, "nothing", texts, np.full(n, 0.55), np.full(n, 0.8), np.zeros(n, int))


def nine_models(rng: np.random.Generator, n: int) -> World:
    """14 task types with a look, a subject and a ladder of difficulty; nine models with general and own skills."""
    kinds, common = 14, vocabulary(rng, 400)
    own = [vocabulary(rng, 150) for _ in range(kinds)]
    price = np.array([0.2, 0.2, 0.2, 0.3, 0.6, 0.6, 0.8, 0.9, 0.9])
    able = np.array([-0.2, 0.0, 0.2, 0.3, 0.5, 0.6, 0.8, 0.9, 1.0])
    skill = rng.normal(0, 0.9, (9, kinds)) + able[:, None] + rng.normal(0, 0.8, kinds)
    kind, level = rng.integers(kinds, size=n), rng.normal(0, 1, n)
    texts = []
    for at, hard in zip(kind, level, strict=True):
        base = [20, 60, 35, 110, 45, 15, 80, 30, 140, 25, 50, 70, 40, 90][at]
        length = max(5, int(base * np.exp(0.25 * hard + 0.2 * rng.normal())))
        subject = own[at] if rng.uniform() < 0.7 else common
        text = passage(rng, subject, length // 2) + " " + passage(rng, common, length // 2 + 1)
        if at % 4 == 0:
            text += "\n" + "\n".join(f"{mark}. {sentence(rng, own[at], 4)}" for mark in "ABCD")
        if at % 5 == 1:
            text += f" {rng.integers(10 ** int(np.clip(2 + hard, 1, 6)))} and {rng.integers(1000)}?"
        if at % 7 == 3:
            text += "\n```\n" + sentence(rng, own[at], 12) + "\n```"
        texts.append(text)
    chance = sigmoid(skill[:, kind].T - 0.9 * level[:, None] + rng.normal(0, 0.8, (n, 1)))
    outcomes = (rng.uniform(size=(n, 9)) < chance).astype(float)
    chars = np.array([len(text) for text in texts])[:, None]
    output = np.array([30, 200, 60, 250, 20, 5, 300, 90, 120, 10, 60, 150, 40, 80])[kind][:, None]
    return World("nine models", texts, outcomes, (chars / 4 + output) * price / 1e6, kind)


PAIRS = (by_subject, by_length, by_words, by_numbers, by_meeting, by_nothing)
