"""`pyagent plugin`: what is installed, what each brings, the whole pipeline, and a skeleton to start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyagent.cli import context
from pyagent.errors import UsageError
from pyagent.host.schema import nearest

if TYPE_CHECKING:
    from pyagent.host.app import App
    from pyagent.host.plugins import Plugin

app = typer.Typer(add_completion=False, no_args_is_help=True, help="See and start plugins.")


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List the plugins: loaded, blocked and broken."""
    rows = [_row(plugin) for plugin in context.app(ctx).plugins.all]
    context.output(ctx).table(rows, ["name", "state", "version", "brings", "reason"])


@app.command()
def show(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="A plugin's name.")] = None,
    steps: Annotated[bool, typer.Option("--steps", help="Show the pipeline of a task, outermost first.")] = False,
) -> None:
    """Show one plugin, or with --steps the whole way of a task."""
    host, out = context.app(ctx), context.output(ctx)
    if steps:
        return out.table(_pipeline(host), ["order", "step", "from", "help"], "The way of a task, outermost first")
    if name is None:
        raise UsageError("no plugin is named", "name one, or ask for --steps")
    plugin = host.plugins.get(name)
    if plugin is None:
        known = [each.name for each in host.plugins.all]
        raise UsageError(f"no plugin {name!r}", nearest(name, known) or f"installed: {', '.join(known)}")
    facts = _facts(host, plugin)
    if out.json:
        return out.emit(facts)
    for key, value in facts.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        out.print(f"{key:<10} {text or '-'}")
    return None


@app.command()
def new(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The plugin's name: small letters, digits and hyphens.")],
    folder: Annotated[str, typer.Option("--dir", metavar="DIR", help="Where to make its folder.")] = ".",
) -> None:
    """Write a working plugin to start from: a command, a step, and a test."""
    from pyagent.host.skeleton import write

    made = write(name, Path(folder))
    out = context.output(ctx)
    out.table([{"file": str(path)} for path in made], ["file"])
    out.note(f"try it: pip install -e {made[0].parent}, then `pyagent {name} hello`")


def _row(plugin: Plugin) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "state": plugin.state,
        "version": plugin.source.version or None,
        "brings": " ".join(hook.removeprefix("pyagent_") for hook in plugin.hooks) or None,
        "reason": plugin.reason or None,
    }


def _facts(host: App, plugin: Plugin) -> dict[str, Any]:
    source = plugin.source
    return {
        "name": plugin.name,
        "state": plugin.state,
        "reason": plugin.reason or None,
        "module": source.module,
        "from": f"{source.dist} {source.version}".strip() or None,
        "hooks": list(plugin.hooks),
        "commands": [f"{c.group} {c.name}" if c.group else c.name for c in plugin.commands],
        "settings": [f"{option.name} = {option.default!r}  {option.help}" for option in plugin.options],
    }


def _pipeline(host: App) -> list[dict[str, Any]]:
    """The core's steps and the plugins', in the order in which a task meets them."""
    from pyagent.run.steps import core_steps

    rows = [{"order": s.order, "step": s.name, "from": "core", "help": s.help} for s in core_steps()]
    for plugin, step in host.plugin_steps():
        words = (type(step).__doc__ or "").strip().partition("\n")[0]
        rows.append({"order": step.order, "step": step.name, "from": plugin, "help": words})
    return sorted(rows, key=lambda row: (row["order"], row["step"]))
