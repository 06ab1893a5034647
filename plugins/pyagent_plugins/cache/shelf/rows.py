"""How an entry lies in its row: texts as UTF-8, long answers compressed, a checksum over both, vectors as float16."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pyagent_plugins.cache.entry import Dependency, Entry
from pyagent_plugins.cache.shelf.versions import together

if TYPE_CHECKING:
    import numpy as np

# Bytes. At 8 kB compressing halves the text and costs 46 µs at the store and 17 µs at a hit, as much as all the rest
# of an exact hit; at 1 kB it would save 400 bytes.
PACK_FROM = 4096
PROMPT, ANSWER = 1, 2  # bits of the column `packed`
OVERHEAD = 160  # bytes of keys, numbers and index entries that an entry costs beside its texts and vector

UNNUMBERED = 0  # the first entry of a file is number 1
NOW = float("-inf")  # as the time: when it is stored

COLUMNS = (
    "seq, scope, exact, created, expires, model, input_tokens, output_tokens, usd, depends, guessed, checksum, packed, "
    "prompt, answer"
)
INSERT = """INSERT INTO entry(seq, scope, exact, created, expires, model, input_tokens, output_tokens, usd, depends,
    guessed, size, checksum, packed, prompt, answer) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"""


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry that has no number yet (``seq`` is UNNUMBERED), with what it will be compared by.

    ``created`` is seconds of cache time, or NOW for when it is stored; ``vector`` is a unit vector of any float type,
    shape [dim], and ``embedder`` its maker's name; ``features`` is what the guards keep.
    """

    entry: Entry
    vector: np.ndarray | None = None
    embedder: str | None = None
    features: bytes | None = None


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an entry is compared by: ``vector`` float32 of shape [dim], length 1, made by ``embedder``."""

    embedder: str | None
    vector: np.ndarray | None
    features: bytes | None


@dataclass(frozen=True, slots=True)
class Row:
    """A draft's entry as it will lie: ``size`` is what all of it costs in bytes, ``packed`` which texts are short."""

    entry: Entry
    prompt: bytes
    answer: bytes
    packed: int
    vector: bytes | None
    size: int


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def checksum(prompt: bytes, answer: bytes) -> int:
    return zlib.crc32(answer, zlib.crc32(prompt))


def row_of(draft: Draft) -> Row:
    """Each dependency once: what was declared may have been read again on the way."""
    entry = replace(draft.entry, dependencies=together(draft.entry.dependencies))
    prompt, short_prompt = _pack(encoded(entry.prompt))
    answer, short_answer = _pack(encoded(entry.answer))
    vector = None if draft.vector is None else half(draft.vector)
    extras = len(vector or b"") + len(draft.features or b"")
    deps = sum(2 * len(dep.key) + len(dep.version) + 40 for dep in entry.dependencies)
    size = len(prompt) + len(answer) + extras + deps + OVERHEAD
    return Row(entry, prompt, answer, PROMPT * short_prompt | ANSWER * short_answer, vector, size)


def _pack(data: bytes) -> tuple[bytes, bool]:
    """The data, compressed where that pays, and whether it is."""
    if len(data) < PACK_FROM:
        return data, False
    short = zlib.compress(data, 1)
    return (short, True) if len(short) < 0.8 * len(data) else (data, False)


def values(entry: Entry, row: Row) -> Sequence[Any]:
    """What INSERT takes for a row whose ``entry`` has its number and time."""
    return (
        entry.seq, entry.scope, entry.exact, entry.created, entry.expires, entry.model, entry.input_tokens,
        entry.output_tokens, entry.usd, len(entry.dependencies), entry.guessed, row.size,
        checksum(row.prompt, row.answer), row.packed, row.prompt, row.answer,
    )  # fmt: skip


def entry_of(found: Sequence[Any], dependencies: tuple[Dependency, ...]) -> Entry | None:
    """The entry in a row of COLUMNS, or None when it is torn: its checksum or its count of dependencies differs."""
    seq, scope, exact, created, expires, model, tokens_in, tokens_out, usd, *rest = found
    depends, guessed, crc, packed, prompt, answer = rest
    if depends != len(dependencies) or crc != checksum(prompt, answer):
        return None
    asked = decoded(zlib.decompress(prompt) if packed & PROMPT else prompt)
    said = decoded(zlib.decompress(answer) if packed & ANSWER else answer)
    return Entry(
        seq, scope, exact, asked, said, created, expires, model, tokens_in, tokens_out, usd, dependencies, bool(guessed)
    )  # fmt: skip


def half(vector: np.ndarray) -> bytes:
    import numpy as np

    return np.asarray(vector, np.float16).tobytes()


def whole(data: bytes) -> np.ndarray:
    """float32 of shape [dim] and length 1 from float16 bytes."""
    import numpy as np

    vector = np.frombuffer(data, np.float16).astype(np.float32)
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
