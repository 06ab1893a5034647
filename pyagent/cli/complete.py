"""What the completion scripts ask: the words that may stand where the cursor is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import typer.core

from pyagent.cli.lazy import LazyCommand
from pyagent.cli.root import Root, new_state


def complete(words: Sequence[str]) -> int:
    """Print ``word<TAB>help`` for what may replace the last of ``words``; nothing means: a file, or free text."""
    *before, last = words or [""]
    last = last.strip("\"'")
    for value, help in candidates(before, last):
        if value.startswith(last):
            print(f"{value}\t{help}")
    return 0


def candidates(before: Sequence[str], last: str) -> Iterator[tuple[str, str]]:
    """Verbs of the group that ``before`` leads to, its options, or an option's choices."""
    root = Root(new_state())
    ctx: Any = typer.Context(root)
    command: Any = root
    pending = None
    for word in before:
        if pending is not None:
            pending = None
        elif word.startswith("-"):
            pending = _taking(command, word)
        elif isinstance(command, typer.core.TyperGroup):
            command = _real(command.get_command(ctx, word))
    if pending is not None:
        yield from _choices(pending)
    elif last.startswith("-"):
        yield from _options(command)
    elif isinstance(command, typer.core.TyperGroup):
        for name in command.list_commands(ctx):
            inner: Any = command.get_command(ctx, name)
            if not inner.hidden:
                yield name, inner.get_short_help_str(80)
    elif command is not None:
        yield from _arguments(command)


def _real(command: Any) -> Any:
    return command.load() if isinstance(command, LazyCommand) else command


def _taking(command: Any, word: str) -> Any:
    """The option that ``word`` is, when a value must follow it."""
    for param in command.params if command else ():
        if word in (*param.opts, *param.secondary_opts):
            return None if getattr(param, "is_flag", False) else param
    return None


def _options(command: Any) -> Iterator[tuple[str, str]]:
    for param in command.params if command else ():
        if isinstance(param, typer.core.TyperOption) and not param.hidden:
            for name in (*param.opts, *param.secondary_opts):
                yield name, (param.help or "").partition("\n")[0]
    yield "--help", "Show this message and exit."


def _choices(param: Any) -> Iterator[tuple[str, str]]:
    for choice in getattr(param.type, "choices", ()):
        yield str(choice), ""


def _arguments(command: Any) -> Iterator[tuple[str, str]]:
    for param in command.params:
        if isinstance(param, typer.core.TyperArgument):
            yield from _choices(param)
