"""Ways to say a whole question that are one question, each recast into the plainest of them.

`the reason why X`, `how come X` and `what makes X` ask why; `in what year did X` asks when; `X has how many Y` and
`the number of Y in X` ask how many; `the meaning of X` asks what it is; `the French for X` asks to translate it. Rules
are patterns over lower-case words with single blanks, which name only grammar and words of asking.
"""

from __future__ import annotations

import re
from functools import lru_cache

from pyagent_plugins.cache.meaning.compare import compared, taken
from pyagent_plugins.cache.meaning.names import TONGUES
from pyagent_plugins.cache.meaning.verbs import participle, past, progressive

_AUX = r"(?:is|are|was|were|am|do|does|did|can|could|will|would|should|shall|may|might|must|has|have|had)"
_HAS_AUX = re.compile(rf"\b{_AUX}\b")
_THING = r"(?!(?:my|your|his|her|their|our|this|that|it|life|love|you|me)\b)(?P<x>[a-z]+(?: [a-z]+){0,2})"
_WORD = r"(?:the |a |this )?(?:word |term |phrase |expression |concept )?"
_ONE = r"(?:i|you|we|one|someone|people|they)"
_LANGUAGE = rf"(?P<l>{'|'.join(TONGUES.split())})"
_SAID = r"(?P<x>(?!(?:the|a|an|my|your|this|that|it|there|to|this)\b)[\w' ]+?)"
_INTO = r"(?:in|into|to)"
_LINK = r"(?: (?:why|that|for which))?"

