"""What stands between a model's wish and a tool: arguments are checked, equal calls are known, values become text."""

from __future__ import annotations

import asyncio
import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from pyagent.engine.base import Tool, ToolSpec
from pyagent.errors import EngineError, PyAgentError, ToolError
from pyagent.model import Agent

# About 2,000 tokens: a quarter of the context of the smallest model that is bundled.
TEXT_LIMIT = 8_000
HAND_OFF = "hand_off_to_"


async def use(tool: Tool, arguments: Mapping[str, Any], timeout: float) -> Any:
    """Run ``tool`` with checked arguments for at most ``timeout`` seconds. What the model can be told is a ToolError.

    A tool's own bug is one too: one broken tool must not stop a run. Errors that concern the whole run
    (a budget, an approval, an interrupt) pass through.
    """
    try:
        async with asyncio.timeout(timeout):
            return await tool.run(arguments)
    except TimeoutError:
        raise ToolError(f"{tool.spec.name} gave no answer within {timeout:g} s") from None
    except ToolError:
        raise
    except EngineError as error:
        raise ToolError(f"{tool.spec.name}: {error}", error.hint) from error
    except PyAgentError:
        raise
    except Exception as error:
        raise ToolError(f"{tool.spec.name} failed: {type(error).__name__}: {error}") from error


def depends(tool: Tool, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """What an answer made with this call depends on. Raises ToolError when the tool cannot say: then it must not run,
    for its answer could be kept after what it read has changed."""
    try:
        return tuple(tool.reads(arguments)) if tool.reads else ()
    except ToolError:
        raise
    except Exception as error:
        raise ToolError(f"{tool.spec.name} cannot say what it reads: {type(error).__name__}: {error}") from error


def check(arguments: Mapping[str, Any], spec: ToolSpec) -> None:
    """Raise ToolError with what is wrong, in words that a model can act upon: at most three problems."""
    from jsonschema.exceptions import SchemaError, ValidationError
    from jsonschema.validators import validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    kind = validator_for(spec.parameters)
    # An empty registry: a `$ref` to the web in a foreign tool's schema must not make a request.
    validator = kind(spec.parameters, registry=Registry())
    try:
        kind.check_schema(dict(spec.parameters))
        problems: list[ValidationError] = sorted(validator.iter_errors(dict(arguments)), key=lambda e: e.json_path)
    except (SchemaError, Unresolvable, RecursionError) as error:
        raise ToolError(f"{spec.name}: its own argument schema is broken: {type(error).__name__}") from error
    if problems:
        said = "; ".join(f"{problem.json_path}: {problem.message}"[:200] for problem in problems[:3])
        raise ToolError(f"wrong arguments for {spec.name}: {said}")


def call_digest(name: str, arguments: Mapping[str, Any]) -> str:
    """Hex SHA-256 of the tool and its arguments in one canonical spelling: equal calls have equal digests."""
    text = json.dumps([name, arguments], sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def as_text(value: Any, limit: int = TEXT_LIMIT) -> str:
    """A tool's value as the model reads it: text as it is, all else as compact JSON; cut to ``limit`` characters."""
    if isinstance(value, str):
        text = value
    else:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n[cut: the first {limit} of {len(text)} characters]"


def told(error: PyAgentError) -> str:
    """An error as the model reads it."""
    return f"error: {error} ({error.hint})" if error.hint else f"error: {error}"


def hand_off_specs(names: Iterable[str], agents: Mapping[str, Agent]) -> tuple[ToolSpec, ...]:
    """One tool for each agent that the task may be handed to."""
    return tuple(_hand_off(agents[name]) for name in names if name in agents)


def hand_off_target(tool: str) -> str | None:
    """The agent that a hand-off tool names; None for any other tool."""
    return tool.removeprefix(HAND_OFF) if tool.startswith(HAND_OFF) else None


def unknown(name: str, known: Iterable[str]) -> ToolError:
    """The error for a tool that was not offered, with what the model may have meant."""
    offered = sorted(known)
    near = difflib.get_close_matches(name, offered, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(offered) or 'none'}"
    return ToolError(f"there is no tool {name!r}", hint)


def _hand_off(agent: Agent) -> ToolSpec:
    what = f": {agent.description}" if agent.description else ""
    message = {"type": "string", "description": "what the next agent must know, in one sentence"}
    return ToolSpec(
        name=HAND_OFF + agent.name,
        description=f"Hand the task over to {agent.name}{what}",
        parameters={
            "type": "object",
            "properties": {"message": message},
            "required": ["message"],
            "additionalProperties": False,
        },
    )
