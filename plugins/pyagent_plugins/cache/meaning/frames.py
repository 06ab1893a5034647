"""Which kind of answer a sentence asks for, and what is left of it then.

`what is X`, `X is what` and `the X` are one frame; so are `how do I X`, `the way to X` and `what are the steps to X`;
so are `who wrote X`, `by whom was X written` and `the author of X`. Each rule is one pattern over lower-case words with
single blanks. Tense and modality stay in the kind: what was is not what is, and when I can is not when I must.
"""

# ruff: noqa: SIM905 - word lists read better as text than as 300 quoted strings
from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pyagent_plugins.cache.meaning.recast import recast, translated
from pyagent_plugins.cache.meaning.units import UNITS
from pyagent_plugins.cache.meaning.words import singular


@dataclass(frozen=True, slots=True)
class Frame:
    """``kind`` of answer; ``rest`` are the words that are left; ``roles`` as in a canonical form; ``loose`` where
    words have moved."""

    kind: str
    rest: str
    roles: tuple[str, ...] = ()
    loose: bool = False


LONGEST = 300  # characters: the patterns try every place for a word in the middle
_BE = r"(?:is|are|am|was|were|would be)"
_ONE = r"(?:i|you|we|one|someone|somebody|people|a person)"
# "How do you reset it" asks for anybody; "how do you feel" asks you.
_DO = r"(?!(?:feel|think|like|look|sound|want|know|see|sleep|work|do|compare|manage)$)(?P<x>.+)"
_BEST = r"(?:best |easiest |right |correct |proper |simplest |usual |normal |recommended |good |standard )?"
_WAYS = (
    r"(?:way|ways|step|steps|process|procedure|method|methods|instruction|instructions)"
    r"(?: (?:i|you) (?:need|have|should take|need to take))?"
)
_TO = r"(?:to|for|of|on how to|on|in order to)"
_WAY = (
    re.compile(rf"how (?:do|can|could|should|would|does|might|must|may) {_ONE} (?:go about |best |properly )?{_DO}"),
    re.compile(rf"how (?:to|{_ONE} (?:can|could|should|would|may|might|must)|{_ONE}(?! )*) (?:best )?(?P<x>.+)"),
    re.compile(
        rf"(?:what (?:{_BE} )?|(?:is|are) there )?(?:the |a |any |some )?{_BEST}{_WAYS} {_TO} (?P<x>.+?)(?: {_BE})?"
    ),
    re.compile(rf"what (?:do|should|must|can|would|does) {_ONE} (?:need to |have to )?do (?:in order )?to (?P<x>.+)"),
    re.compile(
        rf"what {_ONE} (?:should|must|can|need to|have to) do (?:in order )?to (?P<x>.+)|what to do to (?P<y>.+)"
    ),
    re.compile(r"(?:any|some) (?:good )?(?:tips|advice|ideas?|suggestions?|hints?) (?:on|for) (?:how to )?(?P<x>.+)"),
)
_PASSIVE_WAY = re.compile(r"how (?:is|are|can|could|should|may) (?P<x>.+?)(?: be (?P<y>.+))?")
_INDIRECT_PASSIVE = re.compile(r"how (?P<x>.+?) (?:is|are|(?:can|could|should|may) be) (?P<y>.+)")

# Who did something once: the noun for it, the verb, and what may have been done in the past only.
_AGENTS = dict(
    pair.split(":")
    for pair in """author:write writer:write inventor:invent discoverer:discover founder:found composer:compose
    painter:paint designer:design builder:build creator:create""".split()
)
_DEEDS = {
    "wrote": "write", "written": "write", "invented": "invent", "discovered": "discover", "founded": "found",
    "composed": "compose", "painted": "paint", "designed": "design", "built": "build", "created": "create",
}  # fmt: skip
_MADE = frozenset(_AGENTS) | frozenset(_DEEDS)
_AGENT, _DEED = "|".join(_AGENTS), "|".join(_DEEDS)
_MAKER = (
    re.compile(rf"(?:who|which (?:{_AGENT}|person|man|woman)) (?P<deed>{_DEED}) (?P<x>.+)"),
    re.compile(rf"who {_BE} (?P<x>.+) (?P<deed>{_DEED}) by"),
    re.compile(rf"who (?P<x>.+) {_BE} (?P<deed>{_DEED}) by"),
    re.compile(rf"by whom {_BE} (?P<x>.+) (?P<deed>{_DEED})"),
    re.compile(rf"by whom (?P<x>.+) {_BE} (?P<deed>{_DEED})"),
    re.compile(rf"(?P<x>.+) {_BE} (?P<deed>{_DEED}) by (?:whom|who)"),
    re.compile(
        rf"(?:(?:who|what) {_BE} )?(?:the )?(?:name of (?:the )?)?(?P<deed>{_AGENT}) of (?P<x>.+?)(?: {_BE}(?: who)?)?"
    ),
    re.compile(rf"who (?:the )?(?P<deed>{_AGENT}) of (?P<x>.+) {_BE}"),
    re.compile(rf"(?:(?:who|what) {_BE} )?(?:the )?(?:name of )?(?P<x>.+) possessive (?P<deed>{_AGENT})(?: {_BE})?"),
)

