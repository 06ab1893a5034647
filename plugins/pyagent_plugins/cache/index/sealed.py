"""An older window, sealed: one file that no longer grows, scanned by its codes or searched by Annoy when large.

Only its tombstones change. It is published by a row in the manifest and dropped by unlinking; whoever has it mapped
keeps it. Results are always ranked by the vectors in this file, so that Annoy only proposes.
"""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from pyagent_plugins.cache.index.block import CODES, Block, Found, columns
from pyagent_plugins.cache.index.codes import Centre, Query
from pyagent_plugins.cache.index.mapped import Column, Mapped, peek

MAGIC, VERSION = 0x53_45_41_4C, 1
# Below this Annoy is not even tried. Measured, scan against Annoy: 86 and 348 µs at 50,000, 286 and 444 at 200,000,
# 555 and 427 at 400,000.
TRIED_FROM = 200_000
# Annoy's default of trees times neighbours reached a recall of 0.88 at 100,000; this reaches 0.98 to 1.
TREES, LOOKED_AT, PROPOSED = 10, 2_000, 64
_ASKED = 64  # queries that decide between scan and Annoy
_ENOUGH = 0.99  # share of the scan's finds that Annoy must also find
_STEP = 4096


@dataclass(frozen=True, slots=True)
class Row:
    """A sealed window in the manifest. ``backend`` is ``codes``, ``annoy``, or ``open`` while not yet decided;
    ``measured``: µs of CPU a look-up by each, and Annoy's recall beside the scan, on this window's own vectors."""

    file: str
    first: int
    last: int
    entries: int
    digest: str
    backend: str = "open"
    measured: dict[str, float] | None = field(default=None, compare=False)


