"""A task may quote the outputs of earlier tasks, so that map and reduce fit in one file of lines.

The one form is ``{{ results.ID }}``, or ``{{ results.ID.field.0 }}`` to reach into a JSON output; everything
else, other braces included, stays as it is. What was put in is never read as a template again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

from pyagent.errors import EngineError

# Nothing is read twice (the ++ gives nothing back): a 10 MB line of opening braces takes no longer than its length.
_REFERENCE = re.compile(r"\{\{\s*results\.((?:[^{}]++|\{(?!\{))++)\}\}")


def references(text: str) -> tuple[str, ...]:
    """What ``text`` quotes, each once and in order: ``ID`` or ``ID.path`` as written (see `locate`)."""
    if "{{" not in text:
        return ()
    return tuple(dict.fromkeys(found.strip() for found in _REFERENCE.findall(text)))


def locate(reference: str, ids: Container[str]) -> tuple[str, tuple[str, ...]] | None:
    """Split a reference into a known id and the path below it; an id may hold dots, so the longest wins."""
    parts = reference.split(".")
    for end in range(len(parts), 0, -1):
        name = ".".join(parts[:end])
        if name in ids:
            return name, tuple(parts[end:])
    return None


def fill(text: str, outputs: Mapping[str, Any]) -> str:
    """``text`` with each reference replaced: text as it is, any other JSON value as compact JSON.

    ``outputs`` maps ids to outputs. Raises EngineError when an id or a path has no value.
    """
    if "{{" not in text:
        return text
    return _REFERENCE.sub(lambda match: _value(match[1].strip(), outputs), text)


def _value(reference: str, outputs: Mapping[str, Any]) -> str:
    place = locate(reference, outputs)
    if place is None:
        raise EngineError(
            f"{{{{ results.{reference} }}}} has no value: no such task was answered before this one",
            "List the task in 'after'.",
        )
    name, path = place
    value = outputs[name]
    for step in path:
        value = _below(value, step, lambda: f"{{{{ results.{reference} }}}}: the output of '{name}'")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _below(value: Any, step: str, where: Callable[[], str]) -> Any:
    if isinstance(value, Mapping):
        if step in value:
            return value[step]
        raise EngineError(f"{where()} has no field '{step}'", _SHAPE)
    if isinstance(value, Sequence) and not isinstance(value, str):
        if step.isdecimal() and int(step) < len(value):
            return value[int(step)]
        raise EngineError(f"{where()} has a list of {len(value)} and no item '{step}'", _SHAPE)
    raise EngineError(f"{where()} is not a JSON object or list where '{step}' is asked", _SHAPE)


_SHAPE = "Give the task that it quotes a 'schema', so that its output has this shape."
