"""JSON as the standard has it and no laxer, because a slip that is read as something else is paid for."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, NoReturn

DEEPEST = 100  # levels; beyond, what walks a value later would run out of stack


class BadLine(ValueError):
    """What is wrong with one line; ``id`` is the task's id where it could be read."""

    def __init__(self, what: str, id: str | None = None) -> None:
        super().__init__(what)
        self.id = id


def parse(text: str, brackets: int | None = None) -> Any:
    """The JSON value in ``text``, strictly: no NaN, no Infinity, no name twice, at most DEEPEST levels.

    ``brackets`` is how many opening ones the text has, where that is known. Raises BadLine.
    """
    if brackets is None:
        brackets = text.count("{") + text.count("[")
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}" if error.lineno > 1 else f"column {error.colno}"
        raise BadLine(f"is not JSON: {error.msg} at {place}") from None
    except RecursionError:
        raise BadLine(_DEEP) from None
    except ValueError as error:
        raise error if isinstance(error, BadLine) else BadLine("has a number with too many digits") from None
    if brackets > DEEPEST and _depth(value) > DEEPEST:
        raise BadLine(_DEEP)
    return value


_DEEP = f"is nested more than {DEEPEST} levels deep"


def _constant(name: str) -> NoReturn:
    raise BadLine(f"has {name}, which is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise BadLine(f"has the number {shown(text)[1:-1]}, which is too large")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise BadLine(f"has the field {shown(first_twice(name for name, _ in pairs))} twice")
    return value


_DECODER = json.JSONDecoder(parse_constant=_constant, parse_float=_finite, object_pairs_hook=_object)


def first_twice(names: Iterable[str]) -> str | None:
    """The first name that has been there before."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        nested = [part for part in level if type(part) in (dict, list)]
        level = [below for part in nested for below in (part.values() if type(part) is dict else part)]
    return depth - 1


def whole_characters(value: Any) -> None:
    """Raise BadLine when a text in ``value`` holds half of a surrogate pair, which UTF-8 cannot write."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise BadLine(f"has {half}, which is half of a character") from None


def shown(value: Any) -> str:
    """A value as an error shows it: short, on one line, nothing unprintable."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:57] + "...")
    if isinstance(value, (int, float)):
        # A whole number may have more digits than Python agrees to print.
        return str(value) if abs(value) < 1e300 else "a number that large"
    return {dict: "an object", list: "a list", type(None): "null"}.get(type(value), "something else")
