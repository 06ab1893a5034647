"""Weeks of a model's life in a real registry: what a check would have written, from a known ability."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np

from pyagent_plugins.capability.registry.cells import cells_of
from pyagent_plugins.capability.registry.registry import Registry
from pyagent_plugins.capability.stats.rasch import chance, expected
from pyagent_plugins.capability.words import Item, Kind, Measured, Outcome

DIMS = ("code.write", "format.json", "know.general", "reason.math", "text.extract")
LOCAL = Measured("tiny", "llama", "sha-of-tiny", "0.3.36", "Q8_0", 8192)
CLOUD = Measured("cloud", "openai", "https://api/v1 big", "", "", None)
Answer = Callable[[Item], tuple[float, str]]


def items(week: str, dims: Sequence[str] = DIMS, anchors: int = 40, fresh: int = 20) -> list[Item]:
    """A suite: the same anchors each week, fresh items of the week."""
    kinds: list[tuple[Kind, int]] = [("anchor", anchors), ("fresh", fresh)]
    return [_item(dim, kind, i, week if kind == "fresh" else "") for dim in dims for kind, n in kinds for i in range(n)]


def _item(dim: str, kind: Kind, i: int, week: str) -> Item:
    sha = hashlib.sha256(f"{dim} {kind} {i} {week}".encode()).hexdigest()
    name = f"{dim}/{kind}/{week}{i}"
    return Item(name, dim, i % 5 + 1, kind, f"{dim}-gen", "1", int(sha[:16], 16), f"{dim}/{i % 6}", sha)


def outcome(item: Item, solved: float, said: str = "", error: str | None = None) -> Outcome:
    said = said or f"{item.id} {solved}"
    sha = hashlib.sha256(said.encode()).hexdigest()
    return Outcome(
        item.id, item.dim, item.level, item.kind, item.cluster, solved, True, said,
        0.1, None, 50, 10, 0.0001, sha, error,
    )  # fmt: skip


def able(theta: float, seed: int = 0) -> Answer:
    """A model of that ability that answers the same item the same way each time, as a local one does."""

    def answer(item: Item) -> tuple[float, str]:
        draw = int(hashlib.sha256(f"{seed} {item.sha}".encode()).hexdigest()[:8], 16) / 2**32
        solved = float(draw < float(chance(theta, expected(item.level))))
        return solved, f"{item.id} {solved}"

    return answer


def noisy(inside: Answer, rng: np.random.Generator, slip: float, drop: float = 0.0) -> Answer:
    """The same as served by a provider: some answers flip, and a share ``drop`` of the right ones is lost."""

    def answer(item: Item) -> tuple[float, str]:
        solved, _ = inside(item)
        solved = 1 - solved if rng.random() < slip else solved
        solved = 0.0 if rng.random() < drop else solved
        return solved, f"{item.id} {solved} {rng.random()}"

    return answer


def check(registry: Registry, who: Measured, week: str, answer: Answer, suite: str = "weekly-1", **size: int) -> int:
    """A whole check, as the checker does it; gives its number."""
    asked = items(week, **size)  # type: ignore[arg-type]
    begun = registry.begin(week, registry.model(who), suite, asked)
    outcomes = [outcome(item, *answer(item)) for item in asked]
    registry.record(begun.id, outcomes)
    registry.finish(begun.id, "valid", cells_of(outcomes, who.name, week, asked), {"op.tps": 40.0})
    return begun.id