_WHY = re.compile(
    rf"(?:(?:what (?:is|was) )?the (?:main |real )?reason{_LINK}"
    r"|what the (?:main |real )?reason (?:is|was) (?:that|why)) (?P<x>(?!for |of |to |behind ).+)"
    r"|what (?:does|do|did)? ?(?:causes?|makes?|made) (?P<y>(?!up\b|of\b|it\b)\S+ .+)"
    r"|how come (?P<z>.+)|why (?:is it|it is)(?: that)? (?P<u>.+)|for (?:what|which) reason (?P<v>.+)"
    r"|(?P<w>.+?) ,? ?why"
)
_BECAUSE = re.compile(
    r"(?:what (?:is|was) )?the (?:reason|cause) (?:for|of|behind) (?P<x>(?:\w+ ){1,3}?)(?P<v>\w+ing)(?P<y> .+)?"
)
_YEAR = (
    re.compile(r"(?:in |during )?(?:what|which) year (?:saw )?(?P<x>.+?)(?: in)?"),
    re.compile(r"(?:what (?:is|was) )?the year (?:in which |when |that |of )?(?P<x>.+?)(?: in)?"),
    re.compile(r"(?P<x>.+) (?:in (?:what|which) year|when)"),
)
_HAPPENED = re.compile(r"when did (?P<x>.+) (?:happen|occur|take place)")
_EVENT = re.compile(
    r"when (?:was )?(?:the )?(?P<e>[a-z]+) of (?P<x>.+?)(?: (?:was|did happen|did occur|did take place))?"
)
_OWN_EVENT = re.compile(r"when (?:was )?(?P<x>.+) possessive (?P<e>[a-z]+)(?: was)?")
_COUNT = re.compile(
    r"(?:(?:what|how much) (?:is|are) )?(?:the |what )(?:total |exact )?(?:number|count) of "
    r"(?P<x>(?!the |my |a )[a-z]+s?\b.*)"
)
_OWN_COUNT = re.compile(
    r"(?:what is )?(?P<x>(?:the |an? )?[\w ]+?) possessive (?:total |exact )?(?:number|count) of (?P<n>[a-z]+)"
)
_FALL = re.compile(r"\bin (?:the )?fall\b(?! of)")
_PLACED = r"(?:the |an? )?(?P<x>[\w' ]+?)"
_N = r"(?:different |distinct )?(?P<n>(?:[a-z]+ )?(?!(?:there|are|is|do|does|has|have|can)\b)[a-z]+)"
_HELD = r"(?:have|has|contain|contains|include|includes)"
_MANY = (
    re.compile(
        rf"how many {_N} (?:(?:are|is) )?(?:there )?(?:(?:can be |are )?(?:found|contained|present) )?"
        rf"(?:in|on|of|inside) {_PLACED}"
    ),
    re.compile(rf"how many {_N} there (?:are|is) in {_PLACED}"),
    re.compile(rf"how many {_N} can be found in {_PLACED}"),
    re.compile(rf"how many {_N} (?:do|does) {_PLACED} {_HELD}"),
    re.compile(rf"how many {_N} (?:has|have) {_PLACED}(?: got)?"),
    re.compile(rf"how many {_N} (?:make|makes|form|forms) up {_PLACED}"),
    re.compile(rf"how many {_N} (?:that )?(?P<x>(?:the|an?) [\w' ]+?) {_HELD}"),
    # "How many bones adult humans have", told: one plural counts, another holds it.
    re.compile(r"how many (?P<n>[a-z]+s) (?P<x>(?:\w+ )?\w+s) (?:have|contain|include)"),
    re.compile(rf"(?P<x>(?:the |an? )?[\w' ]+?) {_HELD} how many {_N}"),
)
_DEFINE = (
    re.compile(rf"what (?:does|do) {_WORD}{_THING} mean"),
    re.compile(rf"what {_WORD}{_THING} means"),
    re.compile(rf"what (?:does|do|did)? ?(?:we|people|they|one) means? by {_WORD}{_THING}"),
    re.compile(rf"what is meant by {_WORD}{_THING}"),
    re.compile(rf"(?:what is )?(?:the |a )?(?:meaning|definition) (?:of|for) {_WORD}{_THING}"),
    re.compile(rf"what the (?:meaning|definition) (?:of|for) {_WORD}{_THING} is"),
    re.compile(rf"(?:what is )?{_THING} possessive (?:meaning|definition)"),
    re.compile(rf"(?:how (?:do|would|can|should) {_ONE} |can you )?define {_WORD}{_THING}"),
    re.compile(rf"how (?:is |are )?{_WORD}{_THING} (?:is |are )?defined"),
    re.compile(rf"what is the (?:word|term|concept) {_THING}|(?:the|a) (?:term|concept) (?P<y>[a-z]+)"),
)
_TRANSLATE = (
    re.compile(
        rf"how (?:(?:do|does|would|can|could|should|to) )?(?:{_ONE} )?(?:say|says|translate) {_SAID}"
        rf" {_INTO} {_LANGUAGE}"
    ),
    re.compile(rf"how (?:is |do )?{_SAID} (?:is )?(?:said|translated) {_INTO} {_LANGUAGE}"),
    re.compile(rf"what do {_ONE} say for {_SAID} in {_LANGUAGE}"),
    re.compile(rf"(?:the )?(?:best )?way (?:to|of) (?:say|saying|translate) {_SAID} {_INTO} {_LANGUAGE}"),
    re.compile(rf"(?:can you )?translate {_SAID} {_INTO} {_LANGUAGE}"),
    re.compile(
        rf"(?:what is )?the {_LANGUAGE}(?: (?:word|phrase|term|translation|equivalent|expression))? (?:for|of) {_SAID}"
    ),
    re.compile(
        rf"what the {_LANGUAGE}(?: (?:word|phrase|term|translation|equivalent|expression))? (?:for|of) {_SAID} is"
    ),
    re.compile(rf"(?:what is )?the (?:translation|word|phrase|term) (?:of|for) {_SAID} {_INTO} {_LANGUAGE}"),
    re.compile(rf"(?!what |how )(?P<x>(?!(?:the|an?|my) )[a-z]+(?: [a-z]+){{0,3}}) in {_LANGUAGE}"),
    re.compile(rf"what is {_SAID}(?: called)? in {_LANGUAGE}"),
    re.compile(rf"what (?P<x>[\w' ]+?) is(?: called)? in {_LANGUAGE}"),
)
_MAY = (
    (
        re.compile(
            r"(?:(?:if|whether) )?(?:is it|it is|would it be|it would be) "
            r"(?:ok|OK|okay|possible|all right|alright|fine) for (?P<x>.+?) to (?P<y>.+)"
        ),
        "can",
    ),
    (re.compile(r"(?:(?:if|whether) )?(?:are|is) (?P<x>.+?) able to (?P<y>.+)"), "can"),
    (re.compile(r"(?:if|whether) (?P<x>.+?) (?:are|is) able to (?P<y>.+)"), "can"),
    (re.compile(r"(?:(?:if|whether) )?(?:am|are|is) (?P<x>.+?) allowed to (?P<y>.+)"), "may"),
    (re.compile(r"(?:if|whether) (?P<x>.+?) (?:am|are|is) allowed to (?P<y>.+)"), "may"),
)
_FIT = re.compile(r"(?:(?:if|whether) )?is (?P<x>(?:the |an? )?\w+(?: \w+)?) (?P<a>\w+) (?P<f>for .+?) to (?P<v>\w+)")
_DONE = re.compile(r"(?P<m>can|could|should|must|may|will) (?P<x>.+?) be (?P<v>\w+) by (?P<y>[\w ]+)")
# "Can you swim" asks; "can you translate this" is a polite order.
_ORDER = re.compile(
    r"^(?:can|could|would|will) (?:you|anyone|someone) (?:please )?"
    r"(?=(?:define|translate|convert|calculate|list|describe)\b)"
)
_PERSON = re.compile(
    r"(?:(?:what|who) (?:is|was) )?(?:the )?(?:name of )?the (?:name of the )?(?:person|man|woman) (?:who|that) "
    r"(?P<x>.+?)(?: is)?"
)
_RULERS = (
    r"(?:president|king|queen|mayor|chancellor|emperor|pope|ceo|chairman|director|captain|coach|governor|leader|owner"
    r"|head|prime minister|foreign minister|vice president|wife|husband|mother|father|brother|sister|son|daughter|boss"
    r"|manager)"
)
_RULER = (
    re.compile(rf"(?:what (?P<b>is|was) )?the name of (?:the )?(?P<x>(?:current |first |last )?{_RULERS} of .+)"),
    re.compile(
        rf"(?:what (?P<b>is|was) )?the name of (?P<x>(?:the )?.+ possessive (?:current |first |last )?{_RULERS})"
    ),
    re.compile(rf"(?P<x>(?:the )?(?:current |first |last )?{_RULERS} of .+?)(?: (?P<b>is|was))?"),
    re.compile(rf"(?P<x>(?!(?:what|who|is|are|was) )(?:\w+ ){{1,4}}possessive (?:current |first |last )?{_RULERS})"),
)
_PLACE = re.compile(r"(?:what is )?the place where (?P<x>.+)")
_SIZES = {"height": "tall", "weight": "heavy", "age": "old", "length": "long", "width": "wide", "depth": "deep"}
_SIZE = re.compile(
    rf"(?:what (?:(?P<b>is|was) )?)?(?:the )?(?P<n>{'|'.join(_SIZES)}) of (?P<x>[\w ]+?)(?P<u> in [a-z]+)?(?: is)?"
)
_OWN_SIZE = re.compile(
    rf"(?:what (?:(?P<b>is|was) )?)?(?P<x>[\w ]+?) possessive (?P<n>{'|'.join(_SIZES)})(?P<u> in [a-z]+)?(?: is)?"
)
_TALL = re.compile(rf"(?P<x>(?:the |a |an )?[\w ]+?) (?P<b>is|are|was|were) how (?P<n>{'|'.join(_SIZES.values())})")
_WEIGH = re.compile(r"how much (?:do|does) (?P<x>.+) weigh")
_PRICE = (
    re.compile(r"(?:what (?P<b>is|was) )?(?:the )?(?:price|cost) of (?P<x>(?:a|an|one) [\w ]+)"),
    re.compile(r"how much (?P<b>is|are) (?P<x>(?!.* in )(?:a|an|one) [\w ]+)"),
)
_FAR = (
    re.compile(r"(?:what is )?(?:the )?distance (?:from|between) (?P<x>[\w ]+?) (?:to|and) (?P<y>[\w ]+)"),
    re.compile(r"how far (?:away )?(?:is|are) (?P<x>[\w ]+?)(?: away)? from (?P<y>[\w ]+)"),
    re.compile(r"how far (?:away )?(?:is it|it is) (?:from|between) (?P<x>[\w ]+?) (?:to|and) (?P<y>[\w ]+)"),
)
_IT = r"(?P<x>(?:the |a |an |my |some )?(?:\w+ ){1,3}?)"
# Verbs in two or three words for what one word says, whatever it is done to.
_OUT = (
    (re.compile(r"\bget(?:ting)? rid of\b"), "remove"),
    (re.compile(rf"\b(?:get|gets|getting|take|takes|taking)(?: out)? {_IT}out (?:of|from)\b"), r"remove \g<x>from"),
    (re.compile(rf"\b(?:get|gets|getting|take|takes|taking) {_IT}off(?: of| from)?(?= \w)"), r"remove \g<x>from"),
    (re.compile(rf"\b(?P<v>remove|removing|removed) {_IT}(?:off|out of) "), r"\g<v> \g<x>from "),
    (re.compile(rf"\b(?P<v>remove|removing) {_IT}on (?=the |an? |my |our |your )"), r"\g<v> \g<x>from "),
    (re.compile(r"\bfall down\b"), "fall"),
    (re.compile(r"\bfell down\b"), "fell"),
)
# What a rule needs to see at all; a look for it is ten times cheaper than the rule.
_MOVES_OUT = re.compile(r"\b(?:get|tak|remov|fall|fell)")
_DEFINES = re.compile(r"mean|defin|term|word|concept")
_LANGUAGES = frozenset(TONGUES.split())


