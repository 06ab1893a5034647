"""What stands between two texts and one answer: the guards first, then how much speaks for it."""

from __future__ import annotations

from contextlib import suppress

from pyagent_plugins.cache.calibration import Match, pair_of
from pyagent_plugins.cache.meaning.canon import Form, canon, crossed, dumped, loaded, near, remember, same
from pyagent_plugins.cache.meaning.features import Features, features
from pyagent_plugins.cache.meaning.guards import Refusal, compare, doubt
from pyagent_plugins.cache.meaning.verifier import Verifier

REMEMBERED = 4096  # kept questions: about 10 MB of features
CROSSED = Refusal("order", "the same words stand in other roles")
_parsed: dict[str, tuple[Features, Form]] = {}
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
    try:
        found = Features.load(written)
    except (ValueError, TypeError):
        found = features(text)
    while len(_parsed) >= REMEMBERED:
        _parsed.pop(next(iter(_parsed)), None)
    _parsed[text] = found, canon(text)
    return found


def remembered(text: str) -> Features | None:
    """The features of a kept question that this process has met before: reading them anew costs 45 µs."""
    if (known := _parsed.get(text)) is None:
        return None
    remember(text, known[1])
    return known[0]


def judged(text: str, mine: Features, other: str, theirs: Features, cosine: float) -> Refusal | Match:
    """``refused`` and then ``matched``, without doing for the second what the first has done."""
    refusal = compare(mine, theirs)
    if refusal is not None and refusal.kind not in _FORMS_KNOW:
        return refusal
    forms = canon(text), canon(other)
    alike = same(*forms)
    if not alike and refusal is not None:
        return refusal
    if not alike and crossed(*forms):
        return CROSSED
    return _match(text, mine, other, theirs, cosine, forms, alike, refusal is None)


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
        return CROSSED if crossed(*forms) else None
    return None if same(*forms) else refusal


def matched(text: str, mine: Features, other: str, theirs: Features, cosine: float) -> Match:
    """What speaks for one answer for two texts that no guard parts; ``cosine`` is that of their vectors."""
    forms = canon(text), canon(other)
    return _match(text, mine, other, theirs, cosine, forms, same(*forms), False)


def _match(
    text: str,
    mine: Features,
    other: str,
    theirs: Features,
    cosine: float,
    forms: tuple[Form, Form],
    alike: bool,
    clean: bool,
) -> Match:
    """``clean`` says that no guard objects."""
    if None in forms:  # as in other languages: only case and punctuation may differ
        doubtful = mine.words != theirs.words or doubt(mine, theirs)
    else:  # a form is free of the manners that the features still hold
        doubtful = not (alike or near(*forms)) or set(mine.names) != set(theirs.names)
    probability = Verifier.shipped().probability(mine, theirs, cosine, clean)
    return Match(pair_of(text, other), probability, cosine, doubtful, alike)
