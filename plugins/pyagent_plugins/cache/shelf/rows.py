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

COLUMNS = (
    "seq, scope, exact, created, expires, model, input_tokens, output_tokens, usd, depends, checksum, packed, "
    "prompt, answer"
)
INSERT = """INSERT INTO entry(seq, scope, exact, created, expires, model, input_tokens, output_tokens, usd, depends,
    size, checksum, packed, prompt, answer) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"""


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before it has a number.

    ``scope`` and ``exact`` are 16 bytes; ``vector`` is a unit vector of any float type, shape [dim], and
    ``embedder`` its maker's name; ``features`` is what the guards keep; ``created`` and ``expires`` are seconds of
    cache time, ``created`` None for now.
    """

    scope: bytes
    exact: bytes
    prompt: str
    answer: str
    vector: np.ndarray | None = None
    embedder: str | None = None
    features: bytes | None = None
    created: float | None = None
    expires: float | None = None
    model: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = None
    dependencies: tuple[Dependency, ...] = ()


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an entry is compared by: ``vector`` float32 of shape [dim], length 1, made by ``embedder``."""

    embedder: str | None
    vector: np.ndarray | None
    features: bytes | None


@dataclass(frozen=True, slots=True)
class Row:
    """A draft as it will lie: ``size`` is what it costs in bytes, ``packed`` which texts are compressed."""

    draft: Draft
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
    draft = replace(draft, dependencies=together(draft.dependencies))
    prompt, short_prompt = _pack(encoded(draft.prompt))
    answer, short_answer = _pack(encoded(draft.answer))
    vector = None if draft.vector is None else half(draft.vector)
    extras = len(vector or b"") + len(draft.features or b"")
    deps = sum(2 * len(dep.key) + len(dep.version) + 40 for dep in draft.dependencies)
    size = len(prompt) + len(answer) + extras + deps + OVERHEAD
    return Row(draft, prompt, answer, PROMPT * short_prompt | ANSWER * short_answer, vector, size)


def _pack(data: bytes) -> tuple[bytes, bool]:
    """The data, compressed where that pays, and whether it is."""
    if len(data) < PACK_FROM:
        return data, False
    short = zlib.compress(data, 1)
    return (short, True) if len(short) < 0.8 * len(data) else (data, False)


def values(seq: int | None, row: Row, created: float) -> Sequence[Any]:
    """What INSERT takes; ``seq`` None lets SQLite choose the next."""
    draft = row.draft
    return (
        seq, draft.scope, draft.exact, created, draft.expires, draft.model, draft.input_tokens, draft.output_tokens,
        draft.usd, len(draft.dependencies), row.size, checksum(row.prompt, row.answer), row.packed, row.prompt,
        row.answer,
    )  # fmt: skip


def entry_of(found: Sequence[Any], dependencies: tuple[Dependency, ...]) -> Entry | None:
    """The entry in a row of COLUMNS, or None when it is torn: its checksum or its count of dependencies differs."""
    seq, scope, exact, created, expires, model, tokens_in, tokens_out, usd, depends, crc, packed, prompt, answer = found
    if depends != len(dependencies) or crc != checksum(prompt, answer):
        return None
    asked = decoded(zlib.decompress(prompt) if packed & PROMPT else prompt)
    said = decoded(zlib.decompress(answer) if packed & ANSWER else answer)
    return Entry(seq, scope, exact, asked, said, created, expires, model, tokens_in, tokens_out, usd, dependencies)


def half(vector: np.ndarray) -> bytes:
    import numpy as np

    return np.asarray(vector, np.float16).tobytes()


def whole(data: bytes) -> np.ndarray:
    """float32 of shape [dim] and length 1 from float16 bytes."""
    import numpy as np

    vector = np.frombuffer(data, np.float16).astype(np.float32)
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
