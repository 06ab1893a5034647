"""Carries answers from one cache to another in a file that shows what was damaged on the way.

JSON Lines, compressed when the name ends in ``.gz``: a head with the format's number, a line for each entry with
its own checksum, a tail with their number. Scopes and tenants stay what they were: an answer is found in the new
cache by whom it was found in the old one, and by nobody else.
"""

from __future__ import annotations

import math
import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pyagent.errors import StoreError
from pyagent_plugins.cache.entry import Dependency, Entry
from pyagent_plugins.cache.shelf.depends import Versions
from pyagent_plugins.cache.shelf.limits import EntryRefused
from pyagent_plugins.cache.shelf.lines import FORMAT, line_of, opened, read
from pyagent_plugins.cache.shelf.rows import UNNUMBERED, Draft, Meaning
from pyagent_plugins.cache.shelf.shelf import OnWrite, Shelf
from pyagent_plugins.cache.shelf.versions import NEVER_FRESH, content, counted

TOGETHER = 200  # entries in one transaction
FIELDS = ("prompt", "answer", "created", "expires", "model", "input_tokens", "output_tokens", "usd", "guessed")
KINDS = frozenset({"file", "url", "tool", "model", "prompt", "tag"})


@dataclass(frozen=True, slots=True)
class Imported:
    """``kept`` entries came in; ``known`` had a newer one here, ``over`` had ended or were invalidated here since
    they were made, ``refused`` are too large; ``problems`` names each damaged line: ``FILE:LINE: what``."""

    kept: int
    known: int
    over: int
    refused: int
    problems: tuple[str, ...]


def export(shelf: Shelf, target: Path, scope: bytes | None = None) -> int:
    """Write the window's entries (of one scope or all) that have not ended; gives how many.

    The file is written beside its place and renamed at the end. Raises StoreError.
    """
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with opened(beside, "wb", target.suffix == ".gz") as file:
            file.write(line_of({"pyagent_cache": FORMAT}))
            count = sum(file.write(line_of(row)) > 0 for row in _rows(shelf, scope))
            file.write(line_of({"entries": count}))
        beside.replace(target)
    except OSError as error:
        raise StoreError(
            f"{target} cannot be written ({error.strerror or error})", "choose another place for the export"
        ) from None
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    return count


def import_(
    shelf: Shelf,
    source: Path,
    versions: Versions | None = None,
    on_write: OnWrite | None = None,
    embedder: str | None = None,
    above: Callable[[], int] | None = None,
) -> Imported:
    """Take in what an export wrote. ``on_write`` gets the vectors made by ``embedder`` (all when None); with
    ``above`` as in ``Shelf.put``.

    An entry whose question has an answer here that is as new or newer is left out, one that has ended, too, and
    one whose sources were invalidated here after it was made. A damaged line is named and the rest goes on.
    Raises UsageError when the file cannot be read or is no export.
    """
    intake = _Intake(shelf, versions or Versions(shelf), on_write, embedder, above)
    problems = []
    for number, row in read(source):
        draft = row if isinstance(row, str) else _draft(row)
        if isinstance(draft, str):
            problems.append(f"{source.name}:{number}: {draft}")
        else:
            intake.take(draft)
    intake.flush()
    return Imported(intake.kept, intake.known, intake.over, intake.refused, tuple(problems))