_TAIL = re.compile(
    rf"(?P<x>.+?) (?P<v>{_BE}|equals?|has|have|make|makes)"
    r" (?P<q>(?:what|which \w+|how (?:many|much) ?\w*|who|where|when))"
)
_FRONTED = re.compile(
    r"(?P<pp>(?:in|at|on|for|to|with|from) [\w ]+?) , (?P<x>(?:what|which|who|when|where|why|how|at what|is|are|do|does"
    r"|did|can|could|should|will|must|may) .+)"
)
_COST = re.compile(r"what (?P<x>(?:do|does|would|will|did) .+ (?:cost|charge)\b.*)")
_POSSIBLE = re.compile(
    r"(?:(?:if|whether) )?(?:is it|it is|would it be|it would be) "
    r"(?:ok|OK|okay|possible|all right|alright) (?:for me )?(?:to|if i) (?P<x>.+)"
)
_UNIT = r"(?P<unit>[a-z]+)"
_CONVERT = (
    re.compile(
        rf"how many {_UNIT} (?:(?:are|is)(?: there)?|there are|make(?: up)?|equals?|are equal to|does|go into)?"
        r"(?: ?(?:in|to))? ?(?:a|an|one|1) (?P<of>[a-z]+)(?: (?:have|has|is|contain|equal|weigh|there|make))?"
    ),
    re.compile(rf"(?:what {_BE} )?(?:the )?number of {_UNIT} (?:in|per|to) (?:a|an|one|1) (?P<of>[a-z]+)(?: is)?"),
    re.compile(rf"(?:(?:what|how much) {_BE} )?(?:a|an|one|1) (?P<of>[a-z]+) in {_UNIT}(?: is)?"),
    re.compile(rf"how many {_UNIT} (?:in|per) (?P<of>[a-z]+)"),
    re.compile(rf"{_UNIT} (?:in|per) (?:a|an|one|1) (?P<of>[a-z]+)"),
    re.compile(rf"convert (?:a|an|one|1) (?P<of>[a-z]+) (?:to|into) {_UNIT}"),
)
_POINTS = {"boiling": "boil", "melting": "melt", "freezing": "freeze"}
_POINT = re.compile(r"(boiling|melting|freezing) (?:point|temperature)")
_CITY = re.compile(r"(?:capital )city\b|\bcity (?=capital )")
_NAMED = re.compile(r"\bname of (?=(?:[\w ]+ possessive |the )?(?:capital|currency|founder)\b)")
_COUNTRY = re.compile(r"\bof (?:the )?(?:country|state|city|town|continent)(?: of)? (?=[a-z]+$)")
_WHICH = re.compile(rf"(?:which|what) (?:city|town|place) (?P<be>{_BE}|serves as) (?P<x>.*capital.*)")
_WHAT = re.compile(rf"what (?:else )?{_BE} (?P<x>.+?)(?: called)?")
_WHAT_LAST = re.compile(rf"what (?P<x>(?:the |\S+ possessive ).+?) {_BE}(?: called)?(?P<y> (?:in|at|on|of) .+)?")
_HEAT = re.compile(r"(?:at )?(?:what|which) temperature (?P<x>.+)|what is the temperature at which (?P<y>.+)")
_HEAT_NOUN = re.compile(r"(?:the )?temperature at which (?P<x>.+)")
_WORD = re.compile(
    r"(?P<kind>who|whom|whose|where|when|why|how (?:many|much|long|often|old|far|tall|big|fast|deep|heavy)|what|which"
    r"|how)\b ?(?P<x>.*)"
)
_WHETHER = re.compile(
    r"(?:(?P<if>if|whether) )?(?P<x>(?:is|are|was|were|do|does|did|can|could|will|would|should|shall|may|might|must|has"
    r"|have|had|am) .+)"
)
_MODALS = {"can": "can", "could": "can", "should": "should", "must": "must", "will": "will", "would": "would",
           "may": "may", "might": "may", "shall": "should", "has": "perfect", "have": "perfect", "had": "perfect",
           "was": "past", "were": "past", "did": "past"}  # fmt: skip
_ANYBODY = frozenset({"whether can", "whether may", "whether should", "whether must"})
_NOUN = re.compile(r"(?:the .+|[a-z ]+ of .+|\S+ possessive .+)")


def framed(text: str) -> Frame:
    """The frame of one sentence that is free of manners and requests; of a very long one only that it was said."""
    if len(text) > LONGEST:
        return Frame("say", text)
    text = recast(_smoothed(text))
    if asked := translated(text):
        return Frame("translate", asked[0], (f"into:{asked[1]}",))
    for rule in (_maker, _way, _convert, _heat, _what, _asked, _whether):
        if (frame := rule(text)) is not None:
            return frame
    if _NOUN.fullmatch(text):
        return Frame("what", text)
    return Frame("say", text)