@lru_cache(maxsize=4096)
def recast(text: str) -> str:
    """The plainest way to say one sentence that is free of manners; the sentence itself where no rule knows it."""
    if _MOVES_OUT.search(text):
        for pattern, plain in _OUT:
            text = pattern.sub(plain, text)
    text = _FALL.sub("in autumn", _ORDER.sub("", text))
    for rule in (compared, taken, _person, _measured, _why, _when, _how_many, _defined, _able):
        text = rule(text)
    return text


def translated(text: str) -> tuple[str, str] | None:
    """(what to translate, into which language) of a sentence that asks for this."""
    if _LANGUAGES.isdisjoint(text.split()):
        return None
    for pattern in _TRANSLATE:
        if match := pattern.fullmatch(text):
            return match["x"], match["l"]
    return None


def _person(text: str) -> str:
    if match := _PERSON.fullmatch(text):
        return f"who {match['x']}"
    if match := _PLACE.fullmatch(text):
        return f"where {match['x']}"
    for pattern in _RULER:
        if match := pattern.fullmatch(text):
            return f"who {match.groupdict().get('b') or 'is'} {match['x']}"
    return text


def _measured(text: str) -> str:
    """`the height of X` as `how tall is X`; how far one is from another is as far as the other from the one."""
    text = re.sub("^how much time ", "how long ", text)
    if match := _SIZE.fullmatch(text) or _OWN_SIZE.fullmatch(text):
        return f"how {_SIZES[match['n']]} {match['b'] or 'is'} {match['x']}{match['u'] or ''}"
    if match := _TALL.fullmatch(text):
        return f"how {match['n']} {match['b']} {match['x']}"
    if match := _WEIGH.fullmatch(text):
        return f"how heavy is {match['x']}"
    for pattern in _PRICE:
        if match := pattern.fullmatch(text):
            return f"how much {'did' if match['b'] == 'was' else 'does'} {match['x']} cost"
    for pattern in _FAR:
        if match := pattern.fullmatch(text):
            one, other = sorted(re.sub("^(?:the|an?) ", "", match[end]) for end in ("x", "y"))
            return f"how far is {one} from {other}"
    return text


