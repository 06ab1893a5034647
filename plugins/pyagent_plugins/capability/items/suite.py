"""Which items a check asks: frozen anchors, the same for ever, and fresh ones that come with the ISO week."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from hashlib import blake2b

from pyagent.errors import UsageError
from pyagent_plugins.capability.items.question import Draw, Generator, Question
from pyagent_plugins.capability.words import DIMENSIONS, LEVELS, Dimension, Item, Kind

# The seeds' name for the frozen set. It changes only when anchors are retired; profiles take from the same set.
ANCHORS = "anchors-1"
# A question that a set has already is drawn again this often.
ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Profile:
    """How much is asked: items of each short dimension, and of each long one; ``repeats`` are asked twice.

    ``adaptive`` items of a dimension are chosen by what the earlier answers say; 0 asks all.
    """

    name: str
    version: int
    anchors: int
    fresh: int
    long_anchors: int
    long_fresh: int
    repeats: int
    adaptive: int = 0

    @property
    def suite(self) -> str:
        return f"{self.name}-{self.version}"


PROFILES = {
    "smoke": Profile("smoke", 1, anchors=4, fresh=0, long_anchors=0, long_fresh=0, repeats=4),
    "weekly": Profile("weekly", 1, anchors=40, fresh=20, long_anchors=10, long_fresh=5, repeats=16),
    "full": Profile("full", 1, anchors=40, fresh=80, long_anchors=20, long_fresh=10, repeats=32),
    "adaptive": Profile("adaptive", 1, anchors=40, fresh=20, long_anchors=10, long_fresh=5, repeats=8, adaptive=15),
}
_NAMES = {dimension.name: dimension for dimension in DIMENSIONS}


def items(profile: Profile, week: str, dims: Sequence[str] | None = None) -> list[Item]:
    """Every item of a check in ``week`` ("2026-W48"), by dimension, level by level within it."""
    found: list[Item] = []
    for dimension in chosen(dims):
        long = dimension.long
        anchors = profile.long_anchors if long else profile.anchors
        fresh = profile.long_fresh if long else profile.fresh
        found += items_of(dimension, "anchor", anchors, ANCHORS)
        found += items_of(dimension, "fresh", fresh, week)
    return found


def chosen(dims: Sequence[str] | None) -> list[Dimension]:
    """The dimensions of these names; a name that ends before a dot or @ means all below it. Raises UsageError."""
    if not dims:
        return list(DIMENSIONS)
    for name in dims:
        if not any(_within(dimension.name, name) for dimension in DIMENSIONS):
            from pyagent.host.schema import nearest

            hint = nearest(name, _NAMES) or f"known: {', '.join(_NAMES)}"
            raise UsageError(f"no dimension {name!r}", hint)
    return [dimension for dimension in DIMENSIONS if any(_within(dimension.name, name) for name in dims)]


def _within(dimension: str, name: str) -> bool:
    return dimension == name or dimension.startswith((f"{name}.", f"{name}@"))


@lru_cache(maxsize=256)
def _items_of(dimension: Dimension, kind: Kind, count: int, source: str) -> tuple[Item, ...]:
    found: list[Item] = []
    known: set[str] = set()
    for i in range(count):
        level = LEVELS[i % len(LEVELS)]
        number = i // len(LEVELS)
        able = [generator for generator in generators(dimension.name) if level in generator.levels]
        generator = able[number % len(able)]
        for attempt in range(ATTEMPTS):
            # The low byte is the number among this generator's items: labels go round by it, and so are balanced.
            seed = _seed(source, dimension, level, i, attempt) << 8 | (number // len(able) & 0xFF)
            item = _item(f"{dimension.name}/{level}/{kind[0]}{number}", kind, generator, level, seed)
            if item.sha not in known:
                break
        known.add(item.sha)
        found.append(item)
    return tuple(found)


def items_of(dimension: Dimension, kind: Kind, count: int, source: str) -> list[Item]:
    """``count`` items of a dimension, levels going round; ``source`` is the anchors' name or the ISO week."""
    return list(_items_of(dimension, kind, count, source))


def _seed(source: str, dimension: Dimension, level: int, i: int, attempt: int) -> int:
    """55 bits, so that with the low byte it fits SQLite's integer. A set of long items shares one, and its text;
    know.general draws a set's facts without repeating one."""
    own = "" if dimension.long or dimension.name == "know.general" else f"{level}/{i}"
    own += f"/{attempt}" if attempt else ""
    digest = blake2b(f"{source}/{dimension.name}/{own}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 9


def _item(id: str, kind: Kind, generator: Generator, level: int, seed: int) -> Item:
    item = Item(id, generator.dim, level, kind, generator.name, generator.version, seed, "", "")
    question = build(item)
    return replace(item, cluster=question.template, sha=question.sha())


@lru_cache(maxsize=4096)
def build(item: Item) -> Question:
    """The question of an item, from its generator, seed and level alone."""
    generator = _by_name()[item.generator]
    if generator.version != item.version:
        raise UsageError(
            f"the item {item.id} is of version {item.version} of {item.generator}, and this PyAgent has "
            f"{generator.version}",
            "compare checks of one version only",
        )
    return generator.make(Draw(item.level, item.seed))


def generators(dim: str) -> list[Generator]:
    return [generator for generator in _by_name().values() if generator.dim == dim]


@cache
def _by_name() -> dict[str, Generator]:
    # Imported here: the registry and the router read the words above without the questions.
    from pyagent_plugins.capability.items import (
        agents,
        codes,
        contexts,
        formats,
        knowledge,
        languages,
        logic,
        maths,
        texts,
        tools,
    )

    rooms: Iterable[tuple[Generator, ...]] = (
        module.GENERATORS
        for module in (maths, logic, knowledge, codes, tools, formats, contexts, texts, languages, agents)
    )
    return {generator.name: generator for room in rooms for generator in room}
