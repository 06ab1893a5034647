"""What a task asks once the run's defaults are filled in: its model, its agent, its request and its key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pyagent.engine.base import Request, Tool
from pyagent.errors import UsageError
from pyagent.model import Agent, Message, Model, Task
from pyagent.run.agents import agent_digest, find_agent, reachable
from pyagent.run.key import Dependencies, ask_key
from pyagent.run.pipeline import Among
from pyagent.run.template import fill, references


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a task takes where it says nothing. ``max_tokens`` bounds one answer."""

    model: str | None = None
    system: str | None = None
    schema: Mapping[str, Any] | None = None
    max_tokens: int = 512
    temperature: float = 0.0
    seed: int | None = None
    agent: str | None = None
    deterministic: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """A task made ready: ``request`` is complete but for the results of other tasks. ``pure``: no tool that it or
    an agent after it may use changes anything. ``among`` is who may answer where the user named nobody."""

    model: Model
    request: Request
    agent: Agent | None
    pure: bool = True
    among: Among | None = None


@dataclass(slots=True)
class Plan:
    """Resolves tasks. ``model`` and ``identity`` come from the host: a Model by name, and what its weights are called.

    ``among`` is who may answer tasks for which nobody named a model. Models that tasks name are collected in
    ``models``, so that a run knows them before it asks any.
    """

    defaults: Defaults
    model: Callable[[str | None], Model]
    identity: Callable[[Model], str]
    agents: Mapping[str, Agent] = field(default_factory=dict)
    tools: Mapping[str, Tool] = field(default_factory=dict)
    folder: Path = Path()
    among: Among | None = None
    models: dict[str | None, Model] = field(default_factory=dict)
    _bases: dict[tuple[str, str | None], str] = field(default_factory=dict)
    _used: dict[str, Agent] = field(default_factory=dict)
    _files: Dependencies | None = None

    def ask(self, task: Task) -> Ask:
        """Raises ModelMissing for an unknown model and UsageError for an unknown agent or tool."""
        defaults = self.defaults
        agent = self._agent(task)
        named = task.model or (agent.model if agent else None) or defaults.model
        model = self.resolve(named)
        tools = task.tools if task.tools is not None else (agent.tools if agent else ())
        request = Request(
            model=model.remote or model.name,
            messages=self._messages(task, agent),
            max_tokens=_first(task.max_tokens, agent and agent.max_tokens, defaults.max_tokens),
            temperature=_first(task.temperature, agent and agent.temperature, defaults.temperature),
            seed=_first(task.seed, defaults.seed),
            stop=task.stop or (),
            schema=_first(task.schema, defaults.schema),
            tools=tuple(self._tool(name, task).spec for name in tools),
            samples=task.samples,
        )
        return Ask(model, request, agent, self._pure(tools, agent), self._among(named, model))

    def key(self, task: Task, parents: Sequence[bytes]) -> bytes:
        """The task's key (32 bytes), from the keys of the tasks in its ``after``."""
        ask = self.ask(task)
        self._used.update({ask.agent.name: ask.agent} if ask.agent else {})
        rest: list[Any] = [[tool.name for tool in ask.request.tools], task.tenant, task.needs]
        if task.samples > 1:
            rest.append(task.vote)
        if task.depends_on:
            self._files = self._files or Dependencies(self.folder)
            rest.append([self._files.version(entry) for entry in task.depends_on])
        return ask_key(self.scope(ask), ask.request, rest, parents)

    def scope(self, ask: Ask) -> str:
        """The name of what answers: weights, recipe and mode. One string for many tasks."""
        routed = ask.among is not None and len(ask.among.models) > 1
        name = ("" if routed else ask.model.name, ask.agent.name if ask.agent else None)
        base = self._bases.get(name)
        if base is None:
            agent = agent_digest(ask.agent, self.agents) if ask.agent else ""
            mode = "deterministic" if self.defaults.deterministic else ""
            # What was promised answers for a task whose model is chosen later: its key must not move with the choice.
            by = f"quality {ask.among.quality:g}" if ask.among and routed else self.identity(ask.model)
            base = self._bases[name] = f"{by}|{agent}|{mode}"
        return base

    def fill(self, ask: Ask, outputs: Mapping[str, Any]) -> Request:
        """The request with `{{ results.ID }}` replaced by the outputs of the tasks before it."""
        if not outputs:
            return ask.request
        messages = tuple(
            replace(message, content=fill(message.content, outputs)) if references(message.content) else message
            for message in ask.request.messages
        )
        return replace(ask.request, messages=messages)

    def used(self) -> list[Agent]:
        """The agents that tasks whose key was asked for begin with."""
        return list(self._used.values())

    def _among(self, named: str | None, model: Model) -> Among | None:
        if self.among is None or not named:
            return self.among
        # A model that the user named is not chosen, but may have to be measured.
        return replace(self.among, models=(model,)) if self.among.measured else None

    def _pure(self, tools: Sequence[str], agent: Agent | None) -> bool:
        if not tools and (agent is None or not agent.handoffs):
            return True
        heirs = reachable(agent, self.agents) if agent else ()
        names = {*tools, *(name for heir in heirs for name in heir.tools)}
        # MCP: a tool that does not say that it only reads must be taken to write.
        return all(name in self.tools and self.tools[name].annotations.get("readOnlyHint", False) for name in names)

    def _agent(self, task: Task) -> Agent | None:
        name = task.agent or self.defaults.agent
        return find_agent(self.agents, name) if name else None

    def resolve(self, name: str | None) -> Model:
        """The model with this name, or the default one."""
        model = self.models.get(name)
        if model is None:
            model = self.models[name] = self.model(name)
        return model

    def _tool(self, name: str, task: Task) -> Tool:
        try:
            return self.tools[name]
        except KeyError:
            known = ", ".join(sorted(self.tools)) or "none"
            raise UsageError(
                f"task {task.id} wants the tool {name!r}, which does not exist", f"known: {known}"
            ) from None

    def _messages(self, task: Task, agent: Agent | None) -> tuple[Message, ...]:
        turns = task.messages if task.messages is not None else (Message("user", task.prompt or ""),)
        system = _first(task.system, self.defaults.system)
        parts = [text for text in (agent.instructions if agent else None, system) if text]
        if not parts or (turns and turns[0].role == "system" and task.system is None and agent is None):
            return turns
        if turns and turns[0].role == "system":
            parts, turns = [*parts, turns[0].content], turns[1:]
        return (Message("system", "\n\n".join(parts)), *turns)


def _first(*values: Any) -> Any:
    """The first value that was said."""
    return next((value for value in values if value is not None), None)
