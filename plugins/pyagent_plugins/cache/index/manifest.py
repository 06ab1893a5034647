"""Which sealed windows there are: a small file, replaced whole, so that a reader sees the old or the new."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pyagent.errors import StoreError
from pyagent_plugins.cache.index.sealed import Row

VERSION = 1


def read(path: Path) -> list[Row]:
    """Oldest first; none when the file is missing. Raises ValueError when it is not what was written."""
    try:
        data = json.loads(path.read_text())
        if data["version"] != VERSION:
            raise ValueError(f"{path} is of another version")
        rows = [Row(**row) for row in data["sealed"]]
    except FileNotFoundError:
        return []
    except (OSError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read ({error})") from None
    return sorted(rows, key=lambda row: row.first)


def write(path: Path, rows: Sequence[Row]) -> None:
    """Publish by one rename. Raises StoreError when the disk is full; the old rows stand then."""
    temporary = path.with_suffix(".tmp")
    try:
        with temporary.open("w") as file:
            json.dump({"version": VERSION, "sealed": [asdict(row) for row in rows]}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StoreError(f"{path} cannot be written ({error.strerror})", "free some space") from None
