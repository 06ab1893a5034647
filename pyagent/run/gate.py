"""What one run knows of its approvals: what to ask a person, what holds a task back, what was decided.

The rows stand in the store; this keeps those of the run in memory, so that a task that waits for nobody costs a
look into a dict. `refresh` brings in what other processes decided.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pyagent.engine.base import Tool
from pyagent.model import Task
from pyagent.run.approvals import Approval, Approvals, Kind, Risk, question
from pyagent.run.journal import Journal
from pyagent.run.pipeline import Job
from pyagent.run.policy import Policy
from pyagent.store.writer import Put

Name = tuple[str, int]


class Gate:
    """The approvals of one run, by task key and number. Use from one event loop.

    ``wait`` keeps the run although nobody watches.
    """

    def __init__(
        self, approvals: Approvals, journal: Journal, policy: Policy, tools: Mapping[str, Tool], wait: bool = False
    ) -> None:
        self.approvals, self.policy = approvals, policy
        self._journal, self._tools, self._wait = journal, tools, wait
        self._rows: dict[Name, dict[str, Approval]] = {}
        # Calls that this process began, with what they gave once they have: the store may be a commit behind.
        self._begun: dict[str, str | None] = {}
        self._restored: set[str] = set()
        for approval in approvals.of_run(journal.run):
            self._keep(approval)

    def keep_only(self, names: Iterable[Name]) -> None:
        """Forget questions about tasks that the file no longer has."""
        if self._rows:
            left = set(self._rows) - set(names)
            gone = [row.id for name in left for row in self._rows.pop(name).values()]
            self.approvals.close(gone, "the task is no longer in the file")

    # for the runner

    def held(self, task: Task, key: str, nth: int) -> tuple[str, ...]:
        """The approvals that keep a task from being begun; none when one of them ends it, or none binds any more."""
        rows = [row for row in self._rows.get((key, nth), {}).values() if self._binds(row, task)]
        if any(row.state == "rejected" and row.effective() for row in rows):
            return ()
        return tuple(row.id for row in rows if not row.effective())

    def stays(self) -> bool:
        """Whether a run in which only approvals are left goes on: somebody watches, or a decision is on its way."""
        return self._wait or self.approvals.pending(self._journal.run) or bool(self._news()) or self.approvals.watched()

    def refresh(self) -> set[Name]:
        """Take in the decisions that have their effect by now; gives the tasks that they are about."""
        news = self._news()
        for approval in news:
            self._keep(approval)
        return {(approval.key, approval.nth) for approval in news}

    def _news(self) -> list[Approval]:
        """Decisions with effect that are not known here yet. ``pending`` is looked at before: none falls between."""
        found = []
        for approval in self.approvals.applicable(self._journal.run):
            known = self._rows.get((approval.key, approval.nth), {}).get(approval.id)
            if known is not None and not known.effective():
                found.append(approval)
        return found

    # for the steps

    def rows(self, job: Job, kind: Kind | None = None, point: str | None = None) -> list[Approval]:
        """The approvals of a task in the order of asking."""
        rows = self._rows.get((job.key, job.nth), {}).values()
        return [row for row in rows if kind in (None, row.kind) and point in (None, row.point)]

    def ask(
        self,
        job: Job,
        kind: Kind,
        title: str,
        detail: str,
        risk: Risk,
        point: str = "",
        data: Mapping[str, Any] | None = None,
        better: str = "",
        draft: Mapping[str, Any] | None = None,
    ) -> str:
        """Ask a person; gives the approval's id. It is durable with the next commit, what led to it included."""
        data = {**(data or {}), "model": job.model.name}
        if self.records(job):
            data["prompt"] = _asked(job)
        approval, row = question(
            self._journal.run, job.task.id, job.key, job.nth, kind, title, detail, risk, point, data, better, draft
        )
        self._journal.writer.put(Put.ASK, row)
        self._keep(approval)
        job.emit("approval.asked", id=approval.id, kind=kind, title=title, risk=risk)
        return approval.id

    def apply(self, job: Job, approval: Approval, **data: Any) -> None:
        """Record that a decision is acted on now."""
        if approval.applied is not None or approval.decision is None:
            return
        now, said = time.time(), approval.decision
        self._journal.writer.put(Put.APPLY, (now, approval.id))
        self._begun[approval.id] = None
        self._keep(replace(approval, applied=now))
        job.emit("approval.applied", id=approval.id, verb=said.verb, reason=said.reason, by=said.by, **data)

    def for_admin(self, approval: Approval) -> None:
        """The model that an escalation was to ask is no longer named."""
        self.approvals.for_admin(approval.id)
        self._keep(replace(approval, state="waiting", decision=None, applied=None))

    def records(self, job: Job) -> bool:
        """Whether prompts may be shown and kept."""
        return bool(self._journal.prompt(job.request))

    def finish(self, job: Job) -> None:
        """The task has its result: nobody needs to answer what is still asked about it."""
        rows = self._rows.pop((job.key, job.nth), {}).values()
        self.approvals.close([row.id for row in rows if row.applied is None], "it is no longer needed")

    # for the turns

    async def begin(self, job: Job, approval: Approval) -> None:
        """Before an approved call runs: from here on a kill leaves its outcome unknown, so it is durable first."""
        self.apply(job, approval)
        await self._journal.writer.flush()

    def ended(self, approval: Approval, text: str) -> None:
        """What an approved call gave, as the model reads it."""
        self._begun[approval.id] = text
        self._journal.writer.put(Put.OUTCOME, (text, approval.id))

    def lost(self, approval: Approval) -> bool:
        """Whether an approved call was begun by a process that ended before its outcome was known."""
        return approval.applied is not None and approval.id not in self._begun and self.outcome(approval) is None

    def outcome(self, approval: Approval) -> str | None:
        """What an approved call gave, if it has run."""
        return self._begun.get(approval.id) or self.approvals.outcome(approval.id)

    def talk(self, job: Job) -> Mapping[str, Any] | None:
        """The conversation that waited for a person, to go on with; each once."""
        rows = self.rows(job, "tool")
        if not rows or rows[-1].id in self._restored:
            return None
        self._restored.update(row.id for row in rows)
        return self.approvals.draft(rows[-1].id)

    def _binds(self, row: Approval, task: Task) -> bool:
        """Whether a question is still one under today's file and settings."""
        if row.kind == "answer":
            return bool(task.approve)
        if row.kind == "cost":
            return self.policy.cost(row.data.get("cost_usd")) is not None
        tool = self._tools.get(str(row.data.get("tool")))
        return tool is not None and self.policy.tool(tool) is not None

    def _keep(self, approval: Approval) -> None:
        if approval.decision is not None and not approval.effective():
            # It may still be undone: only what the store says later counts.
            approval = replace(approval, state="waiting", decision=None)
        self._rows.setdefault((approval.key, approval.nth), {})[approval.id] = approval


def _asked(job: Job) -> str:
    """The question of a task, as far as a person needs it to decide about a call or a cost."""
    said = [message.content for message in job.request.messages if message.role == "user"]
    return said[-1][:2000] if said else ""
