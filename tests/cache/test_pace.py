"""How long an answer lives that declares nothing: learned from those that die, and from those that are made anew."""

from __future__ import annotations

import asyncio
import math
import random
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from pyagent.store.db import connect, migrate
from pyagent_plugins.cache.cache import SemanticCache
from pyagent_plugins.cache.entry import Dependency, Scope, exact_key
from pyagent_plugins.cache.shelf.depends import Versions
from pyagent_plugins.cache.shelf.limits import Limits
from pyagent_plugins.cache.shelf.pace import CHANGES, Evidence, Pace, most
from pyagent_plugins.cache.shelf.rows import checksum
from pyagent_plugins.cache.shelf.shelf import Shelf
from pyagent_plugins.cache.shelf.steady import Clock
from pyagent_plugins.cache.shelf.tables import MIGRATIONS

SCOPE = Scope.of({"tenant": "a"})
DAY = 86_400.0


class World:
    """A shelf whose clock the test moves; questions are asked with or without a source."""

    def __init__(self, folder: Path, budget: float = 1e-4) -> None:
        self.time = 1e9
        clock = Clock(folder / "clock", wall=lambda: self.time, boot=lambda: self.time)
        self.shelf = Shelf.open(folder / "cache", Limits(), clock)
        self.open(budget)

    def open(self, budget: float = 1e-4) -> None:
        """What a process begins with."""
        self.pace = Pace(self.shelf.memory, self.shelf.clock.now, budget)
        self.versions = Versions(self.shelf, pace=self.pace)

    def keep(self, question: str, *sources: str) -> None:
        made_from = self.versions.record([Dependency("file", source) for source in sources])
        self.shelf.store(
            SCOPE.digest, exact_key(SCOPE, question), question, "answer", dependencies=made_from,
            expires=None if made_from else self.time + DAY, guessed=not made_from,
        )  # fmt: skip

    def ask(self, question: str) -> str | None:
        """None when the answer may be given, else why not."""
        found = self.shelf.exacts(SCOPE.digest, exact_key(SCOPE, question))
        why = self.versions.changed(found[0]) if found else "new"
        self.pace.gave(found[0] if why is None else None)
        return why


def test_nothing_is_cut_short_before_a_source_was_seen_to_change(tmp_path: Path) -> None:
    world = World(tmp_path)
    (tmp_path / "a").write_text("1")
    world.keep("from a", str(tmp_path / "a"))
    world.keep("from nothing")
    world.time += DAY - 1
    assert world.ask("from a") is None
    assert world.ask("from nothing") is None
    assert world.pace.told()["life"] is None


def test_a_source_that_changes_shortens_the_life_of_what_declares_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    (tmp_path / "a").write_text("1")
    world.keep("from a", str(tmp_path / "a"))
    world.keep("from nothing")
    world.time += 3600
    (tmp_path / "a").write_text("2")
    assert world.ask("from nothing") is None, "nothing is known yet"
    assert "changed" in (world.ask("from a") or "")
    why = world.ask("from nothing")
    assert why is not None
    assert "declares nothing" in why
    # One change, half of the hour watched, and the one answer given so far was undeclared: 2 budget / (share * rate).
    evidence = world.pace.evidence
    assert evidence.interval == pytest.approx(1800)
    assert evidence.rate == pytest.approx(1 / 1800)
    assert world.pace.life == pytest.approx(2e-4 * 1800)


def test_one_entry_is_watched_once_and_dies_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    (tmp_path / "a").write_text("1")
    world.keep("from a", str(tmp_path / "a"))
    for _ in range(10):
        world.time += 10
        world.ask("from a")
    assert world.pace.evidence.watched == pytest.approx(100)
    (tmp_path / "a").write_text("2")
    for _ in range(5):
        world.time += 10
        world.ask("from a")
    assert [world.pace.evidence.died, world.pace.evidence.watched] == pytest.approx([1, 105])


def test_a_tag_that_is_invalidated_counts_though_its_entries_are_gone(tmp_path: Path) -> None:
    world = World(tmp_path)
    made_from = world.versions.record([Dependency("tag", "prices")])
    world.shelf.store(SCOPE.digest, exact_key(SCOPE, "q"), "q", "answer", dependencies=made_from)
    world.time += 60
    world.versions.invalidate([Dependency("tag", "prices")])
    world.versions.invalidate([Dependency("tag", "prices")])
    assert [world.pace.evidence.died, world.pace.evidence.watched] == pytest.approx([1, 30])


def test_what_was_seen_survives_its_process_and_no_time_counts_twice(tmp_path: Path) -> None:
    world = World(tmp_path)
    (tmp_path / "a").write_text("1")
    world.keep("from a", str(tmp_path / "a"))
    world.keep("from nothing")
    for day in range(1, 4):
        world.time += DAY
        world.ask("from a")
        world.pace.flush()
        world.open()
        assert world.pace.evidence.watched == pytest.approx(day * DAY)
    (tmp_path / "a").write_text("2")
    world.ask("from a")
    world.pace.flush()
    program = f"""
from pathlib import Path
from pyagent_plugins.cache.shelf.pace import Pace
from pyagent_plugins.cache.shelf.shelf import Shelf
shelf = Shelf.open(Path({str(tmp_path / "cache")!r}))
print(Pace(shelf.memory, shelf.clock.now, 1e-4).life)
"""
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert float(printed) == pytest.approx(world.pace.life)
    assert world.pace.life < DAY


