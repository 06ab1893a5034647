"""One reader for each way to write tasks down, all seen as records: raw bytes at a place in the file.

A reader says where records begin (`records`) and what one holds (`fields`), so that the same bytes can be found
and understood again later, without keeping them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from pyagent.run import fields as known
from pyagent.run.strict import BadLine, parse, shown, whole_characters

LONGEST = 64 * 1024 * 1024  # bytes of one record; more than any model's context holds
BOM = b"\xef\xbb\xbf"
FORMATS = ("jsonl", "csv", "text")
_ENDINGS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".txt": "text",
    ".text": "text",
}

Record = tuple[int, int, bytes]


class Reader(Protocol):
    """``records`` reads from where ``file`` stands, which is byte ``at`` and line ``line``: it gives
    (byte, line, raw) for each record that is not blank. ``fields`` raises BadLine."""

    def records(self, file: BinaryIO, at: int, line: int) -> Iterator[Record]: ...

    def fields(self, raw: bytes) -> dict[str, Any]: ...


class JsonLines:
    """An object a line."""

    def records(self, file: BinaryIO, at: int, line: int) -> Iterator[Record]:
        for raw in _lines(file):
            if not raw.isspace():
                yield at, line, raw
            at += len(raw)
            line += 1

    def fields(self, raw: bytes) -> dict[str, Any]:
        value = parse(_decoded(raw), raw.count(b"{") + raw.count(b"["))
        if type(value) is not dict:
            raise BadLine(f"must be a JSON object, not {shown(value)}")
        # Only an escape can bring in half a character, which no output could be written with.
        if b"\\ud" in raw or b"\\uD" in raw:
            whole_characters(value)
        return value


class Text:
    """A prompt a line."""

    def records(self, file: BinaryIO, at: int, line: int) -> Iterator[Record]:
        return JsonLines().records(file, at, line)

    def fields(self, raw: bytes) -> dict[str, Any]:
        return {"prompt": _decoded(raw).rstrip("\r\n")}


class Csv:
    """A record a task under a header of field names; ``meta.NAME`` columns go into meta, empty cells are not said."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.columns = columns
        # The module's own limit of 128 KiB a cell is one for the whole process.
        csv.field_size_limit(max(csv.field_size_limit(), LONGEST + 1))

    def records(self, file: BinaryIO, at: int, line: int) -> Iterator[Record]:
        taken: list[bytes] = []
        rows = csv.reader(_feed(file, taken))
        while True:
            with suppress(csv.Error):  # `fields` reads the same bytes and says what is wrong
                next(rows, None)
            if not taken:
                return
            raw = b"".join(taken)
            if raw.strip(b", \t\r\n"):
                yield at, line, raw
            at += len(raw)
            line += len(taken)
            taken.clear()

    def fields(self, raw: bytes) -> dict[str, Any]:
        cells = _cells(raw)
        if len(cells) != len(self.columns):
            raise BadLine(f"has {_count(len(cells), 'cell')}; the header has {len(self.columns)}")
        record: dict[str, Any] = {}
        meta: dict[str, Any] = {}
        for name, cell in zip(self.columns, cells, strict=True):
            if cell == "":
                continue
            if name.startswith("meta."):
                meta[name[5:]] = cell
            else:
                record[name] = _cell(name, cell)
        if meta:
            own = record.get("meta", {})
            record["meta"] = {**own, **meta} if type(own) is dict else own
        return record


def ending(path: Path) -> str | None:
    """The format that a file's name stands for."""
    return _ENDINGS.get(path.suffix.lower())


def guess(head: bytes) -> str:
    """The format that the first bytes look like: a JSON object, a header of known columns, or else prompts."""
    first = head.removeprefix(BOM).lstrip()
    if first.startswith(b"{"):
        return "jsonl"
    try:
        columns = [column.strip() for column in _cells(first.split(b"\n", 1)[0])]
    except BadLine:
        return "text"
    said = all(column in known.FIELDS or column.startswith("meta.") for column in columns)
    return "csv" if said and {"prompt", "messages"} & set(columns) else "text"


