"""What stands between two texts and one answer: the guards first, then how much speaks for it."""

from __future__ import annotations

from contextlib import suppress

from pyagent_plugins.cache.calibration import Match, pair_of
from pyagent_plugins.cache.meaning.canon import canon, crossed, dumped, loaded, near, remember, same
from pyagent_plugins.cache.meaning.features import Features, features
from pyagent_plugins.cache.meaning.guards import Refusal, compare, doubt
from pyagent_plugins.cache.meaning.verifier import Verifier

_FORMS_KNOW = frozenset({"language", "order", "numbers"})


def alike(text: str, other: str) -> bool:
    """Whether both have one canonical form."""
    return same(canon(text), canon(other))


def kept(text: str, mine: Features) -> bytes:
    """What is laid beside an entry, so that a look-up parses only its own question: features, and the form."""
    return f"{mine.dump()}\n{dumped(canon(text))}".encode("utf-8", "surrogatepass")


def recalled(text: str, data: bytes | None) -> Features:
    """The features of a kept question from what ``kept`` gave; what another version wrote is made anew."""
    written, _, form = (data or b"").decode("utf-8", "surrogatepass").partition("\n")
    with suppress(ValueError, TypeError):
        remember(text, loaded(form))
    with suppress(ValueError, TypeError):
        return Features.load(written)
    return features(text)


def refused(text: str, mine: Features, other: str, theirs: Features) -> Refusal | None:
    """What a guard has against one answer for both texts, whose features are ``mine`` and ``theirs``.

    Where a guard guesses (at the language, at the order of arguments, at `one ounce` beside `an ounce`), a form that
    both texts have knows: it holds every number but 1.
    """
    refusal = compare(mine, theirs)
    if refusal is not None and refusal.kind not in _FORMS_KNOW:
        return refusal  # most end here, and a form costs 75 µs
    forms = canon(text), canon(other)
    if refusal is None:
        return Refusal("order", "the same words stand in other roles") if crossed(*forms) else None
    return None if same(*forms) else refusal


def matched(text: str, mine: Features, other: str, theirs: Features, cosine: float) -> Match:
    """What speaks for one answer for two texts that no guard parts; ``cosine`` is that of their vectors."""
    forms = canon(text), canon(other)
    if None in forms:  # as in other languages: only case and punctuation may differ
        doubtful = mine.words != theirs.words or doubt(mine, theirs)
    else:  # a form is free of the manners that the features still hold
        doubtful = not near(*forms) or set(mine.names) != set(theirs.names)
    probability = Verifier.shipped().probability(mine, theirs, cosine)
    return Match(pair_of(text, other), probability, cosine, doubtful, same(*forms))
