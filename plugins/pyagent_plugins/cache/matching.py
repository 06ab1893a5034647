"""What stands between two texts and one answer: the guards first, then how much speaks for it."""

from __future__ import annotations

from pyagent_plugins.cache.calibration import Match, pair_of
from pyagent_plugins.cache.meaning.canon import canon, crossed, near, same
from pyagent_plugins.cache.meaning.features import Features
from pyagent_plugins.cache.meaning.guards import Refusal, compare, doubt
from pyagent_plugins.cache.meaning.verifier import Verifier


def alike(text: str, other: str) -> bool:
    """Whether both have one canonical form."""
    return same(canon(text), canon(other))


def refused(text: str, mine: Features, other: str, theirs: Features) -> Refusal | None:
    """What a guard has against one answer for both texts, whose features are ``mine`` and ``theirs``.

    The last two guards guess at the language and at the order of arguments; a form that both texts have knows.
    """
    refusal = compare(mine, theirs)
    if refusal is not None and refusal.kind not in ("language", "order"):
        return refusal  # most end here, and a form costs 75 µs
    forms = canon(text), canon(other)
    if refusal is None:
        return Refusal("order", "the same words stand in other roles") if crossed(*forms) else None
    return None if same(*forms) else refusal


def matched(text: str, mine: Features, other: str, theirs: Features, cosine: float) -> Match:
    """What speaks for one answer for two texts that no guard parts; ``cosine`` is that of their vectors."""
    forms = canon(text), canon(other)
    # Where there is no form to compare, as in other languages, only case and punctuation may differ.
    close = near(*forms) if None not in forms else mine.words == theirs.words
    probability = Verifier.shipped().probability(mine, theirs, cosine)
    return Match(pair_of(text, other), probability, cosine, doubt(mine, theirs) or not close, same(*forms))
