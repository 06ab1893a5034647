"""A hard limit on what a run may use: reserved before each call, settled after, so that it cannot be overshot."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from pyagent.errors import BudgetExceeded


@dataclass(frozen=True, slots=True)
class Cost:
    """Tokens (input and output) and USD. ``usd`` is 0 where no price is known; a USD limit refuses those models."""

    tokens: int = 0
    usd: float = 0.0


class Budget:
    """What may be used, what is used, and what is reserved by calls in flight.

    ``max_tokens`` and ``max_usd`` are over the whole life of the run, earlier processes included.
    """

    def __init__(
        self, max_tokens: int | None = None, max_usd: float | None = None, tokens: int = 0, usd: float = 0.0
    ) -> None:
        self.max_tokens, self.max_usd = max_tokens, max_usd
        self.tokens, self.usd = tokens, usd
        self._reserved_tokens, self._reserved_usd = 0, 0.0
        self._in_flight = 0
        self._settled = asyncio.Condition()

    @property
    def limited(self) -> bool:
        return self.max_tokens is not None or self.max_usd is not None

    def room(self, cost: Cost) -> bool:
        """Whether ``cost`` could be set aside now."""
        return self._fits(cost)

    async def reserve(self, cost: Cost) -> None:
        """Set ``cost`` aside; wait while calls in flight may still give something back. Raises BudgetExceeded."""
        if self.limited:
            async with self._settled:
                await self._settled.wait_for(lambda: self._fits(cost) or self._in_flight == 0)
                if not self._fits(cost):
                    raise self._exceeded(cost)
        self._in_flight += 1
        self._reserved_tokens += cost.tokens
        self._reserved_usd += cost.usd

    async def settle(self, reserved: Cost, used: Cost) -> None:
        """Replace a reservation by what was really used."""
        self._in_flight -= 1
        self._reserved_tokens -= reserved.tokens
        self._reserved_usd -= reserved.usd
        self.tokens += used.tokens
        self.usd += used.usd
        if self.limited:
            async with self._settled:
                self._settled.notify_all()

    def _fits(self, cost: Cost) -> bool:
        tokens = self.tokens + self._reserved_tokens + cost.tokens
        # Sums of prices carry rounding noise of about 1e-16; a billionth of a dollar is far above it.
        usd = self.usd + self._reserved_usd + cost.usd - 1e-9
        return (self.max_tokens is None or tokens <= self.max_tokens) and (self.max_usd is None or usd <= self.max_usd)

    def _exceeded(self, cost: Cost) -> BudgetExceeded:
        if self.max_tokens is not None and self.tokens + cost.tokens > self.max_tokens:
            what = f"--max-tokens {self.max_tokens}: {self.tokens} are used and the next call may take {cost.tokens}"
        else:
            what = f"--max-cost {self.max_usd}: ${self.usd:.6f} is spent and the next call may cost ${cost.usd:.6f}"
        return BudgetExceeded(f"stopped by {what}", "raise the limit and run the same command again to go on")
