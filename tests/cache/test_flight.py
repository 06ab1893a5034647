"""Coalescing: one call for many, and nobody pays for another's failure, cancellation or secret."""

from __future__ import annotations

import asyncio
import random

import pytest

from pyagent_plugins.cache.flight import Failed, Flight, Flights

SCOPE = b"s" * 16


class Counter:
    """A computation that counts its calls and fails the first ``fails`` of them."""

    def __init__(self, fails: int = 0) -> None:
        self.calls, self.fails = 0, fails
        self.go = asyncio.Event()

    async def __call__(self) -> str:
        self.calls += 1
        mine = self.calls
        await self.go.wait()
        if mine <= self.fails:
            raise Failed(f"failure {mine}")
        return f"answer {mine}"


def test_two_hundred_equal_questions_make_one_call() -> None:
    async def story() -> None:
        flights, compute = Flights[str](), Counter()
        askers = [asyncio.create_task(flights.run(SCOPE, b"k", compute)) for _ in range(200)]
        await asyncio.sleep(0)
        compute.go.set()
        outcomes = await asyncio.gather(*askers)
        assert compute.calls == 1
        assert {text for text, _ in outcomes} == {"answer 1"}
        assert sum(joined is None for _, joined in outcomes) == 1
        assert len(flights) == 0

    asyncio.run(story())


def test_a_leaders_error_is_its_own_and_costs_one_more_call() -> None:
    async def story() -> None:
        flights, compute = Flights[str](), Counter(fails=1)
        askers = [asyncio.create_task(flights.run(SCOPE, b"k", compute)) for _ in range(50)]
        await asyncio.sleep(0)
        compute.go.set()
        outcomes = await asyncio.gather(*askers, return_exceptions=True)
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert len(failures) == 1
        assert compute.calls == 2
        assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 49

    asyncio.run(story())


def test_a_cancelled_leader_loses_nobody_and_a_flight_nobody_waits_for_ends() -> None:
    async def story() -> None:
        flights, compute = Flights[str](), Counter()
        leader, *followers = [asyncio.create_task(flights.run(SCOPE, b"k", compute)) for _ in range(10)]
        await asyncio.sleep(0)
        leader.cancel()
        await asyncio.sleep(0)
        compute.go.set()
        assert [text for text, _ in await asyncio.gather(*followers)] == ["answer 1"] * 9
        with pytest.raises(asyncio.CancelledError):
            await leader
        alone = Counter()
        asker = asyncio.create_task(flights.run(SCOPE, b"other", alone))
        await asyncio.sleep(0)
        asker.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asker
        await asyncio.sleep(0)
        assert len(flights) == 0

    asyncio.run(story())


def test_a_match_joins_near_equal_questions_only_within_the_scope() -> None:
    async def story() -> None:
        flights, compute = Flights[str](), Counter()

        def near(others: list[Flight[str]]) -> Flight[str] | None:
            return next((flight for flight in others if flight.notes.get("topic") == "rain"), None)

        first = asyncio.create_task(flights.run(SCOPE, b"a", compute, near, topic="rain"))
        await asyncio.sleep(0)
        second = asyncio.create_task(flights.run(SCOPE, b"b", compute, near, topic="rain"))
        elsewhere = asyncio.create_task(flights.run(b"t" * 16, b"b", compute, near, topic="rain"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert compute.calls == 2
        compute.go.set()
        assert (await first)[0] == (await second)[0] == "answer 1"
        assert (await elsewhere)[0] == "answer 2"

    asyncio.run(story())


def test_random_interleavings_never_cross_a_scope_and_always_answer() -> None:
    async def story(seed: int) -> None:
        rng, flights = random.Random(seed), Flights[str]()

        async def asker(scope: bytes, key: bytes) -> None:
            async def compute() -> str:
                for _ in range(rng.randrange(4)):
                    await asyncio.sleep(0)
                if rng.random() < 0.2:
                    raise Failed
                return f"{scope!r}/{key!r}"

            for _ in range(rng.randrange(3)):
                await asyncio.sleep(0)
            try:
                text, _ = await flights.run(scope, key, compute)
            except Failed:
                return
            assert text == f"{scope!r}/{key!r}"

        names = [(rng.choice([b"a", b"b", b"c"]), rng.choice([b"1", b"2"])) for _ in range(60)]
        tasks = [asyncio.create_task(asker(*name)) for name in names]
        for task in rng.sample(tasks, 10):
            asyncio.get_running_loop().call_soon(task.cancel)
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        broken = [error for error in outcomes if isinstance(error, Exception) and not isinstance(error, Failed)]
        assert not broken
        assert len(flights) == 0

    for seed in range(300):
        asyncio.run(story(seed))
