"""A model that calls tools needs several turns: each call is run and answered until the model answers the task.

The loop always ends with an answer where one can be had: in the last turn that the limits allow, and after the
third identical call, the model is asked once more without tools. Stopping there with an error instead would
throw away turns that are already paid for, and the answer to a call that was made twice is known.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pyagent.engine.base import Request, Tool, ToolSpec
from pyagent.engine.tools import (
    as_text,
    call_digest,
    check,
    depends,
    hand_off_specs,
    hand_off_target,
    told,
    unknown,
    use,
)
from pyagent.errors import ModelMissing, PyAgentError, ToolError
from pyagent.model import Agent, Message, Model, Result, Task, ToolCall
from pyagent.run.gate import Gate
from pyagent.run.pipeline import Job, Proceed
from pyagent.run.steps.consent import Consent, restored
from pyagent.run.together import together

# The third call with the same arguments is a loop, not a second thought.
SAME_CALLS = 2
TOOL_SECONDS = 60.0

# Whose limits hold for a task without an agent.
NOBODY = Agent(name="")

Choice = Literal["auto", "none", "required"]


class Turns:
    """Runs tools and hands over to other agents, within the limits of the agent that began (default: 8 turns).

    ``resolve_model`` finds the model that an agent wishes for. What the answer depends on by the tools' ``reads``
    is told in the event ``answer.depends``; an outer step that needs it puts a set into ``job.notes["reads"]``.
    With a ``gate`` the calls that need a person wait for one.
    """

    name, order = "turns", 44

    def __init__(
        self,
        tools: Mapping[str, Tool],
        agents: Mapping[str, Agent],
        resolve_model: Callable[[str], Model],
        timeout: float = TOOL_SECONDS,
        gate: Gate | None = None,
    ) -> None:
        self.tools, self.agents, self.gate = tools, agents, gate
        self.resolve_model, self.timeout = resolve_model, timeout

    async def __call__(self, job: Job, proceed: Proceed) -> Result:
        limits = job.agent or NOBODY
        if not (job.request.tools or limits.handoffs):
            return await proceed(job)
        talk = Talk(self, job, limits, job.request.tools, job.agent)
        return await (talk.first(proceed) if job.dry else talk.run(proceed))


@dataclass(slots=True)
class Talk:
    """One task's way through its turns. ``job`` changes as the talk grows and when it is handed over."""

    step: Turns
    job: Job
    limits: Agent
    tools: tuple[ToolSpec, ...]
    agent: Agent | None
    turns: int = 0
    calls: int = 0
    handoffs: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    reads: dict[str, None] = field(default_factory=dict)
    stuck: bool = False
    fresh: bool = True
    heir: Agent | None = None
    model: Model | None = None

    async def first(self, proceed: Proceed) -> Result:
        """The first turn as it would be asked, for a dry run."""
        self._prepare()
        return await proceed(self.job)

    async def run(self, proceed: Proceed) -> Result:
        started, earlier = time.monotonic(), restored(self)
        if earlier is not None:
            await self._answer(earlier)
        while True:
            last = self._prepare()
            result = (await proceed(self.job)).after(earlier)
            result = replace(result, seconds=time.monotonic() - started)
            if result.status != "ok" or not result.calls:
                return self._ended(result)
            if last:
                error = f"the model still asks for {result.calls[0].name} after {self.turns} turns"
                return self._ended(replace(result, status="failed", error=error, calls=()))
            await self._answer(result)
            earlier = result

    def _prepare(self) -> bool:
        """Set the tools of the next turn; True when it is the last one, in which none may be called."""
        self.turns += 1
        last = self.stuck or self.turns >= self.limits.max_turns or self.calls >= self.limits.max_tool_calls
        request = replace(self.job.request, tools=self.offered())
        self.job = replace(self.job, request=replace(request, tool_choice="none" if last else self._choice(request)))
        self.fresh = False
        return last

    def _choice(self, request: Request) -> Choice:
        """What is required is required of an agent's first turn only: after that it would never end."""
        if self.fresh and request.tools and self.agent and self.agent.tool_choice == "required":
            return "required"
        return request.tool_choice if self.turns == 1 else "auto"

    def offered(self) -> tuple[ToolSpec, ...]:
        """The tools and hand-offs of the next turn."""
        if self.agent is None or self.handoffs >= self.limits.max_handoffs:
            return self.tools
        return self.tools + hand_off_specs(self.agent.handoffs, self.step.agents)

    async def _answer(self, result: Result) -> None:
        """Run what the model called, all at once, add the answers to the talk, and hand over where it was asked."""
        offered = {spec.name: spec for spec in self.job.request.tools}
        consent = Consent.of(self, result, offered)
        texts = await together([self._call(call, offered, consent, at) for at, call in enumerate(result.calls)])
        said = Message("assistant", result.output if isinstance(result.output, str) else "", result.calls)
        answers = [Message("tool", text, call_id=call.id) for call, text in zip(result.calls, texts, strict=True)]
        request = self.job.request
        self.job = replace(self.job, request=replace(request, messages=(*request.messages, said, *answers)))
        if self.heir:
            self._hand_over(self.heir)

    async def _call(self, call: ToolCall, offered: Mapping[str, ToolSpec], consent: Consent, at: int) -> str:
        """What the model is told about one call; every call is a span with its arguments and its outcome."""
        started = time.monotonic()
        span = self.job.open("tool", name=call.name, arguments=dict(call.arguments), call=call.id)
        data: dict[str, Any] = {"name": call.name}
        try:
            text = data["result"] = as_text(await self._value(call, offered, data, consent, at))
        except ToolError as error:
            text, data["error"] = told(error), str(error)
        except PyAgentError as error:
            data["error"] = str(error)
            raise
        finally:
            span.emit("tool.finished", **data, seconds=round(time.monotonic() - started, 6))
        consent.ended(at, text)
        return text

    async def _value(
        self, call: ToolCall, offered: Mapping[str, ToolSpec], data: dict[str, Any], consent: Consent, at: int
    ) -> Any:
        """The tool's value. Raises ToolError for all that the model can be told."""
        self._count(call)
        if call.name not in offered:
            raise unknown(call.name, offered)
        check(call.arguments, offered[call.name])
        heir = self.step.agents.get(hand_off_target(call.name) or "")
        if heir:
            return self._inherit(heir)
        tool = self.step.tools.get(call.name)
        if tool is None:
            raise unknown(call.name, self.step.tools)
        reads = depends(tool, call.arguments)
        if reads:
            data["reads"] = list(reads)
            self.reads.update(dict.fromkeys(reads))
            # Told before the tool reads, so that an edit in between makes what is kept stale, never fresh.
            self.job.notes.get("reads", set()).update(reads)
        if (known := await consent.begin(at, tool)) is not None:
            return known
        return await use(tool, call.arguments, self.step.timeout)

    def _count(self, call: ToolCall) -> None:
        self.calls += 1
        if self.calls > self.limits.max_tool_calls:
            raise ToolError(f"the limit of {self.limits.max_tool_calls} tool calls is reached")
        digest = call_digest(call.name, call.arguments)
        self.seen[digest] += 1
        if self.seen[digest] > SAME_CALLS:
            self.stuck = True
            self.job.emit("tool.stopped", name=call.name, times=self.seen[digest])
            raise ToolError(f"this same call was already answered {SAME_CALLS} times", "answer with what you have")

    def _inherit(self, agent: Agent) -> str:
        """Make ``agent`` the one that goes on, if nobody else does already and all that it needs is there."""
        if self.heir:
            raise ToolError(f"the task was already handed over to {self.heir.name}")
        missing = [name for name in agent.tools if name not in self.step.tools]
        if missing:
            raise ToolError(f"{agent.name} needs the tool {missing[0]!r}, which does not exist")
        self.model = self._model(agent)
        self.heir = agent
        return f"handed over to {agent.name}"

    def _model(self, agent: Agent) -> Model:
        """What the user named for the task comes before what an agent wishes."""
        if agent.model is None or self.job.task.model is not None:
            return self.job.model
        try:
            return self.step.resolve_model(agent.model)
        except ModelMissing as error:
            raise ToolError(f"{agent.name} needs the model {agent.model!r}: {error}") from error

    def _hand_over(self, heir: Agent) -> None:
        """The next turn belongs to ``heir``: its instructions, tools and model, and all that was said so far."""
        before, model = self.agent.name if self.agent else None, self.model or self.job.model
        self.job.emit("agent.handed_off", agent=before, to=heir.name, model=model.name)
        request = handed_over(self.job.request, self.agent, heir, model, self.job.task)
        self.job = replace(self.job, request=request, model=model, agent=heir)
        self.tools = tuple(self.step.tools[name].spec for name in heir.tools)
        self.agent, self.heir, self.model = heir, None, None
        self.handoffs += 1
        self.fresh = True

    def _ended(self, result: Result) -> Result:
        if self.reads:
            self.job.emit("answer.depends", reads=list(self.reads))
        return result


def handed_over(request: Request, giver: Agent | None, heir: Agent, model: Model, task: Task) -> Request:
    """The request as ``heir`` asks it: the giver's instructions give way, all else that was said stays.

    What the task itself says about temperature and length comes before the recipe.
    """
    system, rest = _split(request.messages)
    own = system.removeprefix(giver.instructions).lstrip("\n") if giver else system
    text = "\n\n".join(part for part in (heir.instructions, own) if part)
    said: dict[str, Any] = {"model": model.remote or model.name}
    if task.temperature is None and heir.temperature is not None:
        said["temperature"] = heir.temperature
    if task.max_tokens is None and heir.max_tokens is not None:
        said["max_tokens"] = heir.max_tokens
    return replace(request, messages=((Message("system", text), *rest) if text else rest), **said)


def _split(messages: tuple[Message, ...]) -> tuple[str, tuple[Message, ...]]:
    if messages and messages[0].role == "system":
        return messages[0].content, messages[1:]
    return "", messages