def test_answers_that_come_out_the_same_lengthen_the_life_and_others_shorten_it() -> None:
    declared = Evidence(died=10, watched=10 * 3600.0, guessed=50, given=100)
    steady = declared.plus(Evidence(lived=100 * 3600.0))
    shaky = declared.plus(Evidence(differed=50, lived=50 * 1800.0))
    assert declared.rate == pytest.approx(1 / 3600)
    assert steady.life(1e-4) > 20 * declared.life(1e-4)
    assert shaky.life(1e-4) < declared.life(1e-4)


def test_the_rate_is_bounded_as_poisson_counts_are_and_old_evidence_fades() -> None:
    assert most(0) == pytest.approx(-math.log(0.05), rel=1e-4)
    assert [round(most(count), 2) for count in (1, 2, 10)] == [4.74, 6.30, 16.96]  # Garwood's table
    found = Evidence()
    for _ in range(1000):
        found = found.plus(Evidence(died=1, watched=60.0))
    assert found.died <= CHANGES
    assert found.interval == pytest.approx(60)
    for _ in range(200):
        found = found.plus(Evidence(died=1, watched=1.0))
    assert found.interval < 20, "a pace that quickens is followed"


@pytest.mark.parametrize("hours", [1.0, 50.0])
def test_a_simulated_stream_stays_within_its_budget(hours: float) -> None:
    """Answers that go wrong at random, asked at random, ended by what ``life`` says: the stale share is what it
    should be, however fast they change."""
    chance, budget, rate = random.Random(7), 0.01, 1 / (hours * 3600)
    evidence = Evidence(died=100, watched=100 / rate, guessed=1, given=1)
    life = evidence.life(budget)
    stale = asked = 0
    for _ in range(4000):
        changes = chance.expovariate(rate)
        at = chance.expovariate(20 / life)
        while at < life:
            asked, stale = asked + 1, stale + (at > changes)
            at += chance.expovariate(20 / life)
    assert asked > 50_000
    assert 0.5 * budget < stale / asked <= 1.1 * budget


def story(folder: Path, tell: Callable[[SemanticCache], Awaitable[Any]], **options: Any) -> Any:
    async def whole() -> Any:
        cache = SemanticCache.open(folder, embedder=None, **{"stale_budget": 1e-4, **options})
        try:
            return await tell(cache)
        finally:
            await cache.aclose()

    return asyncio.run(whole())


def test_the_cache_learns_from_its_own_answers_and_says_so(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("1")
    said = ["one answer"]

    async def compute() -> str:
        return said[0]

    async def tell(cache: SemanticCache) -> None:
        async def ask(question: str, *sources: Path) -> str:
            declared = [Dependency("file", str(path)) for path in sources]
            return (await cache.get_or_compute(question, compute, scope={}, depends_on=declared)).source

        assert [await ask("undeclared"), await ask("declared", source)] == ["computed", "computed"]
        assert [await ask("undeclared"), await ask("declared", source)] == ["exact", "exact"]
        source.write_text("2")
        assert await ask("declared", source) == "computed"
        await asyncio.sleep(0.01)  # longer than what follows from a change within milliseconds
        assert await ask("undeclared") == "computed", "its life is over"
        evidence = cache.pace.evidence
        assert (evidence.died, evidence.differed) == (1, 0)
        assert evidence.lived > 0
        said[0] = "another answer"
        await asyncio.sleep(0.05)
        assert await ask("undeclared") == "computed"
        assert cache.pace.evidence.differed == 1
        assert cache.stats()["pace"]["life"] < 1

    story(tmp_path / "cache", tell)

    async def replay(cache: SemanticCache) -> None:
        assert (await cache.get_or_compute("undeclared", compute, scope={})).source == "exact"

    story(tmp_path / "cache", replay, stale_budget=0.0)


def test_a_file_of_the_version_before_says_of_what_ends_without_a_source_that_it_was_guessed(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    db = connect(folder / "cache.db")
    migrate(db, folder / "cache.db", MIGRATIONS[:1], "cache")
    for at, (ends, depends) in enumerate([(9e9, 0), (9e9, 1), (None, 0)], 1):
        key = exact_key(SCOPE, f"question {at}")
        prompt, answer = f"question {at}".encode(), b'"answer"'
        db.execute(
            "INSERT INTO entry VALUES (?,?,?,1.0,?,NULL,0,0,NULL,?,100,?,0,?,?)",
            (at, SCOPE.digest, key, ends, depends, checksum(prompt, answer), prompt, answer),
        )
    db.execute("INSERT INTO dep VALUES (2, 'tag', x'74', x'')")
    db.commit()
    db.close()
    with Shelf.open(folder) as shelf:
        found = {entry.seq: entry.guessed for entry in shelf.entries([1, 2, 3])}
        assert found == {1: True, 2: False, 3: False}


def test_a_life_that_the_caller_gave_is_not_cut_short(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("1")

    async def compute() -> str:
        return "answer"

    async def tell(cache: SemanticCache) -> None:
        on = [Dependency("file", str(source))]
        await cache.get_or_compute("declared", compute, scope={}, depends_on=on)
        await cache.get_or_compute("for an hour", compute, scope={}, ttl=3600)
        source.write_text("2")
        await cache.get_or_compute("declared", compute, scope={}, depends_on=on)
        await asyncio.sleep(0.05)
        assert (await cache.get_or_compute("for an hour", compute, scope={}, ttl=3600)).source == "exact"

    story(tmp_path / "cache", tell)
