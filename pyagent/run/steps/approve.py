"""An answer that needs a person waits for one; a task that may cost too much waits before it is asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pyagent.model import Model, Result
from pyagent.run.approvals import Approval, Risk, Waits
from pyagent.run.engines import Engines
from pyagent.run.gate import Gate
from pyagent.run.pipeline import Job, Proceed
from pyagent.run.steps.price import worst_usage

LONGEST_TITLE = 120


class Approve:
    """Outside of all that makes the answer: what is decided here was made once, and is kept with the question.

    ``better`` gives the job that asks the model which ``[approvals] escalate_to`` names; None: there is none.
    """

    name, order = "approve", 15

    def __init__(self, gate: Gate, better: Callable[[Job], Job] | None = None) -> None:
        self._gate, self._better = gate, better

    async def __call__(self, job: Job, proceed: Proceed) -> Result:
        if job.dry:
            return await proceed(job)
        for row in self._gate.rows(job):
            if row.state == "rejected":
                return self._finished(job, self._refused(job, row))
        if not job.task.approve:
            return self._finished(job, await proceed(job))
        asked = self._gate.rows(job, "answer")
        return await (self._decided(job, asked[-1], proceed) if asked else self._draft(job, job, proceed))

    async def _decided(self, job: Job, row: Approval, proceed: Proceed) -> Result:
        if not row.effective():
            raise Waits([row.id])
        if row.state == "approved":
            result = self._kept(job, row)
            self._gate.apply(job, row, status=result.status)
            return self._finished(job, result)
        if self._better is None:
            self._gate.for_admin(row)
            raise Waits([row.id])
        self._gate.apply(job, row, better=row.better)
        return await self._draft(job, self._better(job), proceed, self._kept(job, row))

    async def _draft(self, job: Job, ask: Job, proceed: Proceed, earlier: Result | None = None) -> Result:
        """Make the answer and ask a person about it. A failed one needs nobody."""
        result = (await proceed(ask)).after(earlier)
        if result.status != "ok":
            return self._finished(job, result)
        # The better model's answer goes to a person again; escalated once more it goes to an administrator.
        stronger = self._gate.policy.escalate_to or ""
        better = stronger if self._better and earlier is None and stronger != result.model else ""
        id = self._gate.ask(
            ask,
            "answer",
            title(job) if self._gate.records(job) else job.task.id,
            shown(result.output),
            answer_risk(job),
            point=f"after {earlier.model}" if earlier else "",
            data={"cost_usd": result.cost_usd, "source": result.source},
            better=better,
            draft={"result": result.line(), "source": result.source},
        )
        raise Waits([id])

    def _kept(self, job: Job, row: Approval) -> Result:
        line = self._gate.approvals.draft(row.id).get("result")
        return (
            replace(Result.of_line(line), id=job.task.id)
            if line
            else Result(job.task.id, "failed", attempts=0, cost_usd=0.0)
        )

    def _refused(self, job: Job, row: Approval) -> Result:
        kept = self._kept(job, row)
        self._gate.apply(job, row, status="failed")
        said = row.decision.reason if row.decision else ""
        by = f"by {row.decision.by}" if row.decision and row.decision.by else "by a person"
        error = f"rejected: {said}" if said else f"rejected {by}"
        return replace(kept, status="failed", output=None, error=error, calls=())

    def _finished(self, job: Job, result: Result) -> Result:
        self._gate.finish(job)
        return result


class Afford:
    """Inside of what is kept from earlier: an answer that is there costs nothing and needs nobody."""

    name, order = "afford", 35

    def __init__(self, gate: Gate, engines: Engines, repairs: int = 0) -> None:
        self._gate, self._engines, self._repairs = gate, engines, repairs

    async def __call__(self, job: Job, proceed: Proceed) -> Result:
        if job.dry or self._gate.policy.cost_usd is None:
            return await proceed(job)
        usage = worst_usage(job, self._engines, self._repairs)
        usd = job.model.cost(usage)
        risk = self._gate.policy.cost(usd)
        if risk is None:
            return await proceed(job)
        asked = self._gate.rows(job, "cost", job.model.name)
        if not asked:
            raise Waits([self._ask(job, usd, usage.total, risk)])
        if not asked[-1].effective():
            raise Waits([asked[-1].id])
        self._gate.apply(job, asked[-1])
        return await proceed(job)

    def _ask(self, job: Job, usd: float | None, tokens: int, risk: Risk) -> str:
        cost = "an unknown amount" if usd is None else f"up to ${usd:.4f}"
        limit = self._gate.policy.cost_usd or 0.0
        return self._gate.ask(
            job,
            "cost",
            f"{cost} for {job.task.id}",
            f"{job.model.name} may use {tokens:,} tokens for this task, which costs {cost}; "
            f"more than ${limit:g} needs a person",
            risk,
            point=job.model.name,
            data={"cost_usd": usd, "tokens": tokens},
        )


def better_job(model: Model, scope: Callable[[Job, Model], str]) -> Callable[[Job], Job]:
    """What asks ``model`` instead of the job's own, under its own name in the cache."""

    def ask(job: Job) -> Job:
        request = replace(job.request, model=model.remote or model.name)
        # A person chose: nothing chooses after them.
        return replace(job, model=model, request=request, scope=scope(job, model), among=None)

    return ask


def answer_risk(job: Job) -> Risk:
    """What is made with tools that may change something deserves a second look."""
    return "low" if job.pure else "medium"


def title(job: Job) -> str:
    """The first words of what was asked."""
    said = next((m.content for m in reversed(job.request.messages) if m.role == "user"), job.task.id)
    line = " ".join(said.split())
    return line if len(line) <= LONGEST_TITLE else f"{line[: LONGEST_TITLE - 1]}…"


def shown(output: Any) -> str:
    """An answer as a person reads it."""
    return output if isinstance(output, str) else json.dumps(output, indent=2, ensure_ascii=False, default=str)
