"""The words of the cache, frozen: what is kept, under which scope, and what a look-up says."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

# What a question may be matched by: its text alone, its meaning, or the one already on its way.
Source = Literal["exact", "semantic", "coalesced", "computed"]


@dataclass(frozen=True, slots=True)
class Scope:
    """Who may share an answer with whom: tenant, model or quality, sampling, system, tools, schema, embedder,
    and for conversations the digest of the history before the last turn. Never the question.

    ``digest`` is 16 bytes; two scopes with different digests never see each other's entries.
    """

    digest: bytes

    @classmethod
    def of(cls, parts: Mapping[str, Any]) -> Scope:
        """From JSON values. Raises TypeError for what is not JSON, since it could not be compared."""
        text = json.dumps(dict(parts), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return cls(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest())


@dataclass(frozen=True, slots=True)
class Dependency:
    """What an answer was made from: a file, URL, tool, model, prompt or free tag, and its version then."""

    kind: Literal["file", "url", "tool", "model", "prompt", "tag"]
    key: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One kept answer. ``seq`` is its place in time and its name; ``answer`` is the JSON of what was answered;
    ``expires`` is seconds since the epoch or None; ``usd`` and the tokens are what it cost to make; ``guessed`` says
    that nobody declared what it was made from nor how long it may live, so that its end is the cache's own guess."""

    seq: int
    scope: bytes
    exact: bytes
    prompt: str
    answer: str
    created: float
    expires: float | None = None
    model: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = None
    dependencies: tuple[Dependency, ...] = ()
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A kept answer that may be given. ``similarity`` is the cosine, 1.0 for an exact hit."""

    entry: Entry
    source: Source
    similarity: float = 1.0


@dataclass(frozen=True, slots=True)
class Miss:
    """Why nothing may be given: ``reason`` is a short stable word, ``detail`` a sentence; ``nearest`` the best
    candidate that was turned down, if any."""

    reason: str
    detail: str = ""
    nearest: Entry | None = None
    similarity: float = 0.0


def normalised(text: str) -> str:
    """The text with one spelling of equal characters (NFC) and of white space: nothing that changes meaning.

    NFKC would make 10² and 102 equal. Line breaks become blanks like all other white space.
    """
    return " ".join(unicodedata.normalize("NFC", text).split())


def exact_key(scope: Scope, text: str) -> bytes:
    """16 bytes that name a question within its scope."""
    data = normalised(text).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=16, key=scope.digest).digest()
