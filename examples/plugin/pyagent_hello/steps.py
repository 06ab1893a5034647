"""A layer of the way of a task: it passes the job on and touches what comes back."""

from __future__ import annotations

from dataclasses import replace

from pyagent.plugin import Job, Proceed, Result


class Loud:
    """Answers in capitals where a task's meta asks for it."""

    name = "loud"
    order = 35

    async def __call__(self, job: Job, proceed: Proceed) -> Result:
        result = await proceed(job)
        if isinstance(result.output, str) and (job.task.meta or {}).get("loud"):
            job.emit("hello.loud")
            return replace(result, output=result.output.upper())
        return result
