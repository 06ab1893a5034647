"""The lines of an export: each carries its own checksum, so that a damaged one is named and the others are used."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, cast

from pyagent.errors import UsageError

FORMAT = 1


def read(source: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """(line number, its object or what is wrong with it), head and tail left out; what is missing at the end, too."""
    number = count = 0
    ended = False
    try:
        with opened(source, "rb", source.suffix == ".gz") as file:
            for number, line in enumerate(file, 1):
                row = _parsed(line)
                if number == 1 and not (isinstance(row, str) and b"pyagent_cache" in line):
                    _check_head(source, row)
                elif isinstance(row, dict) and "entries" in row and "scope" not in row:
                    ended = True
                    if row["entries"] != count:
                        yield number, f"{row['entries']} entries were exported and {count} are here"
                else:
                    count += number > 1  # a damaged head is named like any other line
                    yield number, row
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        yield number + 1, f"the file is damaged from here on ({error})"
        return
    except OSError as error:
        raise UsageError(f"{source} cannot be read ({error.strerror or error})", "check the path") from None
    if number == 0:
        _check_head(source, "")
    if not ended:
        yield number + 1, "the file ends too early"


def _check_head(source: Path, row: dict[str, Any] | str) -> None:
    found = row.get("pyagent_cache") if isinstance(row, dict) else None
    if found != FORMAT:
        what = "is no export of a cache" if found is None else f"has format {found}, this pyagent knows {FORMAT}"
        raise UsageError(f"{source} {what}", "make one with `pyagent cache export FILE`")


def line_of(row: Mapping[str, Any]) -> bytes:
    """The line of an object, with its checksum."""
    body = _body(row)
    return f'{{"sum":"{_sum(body)}","row":{body}}}\n'.encode()


def _parsed(line: bytes) -> dict[str, Any] | str:
    try:
        whole = json.loads(line)
        row = whole["row"]
        if whole["sum"] != _sum(_body(row)) or not isinstance(row, dict):
            return "its checksum differs"
    except (ValueError, KeyError, TypeError, RecursionError):
        return "it is not a line of an export"
    return row


def _body(row: object) -> str:
    return json.dumps(row, ensure_ascii=True, separators=(",", ":"), sort_keys=True)


def _sum(body: str) -> str:
    return hashlib.blake2b(body.encode(), digest_size=8).hexdigest()


def opened(path: Path, mode: str, packed: bool) -> IO[bytes]:
    """A file of lines, compressed or not."""
    return cast("IO[bytes]", gzip.open(path, mode) if packed else open(path, mode))
