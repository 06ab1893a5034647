"""How many stale answers each way of ending them lets through, and how many good ones it throws away.

    python benchmarks/cache_staleness.py [QUERIES] [SEEDS]

4,000 facts lie in 400 documents. Questions come by Zipf's law (1.05), in five wordings each; documents are edited
all the while, which changes one to three of their facts. An answer takes three queries to compute, and an edit may
fall between; an event that tells of an edit arrives up to 100 queries late. One query is one second. All caches
hold 2,000 answers.

The rows with * drive the real Shelf and Versions with real files and a clock that the stream moves; which wordings
mean the same is given (this measures freshness, not matching). The others are models of a few lines. `hits` is the
share of the queries answered from the cache, `stale` counts wrong ones in 1,000 queries. Two oracles know every
change: one drops the least recently used answer, one the oldest, as the shelf does; `of it` is the share of the
latter's hits.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pyagent_plugins.cache.entry import Dependency, Scope, exact_key
from pyagent_plugins.cache.shelf.depends import Versions
from pyagent_plugins.cache.shelf.limits import Limits
from pyagent_plugins.cache.shelf.pace import Pace
from pyagent_plugins.cache.shelf.shelf import Shelf
from pyagent_plugins.cache.shelf.steady import Clock

FACTS, DOCUMENTS, WORDINGS, CAPACITY = 4_000, 400, 5, 2_000
LATENCY, LATEST_EVENT = 3, 100
RATES = (1, 4, 20)


@dataclass(frozen=True, slots=True)
class Stream:
    """``facts`` and ``wordings`` by query; ``edits`` and ``events`` by query: (document, its changed facts)."""

    facts: list[int]
    wordings: list[int]
    edits: dict[int, list[tuple[int, list[int]]]]
    events: dict[int, list[int]]

    @classmethod
    def make(cls, seed: int, queries: int, rate: float) -> Stream:
        rng = np.random.default_rng(seed)
        weights = 1 / np.arange(1, FACTS + 1) ** 1.05
        facts = rng.permutation(FACTS)[rng.choice(FACTS, queries, p=weights / weights.sum())]
        edits: dict[int, list[tuple[int, list[int]]]] = defaultdict(list)
        events: dict[int, list[int]] = defaultdict(list)
        for at in np.flatnonzero(rng.random(queries) < rate / 1000).tolist():
            document = int(rng.integers(DOCUMENTS))
            changed = rng.choice(FACTS // DOCUMENTS, int(rng.integers(1, 4)), replace=False) * DOCUMENTS + document
            edits[at].append((document, changed.tolist()))
            events[at + int(rng.integers(0, LATEST_EVENT + 1))].append(document)
        return cls(facts.tolist(), rng.integers(WORDINGS, size=queries).tolist(), edits, events)


class Policy(Protocol):
    """A cache. ``truth`` is the list of the facts' versions now; only an oracle may look at it in ``look``."""

    def tick(self, now: int) -> None: ...
    def edited(self, document: int) -> None: ...
    def told(self, document: int) -> None: ...
    def look(self, fact: int, wording: int) -> int | None: ...
    def begin(self, fact: int) -> Any: ...
    def store(self, fact: int, wording: int, version: int, begun: Any) -> None: ...
    def close(self) -> None: ...


class Model:
    """Policies of a line or two: what is kept is (version, when it was stored)."""

    def __init__(
        self, truth: list[int], ttl: int = 1 << 60, renew: bool = False, recent: bool = True,
        generation: int = 0, oracle: bool = False,
    ) -> None:  # fmt: skip
        self.truth, self.ttl, self.renew, self.recent = truth, ttl, renew, recent
        self.generation, self.oracle = generation, oracle
        self.kept: OrderedDict[int, tuple[int, int]] = OrderedDict()
        self.now = 0

    def tick(self, now: int) -> None:
        self.now = now

    def edited(self, document: int) -> None: ...
    def told(self, document: int) -> None: ...
    def close(self) -> None: ...

    def look(self, fact: int, wording: int) -> int | None:
        if fact not in self.kept:
            return None
        version, at = self.kept[fact]
        old = self.generation and self.now // self.generation - at // self.generation >= 4
        if self.now - at >= self.ttl or old or (self.oracle and version != self.truth[fact]):
            del self.kept[fact]
            return None
        if self.renew:
            self.kept[fact] = (version, self.now)
        if self.recent:
            self.kept.move_to_end(fact)
        return version

    def begin(self, fact: int) -> None: ...

    def store(self, fact: int, wording: int, version: int, begun: None) -> None:
        self.kept.pop(fact, None)
        self.kept[fact] = (version, self.now)
        if len(self.kept) > CAPACITY:
            self.kept.popitem(last=False)


