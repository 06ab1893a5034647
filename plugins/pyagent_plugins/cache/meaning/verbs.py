"""The base of a verb from its past forms, so that `fell` and `did fall` are one tense of one word."""

from __future__ import annotations

import re

# base past participle; one form where both are the same. Forms that equal the base or are mostly another word
# (put, cut, read, saw, found, left, felt) cannot show a tense by themselves, and are not here.
_FORMS = """
arise arose arisen/awake awoke awoken/become became become/begin began begun/bite bit bitten/blow blew blown
break broke broken/bring brought/build built/burn burnt/buy bought/catch caught/choose chose chosen/come came come
deal dealt/dig dug/draw drew drawn/drink drank drunk/drive drove driven/eat ate eaten/fall fell fallen/fight fought
fly flew flown/forget forgot forgotten/forgive forgave forgiven/freeze froze frozen/get got gotten/give gave given
go went gone/grow grew grown/hang hung/hear heard/hide hid hidden/hold held/keep kept/know knew known/lead led
learn learnt/lend lent/lose lost/make made/meet met/pay paid/ring rang rung/rise rose risen/run ran run
seek sought/sell sold/send sent/shake shook shaken/shoot shot/sing sang sung/sink sank sunk/sit sat/sleep slept
speak spoke spoken/spend spent/spread spread/stand stood/steal stole stolen/stick stuck/strike struck/swear swore sworn
swim swam swum/take took taken/teach taught/tear tore torn/tell told/think thought/throw threw thrown
understand understood/wake woke woken/wear wore worn/win won/write wrote written
"""
_ROWS = [row.split() for line in _FORMS.strip().splitlines() for row in line.split("/")]
_PAST = {row[1]: row[0] for row in _ROWS}
_PARTICIPLE = {row[-1]: row[0] for row in _ROWS}
_ENDING = {"ing": 6, "ed": 5}  # and how long a word with it is at least: neither `sing` nor `bed` has one


def past(word: str) -> str | None:
    """The base of a word that can only be a past tense; None for any other. Both are lower-case."""
    return _PAST.get(word) or _without(word, "ed")


def participle(word: str) -> str | None:
    """The base of a passive's participle: `eaten`, `removed`."""
    return _PARTICIPLE.get(word) or _without(word, "ed")


def progressive(word: str) -> str | None:
    """The base of `changing`."""
    return _without(word, "ing")


def _without(word: str, ending: str) -> str | None:
    base = word.removesuffix(ending)
    if base == word or len(word) < _ENDING[ending] or not re.search("[aeiouy]", base) or base[-1] == "e":
        return None
    if base[-1] == base[-2] and base[-1] not in "lsz":
        return base[:-1]
    # Which of them ends in e is not always to be seen (`hoped`, `opened`); a form drops the last e of every word.
    return base + "e" if base[-1] in "cgsvz" and not base.endswith("ss") else base
