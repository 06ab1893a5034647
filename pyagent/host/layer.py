"""One file of settings, read and checked, with the line of every value for errors that can be found."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyagent.errors import ConfigError
from pyagent.host import schema
from pyagent.host.schema import Key


@dataclass(frozen=True, slots=True)
class Value:
    """A setting's value and where it came from: ``FILE:LINE``, a variable, a flag or ``default``."""

    value: Any
    origin: str


@dataclass(frozen=True, slots=True)
class Layer:
    """The checked values of one file. ``digest`` is the hex SHA-256 of what `pyagent trust` agrees to."""

    path: Path
    values: Mapping[Key, Value]
    digest: str


def read_layer(path: Path) -> Layer | None:
    """Read a TOML file; None when it is not there, or is a pyproject.toml without ``[tool.pyagent]``.

    Raises ConfigError with file:line for what cannot be parsed, is not known or has the wrong type.
    """
    try:
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", "check the file's permissions") from error
    text, document = _parse(path, raw)
    prefix: Key = ()
    if path.name == "pyproject.toml":
        prefix = ("tool", "pyagent")
        document = document.get("tool", {}).get("pyagent")
        if document is None:
            return None
        # Other tools' tables change often and are not ours to ask about.
        raw = json.dumps(document, sort_keys=True, default=str).encode()
    lines = {key[len(prefix) :]: line for key, line in lines_of(text) if key[: len(prefix)] == prefix}
    values = dict(_checked(path, document, lines))
    # Imported when there is a file: most starts have none.
    from hashlib import sha256

    return Layer(path, values, sha256(raw).hexdigest())


def project_file(start: Path) -> Path | None:
    """The nearest pyagent.toml, or pyproject.toml with ``[tool.pyagent]``, from ``start`` upward."""
    for folder in (start, *start.parents):
        if (own := folder / "pyagent.toml").is_file():
            return own
        shared = folder / "pyproject.toml"
        if shared.is_file() and _has_table(shared):
            return shared
    return None


def _has_table(path: Path) -> bool:
    """A pyproject.toml that cannot be read is another tool's to complain about."""
    try:
        raw = path.read_bytes()
        return b"pyagent" in raw and "pyagent" in tomllib.loads(raw.decode()).get("tool", {})
    except (OSError, ValueError):
        return False


def _parse(path: Path, raw: bytes) -> tuple[str, dict[str, Any]]:
    try:
        text = raw.decode("utf-8-sig")
        return text, tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}:{line}: not UTF-8", "save the file as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}", "correct that line") from error


def _checked(path: Path, document: Mapping[str, Any], lines: Mapping[Key, int]) -> Iterator[tuple[Key, Value]]:
    for key, value in _leaves(document):
        place = _place(path, lines, key)
        setting = schema.find(key)
        if setting is None:
            raise unknown(key, place)
        if key[0] == "plugins" and len(key) > 2:
            yield key, Value(value, place)
            continue
        try:
            yield key, Value(schema.check(setting, value, path.parent), place)
        except ValueError as error:
            raise ConfigError(f"{place}: {'.'.join(key)} {error}", "correct the value") from None


def _leaves(document: Mapping[str, Any]) -> Iterator[tuple[Key, Any]]:
    """Settings as (key, value): depth 2, or 3 below the sections whose tables the user names."""
    for section, table in document.items():
        if not isinstance(table, Mapping) or section not in schema.SECTIONS:
            yield (section,), table
            continue
        for name, value in table.items():
            named = section in ("models", "providers", "plugins")
            if named and isinstance(value, Mapping) and value:
                yield from (((section, name, field), inner) for field, inner in value.items())
            else:
                yield (section, name), value


def unknown(key: Key, place: str) -> ConfigError:
    """The error for a key that no setting has, with the nearest name."""
    name = ".".join(key)
    if key[0] not in schema.SECTIONS:
        known = list(schema.SECTIONS)
        what, hint = f"no section [{key[0]}]", schema.nearest(key[0], known)
    elif len(key) == 1 or (len(key) == 2 and key[0] in ("models", "providers")):
        known = schema.siblings(key[0] if len(key) == 1 else f"{key[0]}.*")
        what, hint = f"[{name}] must be a table with settings", ""
    else:
        section = f"{key[0]}.*" if len(key) == 3 else key[0]
        known = schema.siblings(section)
        what, hint = f"no setting {name}", schema.nearest(key[-1], known)
    return ConfigError(f"{place}: {what}", hint or f"known here: {', '.join(known)}")


def _place(path: Path, lines: Mapping[Key, int], key: Key) -> str:
    """``FILE:LINE`` of the key, or of the longest part of it that has a line (inline tables)."""
    for end in range(len(key), 0, -1):
        if key[:end] in lines:
            return f"{path}:{lines[key[:end]]}"
    return str(path)


def lines_of(text: str) -> Iterator[tuple[Key, int]]:
    """(key, 1-based line) of headers and ``key =`` lines, which tomllib does not give.

    Lines inside a multi-line text are passed over; in an array over several lines they only add keys that
    nobody asks for.
    """
    table: Key = ()
    inside = False
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        was, inside = inside, inside ^ bool((line.count('"""') + line.count("'''")) % 2)
        if was:
            continue
        if line.startswith("["):
            table = _path_of(line.split("#")[0]) or table
            yield table, number
        elif "=" in line and not line.startswith("#"):
            key = _path_of(line.split("=", 1)[0] + "= 0")
            if key:
                yield (*table, *key), number


def _path_of(line: str) -> Key:
    """The key path that one line of TOML opens, by parsing that line alone."""
    try:
        node: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    path: list[str] = []
    while isinstance(node, (dict, list)) and node:
        if isinstance(node, list):
            node = node[0]
            continue
        name, node = next(iter(node.items()))
        path.append(name)
    return tuple(path)