class Sealed:
    """A window of ``row.entries`` entries ascending by sequence number."""

    def __init__(self, folder: Path, row: Row, dim: int) -> None:
        """Raises ValueError when the file is not what the manifest says."""
        self.row, self.dim, self.path = row, dim, folder / row.file
        magic, version, n, found, *_ = peek(self.path)
        if (magic, version, n, found) != (MAGIC, VERSION, row.entries, dim):
            raise ValueError(f"{self.path} is not the window that the manifest names")
        self.file = Mapped(self.path, _columns(dim), n)
        self.block = Block(self.file.arrays, self.file.arrays, Centre.of(self.file.arrays["mean"]), folder.parent)
        self._annoy = _load(self.path.with_suffix(".annoy"), dim) if row.backend == "annoy" else None

    @classmethod
    def write(cls, folder: Path, source: Block, places: np.ndarray) -> Row:
        """Copy the places (oldest first) of a block into a new file. Raises StoreError when the disk is full."""
        first, last = int(source.seq[places[0]]), int(source.seq[places[-1]])
        dim = source.vectors.shape[1]
        path = folder / f"sealed-{first}-{last}.tmp"
        path.unlink(missing_ok=True)
        file = Mapped(path, _columns(dim), len(places), create=True)
        try:
            file.reserve(0, len(places))
            for at in range(0, len(places), _STEP):
                _copy(source, places[at : at + _STEP], file.arrays, slice(at, at + _STEP))
            file.arrays["mean"][:] = source.centre.mean
            for number, value in enumerate((MAGIC, VERSION, len(places), dim)):
                file.header[number] = value
            digest = _digest(file.arrays)
            # The digest is in the name: a window that is sealed again after a kill is another file.
            os.replace(path, path.with_name(name := f"sealed-{first}-{last}-{digest[:8]}.window"))
        finally:
            file.close()
            path.unlink(missing_ok=True)
        return Row(name, first, last, len(places), digest)

    def search(self, query: Query, low: int, k: int, floor: float) -> list[Found]:
        """The k best from ``low`` on, best first."""
        _, code = query.code(self.block.centre)
        near = self.block.centre.floor(query, floor)
        if self._annoy is not None:
            ids = self._annoy.get_nns_by_vector(query.vector, PROPOSED, search_k=LOOKED_AT)
            return self.block.search_hints(query, code, near, low, k, floor, np.array(ids, np.uint32))
        start = int(np.searchsorted(self.block.seq, low)) if low > self.row.first else 0
        return self.block.search_spans(query, code, near, low, k, floor, [(start, self.row.entries)])

    def place(self, seq: int) -> int:
        """Where the entry is, or -1."""
        place = int(np.searchsorted(self.block.seq, seq))
        return place if place < self.row.entries and self.block.seq[place] == seq else -1

    def holds(self, seq: int) -> bool:
        place = self.place(seq)
        return place >= 0 and bool(self.block.alive[place])

    def kill(self, seq: int) -> None:
        if (place := self.place(seq)) >= 0:
            self.block.alive[place] = 0

    def living(self, low: int) -> int:
        return int(np.count_nonzero(self.block.alive[int(np.searchsorted(self.block.seq, low)) :]))

    def sound(self) -> bool:
        """Whether every byte but the tombstones is as it was written: reads the whole file."""
        whole = np.arange(self.row.entries)
        return _digest(self.file.arrays) == self.row.digest and not len(self.block.torn(whole))

    def settle(self, wish: str) -> Row:
        """Decide how this window is searched, and build what that takes: 40 µs an entry where Annoy is tried.

        ``auto`` measures both on the window's own vectors, moved a little, in their own scopes, and keeps Annoy
        where it is cheaper and finds 0.99 of what the scan finds. Without Annoy installed it is the scan.
        """
        if wish == "codes" or (wish == "auto" and self.row.entries < TRIED_FROM) or not self._build():
            return replace(self.row, backend="codes")
        asked = [self._query(i) for i in np.linspace(0, self.row.entries - 1, _ASKED).astype(int)]
        scan_us, scanned = _timed(lambda q: self.search(q, 0, 1, 0.8), asked)
        self._annoy = _load(self.path.with_suffix(".annoy"), self.dim)
        annoy_us, proposed = _timed(lambda q: self.search(q, 0, 1, 0.8), asked)
        wanted = [(a, b) for a, b in zip(scanned, proposed, strict=True) if a]
        recall = sum(bool(b) and b[0].cosine >= a[0].cosine - 1e-3 for a, b in wanted) / max(1, len(wanted))
        kept = wish == "annoy" or (annoy_us < scan_us and recall >= _ENOUGH)
        if not kept:
            self._annoy = None
            self.path.with_suffix(".annoy").unlink(missing_ok=True)
        measured = {"codes_us": round(scan_us, 1), "annoy_us": round(annoy_us, 1), "annoy_recall": round(recall, 3)}
        return replace(self.row, backend="annoy" if kept else "codes", measured=measured)

    def _build(self) -> bool:
        try:
            from annoy import AnnoyIndex
        except ImportError:
            return False
        index = AnnoyIndex(self.dim, "angular")
        for place in range(self.row.entries):
            index.add_item(place, self.block.vectors[place].astype(np.float32))
        temporary = self.path.with_suffix(f".annoy.{os.getpid()}.tmp")
        index.build(TREES, n_jobs=1)
        try:
            if not index.save(str(temporary)):
                return False
        except OSError:  # a full disk: the scan needs no more room
            temporary.unlink(missing_ok=True)
            return False
        os.replace(temporary, self.path.with_suffix(".annoy"))
        return True

    def _query(self, place: int) -> Query:
        noise = np.random.default_rng(place).standard_normal(self.dim) * (0.4 / np.sqrt(self.dim))
        vector = (self.block.vectors[place].astype(np.float32) + noise).astype(np.float32)
        return Query.of(self.block.scope[place], vector / np.linalg.norm(vector))


def _columns(dim: int) -> tuple[Column, ...]:
    return (*columns(dim), *CODES, Column("mean", "f4", dim, True))


def _copy(source: Block, places: np.ndarray, target: dict[str, np.ndarray], at: slice) -> None:
    for name in ("seq", "check", "scope", "alive", "vectors", "first", "rest"):
        target[name][at] = getattr(source, name).take(places, axis=0)


def _digest(arrays: dict[str, np.ndarray]) -> str:
    """Over all but the tombstones and the vectors, which ``check`` covers entry by entry."""
    digest = hashlib.blake2b(digest_size=16)
    for name in ("seq", "check", "scope", "first", "rest", "mean"):
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def _load(path: Path, dim: int) -> Any:
    """The mapped Annoy index, or None when it cannot be had: the scan needs none."""
    try:
        from annoy import AnnoyIndex

        index = AnnoyIndex(dim, "angular")
        index.load(str(path))
    except (ImportError, OSError):
        return None
    return index


def _timed(search: Any, queries: list[Query]) -> tuple[float, list[list[Found]]]:
    search(queries[0])  # the first touch reads from the disk
    start = time.thread_time()
    found = [search(query) for query in queries]
    return (time.thread_time() - start) / len(queries) * 1e6, found
