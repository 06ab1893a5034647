"""Groups and verbs by import path: a command's module is imported when it is used, not to list its name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any

import typer
import typer.core
import typer.main

from pyagent.cli.context import State
from pyagent.cli.options import GLOBALS, Global
from pyagent.errors import PluginError
from pyagent.host.hookspecs import Command


class LazyCommand(typer.core.TyperCommand):
    """Stands in a list by its registration record; becomes the real command when somebody calls it.

    ``verbs`` are added to the group by plugins.
    """

    def __init__(self, command: Command, verbs: Sequence[Command] = ()) -> None:
        super().__init__(command.name, help=command.help, short_help=command.help, rich_markup_mode=None)
        self.command = command
        self.verbs = verbs
        self._real: typer.core.TyperGroup | typer.core.TyperCommand | None = None

    def load(self) -> typer.core.TyperGroup | typer.core.TyperCommand:
        """The real command, imported once."""
        if self._real is None:
            self._real = _dress(_import(self.command), self.command.name)
            if isinstance(self._real, typer.core.TyperGroup):
                for verb in self.verbs:
                    self._real.commands.setdefault(verb.name, LazyCommand(verb))
        return self._real

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        # The context belongs to the real command, so that everything after this is its own affair.
        return self.load().make_context(info_name, args, parent=parent, **extra)


def _import(command: Command) -> typer.core.TyperGroup | typer.core.TyperCommand:
    """What ``command.target`` names, as a click command; PluginError (78) when it is not there."""
    module, _, name = command.target.partition(":")
    try:
        target = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise PluginError(
            f"the command {command.name} cannot be loaded from {command.target}: {error}",
            "see `pyagent plugin list`",
        ) from error
    if isinstance(target, typer.Typer):
        return typer.main.get_group(target)
    alone = typer.Typer(add_completion=False)
    alone.command(name=command.name)(target)
    made = typer.main.get_command(alone)
    assert isinstance(made, typer.core.TyperCommand)
    return made


def _dress(command: Any, name: str) -> Any:
    """Give a command its name, plain help, and the global options on every verb below it."""
    command.name = name
    # Rich help costs 250 ms and cannot be read in a log.
    command.rich_markup_mode = None
    if isinstance(command, typer.core.TyperGroup):
        for verb, inner in command.commands.items():
            _dress(inner, verb)
    else:
        for param in command.params:
            _shape(param)
        command.params = [*command.params, *options((g for g in GLOBALS if g.anywhere), command.params)]
    return command


def _shape(param: Any) -> None:
    """Show what a value is as NAME, N or X, where nothing better was said."""
    if param.param_type_name == "argument":
        # typer puts the name of what must be given into braces, which elsewhere mean a choice.
        param.make_metavar = lambda ctx, usage=False: _shown(param, usage)
    if param.metavar or getattr(param, "is_flag", False) or getattr(param.type, "choices", None):
        return
    words = {"int": "N", "float": "X"}
    kind = param.type.name.split(" ")[0]
    shown = words.get(kind, str(param.name).strip("_").upper().replace("_", "-"))
    if param.param_type_name == "option":
        param.metavar = words.get(kind, "FILE" if kind in ("path", "file") else "TEXT")
    else:
        param.metavar = shown if param.required else f"[{shown}]"
        if param.nargs == -1:
            param.metavar += "..."


def _shown(param: Any, usage: bool) -> str:
    """An argument in the usage line (``[X]`` when it may be left out) and in the list of arguments."""
    choices = getattr(param.type, "choices", None)
    name = param.metavar or (f"{{{'|'.join(map(str, choices))}}}" if choices else str(param.name).upper())
    return f"[{name}]" if usage and not param.required and not name.startswith("[") else name


def options(wanted: Iterable[Global], beside: Iterable[Any] = (), hidden: bool = True) -> list[Any]:
    """Global options as parameters, without the names that the command uses for itself."""
    taken = {name for param in beside for name in (*param.opts, *param.secondary_opts)}
    made = []
    for each in wanted:
        names = [name for name in each.names if name not in taken]
        if names and names[-1].startswith("--"):
            made.append(_option(each, names, hidden))
    return made


def _option(each: Global, names: list[str], hidden: bool) -> typer.core.TyperOption:
    def apply(ctx: typer.Context, param: Any, value: Any) -> None:
        state = ctx.find_root().obj
        if value and isinstance(state, State):
            each.apply(state, value)

    return typer.core.TyperOption(
        param_decls=[f"global_{each.names[-1].strip('-').replace('-', '_')}", *names],
        is_flag=each.flag or None,
        default=False if each.flag else None,
        metavar=each.metavar or None,
        # Only before the noun: else a variable would undo a flag that was given there.
        envvar=(each.variable or None) if not hidden else None,
        help=each.help,
        callback=apply,
        expose_value=False,
        is_eager=True,
        hidden=hidden,
    )
