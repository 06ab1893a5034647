"""Each call is paid for before it is made: the worst case is set aside and journaled, and settled after."""

from __future__ import annotations

import asyncio
import time

from pyagent.engine.base import Bound
from pyagent.errors import EngineError, PyAgentError, TransientError
from pyagent.model import Model, Result, Usage
from pyagent.run.budget import Budget, Cost
from pyagent.run.engines import Engines
from pyagent.run.journal import Journal
from pyagent.run.pipeline import Job, Proceed


class Reserve:
    """Reserves, opens the call's span, and settles. A killed call stays reserved in the journal: it counts as spent."""

    name, order = "budget", 50

    def __init__(self, budget: Budget, journal: Journal, engines: Engines) -> None:
        self._budget, self._journal, self._engines = budget, journal, engines

    async def __call__(self, job: Job, proceed: Proceed) -> Result:
        worst = worst_case(job.model, self._engines.get(job.model).bound(job.request))
        await self._budget.reserve(worst)
        priced = job.model.cost(Usage()) is not None
        number = self._journal.reserve(job.task.id, job.model.name, worst, priced)
        used: Cost | None = None
        provider = job.model.provider.kind if job.model.provider else job.model.engine
        call = job.open("call", model=job.model.name, provider=provider, **self._journal.prompt(job.request))
        try:
            if self._budget.limited:
                # The reservation outlives a kill from here on; only then is the call made.
                await self._journal.writer.flush()
            result = await proceed(call)
            used = Cost(result.usage.total, result.cost_usd or 0.0)
            call.emit("call.finished", **_finished(result))
            return result
        except PyAgentError as error:
            used = worst if _charged(error) else Cost()
            call.emit("call.finished", error=str(error))
            raise
        except asyncio.CancelledError as error:
            if (usage := getattr(error, "usage", None)) is not None:
                used = Cost(usage.total, job.model.cost(usage) or 0.0)
            call.emit("call.finished", error="cancelled")
            raise
        finally:
            # Cancelled, and the engine does not know what the provider counted: the reservation stands.
            await self._budget.settle(worst, used or worst)
            if used is not None:
                self._journal.settle(number, used, time.time())


def worst_case(model: Model, bound: Bound) -> Cost:
    """The most that a call can use, in tokens and USD."""
    usage = Usage(bound.input_tokens, bound.output_tokens)
    return Cost(usage.total, model.cost(usage) or 0.0)


def _charged(error: PyAgentError) -> bool:
    """Whether the provider may have counted tokens: a cut stream yes, a refused or failed call no."""
    return error.charged if isinstance(error, TransientError) else isinstance(error, EngineError) and error.charged


def _finished(result: Result) -> dict[str, object]:
    return {
        "output": result.output,
        "finish": result.finish,
        "input_tokens": result.usage.input_tokens,
        "output_tokens": result.usage.output_tokens,
        "cached_tokens": result.usage.cached_tokens,
        "cost_usd": result.cost_usd,
        "calls": [{"name": call.name, "arguments": call.arguments} for call in result.calls],
    }
