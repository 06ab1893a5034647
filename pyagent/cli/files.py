"""A file that a command writes appears whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from pyagent.errors import StoreError


def beside(path: Path) -> Path:
    """Where to write before the rename; raises StoreError when the folder of ``path`` cannot take it."""
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else f"cannot be written: there is no folder {path.parent}"
        raise StoreError(f"{path} {what}", "name a file in a folder that exists")
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def write(path: Path, pieces: Iterable[str]) -> None:
    """Write text piece by piece; half a surrogate pair becomes its escape. Raises StoreError.

    A special file (`/dev/stdout`, a pipe) is written in place.
    """
    place = path if path.exists() and not path.is_file() and not path.is_dir() else beside(path)
    try:
        with place.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.writelines(pieces)
        if place != path:
            os.replace(place, path)
    except BaseException as error:
        if place != path:
            place.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise StoreError(f"{path} cannot be written ({error.strerror})", "free some space and try again") from None
        raise