def _smoothed(text: str) -> str:
    """The frame's own detours: the question word first, a fronted phrase last, names without apposition."""
    text = text.strip(" ,")
    if match := _FRONTED.fullmatch(text):
        text = f"{match['x']} {match['pp']}"
    if (match := _TAIL.fullmatch(text)) and not text.startswith(("what", "which", "who", "how", "when", "where")):
        text = f"{match['q']} {match['v']} {match['x']}"
    if match := _COST.fullmatch(text):
        text = f"how much {match['x']}"
    if match := _POSSIBLE.fullmatch(text):
        text = f"can i {match['x']}"
    text = re.sub("^would it be ", "is it ", text)
    text = _NAMED.sub("", text)
    text = _CITY.sub("capital ", text.replace("capital city ", "capital ")).strip()
    text = re.sub(r" city$", "", text) if text.endswith("capital city") else text
    return " ".join(_COUNTRY.sub("of ", text).split())


def _maker(text: str) -> Frame | None:
    if _MADE.isdisjoint(text.split()):
        return None
    for pattern in _MAKER:
        if match := pattern.fullmatch(text):
            deed = match["deed"]
            return Frame(f"who {_AGENTS.get(deed) or _DEEDS[deed]}", match["x"])
    return None


def _way(text: str) -> Frame | None:
    for pattern in _WAY:
        if match := pattern.fullmatch(text):
            return Frame("way", _yours(text, match["x"] or match["y"]))
    if match := _PASSIVE_WAY.fullmatch(text):
        return Frame("way", f"{match['x']} {match['y'] or ''}", loose=True)
    match = _INDIRECT_PASSIVE.fullmatch(text)
    if match and not re.match(r"(?:many|much|long|often|old|far|tall|big|fast|deep|heavy)\b", match["x"]):
        return Frame("way", f"{match['x']} {match['y']}", loose=True)
    return None


def _yours(text: str, rest: str) -> str:
    """`how do you reset your router` asks for anybody's."""
    if re.match(r"how (?:do|can|should|would) you\b", text):
        return re.sub(r"\byour\b", "my", rest)
    return rest if not re.match(r"how (?:do|can|should|would|does) one\b", text) else re.sub(r"\bone's\b", "my", rest)


def _convert(text: str) -> Frame | None:
    for pattern in _CONVERT:
        if (match := pattern.fullmatch(text)) and match["unit"] in UNITS and match["of"] in UNITS:
            unit, of = singular(match["unit"]), singular(match["of"])
            return Frame("convert", of, (f"into:{unit}",))
    return None


def _heat(text: str) -> Frame | None:
    """`at what temperature does water boil` as `what is the boiling point of water`."""
    if match := _HEAT.fullmatch(text):
        clause = match["x"] or match["y"]
    elif match := _HEAT_NOUN.fullmatch(text):
        clause = match["x"]
    elif _POINT.search(text):
        found = _what(_POINT.sub(lambda m: f"temperature {_POINTS[m[1]]}", text))
        found = found or (Frame("what", text) if _NOUN.fullmatch(text) or text.startswith("boiling") else None)
        rest = _POINT.sub(lambda m: f"temperature {_POINTS[m[1]]}", found.rest) if found else ""
        return replace(found, rest=rest, loose=True) if found else None
    else:
        return None
    return Frame(_timed("what", clause), f"temperature {re.sub(r' at(?= in |$)', '', clause)}", loose=True)


def _what(text: str) -> Frame | None:
    if match := _WHICH.fullmatch(text):
        return Frame(_timed("what", match["be"]), match["x"])
    if match := _WHAT_LAST.fullmatch(text):
        return Frame(_timed("what", text), f"{match['x']}{match['y'] or ''}")
    if match := _WHAT.fullmatch(text):
        return Frame(_timed("what", text), match["x"])
    return None


def _asked(text: str) -> Frame | None:
    match = _WORD.fullmatch(text)
    if match is None:
        return None
    kind, rest = match["kind"], match["x"]
    if kind == "why" and re.search(r"\b(?:is|are|am|was|were)\b", rest):
        kind = "why be"  # why people are happy is not what makes them so
    if kind == "who" and re.match(r"(?:did|does|do|will|can|should|would)\b", rest):
        kind = "whom"
    return Frame(_timed(kind, text), rest)


def _whether(text: str) -> Frame | None:
    match = _WHETHER.fullmatch(text) or re.fullmatch(r"(?:if|whether) (?P<x>.+)", text)
    if match is None:
        return None
    # Whether I can and can I: the modality stands in the kind. What I can, one can; `can you` may be an order.
    kind, rest = (
        _timed("whether", match["x"]),
        re.sub(r"\b(?:can|could|should|must|may|might) ?", "", match["x"], count=1),
    )
    return Frame(kind, re.sub(r"^(?:i|we|one) (?=\w)", "", rest) if kind in _ANYBODY else rest)


def _timed(kind: str, text: str) -> str:
    """The kind with every modality and past tense that its words carry."""
    found = sorted({_MODALS[word] for word in text.replace("would be", "is").split() if word in _MODALS})
    return " ".join([kind, *found])
