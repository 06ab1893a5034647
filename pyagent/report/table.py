"""Results for a person at a terminal: one row a task, as wide as the window."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from pyagent.report.jsonl import Line
from pyagent.report.text import money, one_line

HEADER = ("id", "status", "source", "model", "tokens", "cost", "seconds", "output")
# What no cell but the last may be wider than: an id can be a path.
WIDEST = 32
LEAST_OUTPUT = 20


def table(lines: Iterable[Line], width: int | None = None) -> Iterator[str]:
    """Aligned rows; the output, or the error of a task without one, takes what is left of ``width`` columns."""
    rows = [_cells(line) for line in lines]
    heads = [HEADER, *rows]
    widths = [max(columns(row[at]) for row in heads) for at in range(len(HEADER) - 1)]
    left = (width or shutil.get_terminal_size((120, 24)).columns) - sum(widths) - 2 * len(widths)
    for row in heads:
        cells = [_fill(text, size) for text, size in zip(row, widths, strict=False)]
        yield "  ".join([*cells, cut(row[-1], max(LEAST_OUTPUT, left))]).rstrip() + "\n"


def columns(text: str) -> int:
    """Terminal columns of ``text``: two for a wide character, none for a combining one (Unicode annex 11)."""
    return sum(_columns(char) for char in text)


def cut(text: str, most: int) -> str:
    """At most ``most`` columns of ``text``, with an ellipsis where something is missing."""
    if columns(text) <= most:
        return text
    kept, used = [], 1
    for char in text:
        used += _columns(char)
        if used > most:
            break
        kept.append(char)
    return "".join(kept) + "…"


def _columns(char: str) -> int:
    if char.isascii():
        return 1
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _cells(line: Line) -> Sequence[str]:
    usage = line.get("usage") or {}
    tokens = (usage.get("input_tokens") or 0) + (usage.get("output_tokens") or 0)
    said = line.get("error") if line.get("status") != "ok" else line.get("output")
    cost = line.get("cost_usd")
    short = [cut(one_line(line.get(name) or ""), WIDEST) for name in ("id", "status", "source", "model")]
    numbers = [str(tokens), "" if cost is None else money(cost), f"{line.get('seconds') or 0:.1f}"]
    # Only the start of a long answer can be shown: do not fold white space in all of it.
    return [*short, *numbers, one_line(said[:4096] if isinstance(said, str) else said or "")]


def _fill(text: str, size: int) -> str:
    return text + " " * (size - columns(text))
