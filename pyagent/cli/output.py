"""Results to stdout, notes to stderr: so that a pipe carries results only, whatever else is said."""

from __future__ import annotations

import json as _json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO


@dataclass(slots=True)
class Output:
    """``json`` asks for JSON on stdout; ``quiet`` drops notes; ``verbose`` lets details through.

    ``ask`` is False with `--no-input` or without a terminal: then a command must not wait for an answer.
    """

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    plain: bool = False
    no_input: bool = False

    @property
    def color(self) -> bool:
        """Whether colour and rich tables may be used: a terminal that can, and nobody said no."""
        return not self.plain and terminal(sys.stdout)

    @property
    def ask(self) -> bool:
        return not self.no_input and sys.stdin.isatty() and sys.stderr.isatty()

    def print(self, text: str) -> None:
        """A result as text."""
        print(text)

    def emit(self, value: Any) -> None:
        """A result as one JSON document."""
        print(_json.dumps(value, indent=2, ensure_ascii=False, default=str))

    def table(self, rows: Iterable[Mapping[str, Any]], columns: Sequence[str], title: str = "") -> None:
        """Rows as JSON, as a rich table on a terminal, or as aligned text. Columns are keys of the rows."""
        listed = [{column: row.get(column) for column in columns} for row in rows]
        if self.json:
            self.emit(listed)
        elif self.color:
            _rich(listed, columns, title)
        else:
            for line in aligned(listed, columns):
                print(line)

    def note(self, text: str) -> None:
        """A line for the person, unless they asked for quiet; with --json an object, as errors are."""
        if not self.quiet:
            self._say(text)

    def detail(self, text: str) -> None:
        """A line for the person who asked for more with -v."""
        if self.verbose:
            self._say(text)

    def _say(self, text: str) -> None:
        line = _json.dumps({"note": text}, ensure_ascii=False) if self.json else text
        print(line, file=sys.stderr, flush=True)


def terminal(stream: TextIO, env: Mapping[str, str] = os.environ) -> bool:
    """Whether ``stream`` is a terminal that shows colour: NO_COLOR (no-color.org) and TERM=dumb say no."""
    return not env.get("NO_COLOR") and env.get("TERM") != "dumb" and stream.isatty()


def aligned(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[str]:
    """Lines of columns two spaces apart, with a header in capitals; no rows, no lines."""
    if not rows:
        return []
    cells = [[column.upper() for column in columns]]
    cells += [[clean(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def clean(value: Any) -> str:
    """A value as one line without control characters: a model's answer must not steer the terminal."""
    if value is None:
        return "-"
    text = "yes" if value is True else "no" if value is False else str(value)
    return "".join(c if c.isprintable() else " " for c in text)


def _rich(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], title: str) -> None:
    # Imported when a table is shown on a terminal: rich costs as much as the rest of a short command.
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, box=SIMPLE_HEAD, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # Text, not a string: square brackets in a value are not markup.
        table.add_row(*(Text(clean(row.get(column))) for column in columns))
    Console().print(table)
