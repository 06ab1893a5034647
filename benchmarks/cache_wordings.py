"""Questions in hundreds of wordings each, and what looks like them and asks something else.

They lie in `wordings/`, a file a question. A wording is a core of one kind (a question, what follows "do you know",
or a noun phrase) in a wrapper that takes this kind. Those of the half `seen` may be read while rules are written;
those of the half `held` are for the figure only, written before the rules, in other kinds of questions and other
wrappers. Whoever widens the rules after a look at a held one turns it into a seen one and writes a new one.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).with_name("wordings")
KINDS = ("asks", "indirect", "nouns")


@dataclass(frozen=True, slots=True)
class Topic:
    """One question of a ``half``: ``cores`` and ``wrappers`` by kind, and ``traps``, which ask for something else."""

    half: str
    cores: dict[str, list[str]]
    wrappers: dict[str, list[str]]
    traps: list[str]

    def wordings(self, count: int, seed: int = 1) -> list[str]:
        """So many distinct wordings in random order, the same for a seed. Raises ValueError when there are fewer."""
        every = [
            _worded(wrapper, core) for kind in KINDS for core in self.cores[kind] for wrapper in self.wrappers[kind]
        ]
        return random.Random(seed).sample(list(dict.fromkeys(every)), count)


def _worded(wrapper: str, core: str) -> str:
    return wrapper.replace("{Q}", core[0].upper() + core[1:]).replace("{q}", core)


def topics(half: str = "both") -> dict[str, Topic]:
    """The questions of a half, by name: the seen ones first."""
    found = {path.stem: _read(path) for path in sorted(FOLDER.glob("*.txt"))}
    mine = {name: topic for name, topic in found.items() if half in ("both", topic.half)}
    return dict(sorted(mine.items(), key=lambda item: item[1].half, reverse=True))


def _read(path: Path) -> Topic:
    parts = _parts(path)
    said = dict(line.split() for line in parts[""])
    wrappers = _parts(FOLDER / "wrappers" / f"{said['wrappers']}.txt")
    return Topic(said["half"], {kind: parts[kind] for kind in KINDS}, wrappers, parts["traps"])


@lru_cache
def _parts(path: Path) -> dict[str, list[str]]:
    """Its lines by the `[section]` they stand in; what stands before the first is in ``""``."""
    found: dict[str, list[str]] = {"": []}
    lines = found[""]
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("[") and line.endswith("]"):
            lines = found.setdefault(line[1:-1], [])
        elif line.strip():
            lines.append(line.strip())
    return found
