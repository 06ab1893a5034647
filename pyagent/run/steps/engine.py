"""The innermost layer asks the model, and turns its reply into a Result."""

from __future__ import annotations

import time

from pyagent.model import Result
from pyagent.run.engines import Engines
from pyagent.run.pipeline import Job, Proceed


class Ask:
    """Each call opens the next epoch of the task's stream, so that a retry never mixes with what it replaces."""

    name, order = "engine", 60

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def __call__(self, job: Job, proceed: Proceed) -> Result:
        started = time.monotonic()
        piece = job.stream.open() if job.stream else None
        reply = await self._engines.get(job.model).generate(job.request, piece)
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
