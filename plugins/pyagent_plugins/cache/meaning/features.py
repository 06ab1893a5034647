"""What the guards and the verifier need to know of a text, parsed once and kept beside the entry.

English is understood: its number words, negation, antonyms, question words and word order. Of another language the
figures, units, identifiers, capitalised names and the bare words are seen; since its negation is not, the guards let
such a text pass only when the other one holds the same words.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, fields

from pyagent_plugins.cache.meaning import names as naming
from pyagent_plugins.cache.meaning.contrasts import labels
from pyagent_plugins.cache.meaning.numbers import Numbers
from pyagent_plugins.cache.meaning.questions import kinds
from pyagent_plugins.cache.meaning.tokens import Token, tokens
from pyagent_plugins.cache.meaning.words import CONTRACTIONS, ENGLISH, NEGATORS, STOP, canonical, known, stem

VERSION = 1
# A verb and a particle that make one verb, also with words between them: "turn my heating off".
_PHRASES = {
    "turn on": "enable", "switch on": "enable", "turn off": "disable", "switch off": "disable", "put in": "insert",
    "take out": "withdraw", "take off": "remove", "get rid": "remove", "shut down": "close", "close down": "close",
    "turn up": "increase", "turn down": "decrease", "bring down": "decrease", "cut down": "decrease",
    "log in": "login", "sign in": "login", "log out": "logout", "sign out": "logout", "log on": "login",
    "log off": "logout", "sign up": "register", "opt in": "optin", "opt out": "optout", "check in": "checkin",
    "check out": "checkout", "move in": "movein", "move out": "moveout", "pay in": "deposit", "set up": "install",
    "find out": "find", "throw away": "discard", "pick up": "collect", "drop off": "dropoff", "fill in": "complete",
    "fill out": "complete", "give back": "return", "bring back": "return", "clock in": "clockin",
    "clock out": "clockout", "zoom in": "zoomin", "zoom out": "zoomout", "scale up": "scaleup",
    "scale down": "scaledown", "swap out": "replace",
    "cut off": "disable", "shut off": "disable", "cut out": "remove", "carry on": "continue", "put off": "postpone",
}  # fmt: skip
_PHRASAL = {f"{stem(pair.split()[0])} {pair.split()[1]}": canonical(one) for pair, one in _PHRASES.items()}
_VERBS = frozenset(pair.split()[0] for pair in _PHRASAL)
_PARTICLES = frozenset(pair.split()[1] for pair in _PHRASAL)
_COMPOUNDS = frozenset("full-time part-time in-store self-employed in-person e-mail carry-on off-peak one-way".split())  # noqa: SIM905
_SUBJECTS = frozenset("who what where when why how which that it he she there here".split())  # noqa: SIM905
# Where the words on its two sides cannot change places.
_DIRECTED = {"to": "to", "into": "to", "onto": "to", "from": "from", "than": "than", "before": "before",
             "after": "after", "over": "over", "by": "by", "versus": "", "minus": "by"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Features:
    """``words``: lower-case, contractions written out, [n]; ``content``: what remains of them without grammar, each
    by the word that stands for its class, [m]; ``amounts``: numbers in one spelling and in their order; ``follow``:
    the word after each; ``places``: sets of words that exclude one another, as `enable/disable:enable`;
    ``directed``: (marker, content words before it, content words after it); ``length`` is the text's, in characters.
    """

    words: tuple[str, ...]
    content: tuple[str, ...]
    amounts: tuple[str, ...]
    follow: tuple[str, ...]
    idents: tuple[str, ...]
    names: tuple[str, ...]
    places: tuple[str, ...]
    asks: tuple[str, ...]
    directed: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]
    negations: int
    english: bool
    length: int
    grams: frozenset[str]

    def dump(self) -> str:
        """Compact JSON, about six times the length of a short text. The letter triples are made anew by ``load``."""
        values = [getattr(self, field.name) for field in fields(self) if field.name != "grams"]
        return json.dumps([VERSION, *values], ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def load(cls, data: str) -> Features:
        """Raises ValueError for what another version wrote: parse the text again."""
        version, *values = json.loads(data)
        if version != VERSION or len(values) != len(fields(cls)) - 1:
            raise ValueError(f"features of version {version}; this program reads {VERSION}")
        words, content, amounts, follow, idents, names, places, asks, directed, negations, english, length = values
        return cls(
            tuple(words),
            tuple(content),
            tuple(amounts),
            tuple(follow),
            tuple(idents),
            tuple(names),
            tuple(places),
            tuple(asks),
            tuple((marker, tuple(before), tuple(after)) for marker, before, after in directed),
            negations,
            english,
            length,
            _grams(words),
        )


def features(text: str) -> Features:
    """Parses a text of any length and language; about 100 µs for a question of ten words."""
    found = tokens(unicodedata.normalize("NFC", text))
    numbers = Numbers(found)
    return _Parse(found, numbers).features(len(text))


class _Parse:
    """One walk over the tokens of one text."""

    def __init__(self, found: Sequence[Token], numbers: Numbers) -> None:
        self.numbers = numbers
        self.written: list[str] = []  # words as they were written
        self.opens: list[bool] = []  # whether each begins a sentence
        self.clause: list[bool] = []  # or a clause
        self.idents: list[str] = []
        self.follow: list[str] = []
        sentence = clause = True
        for at, token in enumerate(found):
            if token.kind == "end":
                clause = True
                sentence = sentence or token.text[0] in ".?!:\n"
            elif token.kind == "ident":
                self.idents.append(token.text)
                sentence = clause = False
            elif token.kind == "word" and at not in numbers.used:
                for piece in _pieces(token.text):
                    self._word(piece, sentence, clause)
                    sentence = clause = False
            elif at in numbers.used and at + 1 not in numbers.used:
                self.follow.append(found[at + 1].text.lower() if at + 1 < len(found) else "")
        self.words = [word.lower() for word in self.written]

    def _word(self, piece: str, sentence: bool, clause: bool) -> None:
        self.written.append(piece)
        self.opens.append(sentence)
        self.clause.append(clause)

    def features(self, length: int) -> Features:
        names = self._names()
        content = self._content(names)
        places = dict.fromkeys(place for word in self.words for place in labels(word))
        places.update(dict.fromkeys(place for _, word in content for place in labels(word)))
        places.update(dict.fromkeys(place for bound in self.numbers.bounds for place in labels(bound)))
        return Features(
            words=tuple(self.words),
            content=tuple(word for _, word in content),
            amounts=tuple(self.numbers.amounts),
            follow=tuple(self.follow),
            idents=tuple(self.idents),
            names=tuple(dict.fromkeys(names.values())),
            places=tuple(places),
            asks=tuple(sorted(kinds(self.words, self.clause))),
            directed=self._directed(content),
            negations=sum(_negates(self.words, at) for at, word in enumerate(self.words) if word in NEGATORS),
            english=any(word in ENGLISH or known(word) for word in self.words) or not self.words,
            length=length,
            grams=_grams(self.words),
        )

    def _names(self) -> dict[int, str]:
        places = naming.capitals(self.written, self.opens)
        places.update(at for at, word in enumerate(self.words) if naming.one_name(word) in naming.KNOWN)
        names = {at: naming.one_name(self.words[at]) for at in sorted(places)}
        for at, pair in naming.joined(self.words).items():
            names[at] = pair
            names.pop(at + 1, None)
        return names

    def _content(self, names: dict[int, str]) -> list[tuple[int, str]]:
        """What the text is about, with the place of each word."""
        content: list[tuple[int, str]] = []
        verb = -9  # where in `content` the last verb that may take a particle is
        for at, word in enumerate(self.words):
            if at in names:
                content.append((at, names[at]))
                continue
            if word in _PARTICLES and verb >= 0 and at - content[verb][0] <= 4:
                pair = f"{stem(self.words[content[verb][0]])} {word}"
                if pair in _PHRASAL:
                    content[verb] = (content[verb][0], _PHRASAL[pair])
                    verb = -9
                    continue
            if word in STOP or word in NEGATORS or len(word) < 2:
                continue
            if stem(word) in _VERBS:
                verb = len(content)
            content.append((at, canonical(word)))
        return content

    def _directed(self, content: Sequence[tuple[int, str]]) -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
        found = []
        for at, word in enumerate(self.words):
            if marker := _DIRECTED.get(word):
                before = tuple(text for place, text in content if at - 6 <= place < at)[-4:]
                after = tuple(text for place, text in content if at < place <= at + 4)[:2]
                if before or after:
                    found.append((marker, before, after))
        return tuple(found)


def _negates(words: Sequence[str], at: int) -> bool:
    """Whether a negator turns the sense. `I do not know how to` only asks, and `, isn't it?` only seeks assent."""
    after, before = words[at + 1 : at + 3], words[max(0, at - 2) : at]
    if not after or after[0] in {"only", "sure", "know", "understand", "remember", "just", "problem", "matter"}:
        return False
    if before[-1:] in (["or"], ["whether"]) or (words[at] == "no" and after[0] in {"idea", "clue"}):
        return False
    tag = len(after) == 1 and before[-1:] != [] and after[0] in {"it", "they", "he", "she", "you", "that", "there"}
    return not tag


def _pieces(text: str) -> list[str]:
    """The words in one written word: contractions written out, possessives and hyphens taken apart."""
    lower = text.lower()
    if lower in CONTRACTIONS:
        return CONTRACTIONS[lower].split()
    if lower.endswith("n't"):
        return [text[:-3], "not"]
    if "'" in text:
        head, _, tail = text.partition("'")
        # "who's" asks; a possessive 's goes, and so do 've, 're, 'll and 'd, which are grammar.
        return [head, "is"] if tail == "s" and head.lower() in _SUBJECTS else [head or tail]
    if "-" not in text:
        return [text]
    if lower in _COMPOUNDS:
        return [lower.replace("-", "")]
    head, _, rest = text.partition("-")
    return ["not", *rest.split("-")] if head.lower() == "non" else [part for part in text.split("-") if part]


def _grams(words: Sequence[str]) -> frozenset[str]:
    text = f" {' '.join(words)} "
    return frozenset(map("".join, zip(text, text[1:], text[2:], strict=False)))
