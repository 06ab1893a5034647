"""What a question asks for, so that the answer to `when` is not given to `where`.

Only words that ask for one kind of thing decide: who, when, where, why, how many, how long. `what`, `which`, `how`
and orders can ask for anything and never contradict alone.
"""
# ruff: noqa: SIM905 - word lists read better as text than as 300 quoted strings

from __future__ import annotations

from collections.abc import Sequence

_ASKING = frozenset(
    """is are was were do does did can could will would should shall may must has have had am be""".split()
)
_DOING = frozenset("do does did can could should must will would".split())
_PAID = frozenset("cost costs price charge charged charges pay fee".split())
_HOW = {
    "many": "amount", "much": "amount", "long": "duration", "often": "frequency", "frequently": "frequency",
    "far": "distance", "old": "age", "soon": "time", "tall": "size", "big": "size", "deep": "size", "heavy": "weight",
    "fast": "speed", "hot": "heat", "come": "reason",
}  # fmt: skip
_NOUNS = {
    "time": "time", "date": "time", "day": "time", "year": "time", "month": "time", "person": "person",
    "days": "time", "place": "place", "country": "place", "city": "place", "reason": "reason",
    "number": "amount", "amount": "amount", "age": "age", "distance": "distance", "price": "price",
    "cost": "price", "fee": "price",
}  # fmt: skip
_WORDS = {"who": "person", "whom": "person", "when": "time", "where": "place", "why": "reason"}
# Kinds that one answer can serve: `when is it due` and `how long do I have`; a place or person to turn to is a way.
_NEAR = frozenset(
    frozenset(pair.split("-"))
    for pair in """time-duration time-frequency duration-amount duration-speed distance-amount distance-duration
    age-amount age-time size-amount weight-amount speed-amount heat-amount frequency-amount size-distance
    amount-way frequency-way place-way amount-price price-way thing-way thing-amount thing-price thing-reason
    thing-size thing-weight thing-speed thing-heat thing-age""".split()
)


def kinds(words: Sequence[str], opens: Sequence[bool]) -> frozenset[str]:
    """The kinds of thing a text asks for, from its lower-case words; empty for what and which, and for orders.

    ``opens[i]`` says that word i begins a sentence or a clause. `when I pay` is a condition, not a question: a
    question word counts before an auxiliary, who and how also where a clause begins.
    """
    found = set()
    for at, word in enumerate(words):
        after = words[at + 1] if at + 1 < len(words) else ""
        asks = after in _ASKING
        if word in _WORDS and (asks or (opens[at] and word != "when")):
            # "where can I find out" and "who do I tell" ask for a way.
            mine = word not in {"when", "why"} and words[at + 2 : at + 3] in (["i"], ["we"])
            found.add("way" if mine else _WORDS[word])
        elif word == "how":
            kind = _HOW.get(after, "way")
            found.add("price" if after == "much" and not _PAID.isdisjoint(words) else kind)
        elif word == "what" and after in _DOING:
            found.add("price" if not _PAID.isdisjoint(words) else "thing")
        elif word in {"what", "which"} and after in _NOUNS:
            found.add(_NOUNS[after])
    return frozenset(found)


def contradict(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether no kind of one text can be served by what serves the other."""
    if not one or not other or one & other:
        return False
    return not any(frozenset((a, b)) in _NEAR for a in one for b in other)
