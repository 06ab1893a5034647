"""What the numbers of a text say, in one spelling, so that amounts can be compared and not their letters.

`7am` and `seven in the morning` are one time, `£40k` and `40,000 pounds` one sum, `90 minutes` and `1.5 hours` one
length; `10²`, `102` and `10` are three. Numbers as words are read in English only.
"""

# ruff: noqa: SIM905 - word lists read better as text than as 300 quoted strings
from __future__ import annotations

import re
from collections.abc import Sequence

from pyagent_plugins.cache.meaning.clock import clock, date, hour_of
from pyagent_plugins.cache.meaning.tokens import Token
from pyagent_plugins.cache.meaning.units import MONEY, MONTHS, MULTIPLES, NUMBERS, ORDINALS, SIGNS, UNITS, quantity

_NUM = re.compile(r"([£$€¥₹])?\s?(\d[\d,]*(?:\.\d+)?)([⁰¹²³⁴-⁹]+)?([½¼¾])?(.*)")
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_PARTS = {"½": 0.5, "¼": 0.25, "¾": 0.75}
_BOUND = {
    "over": "over_number", "above": "over_number", "exceeding": "over_number", "under": "under_number",
    "below": "under_number", "within": "within_number", "after": "after_number",
    "more than": "over_number", "less than": "under_number", "fewer than": "under_number", "at least": "at_least",
    "at most": "at_most", "up to": "at_most", "no more": "at_most",
}  # fmt: skip
_WEAK = frozenset({"1", "1#", "60 s", "3600 s", "86400 s", "604800 s", "1 mo", "12 mo"})
_SPAN = frozenset({"minute", "hour", "day", "week", "month", "year", "fortnight", "second", "decade"})
_WITHIN = frozenset("in within for after of than under over every last next half and take takes".split())
_CALCULATE = {"plus": "+", "minus": "-", "times": "*", "divided": "/"}


