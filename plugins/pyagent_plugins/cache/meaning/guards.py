"""What forbids that two texts share an answer, however near their vectors are.

MiniLM puts "take 5 mg" and "take 50 mg" at a cosine of 0.97 and "lock my card" and "unlock my card" at 0.95; no
threshold parts them from paraphrases. Each guard here knows one such difference and says which. A guard can only
turn a hit into a miss. English; see `features` for what other languages get.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from pyagent_plugins.cache.meaning.contrasts import opposite
from pyagent_plugins.cache.meaning.features import Features
from pyagent_plugins.cache.meaning.names import one_name, swapped
from pyagent_plugins.cache.meaning.numbers import unmatched
from pyagent_plugins.cache.meaning.questions import contradict
from pyagent_plugins.cache.meaning.words import slip


class Refusal(NamedTuple):
    """``kind`` is one of numbers, identifiers, names, negation, contrast, question, order, language; ``reason`` a
    short sentence part for `stats` and `show`: ``numbers differ: 5 and 6``."""

    kind: str
    reason: str


def compare(one: Features, other: Features) -> Refusal | None:
    """The first reason why the answer to one text must not serve the other; None when no guard objects.

    Symmetric, except for the order of the words in a reason. About 15 µs for two questions.
    """
    for guard in GUARDS:
        if refusal := guard(one, other):
            return refusal
    return None


def numbers(one: Features, other: Features) -> Refusal | None:
    """Amounts, times, dates, ordinals and operators; 90 minutes are 1.5 hours, 10² is not 102."""
    if one.amounts == other.amounts:
        return None
    left, right = unmatched(one.amounts, other.amounts)
    if left and right:
        return Refusal("numbers", f"numbers differ: {left[0]} and {right[0]}")
    if left or right:
        return Refusal("numbers", f"a number stands on one side only: {(left or right)[0]}")
    if len(one.amounts) == len(other.amounts) and sorted(_owned(one)) != sorted(_owned(other)):
        return Refusal("numbers", f"numbers change places: {', '.join(one.amounts)}")
    return None


def _owned(text: Features) -> list[tuple[str, str]]:
    """Each amount with the word after it: `2 adults, 3 children` in either order is one party."""
    return list(zip(text.amounts, (word.rstrip("s") for word in text.follow), strict=False))


def identifiers(one: Features, other: Features) -> Refusal | None:
    """Code, paths, flags, addresses, versions and part numbers, byte for byte; code marks alone do not count."""
    if one.idents == other.idents:
        return None
    left = [ident for ident in one.idents if ident not in other.idents and not _spoken(ident, other)]
    right = [ident for ident in other.idents if ident not in one.idents and not _spoken(ident, one)]
    if left and right:
        return Refusal("identifiers", f"identifiers differ: {left[0]} and {right[0]}")
    if left or right:
        return Refusal("identifiers", f"an identifier stands on one side only: {(left or right)[0]}")
    return None


def _spoken(ident: str, text: Features) -> bool:
    """Whether the other text has it as plain words: `pip` in code marks and pip without them."""
    return ident in text.words or ident.lower() in (other.lower() for other in text.idents if ident[:1] not in "-/~.")


def names(one: Features, other: Features) -> Refusal | None:
    """A name for another name. A name on one side only is left to the verifier: it may be a detail."""
    if one.names == other.names or not (one.names and other.names):
        return None
    left, right = swapped(one.names, other.names, _said(one), _said(other))
    if left and right:
        return Refusal("names", f"names differ: {left[0]} and {right[0]}")
    return None


def _said(text: Features) -> tuple[str, ...]:
    return (*text.names, *map(one_name, text.words))


def negation(one: Features, other: Features) -> Refusal | None:
    """An odd number of negations more on one side."""
    if (one.negations - other.negations) % 2 == 0:
        return None
    return Refusal("negation", "one is negated, the other is not")


def contrast(one: Features, other: Features) -> Refusal | None:
    """Words that exclude one another: antonyms, and two of one kind, as beef and chicken or monthly and yearly."""
    if one.places != other.places:
        mine = {place.partition(":")[0]: place for place in one.places if place not in other.places}
        for place in other.places:
            group = place.partition(":")[0]
            if group in mine and place not in one.places:
                return Refusal("contrast", f"{mine[group].partition(':')[2]} against {place.partition(':')[2]}")
    if one.content != other.content:
        rest = [word for word in other.content if word not in one.content]
        for word in one.content if rest else ():
            if word not in other.content:
                for against in rest:
                    if opposite(word, against):
                        return Refusal("contrast", f"{word} against {against}")
    return None


def question(one: Features, other: Features) -> Refusal | None:
    """Who, when, where, why, how many: kinds of answers that cannot stand for one another."""
    if contradict(frozenset(one.asks), frozenset(other.asks)):
        return Refusal("question", f"asks for {one.asks[0]} and for {other.asks[0]}")
    return None


def order(one: Features, other: Features) -> Refusal | None:
    """From A to B against from B to A, A than B against B than A, dog bites man against man bites dog."""
    for marker, before, after in one.directed:
        for against, prior, later in other.directed:
            if marker == against and _crossed(before, after, prior, later):
                return Refusal("order", f"the words around {marker!r} change places")
            if {marker, against} == {"to", "from"} and (turned := _turned(one, other, after, later)):
                return Refusal("order", f"{turned} is where one goes to and the other comes from")
    if one.content != other.content and sorted(one.content) == sorted(other.content):
        return _exchanged(one, other)
    return None


def _crossed(before: Sequence[str], after: Sequence[str], prior: Sequence[str], later: Sequence[str]) -> bool:
    return any(word in prior and word not in later and word not in before for word in after) and any(
        word in later and word not in prior and word not in after for word in before
    )


def _turned(one: Features, other: Features, after: Sequence[str], later: Sequence[str]) -> str:
    """The name or thing that follows `to` in one text and `from` in the other, unless each text has it in both."""
    if not after or not later or after[0] != later[0]:
        return ""
    both = [{marker for marker, _, words in text.directed if words[:1] == after[:1]} for text in (one, other)]
    return after[0] if not both[0] & both[1] else ""


def _exchanged(one: Features, other: Features) -> Refusal | None:
    """Two words of a kind that swap their places, all others staying.

    Neighbours may be a mere list (`tea and milk`), and a name against another word is a phrase moved to the front.
    """
    moved = [at for at, (a, b) in enumerate(zip(one.content, other.content, strict=True)) if a != b]
    if len(moved) != 2 or moved[1] - moved[0] < 2:
        return None
    first, last = one.content[moved[0]], one.content[moved[1]]
    if (first in one.names) != (last in one.names):
        return None
    return Refusal("order", f"{first} and {last} change places")


def language(one: Features, other: Features) -> Refusal | None:
    """Where negation cannot be read, only the same words in the same order will do."""
    if one.english and other.english:
        return None
    return None if one.words == other.words else Refusal("language", "not English, and the words differ")


def doubt(one: Features, other: Features) -> bool:
    """Whether anything but grammar, order, synonyms and slips of the pen parts two texts that `compare` lets pass."""
    if one.names != other.names and set(one.names) != set(other.names):
        return True
    if one.asks != other.asks and one.asks and other.asks:
        return True
    left = set(one.content).difference(other.content)
    right = set(other.content).difference(one.content)
    if len(left) != len(right):
        return True
    return any(not any(slip(word, against) for against in right) for word in left)


GUARDS: tuple[Callable[[Features, Features], Refusal | None], ...] = (
    numbers, identifiers, names, negation, contrast, question, order, language,
)  # fmt: skip
