"""A model may read files, but only below the folders that the user allowed: no link and no `..` leads out of them."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyagent.engine.base import Tool, ToolSpec
from pyagent.engine.tools import TEXT_LIMIT
from pyagent.errors import ToolError

LARGEST = 10 * 1024 * 1024
READ_ONLY = {"readOnlyHint": True, "idempotentHint": True, "openWorldHint": False}
OPEN = sum(getattr(os, flag, 0) for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))


class Folders:
    """The allowed folders. A relative path is looked for in each of them, in their order."""

    def __init__(self, allow: Iterable[str]) -> None:
        self.roots = tuple(Path(os.path.realpath(folder)) for folder in allow)

    def __str__(self) -> str:
        return ", ".join(str(root) for root in self.roots) or "none"

    def candidates(self, path: str) -> tuple[Path, ...]:
        """Where ``path`` may lie, up to the first that exists; an answer depends on all of them, also the missing."""
        inside = tuple(self._inside(path))
        for index, place in enumerate(inside):
            if os.path.lexists(place):
                return inside[: index + 1]
        return inside

    def read(self, path: str) -> str:
        """The text of a file. Raises ToolError when it is outside, missing, not a plain file, too large or not text."""
        places = self.candidates(path)
        if not places:
            # The same words whether or not it exists, so that nobody can feel around the disk.
            raise ToolError(f"{path!r} is not below an allowed folder", f"allowed: {self}")
        if not os.path.lexists(places[-1]):
            raise ToolError(f"there is no file {path!r}")
        return _text(path, _bytes(path, places[-1]))

    def _inside(self, path: str) -> Iterable[Path]:
        if not path or "\0" in path:
            return
        for root in self.roots:
            # realpath follows every link first, so that what is compared is where the bytes really are.
            place = Path(os.path.realpath(root / path))
            if place.is_relative_to(root):
                yield place


def read_file(folders: Folders) -> Tool:
    """The tool `read_file`; its answer depends on the file."""
    line = {"type": "integer", "minimum": 1}
    spec = ToolSpec(
        name="read_file",
        description=f"Read a text file, or some of its lines. Folders that may be read: {folders}",
        parameters={
            "type": "object",
            "properties": {"path": {"type": "string"}, "start_line": line, "end_line": line},
            "required": ["path"],
            "additionalProperties": False,
        },
    )

    async def run(arguments: Mapping[str, Any]) -> str:
        text = await asyncio.to_thread(folders.read, arguments["path"])
        return excerpt(text, Lines(arguments.get("start_line", 1), arguments.get("end_line")))

    def reads(arguments: Mapping[str, Any]) -> Iterable[str]:
        return [str(place) for place in folders.candidates(arguments["path"])]

    return Tool(spec, run, reads, READ_ONLY)


@dataclass(frozen=True, slots=True)
class Lines:
    """A range of lines, counted from 1, both ends included; no end: to the last."""

    start: int = 1
    end: int | None = None


def excerpt(text: str, lines: Lines, limit: int = TEXT_LIMIT) -> str:
    """The lines, as many as fit into ``limit`` characters, and then how to get the others. Raises ToolError."""
    every = text.splitlines(keepends=True)
    end = min(lines.end or len(every), len(every))
    if lines.start > max(end, 1):
        raise ToolError(f"lines {lines.start} to {lines.end or 'the end'} do not exist", f"it has {len(every)} lines")
    taken, size = lines.start - 1, 0
    while taken < end and size + len(every[taken]) <= limit - 100:
        size += len(every[taken])
        taken += 1
    if taken == end:
        return "".join(every[lines.start - 1 : end])
    if taken == lines.start - 1:
        return f"{every[taken][: limit - 100]}\n[line {lines.start} is cut: it has {len(every[taken])} characters]"
    note = f"[lines {lines.start} to {taken} of {len(every)}; go on with start_line {taken + 1}]"
    return "".join(every[lines.start - 1 : taken]) + note


def _bytes(path: str, place: Path) -> bytes:
    try:
        # The path is resolved; a link that has appeared since is refused, a pipe does not block.
        descriptor = os.open(place, os.O_RDONLY | OPEN)
    except OSError as error:
        raise ToolError(f"{path!r} cannot be read: {error.strerror}") from None
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise ToolError(f"{path!r} is a folder", f"it holds: {_listing(place)}")
        if not stat.S_ISREG(mode):
            raise ToolError(f"{path!r} is not a plain file")
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(LARGEST + 1)
    finally:
        os.close(descriptor)
    if len(data) > LARGEST:
        raise ToolError(f"{path!r} is larger than {LARGEST // 2**20} MB")
    return data


def _listing(folder: Path) -> str:
    names = sorted(entry.name + ("/" if entry.is_dir() else "") for entry in os.scandir(folder))
    return ", ".join(names[:50]) + (f" and {len(names) - 50} more" if len(names) > 50 else "") or "nothing"


def _text(path: str, data: bytes) -> str:
    if b"\0" in data:
        raise ToolError(f"{path!r} is a binary file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ToolError(f"{path!r} is not UTF-8 text") from None
