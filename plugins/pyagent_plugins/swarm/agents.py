"""`pyagent swarm agents`: which recipes there are, and what one of them says."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pyagent.cli import context
from pyagent.model import Agent
from pyagent.run.agents import agent_digest, find_agent, load_agents, reachable

agents_app = typer.Typer(no_args_is_help=True, help="The recipes for agents, from agents/*.toml.")


@agents_app.command("list")
def list_(ctx: typer.Context) -> None:
    """List the agents that `--agent` and a task's `agent` may name."""
    out = context.output(ctx)
    folders = context.app(ctx).agent_folders()
    agents = load_agents(folders)
    if not agents and not out.json:
        out.note(f"no agents; write {folders[0] / 'agents' / 'NAME.toml'}")
    columns = ("name", "description", "model", "tools", "handoffs", "path")
    out.table([_row(agents[name]) for name in sorted(agents)], columns)


@agents_app.command()
def show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="An agent, as `swarm agents list` names it.")],
) -> None:
    """Show one agent: what it is told, what it may use, its limits, and whom it can hand over to."""
    out = context.output(ctx)
    agents = load_agents(context.app(ctx).agent_folders())
    agent = find_agent(agents, name)
    facts = _facts(agent) | {"reaches": [other.name for other in reachable(agent, agents)[1:]]}
    facts["digest"] = agent_digest(agent, agents)
    if out.json:
        out.emit(facts)
        return
    for key, value in facts.items():
        text = ", ".join(value) if isinstance(value, list) else value
        if text not in (None, ""):
            out.print(f"{key:<15} {_indented(str(text))}")


def _facts(agent: Agent) -> dict[str, Any]:
    return {
        "name": agent.name,
        "description": agent.description,
        "instructions": agent.instructions,
        "model": agent.model,
        "tools": list(agent.tools),
        "tool_choice": agent.tool_choice,
        "handoffs": list(agent.handoffs),
        "max_turns": agent.max_turns,
        "max_tool_calls": agent.max_tool_calls,
        "max_handoffs": agent.max_handoffs,
        "temperature": agent.temperature,
        "max_tokens": agent.max_tokens,
        "path": agent.path,
    }


def _row(agent: Agent) -> dict[str, Any]:
    return _facts(agent) | {"tools": ", ".join(agent.tools), "handoffs": ", ".join(agent.handoffs)}


def _indented(text: str) -> str:
    return text.strip().replace("\n", "\n" + " " * 16)
