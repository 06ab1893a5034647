"""A tool call that needs a person waits before it runs, and the conversation that led to it is kept with the question.

All calls of a turn wait together: nothing of the turn has run when a person looks at it, so that what they decide
is what happens. An approved call is marked durably before it runs and its outcome after: one whose outcome is not
known, because the process was killed in between, goes to a person again and is never run twice by itself.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pyagent.engine.base import Tool, ToolSpec
from pyagent.engine.tools import call_digest, check
from pyagent.errors import ToolError
from pyagent.model import Message, Result, ToolCall
from pyagent.run.approvals import Approval, Waits

if TYPE_CHECKING:
    from pyagent.run.gate import Gate
    from pyagent.run.pipeline import Job
    from pyagent.run.steps.turns import Talk

LONGEST_CALL = 120
SAMPLES = "needs a person's consent, which a task that votes over samples cannot wait for"
LOST = "It was approved before and began, but the process ended before its outcome was known. Let it run again?\n\n"


class Consent:
    """What persons said to the calls of one turn, by the call's place in it."""

    def __init__(self, gate: Gate | None, job: Job, given: Mapping[int, Approval]) -> None:
        self._gate, self._job, self._given = gate, job, given

    @classmethod
    def of(cls, talk: Talk, result: Result, offered: Mapping[str, ToolSpec]) -> Consent:
        """Raises Waits when a call of the turn needs a person who has not said yes yet."""
        gate = talk.step.gate
        if gate is None or "sample" in talk.job.notes:
            return cls(gate, talk.job, {})
        found = {
            at: _standing(gate, talk, at, call) for at, call in enumerate(result.calls) if _runs(talk, call, offered)
        }
        given = {at: row for at, (row, _) in found.items() if row is not None and row.state == "approved"}
        if missing := [at for at in found if at not in given]:
            raise Waits([_asked(gate, talk, result, at, *found[at]) for at in missing])
        return cls(gate, talk.job, given)

    async def begin(self, at: int, tool: Tool) -> str | None:
        """Before the call at this place runs: what it already gave, or None. Raises ToolError where none can wait."""
        row = self._given.get(at)
        if self._gate is None:
            return None
        if row is None:
            if self._gate.policy.tool(tool) is not None and "sample" in self._job.notes:
                raise ToolError(f"{tool.spec.name} {SAMPLES}")
            return None
        if row.applied is not None:
            return self._gate.outcome(row)
        await self._gate.begin(self._job, row)
        return None

    def ended(self, at: int, text: str) -> None:
        """The call at this place was answered with ``text``."""
        row = self._given.get(at)
        if self._gate is not None and row is not None and row.applied is None:
            self._gate.ended(row, text)


def restored(talk: Talk) -> Result | None:
    """Put a talk where it was when a person was asked; gives the reply whose calls are to be answered now."""
    draft = talk.step.gate.talk(talk.job) if talk.step.gate else None
    if not draft:
        return None
    job, agent = talk.job, talk.step.agents.get(draft["agent"] or "")
    model = job.model if draft["model"] == job.model.name else talk.step.resolve_model(draft["model"])
    messages = tuple(_message(row) for row in draft["messages"])
    request = replace(job.request, model=model.remote or model.name, messages=messages, **draft["request"])
    talk.agent = agent if agent is not None else talk.agent
    if draft["handoffs"] and agent is not None:
        talk.tools = tuple(talk.step.tools[name].spec for name in agent.tools if name in talk.step.tools)
    talk.job = replace(job, model=model, request=request, agent=talk.agent)
    talk.job = replace(talk.job, request=replace(request, tools=talk.offered()))
    talk.turns, talk.calls, talk.handoffs = draft["turns"], draft["calls"], draft["handoffs"]
    talk.fresh = False
    talk.seen, talk.reads = Counter(draft["seen"]), dict.fromkeys(draft["reads"])
    return replace(Result.of_line(draft["result"]), calls=tuple(_call(row) for row in draft["asked"]))


def _runs(talk: Talk, call: ToolCall, offered: Mapping[str, ToolSpec]) -> bool:
    """Whether a call would run, and needs a person."""
    tool, gate = talk.step.tools.get(call.name), talk.step.gate
    if tool is None or call.name not in offered or gate is None or gate.policy.tool(tool) is None:
        return False
    if talk.calls >= talk.limits.max_tool_calls:
        return False
    try:
        check(call.arguments, offered[call.name])
    except ToolError:
        return False
    return True


def _standing(gate: Gate, talk: Talk, at: int, call: ToolCall) -> tuple[Approval | None, str]:
    """(the question about a call as it stands, its point). One whose outcome was lost is asked anew."""
    point, again = f"{talk.turns}.{at}:{call_digest(call.name, call.arguments)}", 0
    while rows := gate.rows(talk.job, "tool", f"{point}:{again}"):
        if not gate.lost(rows[-1]):
            break
        again += 1
    return (rows[-1] if rows else None), f"{point}:{again}"


def _asked(gate: Gate, talk: Talk, result: Result, at: int, row: Approval | None, point: str) -> str:
    """The id of the question about a call; it is put when it was not yet."""
    if row is not None:
        return row.id
    call = result.calls[at]
    risk = gate.policy.tool(talk.step.tools[call.name]) or "high"
    again = not point.endswith(":0")
    arguments = json.dumps(call.arguments, indent=2, ensure_ascii=False, default=str)
    said = f"{result.output}\n\n" if isinstance(result.output, str) and result.output else ""
    return gate.ask(
        talk.job,
        "tool",
        f"{'again: ' if again else ''}{one_line(call)}",
        f"{LOST if again else ''}{said}{call.name} {arguments}",
        "high" if again else risk,
        point=point,
        data={"tool": call.name, "arguments": dict(call.arguments)},
        draft=draft(talk, result),
    )


def one_line(call: ToolCall) -> str:
    """`delete_file(path="x")`, cut where it grows long."""
    inside = ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False, default=str)}" for name, value in call.arguments.items()
    )
    text = " ".join(f"{call.name}({inside})".split())
    return text if len(text) <= LONGEST_CALL else f"{text[: LONGEST_CALL - 1]}…"


def draft(talk: Talk, result: Result) -> dict[str, Any]:
    """A talk as JSON: all that `restored` needs in another process."""
    request = talk.job.request
    return {
        "result": result.line(),
        "asked": [_call_row(call) for call in result.calls],
        "messages": [_message_row(message) for message in request.messages],
        "request": {"temperature": request.temperature, "max_tokens": request.max_tokens},
        "agent": talk.agent.name if talk.agent else None,
        "model": talk.job.model.name,
        "turns": talk.turns,
        "calls": talk.calls,
        "handoffs": talk.handoffs,
        "seen": dict(talk.seen),
        "reads": list(talk.reads),
    }


def _message_row(message: Message) -> dict[str, Any]:
    calls = [_call_row(call) for call in message.calls]
    return {"role": message.role, "content": message.content, "calls": calls, "call_id": message.call_id}


def _message(row: Mapping[str, Any]) -> Message:
    return Message(row["role"], row["content"], tuple(_call(call) for call in row["calls"]), row["call_id"])


def _call_row(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "name": call.name, "arguments": dict(call.arguments)}


def _call(row: Mapping[str, Any]) -> ToolCall:
    return ToolCall(row["id"], row["name"], row["arguments"])
