"""Writes a range of numbers as grammar alternatives, digit by digit, so that ``minimum: 1, maximum: 5`` holds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyagent.engine.llama.gbnf import GrammarError

_FRACTION = '("." [0-9]{1,6})?'
# Numbers written out one by one, for ranges too narrow for digits.
_MOST = 200


@dataclass(frozen=True, slots=True)
class Span:
    """A range of numbers; an ``open`` end is not part of it, an end that is None is not there."""

    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False

    @classmethod
    def of(cls, schema: Mapping[str, Any]) -> Span:
        """From ``minimum``, ``maximum`` and their exclusive forms. Raises GrammarError for an empty range."""
        low, low_open = schema.get("minimum"), False
        high, high_open = schema.get("maximum"), False
        above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
        if above is not None and (low is None or above >= low):
            low, low_open = above, True
        if below is not None and (high is None or below <= high):
            high, high_open = below, True
        if low is not None and high is not None and (low > high or (low == high and (low_open or high_open))):
            raise GrammarError(f"no number lies between {low} and {high}")
        return cls(low, high, low_open, high_open)

    def rule(self, whole: bool) -> str:
        """GBNF alternatives of numbers in the range, whole ones only or with fractions.

        Fractions stand where every fraction is inside, so that some numbers of the range are never written.
        Raises GrammarError when none can be written.
        """
        rules = []
        if self.high is None or self.high > 0 or (self.high == 0 and not self.high_open):
            rules += self._up_from(0.0)._positive(whole)
        if self.low is None or self.low < 0:
            mirrored = Span(_minus(self.high), _minus(self.low), self.high_open, self.low_open)
            negative = mirrored._up_from(0.0, open=True)._positive(whole)
            rules += [f'"-" ({" | ".join(negative)})'] if negative else []
        if not rules and not whole:
            rules = self._steps()
        if not rules:
            raise GrammarError(f"no number that can be written lies between {self.low} and {self.high}")
        return " | ".join(rules)

    def _up_from(self, low: float, open: bool = False) -> Span:
        if self.low is not None and (self.low > low or (self.low == low and not open)):
            return self
        return Span(low, self.high, open, self.high_open)

    def _positive(self, whole: bool) -> list[str]:
        """Alternatives for a range of which the lower end is 0 or more."""
        low = self.low or 0.0
        first = math.floor(low) + 1 if self.low_open else math.ceil(low)
        last = None
        if self.high is not None:
            last = math.ceil(self.high) - 1 if self.high_open else math.floor(self.high)
        if whole:
            return digits(first, last)
        if self.high is None or last is None:
            rules = [f"({' | '.join(digits(first, None))}) {_FRACTION}"]
        else:
            below = math.floor(self.high) - 1  # the last whole number with room for every fraction
            inner = digits(first, below)
            rules = [f"({' | '.join(inner)}) {_FRACTION}"] if inner else []
            rules += digits(max(first, below + 1), last)
        if self.low_open and low == first - 1 and (self.high is None or low + 1 <= self.high):
            rules.append(f'"{int(low)}." [0-9]{{0,5}} [1-9]')
        return rules

    def _steps(self) -> list[str]:
        """Up to 200 decimals of a range between two whole numbers."""
        assert self.low is not None
        assert self.high is not None
        for places in range(1, 12):
            scale = 10**places
            first, last = math.ceil(self.low * scale), math.floor(self.high * scale)
            numbers = [i / scale for i in range(first, min(last, first + _MOST) + 1)]
            inside = [f'"{n:.{places}f}"' for n in numbers if self._holds(n)]
            if inside:
                return inside
        return []

    def _holds(self, number: float) -> bool:
        above = self.low is None or (number > self.low if self.low_open else number >= self.low)
        return above and (self.high is None or (number < self.high if self.high_open else number <= self.high))


def _minus(number: float | None) -> float | None:
    return None if number is None else -number


def digits(low: int, high: int | None) -> list[str]:
    """GBNF alternatives for the whole numbers low..high, 0 <= low; without a high, up to 15 digits more."""
    if high is not None and low > high:
        return []
    if high is None:
        size = len(str(low))
        return [*digits(low, 10**size - 1), f"[1-9] [0-9]{{{size},{max(15, size)}}}"]
    rules = []
    for size in range(len(str(low)), len(str(high)) + 1):
        first = max(low, 10 ** (size - 1) if size > 1 else 0)
        rules += _same_length(str(first), str(min(high, 10**size - 1)))
    return rules


def _same_length(low: str, high: str) -> list[str]:
    """Alternatives for the digit strings from ``low`` to ``high``, both of one length."""
    if not low:
        return [""]
    rest = len(low) - 1
    if low[1:] == "0" * rest and high[1:] == "9" * rest:
        return [f"{_digit(low[0], high[0])} {f'[0-9]{{{rest}}}' if rest else ''}".strip()]
    if low[0] == high[0]:
        return [f"{_digit(low[0], low[0])} {tail}".strip() for tail in _same_length(low[1:], high[1:])]
    rules = [f"{_digit(low[0], low[0])} {tail}" for tail in _same_length(low[1:], "9" * rest)]
    if ord(high[0]) - ord(low[0]) > 1:
        inside = _digit(chr(ord(low[0]) + 1), chr(ord(high[0]) - 1))
        rules.append(f"{inside} [0-9]{{{rest}}}")
    return rules + [f"{_digit(high[0], high[0])} {tail}" for tail in _same_length("0" * rest, high[1:])]


def _digit(low: str, high: str) -> str:
    return f'"{low}"' if low == high else f"[{low}-{high}]"