class Numbers:
    """Reads the tokens of one text. ``amounts`` in their order, each a canonical string; ``bounds`` are words as
    ``over_number`` for what stood before one; ``used`` the places of tokens that were read as numbers."""

    __slots__ = ("amounts", "bounds", "tokens", "used", "words")

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.words = [token.text.lower() for token in tokens]
        self.amounts: list[str] = []
        self.bounds: list[str] = []
        self.used: set[int] = set()
        place = 0
        while place < len(tokens):
            place += self._read(place) or 1

    def _read(self, at: int) -> int:
        """Reads what begins at a place; gives how many tokens it took, 0 when it is no number."""
        kind, word = self.tokens[at].kind, self.words[at]
        if kind == "num":
            return self._figure(at)
        if kind == "word":
            return self._spelled(at) if word in _STARTS or "-" in word else 0
        if kind == "time":
            return self._take(at, 1, clock(word, self.words))
        if kind == "date":
            return self._take(at, 1, *date(word))
        if kind == "op":
            return self._operator(at)
        return 0

    def _take(self, at: int, length: int, *amounts: str) -> int:
        if amounts:
            before = self.words[at - 1] if at else ""
            two = f"{self.words[at - 2]} {before}" if at > 1 else ""
            if bound := _BOUND.get(two) or _BOUND.get(before):
                self.bounds.append(bound)
            self.amounts.extend(amounts)
        self.used.update(range(at, at + length))
        return length

    def _figure(self, at: int) -> int:
        match = _NUM.match(self.words[at])
        assert match is not None, self.words[at]  # the tokens' pattern found it
        sign, digits, raised, part, ending = match.groups()
        value = float(digits.replace(",", "")) + _PARTS.get(part, 0.0)
        if raised:
            return self._take(at, 1, quantity(value), f"^{raised.translate(_RAISED)}")
        if ending in {"st", "nd", "rd", "th"}:
            return self._day(at, 1, int(value)) or self._take(at, 1, f"{value:g}#")
        if ending in MULTIPLES and (sign or ending not in UNITS):
            value, ending = value * MULTIPLES[ending], ""
        if ending and ending not in UNITS:
            return self._take(at, 1, f"{value:g}{ending}")
        if not sign and not ending and (day := self._day(at, 1, int(value))):
            return day
        return self._measured(at, 1, value, SIGNS.get(sign or "", ending))

    def _spelled(self, at: int) -> int:
        word = self.words[at]
        if word in ORDINALS:
            return self._ordinal(at, ORDINALS[word])
        if word in {"a", "an"}:
            return self._article(at)
        if word in _CALCULATE:
            return self._take(at, 1, f"op {_CALCULATE[word]}") if self._between(at) else 0
        if word in {"noon", "midday", "midnight"}:
            return self._take(at, 1, "t 0:00" if word == "midnight" else "t 12:00")
        if word in {"half", "quarter"}:
            return self._part(at)
        total, length = self._sum(at)
        return self._measured(at, length, total, "", spelled=True) if length else 0

    def _sum(self, at: int) -> tuple[float, int]:
        """The value of a run of number words (`two hundred and fifty`) and how many tokens it spans."""
        total = current = 0.0
        place, seen = at, 0
        while place < len(self.words):
            word = self.words[place]
            if word in MULTIPLES and len(word) > 2 and seen:
                current = (current or 1) * MULTIPLES[word]
                if word != "hundred":
                    total, current = total + current, 0.0
            elif (value := _spelled_value(word)) is not None and (
                not seen or current % 100 == 0 or value < 10 <= current
            ):
                current += value
            elif word != "and" or current < 100 or _spelled_value(self._word(place + 1)) is None:
                break
            place += 1
            seen = place - at
        return total + current, seen

    def _ordinal(self, at: int, value: int) -> int:
        # "a second" is a length of time and "first time", "first name" are words of their own.
        if value == 2 and self._word(at - 1) in {"a", "per", "each"}:
            return 0
        if value == 1 and self._word(at + 1) in {"time", "name", "aid", "of", "class", "hand"}:
            return 0
        return self._day(at, 1, value) or self._take(at, 1, f"{value}#")

    def _article(self, at: int) -> int:
        """`in an hour` says how long, `£10 an hour` says per; only the first one is an amount."""
        if self._word(at - 1) == "half" and self._word(at + 1) in _SPAN:
            return 0
        if self._word(at + 1) in _SPAN and self._word(at - 1) in _WITHIN:
            return self._take(at, 2, quantity(1, self._word(at + 1)))
        return 0

    def _part(self, at: int) -> int:
        """`half an hour`, and on the clock `half past four`, British `half four`, `quarter to five`."""
        after = self._word(at + 1)
        if self.words[at] == "half" and after in {"a", "an"} and (unit := self._word(at + 2)) in UNITS:
            return self._take(at, 3, quantity(0.5, unit))
        skip = 2 if after in {"past", "to"} else 1
        hour = NUMBERS.get(self._word(at + skip)) or _integer(self._word(at + skip))
        if not hour or hour > 12 or (self.words[at] == "quarter" and skip == 1):
            return 0
        minutes = (30 if self.words[at] == "half" else 15) * (-1 if after == "to" else 1)
        return self._take(at, skip + 1, hour_of(int(hour) * 60 + minutes, self.words))

    def _measured(self, at: int, length: int, value: float, unit: str, spelled: bool = False) -> int:
        """An amount with the unit that follows it, if one does."""
        after = at + length
        if self._kind(after) == "op" and self.words[after] == "-" and self._kind(after + 1) == "word":
            after += 1  # "2-year"
        word = self._word(after)
        if word in MULTIPLES and len(word) > 1:
            value, length, after = value * MULTIPLES[word], after + 1 - at, after + 1
            word = self._word(after)
        if unit and unit not in MONEY:
            return self._aged(at, length, value, unit)
        if word in {"o'clock", "oclock"}:
            return self._take(at, after + 1 - at, hour_of(int(value) * 60, self.words))
        if word == "past" and (hour := NUMBERS.get(self._word(after + 1)) or _integer(self._word(after + 1))):
            return self._take(at, after + 2 - at, hour_of(int(hour * 60 + value), self.words))
        if word in {"squared", "cubed"}:
            return self._take(at, after + 1 - at, quantity(value), "^2" if word == "squared" else "^3")
        if word == "per" and self._word(after + 1) == "cent":
            return self._take(at, after + 2 - at, quantity(value, "%"))
        if word.startswith("year-old"):
            return self._take(at, after + 1 - at, f"{value:g} aged")
        if not unit and (found := _unit(word)):
            return self._aged(at, after + 1 - at, value, found)
        if spelled and self._of_day(after):
            return self._take(at, length, hour_of(int(value) * 60, self.words))
        return self._take(at, length, quantity(value, unit) if unit else self._bare(at, value))

    def _bare(self, at: int, value: float) -> str:
        return f"{value:g} aged" if self._word(at - 1) in {"age", "aged"} else quantity(value)

    def _aged(self, at: int, length: int, value: float, unit: str) -> int:
        if unit in {"year", "years"} and self._word(at + length) == "old":
            return self._take(at, length + 1, f"{value:g} aged")
        return self._take(at, length, quantity(value, unit))

    def _of_day(self, at: int) -> bool:
        return self._word(at) == "in" and self._word(at + 2) in {"morning", "afternoon", "evening"}

    def _day(self, at: int, length: int, day: int) -> int:
        """A day of a month on either side: `4 March`, `4th of March`, `March 4th`."""
        if not 1 <= day <= 31:
            return 0
        of = at + length + (self._word(at + length) == "of")
        if month := MONTHS.get(self._word(of)):
            return self._take(at, of + 1 - at, f"day {day}.{month}")
        if (month := MONTHS.get(self._word(at - 1))) and self._word(at - 1) != "may":
            return self._take(at, length, f"day {day}.{month}")
        return 0

    def _operator(self, at: int) -> int:
        op = self.words[at].translate(str.maketrans("−×÷", "-*/"))
        if op in _PARTS:
            return self._measured(at, 1, _PARTS[op], "")
        if op[0] in "⁰¹²³⁴⁵⁶⁷⁸⁹":
            return self._take(at, 1, f"^{op.translate(_RAISED)}")
        before, after = self._kind(at - 1), self._kind(at + 1)
        if op == "^" and after == "num":
            return self._take(at, 2, f"^{self.words[at + 1]}")
        if after == "num" and not (op == "-" and before == "word" and len(self.words[at - 1]) > 1):
            return self._take(at, 1, f"op {op}")
        if before == "num" and op != "-":
            return self._take(at, 1, f"op {op}")
        return 0

    def _between(self, at: int) -> bool:
        return at - 1 in self.used and (self._kind(at + 1) == "num" or self._word(at + 1) in NUMBERS)

    def _kind(self, at: int) -> str:
        return self.tokens[at].kind if 0 <= at < len(self.tokens) else ""

    def _word(self, at: int) -> str:
        return self.words[at] if 0 <= at < len(self.words) else ""


