"""A passing fault costs a wait, not a task: jittered backoff, and the provider's own wish where it has one."""

from __future__ import annotations

import asyncio
import random
import time

from pyagent.errors import EngineError, EngineUnreachable, RateLimited, TransientError
from pyagent.model import Result
from pyagent.run.pipeline import Job, Proceed

FIRST_WAIT = 0.5
LONGEST_WAIT = 60.0
LONGEST_WISH = 600.0


class Retry:
    """Up to ``retries`` further tries.

    What stays broken for one task becomes a failed Result; what would break every task (nothing reachable,
    limited to the end) is raised and stops the run with its tasks undone.
    """

    name, order = "retry", 46

    def __init__(self, retries: int = 3) -> None:
        self._retries = retries

    async def __call__(self, job: Job, proceed: Proceed) -> Result:
        started = time.monotonic()
        for attempt in range(1, self._retries + 2):
            try:
                result = await proceed(job)
                return result if attempt == 1 else result.with_attempts(attempt)
            except (TransientError, EngineUnreachable) as error:
                if attempt > self._retries or too_long(error):
                    return self._give_up(job, error, attempt, time.monotonic() - started)
                await self._wait(job, error, attempt)
            except EngineError as error:
                return failed(job, error, attempt, time.monotonic() - started)
        raise AssertionError("the last try returns")

    async def _wait(self, job: Job, error: EngineError | EngineUnreachable, attempt: int) -> None:
        # Full jitter: tasks that failed together do not come back together.
        wait = random.uniform(0.5, 1.0) * min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1))
        if isinstance(error, TransientError) and error.retry_after is not None:
            wait = error.retry_after + random.uniform(0, 0.25)
        job.emit("retry.waiting", attempt=attempt, seconds=round(wait, 3), error=str(error))
        await asyncio.sleep(wait)

    def _give_up(self, job: Job, error: EngineError | EngineUnreachable, attempts: int, seconds: float) -> Result:
        if isinstance(error, EngineUnreachable):
            raise error
        if isinstance(error, TransientError) and error.limited:
            tries = "1 try" if attempts == 1 else f"{attempts} tries"
            raise RateLimited(
                f"{job.model.name} is still rate-limited after {tries} ({error})",
                "run the same command again later; what is done is kept",
            ) from error
        return failed(job, error, attempts, seconds)


def too_long(error: Exception) -> bool:
    """Whether the provider wants a wait that is better spent elsewhere (a daily limit, say)."""
    return isinstance(error, TransientError) and (error.retry_after or 0) > LONGEST_WISH


def failed(job: Job, error: Exception, attempts: int, seconds: float) -> Result:
    """The Result of a task whose call cannot be made to work."""
    return Result(
        job.task.id, "failed", model=job.model.name, attempts=attempts, seconds=seconds, error=str(error), cost_usd=0.0
    )