class Kept:
    """The product: a real Shelf and Versions. ``declared`` is the share of the facts that say what they are made of,
    by ``kind``: ``file``, checked at each look-up, or ``tag``, invalidated when the event arrives."""

    def __init__(
        self, truth: list[int], kind: str = "file", declared: float = 1.0, ttl: float | None = None, budget: float = 0.0
    ) -> None:
        self.truth, self.kind, self.declared, self.ttl = truth, kind, declared, ttl
        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name)
        self.now = 0.0
        clock = Clock(self.folder / "clock", wall=lambda: self.now, boot=lambda: self.now)
        limits = Limits(entries=CAPACITY, ttl=ttl or 1e9, grace=0.0)
        self.shelf = Shelf.open(self.folder / "cache", limits, clock)
        self.pace = Pace(self.shelf.memory, clock.now, budget)
        self.versions = Versions(self.shelf, pace=self.pace)
        self.scope = Scope.of({"tenant": "a"})
        self.meaning: dict[int, list[int]] = defaultdict(list)
        for document in range(DOCUMENTS):
            self.edited(document)

    def tick(self, now: int) -> None:
        self.now = float(now)

    def edited(self, document: int) -> None:
        facts = range(document, FACTS, DOCUMENTS)
        self._path(document).write_text("\n".join(f"{fact} {self.truth[fact]}" for fact in facts))

    def told(self, document: int) -> None:
        if self.kind == "tag":
            self.versions.invalidate([Dependency("tag", f"document {document}")])

    def look(self, fact: int, wording: int) -> int | None:
        found = self.shelf.exacts(self.scope.digest, exact_key(self.scope, _question(fact, wording)))
        for entry in found or self.shelf.entries(self.meaning[fact][-1:-4:-1], self.scope.digest):
            if self.versions.changed(entry) is None:
                self.pace.gave(entry)
                return int(entry.answer)
        self.pace.gave(None)
        return None

    def begin(self, fact: int) -> tuple[Dependency, ...]:
        if fact % 100 >= 100 * self.declared:
            return ()
        document = fact % DOCUMENTS
        key = str(self._path(document)) if self.kind == "file" else f"document {document}"
        return self.versions.record([Dependency(self.kind, key)])  # type: ignore[arg-type]

    def store(self, fact: int, wording: int, version: int, begun: tuple[Dependency, ...]) -> None:
        question = _question(fact, wording)
        life, key = self.shelf.limits.lifetime(question, begun), exact_key(self.scope, question)
        for before in self.shelf.exacts(self.scope.digest, key, 1, ended=True):
            if before.guessed:
                self.pace.anew(before, before.answer == str(version))
        entry = self.shelf.store(
            self.scope.digest, key, question, str(version), dependencies=begun,
            expires=None if life is None else self.shelf.clock.now() + life, guessed=not begun,
        )  # fmt: skip
        self.meaning[fact] = [*self.meaning[fact][-2:], entry.seq]

    def close(self) -> None:
        self.versions.close()
        self.shelf.close()
        self._folder.cleanup()

    def _path(self, document: int) -> Path:
        return self.folder / f"document {document}"


def _question(fact: int, wording: int) -> str:
    return f"Wording {wording}: what is fact {fact}?"


def play(stream: Stream, make: Callable[[list[int]], Policy]) -> tuple[int, int]:
    """(hits, stale ones among them) of a policy on a stream."""
    truth = [0] * FACTS
    policy = make(truth)
    flying: OrderedDict[int, tuple[int, int, int, Any]] = OrderedDict()
    hits = stale = 0
    for now, (fact, wording) in enumerate(zip(stream.facts, stream.wordings, strict=True)):
        policy.tick(now)
        for document, changed in stream.edits.get(now, ()):
            for one in changed:
                truth[one] += 1
            policy.edited(document)
        for document in stream.events.get(now, ()):
            policy.told(document)
        while flying and next(iter(flying.values()))[0] <= now:
            done, (_, asked, version, begun) = flying.popitem(last=False)
            policy.store(done, asked, version, begun)
        version_found = policy.look(fact, wording)
        if version_found is not None:
            hits += 1
            stale += version_found != truth[fact]
        elif fact not in flying:  # else it joins the one in flight
            begun = policy.begin(fact)
            flying[fact] = (now + LATENCY, wording, truth[fact], begun)
    policy.close()
    return hits, stale


POLICIES: dict[str, Callable[[list[int]], Policy]] = {
    "oracle, drops the least recently used": lambda truth: Model(truth, oracle=True),
    "oracle, drops the oldest": lambda truth: Model(truth, oracle=True, recent=False),
    "LRU only": lambda truth: Model(truth),
    "TTL 2000": lambda truth: Model(truth, ttl=2000),
    "TTL 8000, renewed by hits": lambda truth: Model(truth, ttl=8000, renew=True),
    "window of 4 x 2000": lambda truth: Model(truth, generation=2000, recent=False),
    "* files": lambda truth: Kept(truth),
    "* tags by late events": lambda truth: Kept(truth, kind="tag"),
    "* files for 90 %": lambda truth: Kept(truth, declared=0.9),
    "* files for 90 %, TTL 2000 for the rest": lambda truth: Kept(truth, declared=0.9, ttl=2000.0),
    "* files for 90 %, a budget for the rest": lambda truth: Kept(truth, declared=0.9, ttl=86_400.0, budget=1e-4),
}


def main(queries: int, seeds: int, only: str) -> None:
    print(f"{queries:,} queries, {seeds} seeds; edits in 1,000 queries: " + ", ".join(map(str, RATES)))
    print(f"{'':42}" + "".join(f"| {'hits':>6} {'of it':>6} {'stale':>7} " for _ in RATES))
    best: dict[int, int] = {}
    for name, make in POLICIES.items():
        if only not in name:
            continue
        line, started = f"{name:42}", time.process_time()
        for rate in RATES:
            counts = [play(Stream.make(seed, queries, rate), make) for seed in range(seeds)]
            hits, stale = sum(h for h, _ in counts), sum(s for _, s in counts)
            if name == "oracle, drops the oldest":
                best[rate] = hits
            share = f"{hits / best[rate]:6.3f}" if rate in best else f"{'':6}"
            line += f"| {hits / queries / seeds:6.3f} {share} {1000 * stale / queries / seeds:7.3f} "
        spent = (time.process_time() - started) / queries / seeds / len(RATES)
        print(f"{line}| {spent * 1e6:5.0f} us a query", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("queries", type=int, nargs="?", default=60_000)
    parser.add_argument("seeds", type=int, nargs="?", default=3, help="streams for each row")
    parser.add_argument("--only", default="", help="the rows whose name holds this")
    options = parser.parse_args()
    main(options.queries, options.seeds, options.only)
