"""Reads GBNF, llama.cpp's notation for grammars, into rules that an automaton can open one by one.

https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md, without references to single tokens.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TOP = 0x10FFFF
# No context holds more; ``minLength: 1000000000`` must not take the memory.
LONGEST = 1_000_000
_WORDS = re.compile(
    r"""(?P<space>[ \t\r\n]+|\#[^\n]*)
    |(?P<head>[a-zA-Z0-9_-]+[ \t]*::=)
    |(?P<name>[a-zA-Z0-9_-]+)
    |(?P<literal>"(?:[^"\\]|\\.)*")
    |(?P<set>\[(?:[^\]\\]|\\.)*\])
    |(?P<any>\.)
    |(?P<times>[*+?]|\{\s*\d+\s*(?:,\s*\d*\s*)?\})
    |(?P<bar>\|)|(?P<open>\()|(?P<close>\))""",
    re.VERBOSE | re.DOTALL,
)
_CHAR = re.compile(r"\\x([0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|\\(.)|([^\\])", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_LIKED = "x 0\n"


class GrammarError(ValueError):
    """The text is no grammar, or no text would ever satisfy it."""


@dataclass(frozen=True, slots=True, eq=False)
class Chars:
    """One character out of (or, ``negated``, outside of) ranges of code points, ends included."""

    ranges: tuple[tuple[int, int], ...]
    negated: bool = False

    def has(self, code: int) -> bool:
        return any(low <= code <= high for low, high in self.ranges) != self.negated

    def within(self, low: int, high: int) -> int | None:
        """A code point of the set from ``low`` to ``high``, if there is one."""
        starts = [end + 1 for _, end in self.ranges] if self.negated else [start for start, _ in self.ranges]
        return next((c for c in (low, *starts) if low <= c <= high and self.has(c)), None)

    @property
    def blank(self) -> bool:
        return not self.negated and all(low == high and low in (9, 10, 13, 32) for low, high in self.ranges)

    @property
    def example(self) -> str:
        """The character that a shortest text takes; empty when there is none."""
        if not self.negated:
            return chr(self.ranges[0][0]) if self.ranges else ""
        return next((c for c in _LIKED if self.has(ord(c))), "")


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A reference to a rule by its name."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Repeat:
    """An element ``least`` to ``most`` times; ``most`` None: without end."""

    element: Element
    least: int
    most: int | None


Element = Chars | Rule | Repeat
Alternatives = list[tuple[Element, ...]]


class Rules:
    """The rules of a grammar by name. Elements are shared objects: the same one is the same."""

    def __init__(self) -> None:
        self.alternatives: dict[str, Alternatives] = {}
        self._repeats: dict[tuple[int, int, int | None], Repeat] = {}
        self._shortest: dict[str, str] = {}
        self._openings: dict[int, Alternatives] = {}

    def repeat(self, element: Element, least: int, most: int | None) -> Repeat:
        key = (id(element), least, most)
        known = self._repeats.get(key)
        if known is None:
            known = self._repeats[key] = Repeat(element, least, most)
        return known

    def openings(self, element: Element) -> Alternatives:
        """The sequences that a rule or a repetition may stand for."""
        if isinstance(element, Rule):
            return self.alternatives[element.name]
        if isinstance(element, Chars):
            return [(element,)]
        known = self._openings.get(id(element))
        if known is None:
            known = self._openings[id(element)] = self._unroll(element)
        return known

    def _unroll(self, repeat: Repeat) -> Alternatives:
        one, least, most = repeat.element, repeat.least, repeat.most
        fewer = None if most is None else most - 1
        if least:
            return [(one, self.repeat(one, least - 1, fewer))]
        return [()] if most == 0 else [(one, self.repeat(one, 0, fewer)), ()]

    def shortest(self, element: Element) -> str:
        """The text with the fewest bytes that the element stands for."""
        if isinstance(element, Chars):
            return element.example
        if isinstance(element, Repeat):
            one = self.shortest(element.element) if element.least else ""
            if len(one) * element.least > LONGEST:
                raise GrammarError(f"the shortest text has more than {LONGEST} characters")
            return one * element.least
        return self._shortest[element.name]

    def settle(self) -> None:
        """Finds each rule's shortest text. Raises GrammarError for a rule that is missing or never ends."""
        for names in (n for alternatives in self.alternatives.values() for s in alternatives for n in _names(s)):
            if names not in self.alternatives:
                raise GrammarError(f"the grammar has no rule {names!r}")
        changed = True
        while changed:
            changed = False
            for name, alternatives in self.alternatives.items():
                for sequence in alternatives:
                    changed |= self._improve(name, sequence)
        if "root" not in self._shortest:
            raise GrammarError("the grammar has no rule 'root' that ends")

    def _improve(self, name: str, sequence: tuple[Element, ...]) -> bool:
        needed = [n for n in _names(sequence, needed=True) if n not in self._shortest]
        if needed or any(isinstance(e, Chars) and not e.example for e in sequence):
            return False
        text = "".join(map(self.shortest, sequence))
        if len(text) > LONGEST:
            raise GrammarError(f"the shortest text has more than {LONGEST} characters")
        known = self._shortest.get(name)
        if known is not None and len(text.encode()) >= len(known.encode()):
            return False
        self._shortest[name] = text
        return True


