"""What a task may say of its own needs, checked like every other field, so that a slip is named before it costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from pyagent.run.strict import BadLine, shown

MODALITIES = ("text", "image", "audio", "video")
# What is measured of models (the plugin capability says the same; a test holds them together).
DIMS = (
    "reason.math", "reason.logic", "know.general", "code.write", "code.fix", "tool.select", "tool.args",
    "tool.abstain", "format.json", "format.constraints", "context.retrieve@2k", "context.retrieve@8k",
    "context.retrieve@32k", "text.extract", "text.transform", "lang.multi", "agent.multiturn",
)  # fmt: skip
LEVELS = (1, 5)
_ALIASES = {"tokens": "context", "schema": "json", "privacy": "local", "lang": "language", "seconds": "deadline"}


def check(value: Any) -> dict[str, Any]:
    """The ``needs`` of a task as they were written; null means: not said. Raises BadLine with every fault."""
    if type(value) is not dict:
        raise BadLine(f"must be an object, not {shown(value)}")
    kept, faults = {}, []
    for name, need in value.items():
        if name not in _CHECKS:
            faults.append(f"has {_unknown(name, _CHECKS, _ALIASES)}")
        elif need is not None:
            try:
                _CHECKS[name](need)
                kept[name] = need
            except BadLine as bad:
                faults.append(f"{name} {bad}")
    if faults:
        raise BadLine("; ".join(faults))
    return kept


def modalities(needs: Mapping[str, Any]) -> tuple[str, ...]:
    """What kinds of input the task says it has, besides text."""
    said = needs.get("modality") or ()
    return tuple(each for each in ([said] if isinstance(said, str) else said) if each != "text")


def _unknown(name: str, known: Mapping[str, Any] | tuple[str, ...], aliases: Mapping[str, str]) -> str:
    near = aliases.get(name.lower()) or next(iter(get_close_matches(name.lower(), list(known), 1, 0.5)), None)
    return f"an unknown need {shown(name)}; " + (f"did you mean '{near}'?" if near else f"known: {', '.join(known)}")


def _context(value: Any) -> None:
    if type(value) is not int or not 1 <= value < 2**31:
        raise BadLine(f"must be a number of tokens, 1 or more, not {shown(value)}")


def _flag(value: Any) -> None:
    if type(value) is not bool:
        raise BadLine(f"must be true or false, not {shown(value)}")


def _language(value: Any) -> None:
    if type(value) is not str or not value.strip() or len(value) > 40:
        raise BadLine(f"must be a language, like 'de', not {shown(value)}")


def _modality(value: Any) -> None:
    said = [value] if type(value) is str else value
    if type(said) is not list or not said or any(each not in MODALITIES for each in said):
        raise BadLine(f"must be one of {', '.join(MODALITIES)}, or a list of them, not {shown(value)}")


def _deadline(value: Any) -> None:
    if type(value) not in (int, float) or not 0 < value < math.inf:
        raise BadLine(f"must be a number of seconds above 0, not {shown(value)}")


def _dims(value: Any) -> None:
    if type(value) is not dict or not value:
        raise BadLine(f"must be an object like {{'code.write': 3}}, not {shown(value)}")
    for name, level in value.items():
        if name not in DIMS:
            near = next(iter(get_close_matches(name, DIMS, 1, 0.4)), None)
            raise BadLine(
                f"has an unknown dimension {shown(name)}; "
                + (f"did you mean '{near}'?" if near else f"known: {', '.join(DIMS)}")
            )
        if type(level) not in (int, float) or not LEVELS[0] <= level <= LEVELS[1]:
            raise BadLine(f"must give {name} a level from {LEVELS[0]} to {LEVELS[1]}, not {shown(level)}")


_CHECKS: dict[str, Callable[[Any], None]] = {
    "context": _context,
    "tools": _flag,
    "json": _flag,
    "local": _flag,
    "language": _language,
    "modality": _modality,
    "deadline": _deadline,
    "dims": _dims,
}