def open_reader(format: str, file: BinaryIO) -> tuple[Reader, int, int]:
    """The reader for ``format``, with the byte and the line of the first record; ``file`` then stands there.

    Raises BadLine when a CSV header is wrong.
    """
    skip = len(BOM) if file.peek(3).startswith(BOM) else 0  # type: ignore[attr-defined]
    file.read(skip)
    if format != "csv":
        return (JsonLines() if format == "jsonl" else Text()), skip, 1
    for at, line, raw in Csv(()).records(file, skip, 1):
        return Csv(_header(raw)), at + len(raw), line + raw.count(b"\n")
    return Csv(()), skip, 1


def _decoded(raw: bytes) -> str:
    if len(raw) > LONGEST:
        raise BadLine(f"is longer than {LONGEST >> 20} MB")
    if b"\0" in raw:
        raise BadLine("holds a NUL byte")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line, column = raw.count(b"\n", 0, error.start), error.start - raw.rfind(b"\n", 0, error.start)
        below = f", {_count(line, 'line')} further down" if line else ""
        raise BadLine(f"is not UTF-8: byte 0x{raw[error.start]:02x} at column {column}{below}") from None


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Every line; of one that is too long LONGEST + 1 bytes, which is enough to refuse the file."""
    while raw := file.readline(LONGEST + 1):
        yield raw
        while len(raw) > LONGEST and not raw.endswith(b"\n"):
            if not (rest := file.readline(1 << 20)) or rest.endswith(b"\n"):
                break


def _feed(file: BinaryIO, taken: list[bytes]) -> Iterator[str]:
    """Lines for the csv module, which takes as many as a record has; ``taken`` gets them as they are."""
    size = 0
    for raw in _lines(file):
        size = len(raw) + (size if taken else 0)
        taken.append(raw)
        # Quotes, commas and line ends are ASCII, so Latin-1 finds the same records in any bytes.
        yield raw.decode("latin-1")
        if size > LONGEST and taken:
            # The record goes on in quotes: end it, so that `fields` can refuse it.
            yield '"\n'


def _cells(raw: bytes) -> list[str]:
    try:
        rows = list(csv.reader([_decoded(raw)], strict=True))
    except csv.Error as error:
        what = str(error)
        if "unexpected end" in what:
            what = "a quote that opens here is never closed"
        elif "new-line character" in what:
            what = "a carriage return outside of quotes has no line feed"
        raise BadLine(f"is not CSV: {what}") from None
    return rows[0] if rows else []


def _header(raw: bytes) -> tuple[str, ...]:
    columns = tuple(column.strip() for column in _cells(raw))
    faults = [
        known.unknown(name, "column").replace("belongs in 'meta'", f"belongs in a column 'meta.{name[:60]}'")
        for name in columns
        if name not in known.FIELDS and not (name.startswith("meta.") and len(name) > 5)
    ]
    faults += [f"the column {shown(name)} is there twice" for name in sorted(set(columns)) if columns.count(name) > 1]
    if not {"prompt", "messages"} & set(columns):
        faults.append("there is no column 'prompt' or 'messages'")
    if faults:
        raise BadLine("; ".join(faults))
    return columns


_STRUCTURED = frozenset(("messages", "schema", "needs", "meta"))
_LISTS = frozenset(("stop", "after", "depends_on", "tools"))
_NUMBERS = frozenset(("max_tokens", "temperature", "seed", "samples"))


def _cell(name: str, cell: str) -> Any:
    if name in _STRUCTURED or (name in _LISTS and cell.lstrip().startswith("[")):
        try:
            return parse(cell)
        except BadLine as bad:
            raise BadLine(f"'{name}' {bad}") from None
    if name in _NUMBERS:
        return _number(cell)
    if name in ("stream", "approve"):
        return {"true": True, "false": False}.get(cell.strip().lower(), cell)
    return cell


def _number(cell: str) -> Any:
    """A number, or the text where it is none. Spreadsheets write 64 as 64.0 in a column with gaps."""
    try:
        value = parse(cell)
    except BadLine:
        return cell
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
