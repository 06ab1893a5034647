"""How much is asked of a provider at a time: it adapts to what the provider bears, and keeps its rate limits.

Width grows by one a round of successes and halves when the provider is crowded (AIMD: Chiu and Jain, 1989);
rates are token buckets.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

# Providers enforce a minute's limit over shorter windows; a burst of 6 s keeps below the common 10 s one.
BURST = 0.1
# A longer wish (a day's quota) is the retry's decision; here it would freeze tasks that may still succeed.
LONGEST_PAUSE = 60.0


class Bucket:
    """A token bucket of ``per_minute``; times are seconds of any steady clock. It may go into debt."""

    def __init__(self, per_minute: float, now: float) -> None:
        self.rate = per_minute / 60
        self.most = max(1.0, per_minute * BURST)
        self.level = self.most
        self.at = now

    def wait(self, need: float, now: float) -> float:
        """Seconds until ``need`` may be taken; a need beyond the bucket waits for a full one."""
        self._fill(now)
        missing = min(need, self.most) - self.level
        # Below a millionth it is rounding: waiting for it would spin.
        return missing / self.rate if missing > 1e-6 else 0.0

    def take(self, need: float) -> None:
        self.level -= need

    def give(self, back: float) -> None:
        self.level = min(self.most, self.level + back)

    def _fill(self, now: float) -> None:
        self.level = min(self.most, self.level + (now - self.at) * self.rate)
        self.at = now


class Gate:
    """Lets as many calls in at a time as the provider bears; the others wait in line, first come first served.

    ``enter`` gives the round it entered in; ``leave`` must follow in any case. ``crowded`` counts once a round:
    64 calls refused at the same moment halve the width once.
    """

    def __init__(
        self,
        width: int,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.most = width
        self.width = float(width)
        self.inside = 0
        self._round = 0
        self._paused_until = 0.0
        self._line: deque[tuple[asyncio.Future[None], float]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._clock = clock
        self._rates = (requests_per_minute, tokens_per_minute)
        self._requests: Bucket | None = None
        self._tokens: Bucket | None = None
        self._limited = bool(requests_per_minute or tokens_per_minute)

    async def enter(self, tokens: float = 0) -> int:
        """Wait for a place; ``tokens`` is what the call is expected to cost in all."""
        if not self._line and self._delay(tokens) == 0:
            self._admit(tokens)
            return self._round
        place = asyncio.get_running_loop().create_future()
        self._line.append((place, tokens))
        self._wake()
        try:
            await place
        except asyncio.CancelledError:
            self._gone(place)
            raise
        return self._round

    def leave(self) -> None:
        self.inside -= 1
        if self._line:
            self._wake()

    def settle(self, expected: float, real: float) -> None:
        """Correct the token bucket by what the call really cost."""
        if self._tokens is not None:
            self._tokens.give(expected - real)

    def well(self) -> None:
        """A call succeeded: one more place a round of successes."""
        if self.width < self.most:
            self.width = min(float(self.most), self.width + 1 / self.width)

    def crowded(self, round: int, wait: float | None = None) -> None:
        """The provider is at its limit: halve the width, once a round; all wait if it says how long."""
        if round == self._round:
            self._round += 1
            self.width = max(1.0, min(self.width, float(self.inside)) / 2)
        if wait:
            self._paused_until = max(self._paused_until, self._now() + min(wait, LONGEST_PAUSE))

    def _delay(self, tokens: float) -> float | None:
        """Seconds until a call may enter; None: when another leaves."""
        if self.inside >= max(1, int(self.width)):
            return None
        if not self._paused_until and not self._limited:
            return 0
        now = self._now()
        wait = max(0.0, self._paused_until - now)
        if self._limited:
            wait = max(wait, *self._rate_waits(tokens, now))
        elif not wait:
            self._paused_until = 0.0
        return wait

    def _rate_waits(self, tokens: float, now: float) -> tuple[float, float]:
        requests, per_minute = self._rates
        if requests and self._requests is None:
            self._requests = Bucket(requests, now)
        if per_minute and self._tokens is None:
            self._tokens = Bucket(per_minute, now)
        return (
            self._requests.wait(1, now) if self._requests else 0.0,
            self._tokens.wait(tokens, now) if self._tokens else 0.0,
        )

    def _admit(self, tokens: float) -> None:
        self.inside += 1
        if self._requests is not None:
            self._requests.take(1)
        if self._tokens is not None:
            self._tokens.take(tokens)

    def _wake(self) -> None:
        """Let in from the head of the line what may enter now; set a timer for what may enter later."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._line:
            place, tokens = self._line[0]
            if place.done():
                self._line.popleft()
                continue
            delay = self._delay(tokens)
            if delay == 0:
                self._line.popleft()
                self._admit(tokens)
                place.set_result(None)
                continue
            if delay is not None:
                self._timer = asyncio.get_running_loop().call_later(delay, self._wake)
            return

    def _gone(self, place: asyncio.Future[None]) -> None:
        """Its task was cancelled: leave again if it was let in at the same moment, else leave the line."""
        if place.done() and not place.cancelled():
            self.leave()
        else:
            self._wake()

    def _now(self) -> float:
        return self._clock() if self._clock else asyncio.get_running_loop().time()
