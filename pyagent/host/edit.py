"""Writes one setting into a TOML file and leaves everything else, comments too, as the user wrote it."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyagent.errors import ConfigError
from pyagent.host.layer import lines_of, read_layer
from pyagent.host.paths import writable
from pyagent.host.schema import Key


def store(path: Path, key: Key, value: Any) -> None:
    """Set ``key`` in the file at ``path``, made if need be.

    The new text must parse to the old document with that one change, else ConfigError and the file stays.
    """
    old = path.read_text("utf-8") if path.is_file() else ""
    if old:
        read_layer(path)  # a broken file is reported as such, not edited
    new = _replaced(old, key, value)
    if _parsed(new) != _with(_parsed(old), key, value):
        raise ConfigError(f"{path} cannot be edited safely for {'.'.join(key)}", "change it by hand")
    writable(path.parent)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(new, "utf-8")
    os.replace(beside, path)


def toml(value: Any) -> str:
    """A value as TOML. JSON's strings are TOML's basic strings."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_bare(name)} = {toml(inner)}" for name, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    return _quoted(str(value))


def _quoted(text: str) -> str:
    """A basic string: as JSON's, but DEL must be escaped too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _replaced(text: str, key: Key, value: Any) -> str:
    """``text`` with the line of ``key`` replaced, or a line added at its table's head, or a new table."""
    lines = text.splitlines()
    places = dict(lines_of(text))
    *table, name = key
    entry = f"{_bare(name)} = {toml(value)}"
    if key in places:
        lines[places[key] - 1] = entry + _comment(lines[places[key] - 1])
    elif tuple(table) in places:
        lines.insert(places[tuple(table)], entry)
    else:
        head = "[" + ".".join(_bare(part) for part in table) + "]"
        lines += ([""] if lines else []) + [head, entry]
    return "\n".join(lines) + "\n"


def _comment(line: str) -> str:
    """The comment at the end of a line, where no quote stands before it that could hold the sign."""
    found = re.search(r"\s+#[^\"']*$", line)
    return found[0] if found else ""


def _bare(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        # A value over several lines, of which one was replaced.
        return {"": object()}


def _with(document: dict[str, Any], key: Key, value: Any) -> dict[str, Any]:
    node = document
    for part in key[:-1]:
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            return {}
    node[key[-1]] = list(value) if isinstance(value, tuple) else value
    return document
