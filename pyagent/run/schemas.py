"""A schema that is not one would fail only after the answer was paid for, so it is looked at before."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

# A file usually has a handful of schemas; a generated one may have one a task, which must not fill memory.
_REMEMBERED = 256
_TYPES = "object, array, string, number, integer, boolean and null"
_seen: dict[str, str | None] = {}


def fault(schema: dict[str, Any]) -> str | None:
    """What is wrong with ``schema`` as a JSON Schema (its ``$schema`` draft, else 2020-12), or None.

    References must stay inside the schema and exist: nothing is ever fetched for one.
    """
    text = json.dumps(schema)
    if text not in _seen:
        if len(_seen) >= _REMEMBERED:
            _seen.clear()
        _seen[text] = _check(schema)
    return _seen[text]


def _check(schema: dict[str, Any]) -> str | None:
    from jsonschema import SchemaError
    from jsonschema.validators import Draft202012Validator, validator_for

    if not isinstance(schema.get("$schema", ""), str):
        return "has a '$schema' that is not text"
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError as error:
        steps = [str(step) for step in error.absolute_path]
        where = ".".join(steps)
        # The validator's own words do not say which types there are.
        named = steps[-1:] == ["type"] and type(error.instance) is str
        what = f"{error.instance!r} is no type; types are {_TYPES}" if named else error.message
        return f"is not a JSON Schema: {f'at {where}: ' if where else ''}{_short(what)}"
    except RecursionError:
        return "is nested too deeply"
    return next((f"refers to '{ref}', {why}" for ref, why in _broken(schema)), None)


def _broken(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for part in _objects(schema):
        ref = part.get("$ref")
        if not isinstance(ref, str):
            continue
        if not ref.startswith("#"):
            yield ref, "which is outside of it; only references inside a schema (#/...) are followed"
        elif ref.startswith("#/") and not _exists(schema, ref):
            yield ref, "which is not in it"


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            yield part
            # Values of these are data that may look like schemas.
            waiting.extend(below for name, below in part.items() if name not in ("const", "enum", "examples"))
        elif isinstance(part, list):
            waiting.extend(part)


def _exists(schema: dict[str, Any], ref: str) -> bool:
    """Whether a JSON Pointer (RFC 6901) leads somewhere; below an ``$id`` pointers are relative, so not judged."""
    from urllib.parse import unquote

    place: Any = schema
    if any("$id" in part for part in _objects(schema) if part is not schema):
        return True
    for step in unquote(ref[2:]).split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(place, Mapping) and name in place:
            place = place[name]
        elif isinstance(place, list) and name.isdecimal() and int(name) < len(place):
            place = place[int(name)]
        else:
            return False
    return True


def _short(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= 160 else line[:157] + "..."