class _Intake:
    """Decides about each entry and stores them in batches."""

    def __init__(
        self,
        shelf: Shelf,
        versions: Versions,
        on_write: OnWrite | None,
        embedder: str | None,
        above: Callable[[], int] | None,
    ) -> None:
        self.shelf, self.versions = shelf, versions
        self.on_write, self.embedder, self.above = on_write, embedder, above
        self.kept = self.known = self.over = self.refused = 0
        self._waiting: dict[tuple[bytes, bytes, frozenset[Dependency]], Draft] = {}
        self._dims: dict[str, int] = {}
        self._now = shelf.clock.now()

    def take(self, draft: Draft) -> None:
        entry = draft.entry
        if (entry.expires is not None and entry.expires <= self._now) or self._invalidated(entry):
            self.over += 1
            return
        # Made in the future: by a clock that was ahead. It is not to stay newer than what is made here.
        entry = self._counted(replace(entry, created=min(entry.created, self._now)))
        name = (entry.scope, entry.exact, frozenset(entry.dependencies))
        waiting = self._waiting.get(name)
        here = self.shelf.exacts(entry.scope, entry.exact, ended=True)
        times = [other.created for other in here] + ([waiting.entry.created] if waiting else [])
        if any(time >= entry.created for time in times):
            self.known += 1
            return
        self._waiting[name] = self._comparable(replace(draft, entry=entry))
        if len(self._waiting) >= TOGETHER:
            self.flush()

    def flush(self) -> None:
        # The oldest first: of two answers to one question the newer one gets the higher number.
        drafts = sorted(self._waiting.values(), key=lambda draft: draft.entry.created)
        self._waiting = {}
        for indexed in (True, False):
            on_write = self.on_write if indexed else None
            self._put([draft for draft in drafts if (self.embedder in (None, draft.embedder)) == indexed], on_write)

    def _put(self, drafts: list[Draft], on_write: OnWrite | None) -> None:
        try:
            self.kept += len(self.shelf.put(drafts, on_write, self.above)) if drafts else 0
        except EntryRefused:  # one of them is too large, and nothing was kept
            if len(drafts) == 1:
                self.refused += 1
            else:
                for draft in drafts:
                    self._put([draft], on_write)

    def _comparable(self, draft: Draft) -> Draft:
        """Without its vector when that is not as long as the others of its embedder: it is found by its text then."""
        if draft.vector is None or draft.embedder is None:
            return replace(draft, vector=None)
        if draft.embedder not in self._dims:
            self._dims[draft.embedder] = self.shelf.dim(draft.embedder) or len(draft.vector)
        fits = len(draft.vector) == self._dims[draft.embedder]
        return draft if fits else replace(draft, vector=None)

    def _invalidated(self, entry: Entry) -> bool:
        times = (self.shelf.counters.at(dep.kind, dep.key) for dep in entry.dependencies)
        return any(time is not None and time >= entry.created for time in times)

    def _counted(self, entry: Entry) -> Entry:
        counts = self.shelf.counters.counts([(dep.kind, dep.key) for dep in entry.dependencies])
        deps = (
            replace(dep, version=counted(dep.version, count))
            for dep, count in zip(entry.dependencies, counts, strict=True)
        )
        return replace(entry, dependencies=tuple(deps))


def _rows(shelf: Shelf, scope: bytes | None) -> Iterator[dict[str, Any]]:
    last = shelf.low - 1
    while numbers := shelf.numbers(last, 500):
        last = numbers[-1]
        meanings = shelf.meanings(numbers)
        for entry in shelf.entries(numbers, scope):
            # A version that can never be fresh says that the answer cannot be used.
            if not any(dep.version in NEVER_FRESH for dep in entry.dependencies):
                yield _row(entry, meanings.get(entry.seq))


def _row(entry: Entry, meaning: Meaning | None) -> dict[str, Any]:
    import numpy as np

    row: dict[str, Any] = {"scope": entry.scope.hex(), "exact": entry.exact.hex()}
    row.update({name: value for name in FIELDS if (value := getattr(entry, name)) is not None})
    if entry.dependencies:
        row["made_from"] = [[dep.kind, dep.key, content(dep.version)] for dep in entry.dependencies]
    if meaning is not None:
        vector, features = meaning.vector, meaning.features
        row["embedder"] = meaning.embedder
        row["vector"] = None if vector is None else _text(vector.astype(np.float16).tobytes())
        row["features"] = None if features is None else _text(features)
    return row


def _draft(row: Mapping[str, Any]) -> Draft | str:
    """The entry of a line, or what is wrong with it: a checksum that fits does not make it well formed."""
    import numpy as np

    try:
        vector, features = row.get("vector"), row.get("features")
        entry = Entry(
            UNNUMBERED,
            bytes.fromhex(row["scope"]),
            bytes.fromhex(row["exact"]),
            **{name: row[name] for name in FIELDS if name in row},
            dependencies=tuple(Dependency(*map(_checked, made)) for made in row.get("made_from", ())),
        )
        draft = Draft(
            entry,
            vector=None if vector is None else np.frombuffer(b64decode(vector, validate=True), np.float16),
            embedder=row.get("embedder"),
            features=None if features is None else b64decode(features, validate=True),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return f"it is not an entry ({type(error).__name__}: {error})"
    return draft if _sound(draft) else "it is not an entry (a field has the wrong type)"


def _checked(value: object) -> Any:
    if not isinstance(value, str):
        raise TypeError("a dependency is three texts")
    return value


def _sound(draft: Draft) -> bool:
    number, entry = (int, float), draft.entry
    return (
        len(entry.scope) == len(entry.exact) == 16
        and isinstance(entry.prompt, str)
        and isinstance(entry.answer, str)
        and isinstance(entry.created, number)
        and math.isfinite(entry.created)
        and isinstance(entry.expires, (*number, type(None)))
        and isinstance(entry.usd, (*number, type(None)))
        and isinstance(entry.model, (str, type(None)))
        and isinstance(draft.embedder, (str, type(None)))
        and (draft.vector is None or abs(float(draft.vector.astype("f4") @ draft.vector.astype("f4")) - 1) < 0.1)
        and isinstance(entry.input_tokens, int)
        and isinstance(entry.output_tokens, int)
        and isinstance(entry.guessed, bool)
        and all(dep.kind in KINDS for dep in entry.dependencies)
    )


def _text(data: bytes) -> str:
    return b64encode(data).decode()
