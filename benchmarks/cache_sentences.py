"""Sentences with paraphrases, as vectors of the default embedder: what the cache's benchmarks look things up in.

Several thousand questions are made from frames and things and really embedded (kept in a temporary file: it costs
a minute). Larger sets are mixed from these: 0.8 of one real vector, 0.4 of another, and some noise, so that
they stay among what sentences look like. No text belongs to such a vector, and the figures say so.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CACHE = Path(os.environ.get("PYAGENT_BENCH_CACHE") or Path(tempfile.gettempdir()) / "pyagent-bench")
# Each frame is asked in several ways; {a} and {b} are filled from the frame's own lists.
FRAMES: list[tuple[list[str], str, str]] = [
    (
        ["How do I {a} a {b}?", "What is the best way to {a} a {b}?", "Can you tell me how to {a} a {b}?"],
        "clean repair sell paint store insure ship measure rent recycle",
        "bicycle laptop sofa guitar kayak camera tent fridge violin drone piano scooter mirror carpet boiler",
    ),
    (
        ["What does {a} mean in {b}?", "Explain the meaning of {a} in {b}.", "In {b}, what is meant by {a}?"],
        "entropy recursion liquidity resonance equity inflation tension closure cadence symmetry drift bias",
        "physics music banking law statistics biology programming chemistry painting economics politics",
    ),
    (
        ["Where can I find good {a} in {b}?", "Which places in {b} have good {a}?", "I look for good {a} in {b}."],
        "coffee museums bookshops ramen parks jazz bakeries markets schools dentists",
        "Lisbon Oslo Kyoto Lima Nairobi Dublin Porto Seoul Hanoi Quito Riga Cairo Boston Turin Perth",
    ),
    (
        ["Write a {a} about {b}.", "Please compose a {a} about {b}.", "I need a {a} on the subject of {b}."],
        "poem summary speech letter joke story report lesson review headline",
        "autumn courage trains volcanoes bees democracy robots salt lighthouses chess rivers memory wolves",
    ),
    (
        ["Why does my {a} {b}?", "What makes my {a} {b}?", "My {a} seems to {b}. What is the reason?"],
        "printer dog car router phone washing_machine cat heater oven plant computer clock",
        "make_noise stop_at_night smell overheat lose_power shake leak turn_itself_off get_slow not_start",
    ),
    (
        ["Is {a} good for {b}?", "Does {a} help with {b}?", "Would you recommend {a} for {b}?"],
        "swimming magnesium yoga honey walking meditation ginger rowing garlic melatonin vinegar massage",
        "back_pain sleep stress headaches digestion blood_pressure memory weight_loss colds asthma skin",
    ),
    (
        ["Compare {a} with {b}.", "What is the difference between {a} and {b}?", "How do {a} and {b} differ?"],
        "Python Rust Postgres Kafka Docker Linux React Redis Spark Git Excel Java Nginx Django",
        "Go Swift MySQL RabbitMQ Podman Windows Vue Memcached Flink Mercurial Tableau Kotlin Apache Flask",
    ),
]
BECAUSE = ["", "", " Keep it short.", " I am a beginner.", " My budget is small.", " It is for my grandmother."]
BECAUSE += [" I have one hour.", " Please give an example.", " It is for a school project.", " Be precise."]


@dataclass(frozen=True, slots=True)
class Sentences:
    """``kept`` float32 [n, 384] of the texts; ``asked`` float32 [m, 384] of paraphrases of some of them."""

    texts: list[str]
    kept: np.ndarray
    paraphrases: list[str]
    asked: np.ndarray


def sentences(kept: int = 5000, asked: int = 1000) -> Sentences:
    """The same on every call, from the file when it was made before."""
    texts, paraphrases = _texts(kept, asked)
    path = CACHE / f"sentences-{hashlib.sha256(repr((texts, paraphrases)).encode()).hexdigest()[:12]}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".part").open("wb") as file:
            np.save(file, _embedded(texts + paraphrases))
        path.with_suffix(".part").rename(path)
    rows = np.load(path)
    return Sentences(texts, rows[:kept], paraphrases, rows[kept:])


def _texts(kept: int, asked: int) -> tuple[list[str], list[str]]:
    chance = random.Random(11)
    every = [
        (ways, a.replace("_", " "), b.replace("_", " "), why)
        for ways, left, right in FRAMES
        for a, b, why in itertools.product(left.split(), right.split(), dict.fromkeys(BECAUSE))
    ]
    chosen = chance.sample(every, kept)
    texts = [ways[0].format(a=a, b=b) + why for ways, a, b, why in chosen]
    again = chance.sample(chosen, asked)
    return texts, [chance.choice(ways[1:]).format(a=a, b=b) + why for ways, a, b, why in again]


def _embedded(texts: list[str]) -> np.ndarray:
    from pyagent.embed.open import open_embedder

    embedder = open_embedder()
    return np.concatenate([embedder.embed(texts[at : at + 64]) for at in range(0, len(texts), 64)])


def mixed(real: np.ndarray, n: int, seed: int = 0) -> Iterator[np.ndarray]:
    """float32 [dim] of length 1, n of them: the real ones first, then mixtures of two with some noise."""
    yield from real[:n]
    rng = np.random.default_rng(seed)
    left = n - len(real)
    while left > 0:
        m = min(4096, left)
        one, two = real[rng.integers(0, len(real), m)], real[rng.integers(0, len(real), m)]
        rows = 0.8 * one + 0.4 * two + rng.standard_normal(one.shape, np.float32) * (0.25 / np.sqrt(one.shape[1]))
        yield from rows / np.linalg.norm(rows, axis=1, keepdims=True)
        left -= m
