"""Result lines as lines, as one array and as a spreadsheet: the shapes that other programs read."""

from __future__ import annotations

import csv as _csv
import io
import json as _json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pyagent.errors import UsageError

# A Result line, as pyagent.model.Result.line() makes it.
Line = Mapping[str, Any]

COLUMNS = (
    "id", "status", "output", "source", "model", "input_tokens", "output_tokens", "cost_usd", "attempts", "seconds",
    "error", "agreement", "finish",
)  # fmt: skip


def jsonl(lines: Iterable[Line]) -> Iterator[str]:
    """One JSON object a line."""
    for line in lines:
        yield dumps(line) + "\n"


def json(lines: Iterable[Line]) -> Iterator[str]:
    """One array, a line an element, so that it can be read as it grows."""
    between = "[\n"
    for line in lines:
        yield between + dumps(line)
        between = ",\n"
    yield "[]\n" if between == "[\n" else "\n]\n"


def csv(lines: Iterable[Line]) -> Iterator[str]:
    """A header and a record a line; usage in columns of its own, an output that is not text as JSON."""
    buffer = io.StringIO()
    writer = _csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in lines:
        writer.writerow([_cell(value) for value in _record(line)])
        yield _take(buffer)
    if rest := _take(buffer):
        yield rest


def read(path: Path | str) -> Iterator[dict[str, Any]]:
    """The Result lines of a file that ``jsonl`` wrote; raises UsageError with file:line where one is not."""
    with Path(path).open(encoding="utf-8", errors="replace") as file:
        for number, text in enumerate(file, 1):
            if not text.strip():
                continue
            try:
                line = _json.loads(text)
            except ValueError:
                line = None
            if not isinstance(line, dict) or "id" not in line or "status" not in line:
                raise UsageError(
                    f"{path}:{number} is not a result line", "give a file written by `pyagent swarm run -o FILE`"
                )
            yield line


def dumps(value: Any) -> str:
    """JSON as people read it; where a text holds half a surrogate pair, which has no UTF-8, all in ASCII."""
    text = _json.dumps(value, ensure_ascii=False, default=str)
    try:
        text.encode()
    except UnicodeEncodeError:
        return _json.dumps(value, default=str)
    return text


def _record(line: Line) -> list[Any]:
    usage = line.get("usage") or {}
    return [usage.get(column) if column.endswith("_tokens") else line.get(column) for column in COLUMNS]


def _cell(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else dumps(value)
    return text.encode("utf-8", "backslashreplace").decode()


def _take(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
