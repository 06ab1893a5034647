"""One form for the many ways to ask one thing, so that a young cache may join them before anything was measured.

What is taken off or unified is named here word by word; whatever is not known stays and keeps two questions apart.
Equal forms mean the same kind of answer, the same words in the same roles, the same numbers, negations and tense.
English only; ``None`` for other languages and for documents, which have no such form.
"""

# ruff: noqa: SIM905 - word lists read better as text than as 300 quoted strings
from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from itertools import zip_longest

from pyagent_plugins.cache.meaning.frames import Frame, framed
from pyagent_plugins.cache.meaning.names import KNOWN, TONGUES
from pyagent_plugins.cache.meaning.tokens import Token, tokens
from pyagent_plugins.cache.meaning.units import UNITS
from pyagent_plugins.cache.meaning.words import CONTRACTIONS, ENGLISH, canonical, singular, slip, stem
from pyagent_plugins.cache.meaning.wrappers import unwrapped

VERSION = 3  # of the rules: a kept form of other rules is not compared
REMEMBERED = 8192  # texts
LONGEST = 2000  # characters; what is longer is a document
_MORE_CONTRACTIONS = {"n't": " not", "'re": " are", "'ve": " have", "'ll": " will", "'m": " am"}
# Any of these says that a text is English: its grammar, and its long names of units.
_SIGNS = (
    ENGLISH
    | {"possessive", "define", "translate", "explain", "convert", "may", "could", "would", "might"}
    | {unit for unit in UNITS if len(unit) > 4}
    | {tongue for tongue in TONGUES.split() if tongue.endswith(("ish", "ese", "ian", "ench"))}
)
_IS = frozenset("what who where when how why that which it there here".split())
_ARTICLES = frozenset("a an the".split())
_AUXILIARIES = frozenset("is are am was were be been being do does did".split())
_IDLE = frozenset("please exactly actually basically really simply there um uh er erm".split())
# A word and what it is written for: plain synonyms that no context parts, and spellings.
_SAME = dict(
    pair.split(":")
    for pair in """purchase:buy telephone:phone cellphone:mobile television:tv photograph:photo movie:film begin:start
    commence:start mend:fix repair:fix attorney:lawyer automobile:car bicycle:bike refrigerator:fridge petrol:gasoline
    garbage:rubbish trash:rubbish colour:color colours:color centre:center metre:meter metres:meter litre:liter
    litres:liter favourite:favorite organisation:organization theatre:theater cheque:check grey:gray tyre:tire
    catalogue:catalog programme:program licence:license cancelled:cancel cancelling:cancel canceled:cancel
    canceling:cancel kilometre:kilometer kilometres:kilometer centimetre:centimeter centimetres:centimeter
    aluminium:aluminum jewellery:jewelry travelled:travel travelling:travel labour:labor neighbour:neighbor
    analyse:analyze realise:realize recognise:recognize summarise:summarize optimise:optimize
    organise:organize bacteria:bacterium criteria:criterion phenomena:phenomenon fungi:fungus cacti:cactus
    nuclei:nucleus stimuli:stimulus radii:radius okay:ok alright:ok OK:ok""".split()
)  # fmt: skip
_SCALES = frozenset("celsius centigrade fahrenheit kelvin".split())
_PREPOSITIONS = frozenset(
    "to from in into on onto at by with without for about over under between through during before after than as via "
    "per up down off out against across around behind near within until since".split()
)

_TOWARDS = {"into": "to", "onto": "to"}


@dataclass(frozen=True, slots=True)
class Canon:
    """``kind`` of answer with its tense and modality; ``words`` in their order; ``roles``: ``to:factory``, in any
    order; ``loose`` where the frame itself moved a word (a passive, a clause), so that one word may stand elsewhere.
    """

    kind: str
    words: tuple[str, ...]
    roles: tuple[str, ...]
    loose: bool


Form = tuple[Canon, ...] | None
_known: dict[str, Form] = {}


def same(one: Form, other: Form) -> bool:
    """Whether two texts ask one thing, sentence by sentence; False when either has no form."""
    if one is None or other is None or len(one) != len(other):
        return False
    return all(_equal(mine, theirs) for mine, theirs in zip(one, other, strict=True))


def near(one: Form, other: Form) -> bool:
    """As ``same``, but words may be synonyms in most contexts, or slips of the pen: it wants other evidence beside."""
    if one is None or other is None or len(one) != len(other):
        return False
    return all(_nearly(mine, theirs) for mine, theirs in zip(one, other, strict=True))


