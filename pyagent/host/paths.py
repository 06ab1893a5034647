"""Where PyAgent keeps things, so that one variable or flag moves a folder for every command alike."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pyagent.errors import StoreError


@dataclass(frozen=True, slots=True)
class Paths:
    """The user's folders. ``home`` is set when PYAGENT_HOME moved all of them.

    ``db`` is the store; the folders need not exist yet: ``writable`` makes one when it is first needed.
    """

    data: Path
    config: Path
    cache: Path
    db: Path
    home: Path | None = None

    @classmethod
    def find(cls, env: Mapping[str, str], store: str | None = None) -> Paths:
        """Take PYAGENT_HOME, else the platform's folders; ``store`` (or PYAGENT_STORE) moves the database."""
        home = env.get("PYAGENT_HOME")
        if home:
            root = Path(home).expanduser().absolute()
            data, config, cache = root, root, root / "cache"
        else:
            root = None
            data, config, cache = _platform()
        return cls(data, config, cache, _database(store or env.get("PYAGENT_STORE"), data), root)

    @property
    def config_file(self) -> Path:
        return self.config / "config.toml"

    @property
    def keys_file(self) -> Path:
        return self.config / "keys.toml"

    @property
    def trust_file(self) -> Path:
        return self.config / "trusted.json"


def writable(folder: Path) -> Path:
    """Make ``folder`` if need be and give it back; StoreError (74) when nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refused(folder, error.strerror or str(error)) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _refused(folder, "it is read-only")
    return folder


def _refused(folder: Path, reason: str) -> StoreError:
    return StoreError(
        f"cannot write to the folder {folder}: {reason}",
        "choose another one with PYAGENT_HOME, or move the store alone with --store",
    )


def _platform() -> tuple[Path, Path, Path]:
    # Imported here: PYAGENT_HOME does without it, and it costs as much as starting Python.
    import platformdirs

    dirs = platformdirs.PlatformDirs("pyagent", appauthor=False)
    return Path(dirs.user_data_dir), Path(dirs.user_config_dir), Path(dirs.user_cache_dir)


def _database(store: str | None, data: Path) -> Path:
    """``store`` names a file when it ends in .db or is one, else the folder that holds pyagent.db."""
    if not store:
        return data / "pyagent.db"
    path = Path(store).expanduser().absolute()
    return path if path.suffix == ".db" or path.is_file() else path / "pyagent.db"
