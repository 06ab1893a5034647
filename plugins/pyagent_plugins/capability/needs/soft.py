"""The soft needs of a prompt: how much of each dimension it asks for, at which level, and how sure that is.

A softmax over counts and hashed words, trained by ``python -m pyagent_plugins.capability.needs.fit`` on phrasings of
our own and shipped as ``weights.json``. Its posterior is kept, never its maximum: a table read by the likeliest
dimension alone loses a quarter of what routing gains. No embedding, no numpy: a prompt costs well below a millisecond.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from math import exp, log
from pathlib import Path
from typing import Any

from pyagent_plugins.capability.needs.features import buckets, clipped, structure, words
from pyagent_plugins.capability.words import DIMENSIONS

WEIGHTS = Path(__file__).with_name("weights.json")
DIMS = tuple(dimension.name for dimension in DIMENSIONS)
PLACE = {name: place for place, name in enumerate(DIMS)}
# Tokens from which finding something in the text is a task of its own, by dimension.
LONG = ((20_000, "context.retrieve@32k"), (5_000, "context.retrieve@8k"), (1_200, "context.retrieve@2k"))
# What a prompt's tools say weighs more than its wording.
TOOLS = {"tool.select": 0.35, "tool.args": 0.4, "tool.abstain": 0.1, "agent.multiturn": 0.15}


@dataclass(frozen=True, slots=True)
class Soft:
    """``weights`` over ``DIMS``, sum 1; ``levels`` 1..5 and their standard error ``spread``; ``doubt`` 0..1 is the
    entropy of the weights over its largest value; ``tokens`` are estimated."""

    weights: tuple[float, ...]
    levels: tuple[float, ...]
    spread: float
    doubt: float
    tokens: int

    def top(self, most: int = 4, least: float = 0.05) -> list[tuple[str, float, float]]:
        """(dimension, weight, level), the heaviest first."""
        order = sorted(range(len(DIMS)), key=lambda d: -self.weights[d])[:most]
        return [(DIMS[d], self.weights[d], self.levels[d]) for d in order if self.weights[d] >= least]


@cache
def shipped() -> dict[str, Any]:
    """The trained weights, read once."""
    model: dict[str, Any] = json.loads(WEIGHTS.read_text("utf-8"))
    return model


def tokens_of(text: str) -> int:
    """About how many tokens a model reads: four bytes each, and never fewer than a character of a dense script."""
    return (len(text.encode("utf-8", "replace")) + 3) // 4 + 1


def soft(text: str, tools: int = 0, turns: int = 1, schema: bool = False) -> Soft:
    """What ``text`` asks for, with so many ``tools``, in a conversation of ``turns``, with a ``schema`` or not."""
    model = shipped()
    seen = words(clipped(text))
    scores, level = _scored(model, text, seen)
    weights = dict(zip(model["dims"], _softmax(scores, model["temperature"]), strict=True))
    tokens = tokens_of(text)
    if schema:
        weights = _mixed(weights, {"format.json": 1.0}, 0.5)
    if tools:
        weights = _mixed(weights, {**TOOLS, "agent.multiturn": TOOLS["agent.multiturn"] * min(turns, 4)}, 0.6)
    for least, dim in LONG:
        if tokens >= least:
            weights = _mixed(weights, {dim: 1.0}, 0.5)
            break
    spread = tuple(weights.get(name, 0.0) for name in DIMS)
    return Soft(spread, (level,) * len(DIMS), float(model["level_error"]), entropy(spread), tokens)


def stated(found: Soft, dims: dict[str, float]) -> Soft:
    """``found``, overruled by what the task says itself: these dimensions, in equal parts, at these levels."""
    share = 1 / len(dims)
    weights = tuple(share if name in dims else 0.0 for name in DIMS)
    levels = tuple(float(dims.get(name, level)) for name, level in zip(DIMS, found.levels, strict=True))
    return Soft(weights, levels, 0.0, 0.0, found.tokens)


def entropy(weights: tuple[float, ...]) -> float:
    return -sum(weight * log(weight) for weight in weights if weight > 0) / log(len(weights))


def _scored(model: dict[str, Any], text: str, seen: list[str]) -> tuple[list[float], float]:
    """(score of each trained dimension, level 1..5)."""
    form = structure(text, seen)
    center, scale = model["center"], model["scale"]
    form = [max(-3.0, min(3.0, (x - c) * s)) for x, c, s in zip(form, center, scale, strict=True)]
    found = set(buckets(seen, model["buckets"]))
    norm = 1 / max(1.0, len(found)) ** 0.5
    scores = []
    for bias, forms, table in zip(model["bias"], model["form"], model["words"], strict=True):
        by_form = sum(x * w for x, w in zip(form, forms, strict=True))
        scores.append(bias + (by_form + sum([table[b] for b in found]) * norm) / model["unit"])
    level = model["level_bias"] + sum(x * w for x, w in zip(form, model["level"], strict=True))
    return scores, max(1.0, min(5.0, level))


def _softmax(scores: list[float], temperature: float) -> list[float]:
    top = max(scores)
    powers = [exp((score - top) / temperature) for score in scores]
    whole = sum(powers)
    return [power / whole for power in powers]


def _mixed(weights: dict[str, float], more: dict[str, float], share: float) -> dict[str, float]:
    whole = sum(more.values())
    out = {name: weight * (1 - share) for name, weight in weights.items()}
    for name, weight in more.items():
        out[name] = out.get(name, 0.0) + share * weight / whole
    return out
