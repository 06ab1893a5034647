"""The shapes of `--format` by name, so that every command that shows results knows the same ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from pyagent.errors import UsageError
from pyagent.report.jsonl import Line, csv, json, jsonl
from pyagent.report.table import table

# Each gives the document in pieces; only `table` holds all rows, for its widths.
Render = Callable[[Iterable[Line]], Iterable[str]]
FORMATS: Mapping[str, Render] = {"jsonl": jsonl, "json": json, "csv": csv, "table": table}


def document(format: str, lines: Iterable[Line], more: Mapping[str, Render] | None = None) -> Iterator[str]:
    """The results in a shape, in pieces; ``more`` are the shapes that plugins add. Raises UsageError."""
    shapes = {**FORMATS, **(more or {})}
    if format not in shapes:
        raise UsageError(f"there is no format {format!r}", f"known: {', '.join(shapes)}")
    pieces = shapes[format](lines)
    yield from [pieces] if isinstance(pieces, str) else pieces
