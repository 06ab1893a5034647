"""How two things differ, and how long one takes, asked in a dozen ways each, recast into one.

Rules as in `recast`: patterns over lower-case words with single blanks that name only grammar and words of asking.
"""

from __future__ import annotations

import re

_X, _Y = r"(?P<x>(?!and\b)[\w' ]+?)", r"(?P<y>[\w' ]+)"
_IS = r"(?:is|are)"
_GREAT = r"(?:main |key |basic |essential )?"
_NOUN = rf"{_GREAT}(?:differences?|distinctions?)"
_DIFFER = (
    re.compile(rf"(?:what {_IS} )?(?:the |a )?{_NOUN} (?:between|of) {_X} and {_Y}"),
    re.compile(rf"what the {_NOUN} between {_X} and {_Y} {_IS}"),
    re.compile(rf"what {_NOUN} (?:{_IS} there|there {_IS}) between {_X} and {_Y}"),
    re.compile(rf"(?:how|in (?:what|which) ways?) (?:do|does) {_X} differ from {_Y}"),
    re.compile(rf"(?:how|in (?:what|which) ways?) {_X} differs? from {_Y}"),
    re.compile(rf"(?:how|in (?:what|which) ways?) (?:do|does) {_X} and {_Y} differ"),
    re.compile(rf"(?:how|in (?:what|which) ways?) {_X} and {_Y} differ"),
    re.compile(rf"(?:how|in (?:what|which) ways?) {_IS} {_X} different (?:from|than|to) {_Y}"),
    re.compile(rf"(?:how|in (?:what|which) ways?) {_X} {_IS} different (?:from|than|to) {_Y}"),
    re.compile(rf"(?:how|in (?:what|which) ways?) {_IS} {_X} and {_Y} different"),
    re.compile(rf"what (?:makes?|made) {_X} different (?:from|than|to) {_Y}"),
    re.compile(rf"what (?:distinguishes|differentiates) {_X} from {_Y}"),
    re.compile(rf"what sets {_X} apart from {_Y}"),
)
_THING = r"(?P<x>(?!it\b|to\b|for\b)(?:[\w']+ ){1,6}?)"
_HOW = r"(?:how (?:long|much time)|(?:what is )?the time(?: that)?)"
_TAKES = (
    re.compile(rf"{_HOW} (?:does it take|it takes) (?:for )?{_THING}to (?P<v>.+)"),
    re.compile(rf"{_HOW} (?:do|does) {_THING}(?:take|need) to (?P<v>.+)"),
    re.compile(rf"{_HOW} {_THING}(?:takes?|needs?) to (?P<v>.+)"),
    re.compile(r"(?P<x>(?:[\w']+ ){1,6}?)takes how long to (?P<v>.+)"),
)


def compared(text: str) -> str:
    """`how do cats differ from dogs` as `the difference between cats and dogs`, whichever comes first."""
    if "differ" not in text and "disti" not in text and " apart " not in text:
        return text
    for pattern in _DIFFER:
        if match := pattern.fullmatch(text):
            one, other = sorted(re.sub("^(?:the|an?) ", "", match[end]) for end in ("x", "y"))
            return f"what is the difference between {one} and {other}"
    return text


def taken(text: str) -> str:
    """`how long does it take for bread to bake` as `how long does bread take to bake`."""
    if not ("take" in text or "need" in text) or " to " not in text:
        return text
    for pattern in _TAKES:
        if match := pattern.fullmatch(text):
            return f"how long does {match['x']}take to {match['v']}"
    return text
