"""A dry run asks nobody: this layer stands where the model would, and says what the task would cost at worst."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pyagent.engine.base import Request
from pyagent.model import Agent, Model, Result, Usage
from pyagent.run.engines import Engines
from pyagent.run.pipeline import Job, Proceed


@dataclass(slots=True)
class Price:
    """Answers with the worst case as usage: the prompt, the longest answer, every turn and every repair.

    Results of other tasks that the prompt holds are not there yet; their longest size is added.
    """

    engines: Engines
    repairs: int = 0
    show: Callable[[str, Model, str], None] | None = None
    _longest: dict[str, int] = field(default_factory=dict)

    name = "price"
    # Inside `turns`, so that what is shown and priced is the first turn as it would be asked.
    order = 45

    async def __call__(self, job: Job, proceed: Proceed) -> Result:
        engine, request = self.engines.get(job.model), job.request
        if self.show is not None:
            self.show(job.task.id, job.model, engine.render(request))
        bound = engine.bound(request)
        filled = sum(self._longest.get(id, 0) for id in job.task.after)
        self._longest[job.task.id] = request.max_tokens
        calls = self._calls(job, request)
        usage = Usage((bound.input_tokens + filled) * calls, bound.output_tokens * calls)
        return Result(
            job.task.id, "ok", output="", model=job.model.name, usage=usage, cost_usd=job.model.cost(usage), attempts=0
        )

    def _calls(self, job: Job, request: Request) -> int:
        turns = (job.agent or Agent("")).max_turns if request.tools else 1
        return turns * (1 + self.repairs if request.schema is not None else 1)
