"""Where tasks come from: a file, or standard input laid into a file, so that it can be read twice and resumed."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pyagent.errors import StoreError, UsageError
from pyagent.run.key import digest
from pyagent_plugins.swarm.options import RunOptions

BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """A task file on disk; ``shown`` is its name in messages, ``stem`` the start of the run's name."""

    path: Path
    shown: str
    stem: str


def open_source(tasks: str, data_dir: Path) -> Source:
    """`-` is standard input."""
    if tasks == "-":
        return spool(data_dir / "spool")
    path = Path(tasks)
    return Source(path.resolve(), tasks, path.stem)


def spool(folder: Path) -> Source:
    """Copy stdin into a file that is named by its content."""
    seen, part = hashlib.sha256(), folder / f".{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            while block := sys.stdin.buffer.read(BLOCK):
                seen.update(block)
                file.write(block)
        path = folder / seen.hexdigest()[:32]
        os.replace(part, path)
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be written ({error.strerror})", "set PYAGENT_HOME to a writable folder"
        ) from None
    finally:
        # Still there when it was not read to its end: Ctrl-C, a full disk.
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return Source(path, "<stdin>", f"stdin-{path.name[:8]}")


def run_names(source: Source, options: RunOptions) -> tuple[str, str]:
    """(id, name) of the run: by the file's path and the settings that change answers, unless the user names it."""
    if options.name is not None:
        if not re.fullmatch(r"[\w.-]{1,80}", options.name) or options.name.startswith("."):
            raise UsageError(f"--run {options.name!r} is not a name", "use letters, digits, '.', '_' and '-'")
        return options.name, options.name
    id = digest([str(source.path), options.answers()]).hex()[:12]
    stem = re.sub(r"[^\w.-]", "_", source.stem)[:40].lstrip(".") or "tasks"
    return id, f"{stem}-{id[:6]}"
