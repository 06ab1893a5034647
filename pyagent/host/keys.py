"""Keys of providers: from the environment, or from a file that nobody else may read; never from the settings."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import MutableMapping
from pathlib import Path

from pyagent.errors import KeyRefused


def lend(name: str, file: Path, env: MutableMapping[str, str] = os.environ) -> None:
    """Put the key ``name`` of ``file`` (TOML, `NAME = "key"`) into ``env`` when that has none.

    Raises KeyRefused (77) when others may read the file or it cannot be understood; no key is ever in the message.
    """
    if not name or env.get(name) or not file.exists():
        return
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise KeyRefused(f"{file} may be read by others", f"run: chmod 600 {file}")
        key = tomllib.loads(file.read_text(encoding="utf-8")).get(name)
    except (OSError, ValueError) as error:
        kind = type(error).__name__
        raise KeyRefused(f"{file} cannot be read ({kind})", 'write lines like OPENAI_API_KEY = "..."') from None
    if isinstance(key, str) and key:
        env[name] = key
