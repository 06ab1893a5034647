"""A task file on disk: found, opened, its format known, its bytes hashed as they pass."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from pathlib import Path
from typing import BinaryIO

from pyagent.errors import TaskFileError, UsageError
from pyagent.run.readers import BOM, FORMATS, ending, guess
from pyagent.run.strict import shown

_BLOCK = 1 << 20
_HEAD = 1 << 16


class Hashed(io.RawIOBase):
    """A file that is read once from start to end; ``digest`` has seen what was read."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by close()
        self.digest = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = self._file.readinto(buffer) or 0
        self.digest.update(buffer[:count])
        self.size += count
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def buffered(raw: Hashed) -> BinaryIO:
    return io.BufferedReader(raw, _BLOCK)


def check(path: Path, name: str) -> None:
    """Raise TaskFileError unless ``path`` is a file that can be read."""
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise TaskFileError(f"{name} is a directory", "Name a task file in it.")
        if not stat.S_ISREG(mode):
            raise TaskFileError(
                f"{name} is not a regular file", "Write its content to a file, or pipe it in and use - as name."
            )
        with open(path, "rb"):
            pass
    except FileNotFoundError:
        raise TaskFileError(f"{name} does not exist", _nearest(path)) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise TaskFileError(f"{name} cannot be read: {why}", "Check the path and its permissions.") from None


def find_format(path: Path, name: str, wanted: str | None) -> str:
    """The format by ``wanted``, else by the file's name, else by its first bytes.

    Raises TaskFileError where the bytes are not text, UsageError where there is no such format.
    """
    if wanted is not None and wanted not in FORMATS:
        raise UsageError(f"there is no task format {shown(wanted)}", f"Use one of {', '.join(FORMATS)}.")
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    _text(head, name)
    if not head.removeprefix(BOM).strip():
        _blank(path, name)
    format = wanted or ending(path) or guess(head)
    if format == "jsonl" and head.removeprefix(BOM).lstrip().startswith(b"["):
        raise TaskFileError(
            f"{name} is one JSON array, not an object a line", "Turn it into lines: jq -c '.[]' FILE > tasks.jsonl"
        )
    return format


def _text(head: bytes, name: str) -> None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise TaskFileError(f"{name} is UTF-16", "Save it as UTF-8.")
    if head.startswith(b"\x1f\x8b"):
        raise TaskFileError(f"{name} is compressed", "Unpack it first: zcat FILE | pyagent swarm run -")
    if b"\0" in head:
        raise TaskFileError(f"{name} is a binary file, not tasks", "Give JSON lines, CSV or plain text in UTF-8.")


def _blank(path: Path, name: str) -> None:
    if path.stat().st_size <= _HEAD:
        raise TaskFileError(f"{name} is empty", 'Write a task a line, such as {"prompt": "Say hello."}')


def _nearest(path: Path) -> str:
    from difflib import get_close_matches

    try:
        beside = [entry.name for entry in os.scandir(path.parent)]
    except (OSError, ValueError):
        return f"There is no folder {path.parent}."
    near = get_close_matches(path.name, beside, 1)
    return f"Did you mean {path.with_name(near[0])}?" if near else "Check the path."
