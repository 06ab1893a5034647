"""The budget: the worst case is set aside before a call, so that a limit is never overshot."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyagent.errors import BudgetExceeded
from pyagent.run.budget import Budget, Cost


def test_a_call_waits_while_another_may_give_something_back() -> None:
    async def story() -> list[str]:
        budget, seen = Budget(max_tokens=100), []
        await budget.reserve(Cost(80))
        waiting = asyncio.create_task(budget.reserve(Cost(50)))
        await asyncio.sleep(0)
        seen.append("waits" if not waiting.done() else "went on")
        await budget.settle(Cost(80), Cost(20))
        await waiting
        seen.append("goes on")
        return seen

    assert asyncio.run(story()) == ["waits", "goes on"]


def test_what_can_never_fit_is_refused_with_the_numbers() -> None:
    async def story() -> None:
        await Budget(max_usd=0.5, usd=0.45).reserve(Cost(10, 0.1))

    with pytest.raises(BudgetExceeded, match=r"--max-cost 0\.5: \$0\.450000 is spent") as stopped:
        asyncio.run(story())
    assert stopped.value.exit_code == 3


@given(
    limit=st.integers(1, 500),
    calls=st.lists(st.tuples(st.integers(1, 60), st.floats(0, 1)), max_size=40),
)
def test_however_calls_interleave_the_limit_holds(limit: int, calls: list[tuple[int, float]]) -> None:
    async def story() -> Budget:
        budget = Budget(max_tokens=limit)

        async def call(worst: int, share: float) -> None:
            try:
                await budget.reserve(Cost(worst))
            except BudgetExceeded:
                return
            await asyncio.sleep(0)
            await budget.settle(Cost(worst), Cost(int(worst * share)))

        await asyncio.gather(*(call(*each) for each in calls))
        return budget

    budget = asyncio.run(story())
    assert budget.tokens <= limit
    assert budget._in_flight == budget._reserved_tokens == 0
