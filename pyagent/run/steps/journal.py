"""What this run has already answered is given again; what is answered now is committed before anybody sees it."""

from __future__ import annotations

import time
import traceback
from dataclasses import replace

from pyagent.errors import PyAgentError
from pyagent.model import Result
from pyagent.run.journal import Journal
from pyagent.run.pipeline import Job, Proceed


class Remember:
    """The outermost layer: resume is nothing but this."""

    name, order = "journal", 10

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def __call__(self, job: Job, proceed: Proceed) -> Result:
        known = self._journal.find(job.key, job.nth)
        if known is not None:
            result = replace(known, id=job.task.id, known=True)
            if known.id != result.id and not job.dry:
                # The file was edited and the task has moved: the store says its name of today.
                self._journal.commit(job.key, job.nth, job.task.line, result)
            return result
        if job.dry:
            return await proceed(job)
        agent = {"agent": job.agent.name} if job.agent else {}
        job.emit("task.started", line=job.task.line, key=job.key, **agent)
        result = await self._guarded(job, proceed)
        job.emit("task.finished", status=result.status, source=result.source, error=result.error)
        self._journal.commit(job.key, job.nth, job.task.line, result)
        return result

    async def _guarded(self, job: Job, proceed: Proceed) -> Result:
        """A layer that breaks fails its task, not the run; its traceback is an event."""
        started = time.monotonic()
        try:
            return await proceed(job)
        except PyAgentError:
            raise
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            job.emit("task.broke", traceback=traceback.format_exc())
            told = (
                f"{type(error).__name__}: {error} ({where.name} in {where.filename.rpartition('/')[2]}:{where.lineno})"
            )
            return Result(job.task.id, "failed", error=told, seconds=time.monotonic() - started)
