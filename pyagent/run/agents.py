"""Recipes for agents are files that a person writes and reviews: `agents/NAME.toml`, checked to the last key."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pyagent.errors import ConfigError, UsageError
from pyagent.model import Agent
from pyagent.run.key import digest

# Providers take tool names of at most 64 of these; `hand_off_to_` takes 12.
NAME = re.compile(r"[A-Za-z0-9_-]{1,48}")
TEXTS = ("instructions", "description", "model")
NAMES = ("tools", "handoffs")
COUNTS = {"max_turns": 1, "max_tool_calls": 0, "max_handoffs": 0, "max_tokens": 1}
CHOICES = ("auto", "required")
KEYS = (*TEXTS, *NAMES, *COUNTS, "temperature", "tool_choice")


def load_agents(folders: Sequence[Path]) -> dict[str, Agent]:
    """Every recipe `agents/NAME.toml` below ``folders``, by name; an earlier folder's recipe hides a later one's.

    Raises ConfigError for the first recipe that is wrong, with its path, and for a hand-off to nobody.
    """
    agents: dict[str, Agent] = {}
    for folder in folders:
        for path in sorted((Path(folder) / "agents").glob("*.toml")):
            if path.stem not in agents:
                agents[path.stem] = read_agent(path)
    for agent in agents.values():
        _check_handoffs(agent, agents)
    return agents


def read_agent(path: Path) -> Agent:
    """One recipe; its name is the file's. Raises ConfigError."""
    if not NAME.fullmatch(path.stem):
        raise ConfigError(
            f"{path}: {path.stem!r} cannot be an agent's name", "use 1 to 48 letters, digits, '_' and '-'"
        )
    row = _parse(path)
    for key, value in row.items():
        problem = _problem(key, value)
        if problem:
            raise ConfigError(f"{path}: {key} {problem[0]}", problem[1])
    fields: dict[str, Any] = {key: tuple(value) if key in NAMES else value for key, value in row.items()}
    return Agent(name=path.stem, path=str(path), **fields)


def find_agent(agents: Mapping[str, Agent], name: str) -> Agent:
    """The agent ``name``. Raises UsageError with the nearest name."""
    if name in agents:
        return agents[name]
    raise UsageError(f"there is no agent {name!r}", _nearest(name, agents) or f"write agents/{name}.toml")


def reachable(agent: Agent, agents: Mapping[str, Agent]) -> tuple[Agent, ...]:
    """``agent`` and all that the task can come to by hand-offs, each once, in the order they are met."""
    met = {agent.name: agent}
    waiting = [agent]
    while waiting:
        for name in waiting.pop(0).handoffs:
            if name in agents and name not in met:
                met[name] = agents[name]
                waiting.append(agents[name])
    return tuple(met.values())


def agent_digest(agent: Agent, agents: Mapping[str, Agent] | None = None) -> str:
    """Hex SHA-256 of what the recipe says and, with ``agents``, of every recipe that it can hand over to.

    Where the recipe lies does not count.
    """
    recipes = reachable(agent, agents or {})
    return digest([asdict(replace(recipe, path=None)) for recipe in recipes]).hex()


def check_tools(agents: Iterable[Agent], tools: Collection[str]) -> None:
    """Raise ConfigError when a recipe names a tool that no plugin gives, before anything is asked."""
    for agent in agents:
        for name in agent.tools:
            if name not in tools:
                hint = _nearest(name, tools) or "`pyagent plugin list` shows where tools come from"
                raise ConfigError(f"{agent.path or agent.name}: there is no tool {name!r}", hint)


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}", "correct the TOML") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text", "save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}", "make it a readable file") from None


def _problem(key: str, value: Any) -> tuple[str, str] | None:
    """What is wrong with one line of a recipe, and what to do; None when it is right."""
    if key not in KEYS:
        return "is not a key of a recipe", _nearest(key, KEYS) or f"known keys: {', '.join(KEYS)}"
    if key in TEXTS:
        return None if isinstance(value, str) else ("must be text", f'write {key} = "..."')
    if key in NAMES:
        right = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return None if right else ("must be a list of names", f'write {key} = ["..."]')
    if key == "tool_choice":
        return None if value in CHOICES else ("must be auto or required", "required makes it begin with a tool")
    if key == "temperature":
        right = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 2
        return None if right else ("must be a number from 0 to 2", "0 always gives the likeliest answer")
    least = COUNTS[key]
    right = isinstance(value, int) and not isinstance(value, bool) and value >= least
    return None if right else (f"must be a whole number, {least} or more", f"write {key} = {max(least, 1)}")


def _check_handoffs(agent: Agent, agents: Mapping[str, Agent]) -> None:
    for name in agent.handoffs:
        if name == agent.name:
            raise ConfigError(f"{agent.path}: it hands over to itself", "name another agent in handoffs")
        if name not in agents:
            hint = _nearest(name, agents) or f"write agents/{name}.toml"
            raise ConfigError(f"{agent.path}: there is no agent {name!r} to hand over to", hint)


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else ""
