"""`pyagent commands --json`: the whole command line as data, for programs that call it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
import typer.core

from pyagent.cli import context
from pyagent.cli.lazy import LazyCommand

EXITS = {
    0: "every task has a good result, or nothing was left to do",
    1: "finished; at least one task failed beyond --fail-on",
    2: "wrong usage or bad input file",
    3: "stopped by a budget; partial results are saved",
    4: "a needed model or capability is missing, stale or has regressed",
    5: "only approvals are left, and nobody is watching",
    69: "no engine reachable",
    70: "internal error, with a report file",
    74: "disk full or not writable",
    75: "busy, try later",
    77: "key missing or refused",
    78: "configuration or plugin broken",
    130: "SIGINT after a clean commit",
    143: "SIGTERM after a clean commit",
}


def commands(ctx: typer.Context) -> None:
    """List every command; with --json also arguments, options and exit codes."""
    root: Any = ctx.find_root().command
    out = context.output(ctx)
    tree = [_described(root, ctx, name) for name in root.list_commands(ctx)]
    if out.json:
        options = [_param(p) for p in root.params]
        return out.emit({"program": "pyagent", "options": options, "commands": tree, "exit_codes": EXITS})
    return out.table(_flat(tree, ""), ["command", "help"])


def _flat(tree: list[dict[str, Any]], above: str) -> Iterator[dict[str, Any]]:
    """Every command that does something, by its whole name."""
    for row in tree:
        name = f"{above} {row['name']}".strip()
        if "commands" in row:
            yield from _flat(row["commands"], name)
        else:
            yield {"command": name, "help": row.get("error") or row["help"]}


def _described(group: Any, ctx: Any, name: str) -> dict[str, Any]:
    """One command as data. One that cannot be imported is named with its error; the rest goes on."""
    command = group.get_command(ctx, name)
    row: dict[str, Any] = {"name": name, "help": command.get_short_help_str(200)}
    try:
        real = command.load() if isinstance(command, LazyCommand) else command
    except Exception as error:
        return {**row, "error": str(error)}
    if isinstance(real, typer.core.TyperGroup):
        return {**row, "commands": [_described(real, ctx, verb) for verb in real.list_commands(ctx)]}
    shown = [_param(p) for p in real.params if not getattr(p, "hidden", False)]
    return {
        **row,
        "arguments": [p for p in shown if p["kind"] == "argument"],
        "options": [p for p in shown if p["kind"] == "option"],
    }


def _param(param: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "kind": param.param_type_name,
        "names": [*param.opts, *param.secondary_opts],
        "type": "flag" if getattr(param, "is_flag", False) else param.type.name,
        "required": param.required,
        "multiple": param.multiple or param.nargs == -1,
        "default": None if callable(param.default) else param.default,
        "help": param.help or "",
    }
    if choices := getattr(param.type, "choices", None):
        row["choices"] = [str(choice) for choice in choices]
    return row
