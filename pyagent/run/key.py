"""The name of an answer: a digest of everything that determines it, so that equal work is known before it is done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pyagent.engine.base import Request

# Raised when the meaning of a key changes, so that no stored answer is given under a new meaning.
VERSION = 1


# Made once: json.dumps with options makes an encoder a call, which costs as much as encoding a short prompt.
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def canonical(value: Any) -> bytes:
    """One spelling for equal JSON values: sorted keys, no white space, UTF-8."""
    return _encode(value).encode("utf-8", "surrogatepass")


def digest(value: Any) -> bytes:
    """SHA-256 (32 bytes) of the canonical JSON."""
    return hashlib.sha256(canonical(value)).digest()


def ask_key(base: str, request: Request, rest: Sequence[Any], parents: Iterable[bytes]) -> bytes:
    """The task key, 32 bytes.

    ``base`` names the model, the agent and the mode (one string for many tasks), ``rest`` what else the task
    says, ``parents`` the keys of the tasks whose results are filled into the prompt: they stand for the text,
    so that a key is known before its parents have answered.
    """
    return digest(
        (
            VERSION,
            base,
            [(m.role, m.content, m.call_id, [(c.name, c.arguments) for c in m.calls]) for m in request.messages],
            (request.max_tokens, request.temperature, request.seed, request.stop, request.samples),
            request.schema,
            rest,
            [parent.hex() for parent in parents],
        )
    )


class Dependencies:
    """Turns `depends_on` entries into what is compared: a file into its content's digest, all else into itself.

    Entries are paths (relative to ``folder``), URLs, ``tool:NAME`` or free tags.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[tuple[Path, int, int], str] = {}

    def version(self, entry: str) -> str:
        if "://" in entry or entry.startswith("tool:"):
            return entry
        path = self._folder / entry
        try:
            stat = path.stat()
            name = (path, stat.st_mtime_ns, stat.st_size)
            if name not in self._seen:
                with path.open("rb") as file:
                    self._seen[name] = hashlib.file_digest(file, "sha256").hexdigest()
        except (OSError, ValueError):
            return entry
        return f"{entry}={self._seen[name]}"