def crossed(one: Form, other: Form) -> bool:
    """Whether both hold the same words, and yet not in the same roles: who killed Caesar, and whom he killed."""
    if one is None or other is None or _size(one) != _size(other):
        return False
    return _bag(one) == _bag(other) and not near(one, other)


def _size(form: tuple[Canon, ...]) -> int:
    return sum(len(part.words) + len(part.roles) for part in form)


def _bag(form: tuple[Canon, ...]) -> list[str]:
    return sorted(stem(word.rpartition(":")[2]) for part in form for word in (*part.words, *part.roles))


def _nearly(one: Canon, other: Canon) -> bool:
    if one.kind == other.kind and _alike(one.words, other.words) and _alike(one.roles, other.roles):
        return True
    return _equal(one, other) or _placed(one, other) or _placed(other, one)


def _placed(one: Canon, other: Canon) -> bool:
    """Whether one word alone stands in another place: the membership at the gym and the gym membership."""
    at = [role for role in one.roles if role.startswith("at:") and role not in other.roles]
    if one.kind != other.kind or len(at) != 1 or {*one.roles} - {at[0]} != {*other.roles}:
        return False
    word = at[0][3:]
    return other.words.count(word) == 1 and _without(other.words, word) == one.words


def _alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return len(one) == len(other) and all(a == b or _akin(a, b) for a, b in zip(one, other, strict=True))


def _akin(one: str, other: str) -> bool:
    role, _, word = one.rpartition(":")
    against, _, theirs = other.rpartition(":")
    if role != against or word.endswith("est") != theirs.endswith("est"):  # larger is not largest
        return False
    return canonical(word) == canonical(theirs) or slip(word, theirs)


def _equal(one: Canon, other: Canon) -> bool:
    if one.kind != other.kind or one.roles != other.roles:
        return False
    return one.words == other.words or ((one.loose or other.loose) and _one_moved(one.words, other.words))


