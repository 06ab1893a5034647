"""Writes a regular expression as a grammar rule for the inside of a JSON string."""

from __future__ import annotations

import re
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from pyagent.engine.llama.gbnf import TOP, GrammarError

Ranges = list[tuple[int, int]]

# What a JSON string holds unescaped: no quote, no backslash, no control character.
_PLAIN: Ranges = [(0x20, 0x21), (0x23, 0x5B), (0x5D, 0x7E), (0x80, 0xD7FF), (0xE000, TOP)]
_DIGIT: Ranges = [(48, 57)]
_WORD: Ranges = [(48, 57), (65, 90), (95, 95), (97, 122)]
_BLANK: Ranges = [(9, 13), (32, 32)]
_SPECIAL = {0x22: '"\\\\\\""', 0x5C: '"\\\\\\\\"', 10: '"\\\\n"', 13: '"\\\\r"', 9: '"\\\\t"'}


def pattern_rule(pattern: str) -> str:
    """A GBNF expression for texts that match ``pattern`` from end to end; what JSON escapes is escaped.

    Raises GrammarError for what a grammar cannot say: look-around, back references, a pattern that is none.
    """
    try:
        return _sequence(_parser.parse(pattern))
    except re.error as error:
        raise GrammarError(f"the pattern {pattern!r} cannot be read: {error}") from error


def _sequence(parsed: Any) -> str:
    return " ".join(filter(None, (_one(op, value) for op, value in parsed))) or '""'


def _one(op: Any, value: Any) -> str:
    if op is sre.LITERAL:
        return _set([(value, value)])
    if op is sre.NOT_LITERAL:
        return _set(_others([(value, value)]))
    if op is sre.ANY:
        return _set(_PLAIN)
    if op is sre.IN:
        return _set(_members(value))
    if op is sre.BRANCH:
        return "(" + " | ".join(map(_sequence, value[1])) + ")"
    if op is sre.SUBPATTERN:
        return f"({_sequence(value[3])})"
    if op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        least, most, inner = value
        upper = "" if most is sre.MAXREPEAT else most
        return f"({_sequence(inner)}){{{least},{upper}}}"
    if op is sre.AT and value in (sre.AT_BEGINNING, sre.AT_END):
        return ""
    raise GrammarError(f"a pattern with {str(op).lower()} cannot be kept by a grammar")


def _members(items: Any) -> Ranges:
    negated, ranges = False, []
    for op, value in items:
        if op is sre.NEGATE:
            negated = True
        elif op is sre.LITERAL:
            ranges.append((value, value))
        elif op is sre.RANGE:
            ranges.append(value)
        elif op is sre.CATEGORY:
            ranges += _category(value)
    return _others(ranges) if negated else ranges


def _category(name: Any) -> Ranges:
    known = {
        sre.CATEGORY_DIGIT: _DIGIT,
        sre.CATEGORY_WORD: _WORD,
        sre.CATEGORY_SPACE: _BLANK,
        sre.CATEGORY_NOT_DIGIT: _others(_DIGIT),
        sre.CATEGORY_NOT_WORD: _others(_WORD),
        sre.CATEGORY_NOT_SPACE: _others(_BLANK),
    }
    return known[name]


def _others(ranges: Ranges) -> Ranges:
    """All code points outside of the ranges."""
    found, at = [], 0
    for low, high in sorted(ranges):
        if low > at:
            found.append((at, low - 1))
        at = max(at, high + 1)
    return [*found, (at, TOP)] if at <= TOP else found


def _set(ranges: Ranges) -> str:
    plain = [
        (max(low, first), min(high, last))
        for low, high in ranges
        for first, last in _PLAIN
        if max(low, first) <= min(high, last)
    ]
    options = ["[" + "".join(f"{_code(a)}-{_code(b)}" for a, b in plain) + "]"] if plain else []
    options += [text for code, text in _SPECIAL.items() if any(low <= code <= high for low, high in ranges)]
    if not options:
        raise GrammarError("the pattern asks for a character that JSON cannot hold")
    return options[0] if len(options) == 1 else "(" + " | ".join(options) + ")"


def _code(code: int) -> str:
    return f"\\U{code:08X}"