_STARTS = (
    frozenset(NUMBERS) | frozenset(ORDINALS) | {"a", "an", "noon", "midday", "midnight", "half", "quarter"}
    | frozenset(_CALCULATE)
)  # fmt: skip


def _spelled_value(word: str) -> float | None:
    if word in NUMBERS:
        return NUMBERS[word]
    tens, dash, ones = word.partition("-")
    if dash and tens in NUMBERS and ones in NUMBERS:
        return NUMBERS[tens] + NUMBERS[ones]
    return None


def _unit(word: str) -> str:
    """A unit's name, unless it is one letter that stands alone: `5 m` is five metres, `plan A` is none."""
    return word if word in UNITS and word not in {"k", "v", "b"} else ""


def _integer(word: str) -> int:
    return int(word) if word.isdigit() else 0


def unmatched(one: Sequence[str], other: Sequence[str]) -> tuple[list[str], list[str]]:
    """The amounts of each text that the other lacks; `one`, `first` and `a day` alone are too weak to be missed."""
    left, right = _less(one, other), _less(other, one)
    if not right:
        left = [amount for amount in left if amount not in _WEAK]
    elif not left:
        right = [amount for amount in right if amount not in _WEAK]
    return left, right


def _less(one: Sequence[str], other: Sequence[str]) -> list[str]:
    rest = list(other)
    missing = []
    for amount in one:
        if amount in rest:
            rest.remove(amount)
        else:
            missing.append(amount)
    return missing
