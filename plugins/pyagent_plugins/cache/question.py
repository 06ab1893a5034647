"""A question on its way through the look-up: what is known of it so far, so that no stage computes anything twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyagent_plugins.cache.calibration import Match
from pyagent_plugins.cache.entry import Dependency, Entry, Scope, exact_key
from pyagent_plugins.cache.meaning.features import Features

if TYPE_CHECKING:
    import numpy as np


@dataclass(slots=True)
class Question:
    """``text`` within ``scope``; ``key`` names it exactly. ``vector`` (float32 [dim], length 1) and ``features`` are
    there once it is understood; ``unseen`` says why it can only be matched exactly."""

    scope: bytes
    key: bytes
    text: str
    vector: np.ndarray | None = None
    features: Features | None = None
    unseen: str = ""
    models: frozenset[str] | None = None

    def takes(self, entry: Entry) -> bool:
        """Whether the model that made an answer is one whose answers will do; None: the scope says so."""
        return self.models is None or entry.model in self.models

    @classmethod
    def of(
        cls,
        text: str,
        scope: Mapping[str, Any],
        context: str = "",
        embedder: str = "",
        depends_on: Iterable[Dependency] = (),
        models: frozenset[str] | None = None,
    ) -> Question:
        """``context`` is the digest of the conversation before this turn: it is compared exactly, always. What is
        declared in ``depends_on`` counts, too: an answer that dies with one file is no answer for one that must die
        with another."""
        declared = sorted({(dependency.kind, dependency.key) for dependency in depends_on})
        named = Scope.of({**scope, "context": context, "embedder": embedder, "depends_on": declared})
        return cls(named.digest, exact_key(named, text), text, models=models)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A kept answer to a similar question that no guard refused, with what speaks for it."""

    entry: Entry
    match: Match


@dataclass(frozen=True, slots=True)
class Answer:
    """What ``get_or_compute`` gives. ``value`` is the JSON value; ``source`` says where it came from; ``seq`` names
    its entry, None when it was not kept; ``matched`` is the other question that a semantic or coalesced answer was
    made for; ``stale`` marks one past its time that is being renewed."""

    value: Any
    source: str
    seq: int | None = None
    similarity: float = 1.0
    matched: str | None = None
    stale: bool = False
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class Computed:
    """What a computation made: the JSON value, what it cost, and whether it may be kept.

    ``reads`` are dependencies that only the computation knew, with their versions from before it read them.
    """

    value: Any
    keep: bool = True
    model: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = None
    reads: tuple[Any, ...] = ()
