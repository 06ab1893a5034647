"""How a text falls into words, numbers and names of things, in one pass of one pattern.

What is written in letters is read as language; what is written as code, address, path, flag or version is kept
byte for byte, since one changed character makes it another thing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pyagent_plugins.cache.meaning.units import NUMBERS, ORDINALS


class Token(NamedTuple):
    """``kind`` is word, num, time, date, op, end or ident; ``text`` as it was written."""

    kind: str
    text: str


_PATTERN = re.compile(
    r"""
    (?P<code>`+[^`]+`+)
  | (?P<url>(?:https?|ftp|file)://[^\s<>"')]+|www\.[^\s<>"')]+)
  | (?P<email>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)
  | (?P<flag>(?<![\w-])--?[A-Za-z][\w-]*(?:=[\w./-]+)?)
  | (?P<path>(?<!\w)(?:~|\.{1,2})?/[\w.@~-]+(?:/[\w.@~-]*)*|\b[A-Za-z]:\\[^\s]+|[\w.-]+(?:/[\w-]+)*/[\w-]*\.[A-Za-z]\w*)
  | (?P<date>\b\d{4}-\d{1,2}-\d{1,2}\b|\b\d{1,2}/\d{1,2}/\d{2,4}\b|\b(?:19|20)\d\d[/–]\d{2,4}\b)
  | (?P<time>\b\d{1,2}[:.]\d{2}\s?[apAP]\.?[mM]\b\.?|\b\d{1,2}\s?[apAP]\.?[mM]\b\.?|\b\d{1,2}:\d{2}\b)
  | (?P<version>\bv?\d+(?:\.\d+){2,}(?:[-.]\w+)*|\bv\d+(?:\.\d+)*\b)
  | (?P<num>(?:[£$€¥₹]\ ?)?(?<!\w)\d+(?:,\d{3})*(?:\.\d+)?[⁰¹²³⁴-⁹½¼¾]*(?:%|°[CFcf]?|[A-Za-zµ]{1,4})?(?!\w))
  | (?P<ident>(?:[A-Za-z]+\d|\d+[A-Za-z]|\w*_)\w*(?:[-.]\w+)*|[A-Za-z_]\w*(?:\.[A-Za-z_]\w+)+|\w+\(\))
  | (?P<word>[^\W\d_⁰¹²³⁴-⁹½¼¾₀-₉]+(?:['-][^\W\d_⁰¹²³⁴-⁹½¼¾]+)*)
  | (?P<op>[-+−*/^=<>≤≥×÷≠%]+|[⁰¹²³⁴-⁹½¼¾]+)
  | (?P<end>[.?!;,:\n]+)
    """,
    re.VERBOSE,
)
# Most questions are letters and marks alone; the large pattern would try its eight kinds of names at each of them.
_PLAIN = re.compile(r"[A-Za-z',.?!;: \n]*")
_DOTTED = re.compile(r"[A-Za-z]\.[A-Za-z]")
_PIECES = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*|[.?!;,:\n]+")
_IDENT = frozenset({"code", "url", "email", "flag", "path", "version", "ident"})
_MARKED = re.compile(r"^`+\s*|\s*`+$|[.,;:]+$|\(\)$")


def tokens(text: str) -> list[Token]:
    """In the order of the text. Characters that belong to none of the kinds are dropped."""
    if _PLAIN.fullmatch(text) and not _DOTTED.search(text):
        return [Token("word" if part[0].isalpha() else "end", part) for part in _PIECES.findall(text)]
    found = []
    for match in _PATTERN.finditer(text.replace("’", "'")):
        kind = match.lastgroup or ""
        if kind in _IDENT:
            found.append(Token("ident", _MARKED.sub("", match.group())))
        elif kind == "word" and "-" in match.group() and _counted(match.group()):
            found.extend(Token("word", part) for part in match.group().split("-", 1))
        else:
            found.append(Token(kind, match.group()))
    return found


def _counted(word: str) -> bool:
    """`two-year` is a number and a unit; `twenty-two` is one number."""
    head, _, rest = word.lower().partition("-")
    return (head in NUMBERS or head in ORDINALS) and rest not in NUMBERS and rest not in ORDINALS and rest != "time"
