"""Embedding models are files inside installed packages or folders: found here without importing anything heavy."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterable
from pathlib import Path

# Enough of each end of a weight file to tell two models apart without reading gigabytes.
END = 64 * 1024


def package_folder(name: str) -> Path | None:
    """The folder of an installed top-level package, without running its code; None when there is none."""
    if not name.isidentifier():
        return None
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return Path(folders[0]) if folders else None


def fingerprint(files: Iterable[Path]) -> str:
    """8 hex digits of names, sizes and both ends of ``files``: other weights, another name, never a mixed index."""
    digest = hashlib.sha256()
    # By name: a link may have led one of them to another folder.
    for file in sorted(files, key=lambda file: file.name):
        size = file.stat().st_size
        digest.update(f"{file.name}\0{size}\0".encode())
        with file.open("rb") as data:
            digest.update(data.read(END))
            data.seek(max(0, size - END))
            digest.update(data.read(END))
    return digest.hexdigest()[:8]
