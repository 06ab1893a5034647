"""The innermost layer asks the model, and turns its reply into a Result."""

from __future__ import annotations

import asyncio
import time

from pyagent.engine.base import Engine, Piece, Reply
from pyagent.errors import TransientError
from pyagent.model import Result
from pyagent.run.engines import Engines
from pyagent.run.pipeline import Job, Proceed


class Ask:
    """Each call opens the next epoch of the task's stream, so that a retry never mixes with what it replaces."""

    name, order = "engine", 60

    def __init__(self, engines: Engines, timeout: float = 300.0) -> None:
        self._engines, self._timeout = engines, timeout

    async def __call__(self, job: Job, proceed: Proceed) -> Result:
        started = time.monotonic()
        piece = job.stream.open() if job.stream else None
        reply = await self._reply(self._engines.get(job.model), job, piece)
        first = reply.choices[0]
        return Result(
            id=job.task.id,
            status="ok",
            output=first.text,
            model=job.model.name,
            usage=reply.usage,
            cost_usd=job.model.cost(reply.usage),
            seconds=time.monotonic() - started,
            finish=first.finish,
            calls=first.calls,
            samples=tuple(choice.text for choice in reply.choices) if len(reply.choices) > 1 else (),
        )

    async def _reply(self, engine: Engine, job: Job, piece: Piece | None) -> Reply:
        if getattr(engine, "timed", False):
            return await engine.generate(job.request, piece)
        try:
            async with asyncio.timeout(self._timeout):
                return await engine.generate(job.request, piece)
        except TimeoutError:
            raise TransientError(f"no answer within {self._timeout:g} s", "raise --timeout", charged=True) from None