def _why(text: str) -> str:
    if (match := _BECAUSE.fullmatch(text)) and (verb := progressive(match["v"])):
        return f"why {match['x']}{verb}{match['y'] or ''}"
    match = _WHY.fullmatch(text)
    if match is None or (text.startswith("why ") and match["u"] is None):
        return _tensed(text, "why") if text.startswith("why ") else text
    if match["y"] is not None and not _moves(text, match["y"]):
        return text
    clause = next(part for part in match.groups() if part is not None)
    return _tensed(f"why {_caused(clause) if match['y'] else clause}", "why")


def _moves(text: str, clause: str) -> bool:
    """`what causes rust` asks for a cause, `what causes iron to rust` why it rusts."""
    return " to " in clause if re.match(r"what \w*\s?causes?", text) else _HAS_AUX.search(clause) is None


def _caused(clause: str) -> str:
    return re.sub(r" to ", " ", clause, count=1)


def _when(text: str) -> str:
    for pattern in _YEAR:
        if match := pattern.fullmatch(text):
            found = _eventful(_tensed(f"when {match['x']}", "when"))
            # "In which year is it due" wants the year alone; of what is past, `when` is answered by it as well.
            return found if found.startswith(("when did ", "when was ", "when were ")) else text
    return _eventful(_tensed(text, "when")) if text.startswith("when ") else text