def _names(sequence: tuple[Element, ...], needed: bool = False) -> list[str]:
    """Rules that the sequence refers to; with ``needed`` only those without which it cannot be."""
    names = []
    for element in sequence:
        while isinstance(element, Repeat) and (element.least or not needed):
            element = element.element
        if isinstance(element, Rule):
            names.append(element.name)
    return names


def parse(text: str) -> Rules:
    """The rules of a GBNF text. Raises GrammarError."""
    try:
        return _Parser(text).rules
    except RecursionError as error:
        raise GrammarError("the grammar is nested too deeply") from error


class _Parser:
    def __init__(self, text: str) -> None:
        self.rules = Rules()
        self._chars: dict[str, Chars] = {}
        self._rule_of: dict[str, Rule] = {}
        self._words = list(self._split(text))
        self._at = 0
        while self._at < len(self._words):
            name = self._take("head").removesuffix("::=").strip()
            self.rules.alternatives[name] = self._alternatives()
        self.rules.settle()

    def _split(self, text: str) -> list[tuple[str, str]]:
        words, at = [], 0
        while at < len(text):
            match = _WORDS.match(text, at)
            if match is None:
                line = text.count("\n", 0, at) + 1
                raise GrammarError(f"line {line} of the grammar cannot be read at {text[at : at + 20]!r}")
            if match.lastgroup != "space":
                words.append((str(match.lastgroup), match.group()))
            at = match.end()
        return words

    def _peek(self) -> str:
        return self._words[self._at][0] if self._at < len(self._words) else ""

    def _take(self, kind: str) -> str:
        if self._peek() != kind:
            found = self._words[self._at][1] if self._at < len(self._words) else "the end"
            raise GrammarError(f"the grammar has {found!r} where {kind} belongs")
        self._at += 1
        return self._words[self._at - 1][1]

    def _alternatives(self) -> Alternatives:
        found = [self._sequence()]
        while self._peek() == "bar":
            self._at += 1
            found.append(self._sequence())
        return found

    def _sequence(self) -> tuple[Element, ...]:
        elements: list[Element] = []
        while self._peek() in ("name", "literal", "set", "any", "open"):
            elements += self._times(self._item())
        return tuple(elements)

    def _item(self) -> list[Element]:
        kind, word = self._words[self._at]
        self._at += 1
        if kind == "name":
            return [self._rule_of.setdefault(word, Rule(word))]
        if kind == "literal":
            return [self._char(c) for c in _characters(word[1:-1])]
        if kind == "set":
            return [self._set(word)]
        if kind == "any":
            return [Chars(((0, TOP),))]
        inner = self._alternatives()
        self._take("close")
        return [self._group(inner)]

    def _times(self, item: list[Element]) -> list[Element]:
        while self._peek() == "times":
            word = self._take("times")
            least, most = _bounds(word)
            if most is not None and most < least:
                raise GrammarError(f"the grammar repeats {word}, which is never")
            one = item[0] if len(item) == 1 else self._group([tuple(item)])
            item = [self.rules.repeat(one, least, most)]
        return item

    def _group(self, alternatives: Alternatives) -> Rule:
        # A name that no text can hold.
        name = f"({len(self.rules.alternatives)}:{self._at})"
        self.rules.alternatives[name] = alternatives
        return self._rule_of.setdefault(name, Rule(name))

    def _char(self, char: str) -> Chars:
        return self._chars.setdefault(char, Chars(((ord(char), ord(char)),)))

    def _set(self, word: str) -> Chars:
        negated = word.startswith("[^")
        return Chars(tuple(_ranges(word[2 if negated else 1 : -1])), negated)


def _bounds(word: str) -> tuple[int, int | None]:
    if not word.startswith("{"):
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[word]
    least, comma, most = word[1:-1].partition(",")
    if not comma:
        return int(least), int(least)
    return int(least), int(most) if most.strip() else None


def _characters(text: str) -> list[str]:
    return [_plain(match) for match in _CHAR.finditer(text)]


def _plain(match: re.Match[str]) -> str:
    two, four, eight, escaped, plain = match.groups()
    if code := two or four or eight:
        return chr(int(code, 16))
    return plain if plain is not None else _ESCAPES.get(escaped, escaped)


def _ranges(text: str) -> list[tuple[int, int]]:
    found, ranges, at = list(_CHAR.finditer(text)), [], 0
    while at < len(found):
        low = ord(_plain(found[at]))
        if at + 2 < len(found) and found[at + 1].group() == "-":
            ranges.append((low, ord(_plain(found[at + 2]))))
            at += 3
        else:
            ranges.append((low, low))
            at += 1
    return ranges
