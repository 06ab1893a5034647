"""Rules on the form of a text that a program can check: each is a row ``[name, argument]``, so that it is data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Rule = Sequence[Any]  # [name, argument]


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", text)


def sentences(text: str) -> list[str]:
    return [part for part in re.split(r"[.!?]+(?:\s+|$)", text) if part.strip()]


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def bullets(text: str) -> list[str]:
    return [line for line in lines(text) if line.startswith(("- ", "* "))]


def _initials(text: str) -> str:
    return "".join(line[0].casefold() for line in lines(text))


CHECKS: Mapping[str, Callable[[str, Any], bool]] = {
    "word": lambda text, what: text.strip(". !") == what,
    "contains": lambda text, what: what.casefold() in map(str.casefold, words(text)),
    "times": lambda text, what: [w.casefold() for w in words(text)].count(what[0]) == what[1],
    "without": lambda text, what: what not in text.casefold() and len(words(text)) >= 3,
    "lower": lambda text, _: text == text.lower() and any(map(str.isalpha, text)),
    "upper": lambda text, _: text == text.upper() and any(map(str.isalpha, text)),
    "begins": lambda text, what: text.casefold().startswith(what.casefold()),
    "ends": lambda text, what: text.rstrip().endswith(what),
    "words": lambda text, count: len(words(text)) == count,
    "most_words": lambda text, count: 1 <= len(words(text)) <= count,
    "sentences": lambda text, count: len(sentences(text)) == count,
    "lines": lambda text, count: len(lines(text)) == count,
    "bullets": lambda text, count: len(bullets(text)) == count == len(lines(text)),
    "no_commas": lambda text, _: "," not in text and len(words(text)) >= 3,
    "question": lambda text, _: text.rstrip().endswith("?"),
    "acrostic": lambda text, what: _initials(text) == what,
    "title": lambda text, _: bool(words(text)) and all(word[0].isupper() or word[0].isdigit() for word in words(text)),
    "quoted": lambda text, _: len(text) > 2 and text[0] == text[-1] == '"',
}


def keeps(rule: Rule, text: str) -> bool:
    """Whether ``text`` keeps to the rule; nothing at all keeps to none."""
    return bool(text.strip()) and bool(CHECKS[rule[0]](text, rule[1]))