def _eventful(text: str) -> str:
    """`when did the fall of the wall happen` as `when did the wall fall`: an event is named or told."""
    if match := _HAPPENED.fullmatch(text):
        text = f"when was {match['x']}"
    match = _EVENT.fullmatch(text)
    if match and any(participle(word) for word in match["x"].split()):
        return text
    if match := match or _OWN_EVENT.fullmatch(text):
        text = f"when did {match['x']} {match['e']}"
    return re.sub(r"^(when did .+) come down$", r"\1 fall", text)


def _tensed(text: str, kind: str) -> str:
    """`when the wall fell` as `when did the wall fall`: its only verb is in the past, and has no other to help it."""
    head, _, rest = text.partition(" ")
    if head != kind or _HAS_AUX.search(rest):
        return text
    words = rest.split()
    found = [at for at, word in enumerate(words) if past(word)]
    if len(found) != 1:
        return text
    base = past(words[found[0]]) or ""
    return " ".join([head, "did", *words[: found[0]], base, *words[found[0] + 1 :]])


def _how_many(text: str) -> str:
    if match := _OWN_COUNT.fullmatch(text):
        text = f"how many {match['n']} in {match['x']}"
    if match := _COUNT.fullmatch(text):
        text = re.sub(r" (?:is|are)$", "", f"how many {match['x']}")
    for pattern in _MANY if "how many " in text else ():
        match = pattern.fullmatch(text)
        if match and not _HAS_AUX.search(f"{match['n']} {match['x']}"):
            return f"how many {match['n']} in {match['x']}"
    return text


def _defined(text: str) -> str:
    for pattern in _DEFINE if _DEFINES.search(text) else ():
        if match := pattern.fullmatch(text):
            found = match.groupdict()
            return f"what is {found['x'] or found['y']}"
    return text


def _able(text: str) -> str:
    for pattern, modal in _MAY:
        if match := pattern.fullmatch(text):
            return f"{modal} {match['x']} {match['y']}"
    if match := _FIT.fullmatch(text):
        return f"is it {match['a']} {match['f']} to {match['v']} {match['x']}"
    if (match := _DONE.fullmatch(text)) and (verb := participle(match["v"])):
        return f"{match['m']} {match['y']} {verb} {match['x']}"
    return text
