"""Models name a place in code under many keys; this finds the places in an answer, whatever its shape."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from pyagent.report.text import one_line, plain

FILE = ("file", "path", "filename", "file_path", "filepath", "uri")
LINE = ("line", "start_line", "startline", "line_number", "lineno", "lines")
END = ("end_line", "endline")
COLUMN = ("column", "start_column", "startcolumn", "col")
MESSAGE = ("message", "msg", "description", "text", "problem", "title", "reason")
LEVEL = ("severity", "level")
RULE = ("rule", "rule_id", "ruleid", "code", "check", "category", "type")

LEVELS = {
    "error": ("error", "critical", "fatal", "blocker", "high", "severe", "major"),
    "note": ("note", "info", "information", "low", "minor", "hint", "suggestion", "style", "trivial"),
    "none": ("none",),
}
OF_WORD = {word: level for level, words in LEVELS.items() for word in words}
# How deep a finding may lie in an answer; models nest little, and a hostile answer must not exhaust the stack.
DEEPEST = 6

# `src/a.py:12` or `src/a.py:12:4`
_PLACE = re.compile(r"^(?P<file>.+?):(?P<line>\d+)(?::(?P<column>\d+))?$")
_NUMBERS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Finding:
    """One place with something to say. ``uri`` is relative to the root where it lies below it; ``line`` counts
    from 1 and is None for the whole file; ``level`` is one of SARIF's (error, warning, note, none)."""

    uri: str
    message: str
    line: int | None = None
    end_line: int | None = None
    column: int | None = None
    level: str = "warning"
    rule: str = "finding"


def findings(output: Any, root: Path) -> Iterator[Finding]:
    """The findings in an answer: a JSON value, or a text that is one."""
    yield from _walk(_value(output), root, DEEPEST)


def _walk(value: Any, root: Path, depth: int) -> Iterator[Finding]:
    if depth == 0:
        return
    if isinstance(value, Mapping):
        found = _finding(value, root)
        if found is not None:
            yield found
            return
        value = list(value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            yield from _walk(inner, root, depth - 1)


def _finding(row: Mapping[str, Any], root: Path) -> Finding | None:
    """A finding names a file and a line; one without a line must say what is wrong and how bad it is."""
    keys = {key.lower().replace("-", "_"): value for key, value in row.items()}
    file = _first(keys, FILE)
    if not isinstance(file, str) or not file.strip():
        return None
    file, line, column = _place(file.strip(), _first(keys, LINE), _first(keys, COLUMN))
    message, level, rule = _first(keys, MESSAGE), _first(keys, LEVEL), _first(keys, RULE)
    if line is None and (message is None or level is None):
        return None
    name = one_line(rule, 100) if isinstance(rule, str | int) else "finding"
    return Finding(
        _uri(file, root),
        plain(message or name).strip() or name,
        line,
        _number(_first(keys, END), 0) or _number(_first(keys, LINE), 1),
        column,
        OF_WORD.get(level.strip().lower(), "warning") if isinstance(level, str) else "warning",
        name or "finding",
    )


def _place(file: str, line: Any, column: Any) -> tuple[str, int | None, int | None]:
    named = _PLACE.match(file) if line is None else None
    if named:
        return named["file"], _number(named["line"], 0), _number(named["column"], 0)
    return file, _number(line, 0), _number(column, 0)


def _number(value: Any, nth: int) -> int | None:
    """The nth whole number above 0 in ``value``: 12, 12.0, "12", "12-18", [12, 18]."""
    if value is None or isinstance(value, bool | Mapping):
        return None
    numbers = [int(value)] if isinstance(value, int | float) and abs(value) < 2**31 else None
    if numbers is None:
        numbers = [int(digits[:9]) for digits in _NUMBERS.findall(str(value))]
    return numbers[nth] if len(numbers) > nth and numbers[nth] > 0 else None


def _uri(file: str, root: Path) -> str:
    """Relative to ``root`` with `/` between; a file: URI for an absolute path elsewhere."""
    if file.startswith("file://"):
        file = file[len("file://") :]
    name = PurePosixPath(plain(file).replace("\\", "/"))
    if name.is_absolute() and name.is_relative_to(root.as_posix()):
        name = name.relative_to(root.as_posix())
    # A colon in the first part of a relative URI would make it a scheme.
    uri = quote(name.as_posix(), safe="/@+,=~!")
    return f"file://{uri}" if name.is_absolute() else uri


def _value(output: Any) -> Any:
    if not isinstance(output, str):
        return output
    text = output.strip()
    if text.startswith("```") and text.endswith("```") and "\n" in text:
        text = text[text.index("\n") + 1 : -3]
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _first(keys: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((keys[name] for name in names if keys.get(name) is not None), None)
