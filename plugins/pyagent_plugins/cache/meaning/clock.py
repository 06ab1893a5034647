"""How times and dates are written, so that 15:00, 3pm and three in the afternoon are one moment."""

from __future__ import annotations

import re
from collections.abc import Sequence

_AFTERNOON = frozenset({"afternoon", "evening", "tonight", "night"})


def hour_of(minutes: int, words: Sequence[str]) -> str:
    """A time by the clock; the text's `morning`, `afternoon` or `evening` says which half of the day."""
    if minutes < 12 * 60 and not _AFTERNOON.isdisjoint(words):
        minutes += 12 * 60
    elif "morning" not in words and minutes <= 12 * 60:
        return f"t? {minutes // 60}:{minutes % 60:02}"
    return f"t {minutes // 60}:{minutes % 60:02}"


def clock(word: str, words: Sequence[str]) -> str:
    """`7am`, `7.30 pm` or `19:30`, by the clock of 24 hours; `t?` where the half of the day is not said."""
    digits = re.findall(r"\d+", word)
    hour, minute = int(digits[0]), int(digits[1]) if len(digits) > 1 else 0
    half = re.search(r"[ap]", word)
    if half:
        hour = hour % 12 + (12 if half.group() == "p" else 0)
        return f"t {hour}:{minute:02}"
    return f"t {hour}:{minute:02}" if hour > 12 or digits[0].startswith("0") else hour_of(hour * 60 + minute, words)


def date(word: str) -> tuple[str, ...]:
    """`2025-03-04`, `4/3/2025` and `2025/26`; a date that means another day in another country stays as written."""
    numbers = [int(part) for part in re.split(r"[-/–]", word)]
    if len(numbers) == 2:
        return (f"{numbers[0]}/{numbers[1] % 100}",)  # a tax or school year
    if numbers[0] > 31:
        return f"day {numbers[2]}.{numbers[1]}", f"{numbers[0]}"
    day, month, year = numbers
    if month > 12:
        day, month = month, day
    elif day <= 12 and day != month:
        return f"date {day}/{month}", f"{year}"  # which is the day depends on the country
    return f"day {day}.{month}", f"{year}"
