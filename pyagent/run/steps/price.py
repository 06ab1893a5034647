"""A dry run asks nobody: this layer stands where the model would, and says what the task would cost at worst."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pyagent.model import Agent, Model, Result, Usage
from pyagent.run.engines import Engines
from pyagent.run.pipeline import Job, Proceed
from pyagent.run.steps.attempt import LONGEST_PROBLEM, repaired


@dataclass(slots=True)
class Price:
    """Answers with the worst case as usage: the prompt, the longest answer, every turn and every repair.

    Results of other tasks that the prompt holds are not there yet; their longest size is added. ``talks`` counts
    the tasks of several turns, whose figure is an estimate.
    """

    engines: Engines
    repairs: int = 0
    show: Callable[[str, Model, str], None] | None = None
    talks: int = 0
    _longest: dict[str, int] = field(default_factory=dict)

    name = "price"
    # Inside `turns`, so that what is shown and priced is the first turn as it would be asked.
    order = 45

    async def __call__(self, job: Job, proceed: Proceed) -> Result:
        engine, request = self.engines.get(job.model), job.request
        if self.show is not None:
            self.show(job.task.id, job.model, engine.render(request))
        filled = sum(self._longest.get(id, 0) for id in job.task.after)
        self._longest[job.task.id] = request.max_tokens
        self.talks += turns_of(job) > 1
        usage = worst_usage(job, self.engines, self.repairs, filled)
        return Result(
            job.task.id, "ok", output="", model=job.model.name, usage=usage, cost_usd=job.model.cost(usage), attempts=0
        )


def worst_usage(job: Job, engines: Engines, repairs: int, filled: int = 0) -> Usage:
    """The most that a task can use over all its calls; ``filled`` tokens are still to come into its prompt.

    A later turn holds the answers before it, a repair the answer that was refused. What tools will say cannot be
    known: with tools this is an estimate.
    """
    request, engine = job.request, engines.get(job.model)
    turns, bound = turns_of(job), engine.bound(request)
    inputs = [bound.input_tokens]
    if request.schema is not None:
        # The longest complaint, and any answer.
        again = engine.bound(repaired(request, "", "x" * LONGEST_PROBLEM)).input_tokens + request.max_tokens
        inputs += [again] * repairs
    grown = request.max_tokens * turns * (turns - 1) // 2
    return Usage(sum((first + filled) * turns + grown for first in inputs), bound.output_tokens * turns * len(inputs))


def turns_of(job: Job) -> int:
    """How many calls one talk may take; more than one only with tools or agents to hand over to."""
    agent = job.agent or Agent("")
    return agent.max_turns if job.request.tools or agent.handoffs else 1
