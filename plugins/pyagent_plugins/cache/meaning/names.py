"""Which words name one particular thing, so that a question about Austria is never answered about Australia.

A name is a word with a capital inside a sentence, or one of the known places, languages, days and products however
it is written. Common nicknames count as the name they stand for.
"""
# ruff: noqa: SIM905 - word lists read better as text than as 300 quoted strings

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from pyagent_plugins.cache.meaning.units import MONTHS, WEEKDAYS
from pyagent_plugins.cache.meaning.words import slip

_PLACES = """afghanistan africa albania algeria america angola antarctica argentina armenia asia australia austria
azerbaijan bahrain bangladesh barbados belarus belgium bolivia bosnia botswana brazil britain bulgaria cambodia
cameroon canada chile china colombia croatia cuba cyprus czechia denmark ecuador egypt england estonia ethiopia europe
finland france georgia germany ghana greece guatemala haiti honduras hungary iceland india indonesia iran iraq ireland
israel italy jamaica japan jordan kazakhstan kenya korea kosovo kuwait laos latvia lebanon liberia libya lithuania
luxembourg madagascar malawi malaysia mali malta mauritius mexico moldova monaco mongolia montenegro morocco mozambique
myanmar namibia nepal netherlands nicaragua niger nigeria norway oman pakistan panama paraguay peru philippines poland
portugal qatar romania russia rwanda scotland senegal serbia singapore slovakia slovenia somalia spain sudan sweden
switzerland syria taiwan tanzania thailand tunisia uganda ukraine uruguay uzbekistan venezuela vietnam wales yemen
zambia zimbabwe amsterdam athens auckland baghdad bangkok barcelona beijing belfast berlin birmingham bogota boston
bristol brussels bucharest budapest cairo calgary cambridge canberra chicago copenhagen dallas delhi denver dublin
dubai edinburgh florence frankfurt geneva glasgow hamburg hanoi helsinki houston istanbul jakarta jerusalem
johannesburg karachi kiev kyiv lagos leeds lima lisbon liverpool london madrid manchester manila melbourne miami milan
montreal moscow mumbai munich nairobi naples osaka oslo oxford paris perth philadelphia porto prague rome rotterdam
santiago seattle seoul shanghai singapore stockholm sydney tehran tokyo toronto vancouver venice vienna warsaw
washington zurich california texas florida ontario quebec bavaria everest kilimanjaro amazon nile danube thames
mississippi atlantic pacific"""
TONGUES = """english french german spanish italian portuguese dutch swedish norwegian danish finnish polish czech
russian ukrainian greek turkish arabic hebrew hindi urdu bengali chinese mandarin cantonese japanese korean vietnamese
thai latin welsh irish hungarian romanian bulgarian swahili american british canadian australian austrian swiss
belgian indian brazilian mexican egyptian african european asian scottish"""
_CALENDAR = """christmas easter ramadan hanukkah diwali halloween thanksgiving"""
KNOWN = frozenset(f"{_PLACES} {TONGUES} {_CALENDAR}".split()) | set(MONTHS) - {"may", "march"} | set(WEEKDAYS)
_ALIASES = {
    "uk": "britain", "gb": "britain", "u.k": "britain", "us": "america", "usa": "america", "u.s": "america",
    "america's": "america", "holland": "netherlands", "czechia": "czech", "kiev": "kyiv", "nyc": "newyork",
    "burma": "myanmar", "persia": "iran", "js": "javascript", "ts": "typescript", "py": "python", "k8s": "kubernetes",
    "postgres": "postgresql", "mac": "macos", "osx": "macos", "win": "windows", "ubuntu": "ubuntu", "fb": "facebook",
    "insta": "instagram", "xmas": "christmas", "gcal": "calendar", "msft": "microsoft", "yt": "youtube",
}  # fmt: skip
_PAIRS = {
    ("united", "kingdom"): "britain", ("great", "britain"): "britain", ("united", "states"): "america",
    ("new", "york"): "newyork", ("new", "zealand"): "newzealand", ("south", "africa"): "southafrica",
    ("north", "korea"): "northkorea", ("south", "korea"): "southkorea", ("los", "angeles"): "losangeles",
    ("san", "francisco"): "sanfrancisco", ("hong", "kong"): "hongkong", ("saudi", "arabia"): "saudiarabia",
    ("sri", "lanka"): "srilanka", ("costa", "rica"): "costarica", ("puerto", "rico"): "puertorico",
}  # fmt: skip
_LONG = {number: name for name, number in reversed(MONTHS.items())}
# Capitals that are no names: the pronoun, and short forms that every text writes so.
_PLAIN = frozenset("i ok faq id tv pc url api pdf asap eta diy atm pin sms usb wifi cv hr it vat gp ui ai faqs".split())


def one_name(word: str) -> str:
    """A lower-case name by the name it is known by: `uk` is britain, `tues` is tuesday, `sept` is september."""
    word = word.removesuffix("'s").removesuffix("'")
    if word in WEEKDAYS:
        return WEEKDAYS[word]
    if word in MONTHS:
        return _LONG[MONTHS[word]]
    return _ALIASES.get(word, word)


def joined(words: Sequence[str]) -> dict[int, str]:
    """Names of two words by the place of the first: `new york` at 3 is ``{3: "newyork"}``."""
    return {at: _PAIRS[pair] for at, pair in enumerate(pairwise(words)) if pair in _PAIRS}


def capitals(words: Sequence[str], opens: Sequence[bool]) -> set[int]:
    """The places of words with a capital that the grammar does not ask for.

    ``opens[i]`` says that word i begins a sentence. A text in Title Case or CAPITALS shows nothing by them, and
    one in lower case has none.
    """
    inside = [at for at, word in enumerate(words) if not opens[at] and len(word) > 1]
    raised = {at for at in inside if words[at][0].isupper() or (words[at] != words[at].lower() and len(words[at]) > 2)}
    if len(inside) >= 3 and len(raised) > 0.7 * len(inside):
        return set()
    names = {words[at].lower() for at in raised}
    # An opening word is a name when it is one elsewhere, and is an acronym when it is written so.
    first = {at for at, word in enumerate(words) if opens[at] and (word.lower() in names or _acronym(word, words))}
    return {at for at in raised | first if words[at].lower() not in _PLAIN}


def _acronym(word: str, words: Sequence[str]) -> bool:
    return 1 < len(word) <= 6 and word.isupper() and len(words) > 1


def swapped(
    names: Iterable[str], others: Iterable[str], words: Sequence[str], texts: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The names of each text that the other does not hold at all, not even as its initials.

    ``words`` are all words of the first text, ``texts`` of the other one, lower-case and by their known names.
    """
    left = [name for name in names if name not in texts]
    right = [name for name in others if name not in words]
    if left and right and not (_misspelt(left, right) or _misspelt(right, left)):
        return _without_initials(left, right, texts), _without_initials(right, left, words)
    return ([], []) if left and right else (left, right)


def _misspelt(names: list[str], others: list[str]) -> bool:
    """Whether an unknown name is a known one with a slip of the pen: `Mondys`. Two known names never are."""
    return len(names) == len(others) == 1 and names[0] in KNOWN and others[0] not in KNOWN and slip(names[0], others[0])


def _without_initials(names: list[str], others: list[str], words: Sequence[str]) -> list[str]:
    """Drops what the other text spells out (`NHS`, `national health service`) or shortens to initials."""
    letters = "".join(word[0] for word in words if word)
    kept = [name for name in names if not (2 < len(name) <= 6 and name.isalpha() and name in letters)]
    initials = "".join(name[0] for name in kept)
    return [] if len(kept) > 2 and initials in others else kept
