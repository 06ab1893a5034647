"""The gate: how many calls are inside, who waits, and until when. Time is a number that the test moves."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from pyagent.engine.http.limits import LONGEST_PAUSE, Bucket, Gate


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 400)), max_size=40), st.floats(1, 6000))
def test_a_bucket_never_gives_more_than_its_rate_and_one_burst(steps: list[tuple[float, float]], rate: float) -> None:
    now, taken, largest = 0.0, 0.0, 0.0
    bucket = Bucket(rate, now)
    for pause, need in steps:
        now += pause
        now += bucket.wait(need, now)
        assert bucket.wait(need, now) < 1e-3
        bucket.take(need)
        taken += need
        largest = max(largest, need)
    # A need beyond the bucket goes into debt, so that it may be ahead by itself once.
    assert taken <= now * rate / 60 + bucket.most + largest + 1e-6


def test_what_was_not_used_is_given_back() -> None:
    bucket = Bucket(600, 0.0)
    bucket.take(60)
    assert bucket.wait(30, 0.0) == 3.0
    bucket.give(30)
    assert bucket.wait(30, 0.0) == 0


def test_the_width_is_never_passed_and_all_get_in_in_order() -> None:
    async def story() -> None:
        gate, order, most = Gate(3), [], 0

        async def call(i: int) -> None:
            nonlocal most
            await gate.enter()
            order.append(i)
            most = max(most, gate.inside)
            await asyncio.sleep(0)
            gate.leave()

        await asyncio.gather(*(call(i) for i in range(20)))
        assert (order, most, gate.inside) == (list(range(20)), 3, 0)

    asyncio.run(story())


def test_a_crowded_round_halves_the_width_once_and_successes_widen_it_again() -> None:
    async def story() -> None:
        gate = Gate(64)
        rounds = [await gate.enter() for _ in range(32)]
        for round in rounds:
            gate.crowded(round)
        assert gate.width == 16
        for _ in rounds:
            gate.leave()
        round = await gate.enter()
        gate.crowded(round)
        assert gate.width == 1
        for _ in range(3):
            gate.well()
        assert 2 <= gate.width <= 3
        gate.leave()

    asyncio.run(story())


def test_the_width_never_falls_below_one() -> None:
    async def story() -> None:
        gate = Gate(2)
        for _ in range(5):
            gate.crowded(await gate.enter())
            gate.leave()
        assert gate.width == 1
        await gate.enter()

    asyncio.run(story())


def test_a_wish_to_wait_holds_everybody_until_then() -> None:
    async def story() -> None:
        now = 100.0
        gate = Gate(8, clock=lambda: now)
        rounds = [await gate.enter() for _ in range(4)]
        for round in rounds:
            gate.crowded(round, wait=0.05)
            gate.leave()
        waiting = [asyncio.ensure_future(gate.enter()) for _ in range(2)]
        await asyncio.sleep(0)
        assert not any(each.done() for each in waiting)
        now = 100.06
        await asyncio.gather(*waiting)

    asyncio.run(story())


def test_a_wish_for_a_day_does_not_freeze_the_others_for_a_day() -> None:
    async def story() -> None:
        now = 0.0
        gate = Gate(8, clock=lambda: now)
        gate.crowded(await gate.enter(), wait=86400)
        gate.leave()
        now = LONGEST_PAUSE + 1
        await asyncio.wait_for(gate.enter(), 1)

    asyncio.run(story())


def test_requests_a_minute_are_kept() -> None:
    async def story() -> None:
        now = 0.0
        gate = Gate(64, requests_per_minute=60, clock=lambda: now)
        inside = [asyncio.ensure_future(gate.enter()) for _ in range(8)]
        await asyncio.sleep(0)
        assert sum(each.done() for each in inside) == 6  # the burst: a tenth of a minute's worth
        for each in inside[6:]:
            each.cancel()
        await asyncio.gather(*inside, return_exceptions=True)
        now = 1.0
        await asyncio.wait_for(gate.enter(), 1)

    asyncio.run(story())


def test_a_cancelled_waiter_leaves_no_hole() -> None:
    async def story() -> None:
        gate = Gate(1)
        await gate.enter()
        first, second = asyncio.ensure_future(gate.enter()), asyncio.ensure_future(gate.enter())
        await asyncio.sleep(0)
        first.cancel()
        gate.leave()
        await second
        assert gate.inside == 1
        third = asyncio.ensure_future(gate.enter())
        await asyncio.sleep(0)
        gate.leave()  # lets the third in ...
        third.cancel()  # ... at the very moment it is cancelled
        await asyncio.gather(third, return_exceptions=True)
        assert gate.inside == 0

    asyncio.run(story())
