"""Which project files the user trusts: a file from a clone must not send prompts or keys elsewhere unasked."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pyagent.errors import ConfigError
from pyagent.host.paths import writable


class Trust:
    """Paths with the digest that was agreed to, in a JSON file of the user's."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def holds(self, path: Path, digest: str) -> bool:
        """Whether exactly this content was trusted; a changed file must be trusted again."""
        return self.all().get(str(path)) == digest

    def add(self, path: Path, digest: str) -> None:
        self._write({**self.all(), str(path): digest})

    def remove(self, path: Path) -> bool:
        """Forget ``path``; False when it was not trusted."""
        known = self.all()
        found = known.pop(str(path), None) is not None
        if found:
            self._write(known)
        return found

    def all(self) -> dict[str, str]:
        try:
            known = json.loads(self._file.read_text("utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError) as error:
            raise ConfigError(f"cannot read {self._file}: {error}", "delete that file and trust again") from error
        return known if isinstance(known, dict) else {}

    def _write(self, known: dict[str, str]) -> None:
        writable(self._file.parent)
        beside = self._file.with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")
        os.replace(beside, self._file)