def _one_moved(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether taking one word out and putting it elsewhere makes one sequence the other."""
    if len(one) != len(other) or sorted(one) != sorted(other):
        return False
    at = next(at for at, (a, b) in enumerate(zip(one, other, strict=True)) if a != b)
    return any(_without(one, word) == _without(other, word) for word in (one[at], other[at]))


def _without(words: tuple[str, ...], word: str) -> tuple[str, ...]:
    at = words.index(word)
    return words[:at] + words[at + 1 :]


def canon(text: str) -> Form:
    """The form of a text, a sentence each; None where it has none. About 100 µs; remembered."""
    if text in _known:
        return _known[text]
    form = _made(text)
    remember(text, form)
    return form


def remember(text: str, form: Form) -> None:
    """Take the form of a text from whoever kept it, so that it is not made again."""
    while len(_known) >= REMEMBERED and text not in _known:
        _known.pop(next(iter(_known), ""), None)
    _known[text] = form


def dumped(form: Form) -> str:
    """Compact JSON for ``loaded``, about as long as the text."""
    parts = None if form is None else [[part.kind, part.words, part.roles, part.loose] for part in form]
    return json.dumps([VERSION, parts], ensure_ascii=False, separators=(",", ":"))


def loaded(data: str) -> Form:
    """Raises ValueError for what another version made: make it again."""
    version, parts = json.loads(data)
    if version != VERSION:
        raise ValueError(f"a form of version {version}; this program makes {VERSION}")
    if parts is None:
        return None
    return tuple(Canon(kind, tuple(words), tuple(roles), loose) for kind, words, roles, loose in parts)


def _made(text: str) -> Form:
    if len(text) > LONGEST or not text.strip():
        return None
    sentences = _sentences(text)
    if not any(word in _SIGNS for words in sentences for word in words):
        return None
    bare = [unwrapped(" ".join(words)) for words in sentences]
    return tuple(_form(sentence) for sentence in bare if sentence) or None


def _sentences(text: str) -> list[list[str]]:
    """Lower-case words by sentence; commas, colons and dashes are words of their own."""
    found: list[list[str]] = [[]]
    parts = tokens(unicodedata.normalize("NFC", text))
    for token, then in zip_longest(parts, parts[1:]):
        if token.text in ("novel", "book") and then is not None and then.text[:1].isupper():
            continue  # the novel Emma is Emma; The Book Thief and the book of Job stay
        if token.kind == "end":
            if set(token.text) <= set(",:"):
                found[-1].append(",")
            else:
                found.append([])
        else:
            found[-1] += _written(token)
    return [words for words in found if words]


def _written(token: Token) -> list[str]:
    if token.kind == "op":
        return ["," if token.text in {"-", "\N{EN DASH}"} else token.text]
    if token.kind != "word":
        return [token.text if token.kind == "ident" else token.text.lower()]
    if token.text.isupper() and len(token.text) > 1:
        return [token.text]  # US is not us
    lower = token.text.lower()
    if lower in CONTRACTIONS:
        return CONTRACTIONS[lower].split()
    for ending, whole in _MORE_CONTRACTIONS.items():
        if lower.endswith(ending):
            return (lower.removesuffix(ending) + whole).split()
    if lower.endswith("'d"):
        return [lower[:-2], "would"]
    if lower.endswith("'s"):
        return [lower[:-2], "is"] if lower[:-2] in _IS else [lower[:-2], "possessive"]
    return [lower]


def _form(sentence: str) -> Canon:
    frame = framed(sentence)
    words, roles = _parted(frame)
    if not words and not roles:  # "so what?"
        return Canon("say", tuple(sentence.split()), (), False)
    return Canon(frame.kind, tuple(words), tuple(sorted(roles)), frame.loose)


def _parted(frame: Frame) -> tuple[list[str], list[str]]:
    """What the rest of a frame says: bare words in their order, and words in a role."""
    words: list[str] = []
    roles = [f"{role}:{_plain(word, frame.kind)}" for role, _, word in (each.partition(":") for each in frame.roles)]
    role = ""
    parts = _turned(frame.rest.split(), frame.kind.startswith("what"))
    for at, word in enumerate(parts):
        if word in _SCALES:
            roles.append(f"in:{word}")
            role = ""
        elif word in {"degree", "degrees"} and at + 1 < len(parts) and parts[at + 1] in _SCALES:
            continue
        elif word in _PREPOSITIONS:
            if role:  # two in a row, or one at the end: it is part of the verb
                words.append(role)
            role = _TOWARDS.get(word, word)
        elif word in _dropped(frame.kind):
            continue
        elif role:
            roles.append(f"{role}:{_plain(word, frame.kind)}")
            role = ""
        else:
            words.append(_plain(word, frame.kind))
    stranded = role and not (role == "in" and any(part.startswith("in:") for part in roles))
    return ([*words, role] if stranded and not frame.loose else words), roles


def _dropped(kind: str) -> frozenset[str]:
    return _DROPPED_WAY if kind.startswith("way") else _DROPPED


_DROPPED = _ARTICLES | _AUXILIARIES | _IDLE | {",", "of", "possessive", "one", "1", "which", "that", "its", "their"}
_DROPPED_WAY = _DROPPED | {"my", "our", "i", "we"}


def _turned(words: list[str], noun: bool) -> list[str]:
    """`australia possessive capital` as `capital of australia`; ``noun`` where the whole is one thing's name."""
    while "possessive" in words:
        at = words.index("possessive")
        end = at + 1
        while end < len(words) and words[end] not in _PREPOSITIONS | _AUXILIARIES | {"of", ",", "possessive"}:
            end += 1
        start = _owner(words, at, noun)
        # What belongs to "wife of john" belongs to all of it: this `of` does not end a name.
        words = [*words[:start], *words[at + 1 : end], "'of", *words[start:at], *words[end:]]
    return ["of" if word == "'of" else word for word in words]


def _owner(words: list[str], at: int, noun: bool) -> int:
    """Where the name before a possessive begins: after an article, a preposition or `is`, else it is one word."""
    start = at
    while start and words[start - 1] not in _PREPOSITIONS | _AUXILIARIES | _ARTICLES | {"of", ",", "possessive"}:
        start -= 1
    bounded = words[start - 1] in _PREPOSITIONS | _ARTICLES | {"of", "is", "are", "was", "were"} if start else noun
    return start if bounded and start < at else max(0, at - 1)


def _plain(word: str, kind: str) -> str:
    """Number and spelling apart; inflection too where the frame leaves no doubt about the tense."""
    word = _SAME.get(word, word)
    if not word.isalpha() or word in KNOWN:
        return word
    word = _SAME.get(word := singular(word), word)
    if kind.startswith(("way", "who")):
        for ending in ("ing", "ed"):
            base = word.removesuffix(ending)
            if base != word and len(base) > 2 and base[-1] != "e" and re.search("[aeiouy]", base):
                base = base[:-1] if base[-1] == base[-2] and base[-1] not in "lsz" else base
                return base[:-1] if base.endswith("e") and len(base) > 3 else base
    return word[:-1] if word.endswith("e") and len(word) > 3 else word
