"""A prompt as numbers, in microseconds and without a model: its form, its words, its script.

Counting is left to C (`str.count`, one regular expression for words); a long text is looked at by its head and tail,
so that a prompt of any length costs well below a millisecond.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import log1p
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# A long prompt says what it wants at its beginning or its end; between them is material.
HEAD, TAIL = 1800, 700
_WORD = re.compile(r"[^\W\d_]+|\d+(?:[.,]\d+)*")
_OPTION = re.compile(r"^\s*\(?[A-Ea-e1-5][).:]\s", re.M)
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s", re.M)
_END = re.compile(r"[.!?]+(?:\s|$)")

# Words by what they speak of; each group is one feature: the log of how often it occurs.
GROUPS: dict[str, str] = {
    "math": "sum product average mean total percent percentage ratio fraction calculate compute equation solve integer"
    " multiply divide add subtract times twice half double probability area perimeter angle square root prime",
    "money": "cost costs price dollar dollars cents pay paid earn earns spend buys sell sells profit discount hour"
    " hours minutes days week weeks per each miles speed",
    "logic": "if then therefore implies premise conclusion valid true false liar knight knave either neither nor unless"
    " all some none every must follows taller older left right before after order puzzle deduce",
    "know": "who when where capital country president year invented discovered wrote author river planet element"
    " century war king founded located population chemical",
    "science": "theorem proof energy force cell protein gene molecule acid reaction electron velocity derivative"
    " integral matrix vector polynomial algorithm enzyme orbit",
    "law": "court law statute plaintiff defendant contract patient diagnosis symptoms treatment clinical legal tort",
    "code": "function code python javascript java class method return returns program script implement list string"
    " array sql query regex def import loop api algorithm typescript rust",
    "fix": "bug fix error debug wrong broken fails failing traceback exception correct repair crash issue typo",
    "json": "json schema object keys key field fields valid yaml xml format csv table",
    "form": "words sentences sentence exactly bullet bullets lowercase uppercase letter letters paragraph paragraphs"
    " begin start end comma commas least most include avoid without rhyme title heading",
    "extract": "extract find list names dates date email mentioned passage text according article paragraph document"
    " quote facts entities identify",
    "transform": "rewrite summarize summarise translate convert rephrase shorten paraphrase reverse replace sort"
    " alphabetical capitalize simplify formal polite summary",
    "lang": "french german spanish italian chinese japanese russian portuguese arabic hindi english korean dutch"
    " turkish polish translate language translation",
    "tools": "tool tools call function search weather calculator booking api available invoke send email calendar",
    "create": "story poem essay write song imagine creative character dialogue blog letter slogan joke",
    "wh": "what which who whom whose when where why how",
    "negation": "not no never none cannot without except nor isn doesn don",
    "compare": "more less than greater fewer most least larger smaller better worse between versus compare difference",
    "steps": "first second third next finally then step steps plan after before until while",
    "hard": "prove derive explain analyze analyse justify evaluate optimize design complex general rigorous why",
}
_GROUP_OF: dict[str, tuple[int, ...]] = {}
for _place, _words in enumerate(GROUPS.values()):
    for _word in _words.split():
        _GROUP_OF[_word] = (*_GROUP_OF.get(_word, ()), _place)

NAMES: tuple[str, ...] = (
    "chars", "words", "lines", "word_length", "longest", "variety", "digits", "numbers", "largest", "operators",
    "equals", "questions", "asks_last", "upper", "punctuation", "foreign", "script", "fences", "latex", "braces",
    "parens", "quotes", "options", "bullets", "sentences", "sentence_length", "long_words",
    *(f"about_{name}" for name in GROUPS),
)  # fmt: skip
SIZE = len(NAMES)
BUCKETS = 1 << 15


def clipped(text: str) -> str:
    """The part of a text that is looked at."""
    return text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}"


def words(text: str) -> list[str]:
    """Lower-case words and numbers, in order."""
    return _WORD.findall(text.lower())


def structure(text: str, tokens: Sequence[str] | None = None) -> list[float]:
    """The ``NAMES`` of ``text``, unscaled; counts are logs (log(1+n)), shares 0..1. ``tokens`` are its words."""
    seen = clipped(text)
    tokens = words(seen) if tokens is None else tokens
    size, count = max(1, len(seen)), max(1, len(tokens))
    numbers = [token for token in tokens if token[0].isdecimal()]
    lengths = [len(token) for token in tokens] or [0]
    groups = [0] * len(GROUPS)
    for token in tokens:
        for place in _GROUP_OF.get(token, ()):
            groups[place] += 1
    ascii_bytes = len(seen.encode("ascii", "ignore"))
    foreign = (size - ascii_bytes) / size if seen else 0.0
    sentences = max(1, len(_END.findall(seen)))
    quotes = seen.count('"') + seen.count("'") + seen.count("`")
    return [
        log1p(len(text)), log1p(len(tokens)), log1p(seen.count("\n")), sum(lengths) / count / 5, max(lengths) / 20,
        len(set(tokens)) / count, sum(map(len, numbers)) / size, log1p(len(numbers)),
        max((min(len(number), 12) for number in numbers), default=0) / 6,
        log1p(sum(map(seen.count, "+*/^%<>"))), log1p(seen.count("=")), log1p(seen.count("?")),
        float(seen.rstrip().endswith("?")), _upper(seen) / size, log1p(sum(map(seen.count, ",;:."))) / 3,
        foreign, float(foreign > 0.3), log1p(seen.count("```")), log1p(seen.count("\\") + seen.count("$")),
        log1p(seen.count("{") + seen.count("[")), log1p(seen.count("(")), log1p(quotes),
        log1p(len(_OPTION.findall(seen))), log1p(len(_BULLET.findall(seen))), log1p(sentences),
        log1p(count / sentences), sum(length > 8 for length in lengths) / count,
        *map(log1p, groups),
    ]  # fmt: skip


def _upper(text: str) -> int:
    return len(re.findall(r"[A-Z]", text))


def buckets(tokens: Sequence[str], size: int = BUCKETS) -> list[int]:
    """Each word and each pair of neighbours as a number below ``size`` (CRC-32: the same in every process)."""
    short = [token if not token[0].isdecimal() else f"#{min(len(token), 6)}" for token in tokens]
    crc = zlib.crc32
    single = [crc(token.encode()) % size for token in short]
    return single + [crc(f"{one} {two}".encode()) % size for one, two in pairwise(short)]


def matrix(texts: Iterable[str]) -> np.ndarray:
    """float32 [n, SIZE]: the structure of each text."""
    import numpy as np

    rows = [structure(text) for text in texts]
    return np.array(rows, dtype=np.float32).reshape(len(rows), SIZE)
