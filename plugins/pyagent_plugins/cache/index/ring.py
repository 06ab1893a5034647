"""The newest window: a ring of mapped places that one process writes and any number read without a lock.

The place of an entry is its sequence number modulo the capacity, a power of two. Up to SCAN entries the signs are
scanned, all of them; above, buckets name the candidates. The codes live in files of their own, one an epoch, since
they depend on the mean of the data, which is learned while the window fills.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pyagent_plugins.cache.index.block import CODES, Block, Found, columns
from pyagent_plugins.cache.index.buckets import Buckets
from pyagent_plugins.cache.index.codes import Centre, Query, pack
from pyagent_plugins.cache.index.mapped import Column, Mapped, peek

MAGIC, VERSION = 0x52_49_4E_47, 1
# A flat scan of 65,536 words costs 20 to 50 µs; the buckets, whose cost hardly grows, 100 to 200.
SCAN = 65_536
# The mean is learned anew whenever this many times more entries are there than it was learned from, up to SAMPLE.
_GROWTH, _FIRST, SAMPLE = 8, 64, 16_384
# A mean that moved by less leaves the signs as good as they are.
_DRIFT = 0.1
_LEARN = 64
_STEP = 4096
# The header's fields; _ROOM is where 256 flags begin, one for each part of the places that has room on the disk.
_MAGIC, _VERSION, _DIM, _CAPACITY, _EPOCH, _LOW, _HIGH, _START, _RETIRED, _SEGMENTS, _TRAINED, _WHOLE = range(12)
_ROOM, _PARTS = 128, 256


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """One epoch, as one value, so that a reader never mixes two."""

    epoch: int
    file: Mapped
    block: Block
    buckets: Buckets | None


class Ring:
    """``low``: nothing below is ever returned; ``high``: the newest number; ``start``: the first that is not sealed;
    ``segments``: moves whenever the sealed windows change. All live in the file and are seen by all at once.
    """

    LEAST = 256  # places

    def __init__(self, file: Mapped) -> None:
        self.file, self.folder = file, file.path.parent
        self.dim, self.capacity = file.header[_DIM], file.header[_CAPACITY]
        self._part = self.capacity // _PARTS
        self._view: _View | None = None

    @classmethod
    def create(cls, path: Path, dim: int, capacity: int) -> Ring:
        """An empty ring; the capacity becomes a power of two, 256 at least. Raises StoreError."""
        capacity = max(cls.LEAST, 1 << (capacity - 1).bit_length())
        path.unlink(missing_ok=True)
        file = Mapped(path, columns(dim), capacity, create=True)
        header = file.header
        header[_VERSION], header[_DIM], header[_CAPACITY] = VERSION, dim, capacity
        header[_LOW], header[_START] = 1, 1
        header[_MAGIC] = MAGIC
        return cls(file)

    @classmethod
    def open(cls, path: Path, dim: int) -> Ring:
        """Raises ValueError when the file is not what it should be."""
        magic, version, found, capacity, *_ = peek(path)
        if (magic, version, found) != (MAGIC, VERSION, dim) or not 0 < capacity < 2**31:
            raise ValueError(f"{path} is no window of {dim} dimensions, or of another version")
        return cls(Mapped(path, columns(dim), capacity))

    @property
    def low(self) -> int:
        return self.file.header[_LOW]

    @property
    def high(self) -> int:
        return self.file.header[_HIGH]

    @property
    def start(self) -> int:
        return self.file.header[_START]

    @property
    def segments(self) -> int:
        return self.file.header[_SEGMENTS]

    @property
    def epoch(self) -> int:
        return self.file.header[_EPOCH]

    @property
    def retired(self) -> bool:
        return self.file.header[_RETIRED] != 0

    @property
    def is_whole(self) -> bool:
        return self.file.header[_WHOLE] != 0

    def advance(self, low: int) -> None:
        """Let the window begin at ``low``: one number, and never back."""
        if low > self.file.header[_LOW]:
            self.file.header[_LOW] = low

    def begin(self, start: int) -> None:
        self.file.header[_START] = max(start, self.start)

    def retire(self) -> None:
        self.file.header[_RETIRED] = 1

    def whole(self, whole: bool) -> None:
        self.file.header[_WHOLE] = int(whole)

    def bump_segments(self) -> None:
        self.file.header[_SEGMENTS] += 1

    def inherit(self, other: Ring, start: int) -> None:
        """Take over where another ring stands, but for the entries: those from ``start`` on will be written."""
        for field in (_LOW, _SEGMENTS, _EPOCH, _WHOLE):
            self.file.header[field] = other.file.header[field]
        self.file.header[_START] = start

    def install(self, path: Path) -> None:
        """Let this be the ring that the next opener finds."""
        os.replace(self.file.path, path)
        self.file.path = path

    def search(self, query: Query, k: int, floor: float) -> list[Found]:
        """The k best of the newest window, best first."""
        first, high = max(self.low, self.start), self.high
        if first > high:
            return []
        view = self.view()
        block = view.block
        seen, code = query.code(block.centre)
        near = block.centre.floor(query, floor)
        if high - first < SCAN or view.buckets is None:
            return block.search_spans(query, code, near, first, k, floor, self._spans(first, high))
        hints = view.buckets.candidates(seen, query.tag, first)
        return block.search_hints(query, code, near, first, k, floor, hints)

    def _spans(self, first: int, high: int) -> list[tuple[int, int]]:
        """The places of first..high, as one or two stretches."""
        if high - first >= self.capacity:
            first = high - self.capacity + 1
        a, b = first % self.capacity, high % self.capacity + 1
        return [(a, b)] if a < b else [(a, self.capacity), (0, b)]

    def live(self) -> np.ndarray:
        """Places of the newest window that hold a living entry, oldest first."""
        first = max(self.low, self.start, self.high - self.capacity + 1)
        seqs = np.arange(first, self.high + 1)
        places = seqs % self.capacity
        block = self.view().block
        return np.asarray(places[(block.seq.take(places) == seqs) & (block.alive.take(places) != 0)])

    def holds(self, seq: int) -> bool:
        place = seq % self.capacity
        block = self.view().block
        return seq >= max(self.low, self.start) and bool(block.seq[place] == seq and block.alive[place])

    def kill(self, seq: int) -> None:
        block = self.view().block
        if block.seq[seq % self.capacity] == seq:
            block.alive[seq % self.capacity] = 0

    def mend(self) -> int:
        """Take out the entries whose vector is not the one that was written; how many there were."""
        block = self.view().block
        torn = block.torn(self.live())
        block.seq[torn] = 0
        return len(torn)

    def write(self, seqs: np.ndarray, tags: np.ndarray, vectors: np.ndarray) -> None:
        """Add int64 [n] ascending, uint64 [n, 2], float32 [n, dim]; the caller has its turn and made place.

        Raises StoreError when the disk is full; nothing is added then.
        """
        places = seqs % self.capacity
        for part in np.unique(places // self._part).tolist():
            self._reserve(part)
        view = self.view()
        seen = view.block.centre.seen(vectors)
        view.block.write(places, seqs, tags, vectors.astype(np.float16), pack(seen))
        if view.buckets is not None:
            view.buckets.add(seen, tags, seqs, max(self.low, self.start))
        self.file.header[_HIGH] = max(self.high, int(seqs[-1]))
        self._learn(view)

    def put(self, seq: int, tag: np.ndarray, vector: np.ndarray) -> None:
        """``write`` for one: a third of the cost."""
        place = seq % self.capacity
        self._reserve(place // self._part)
        view = self.view()
        view.block.put(place, seq, tag, vector)
        if view.buckets is not None:
            low = max(self.low, self.start)
            view.buckets.add(view.block.centre.seen(vector[None]), tag[None], np.array([seq]), low)
        self.file.header[_HIGH] = seq
        if seq % _LEARN == 0:
            self._learn(view)

    def _reserve(self, part: int) -> None:
        if not self.file.header[_ROOM + part]:
            self.file.reserve(part * self._part, (part + 1) * self._part)
            self.file.header[_ROOM + part] = 1

    def _learn(self, view: _View) -> None:
        """A new epoch when much more is known of the mean, or when it is time for buckets."""
        n, trained = self.high - max(self.low, self.start) + 1, self.file.header[_TRAINED]
        grown = trained < SAMPLE and n >= min(SAMPLE, _GROWTH * max(trained, _FIRST))
        full = view.buckets is None and self.capacity > SCAN and n >= SCAN // 2
        wide = view.buckets is not None and self.high - view.buckets.base >= 2**32 - self.capacity
        if grown or full or wide:
            self.recode()

    def follow(self, places: np.ndarray) -> None:
        """Begin an epoch when these entries lie around another mean than the codes assume."""
        mean = self._mean(places[-SAMPLE:])
        if len(places) and float(np.linalg.norm(mean - self.view().block.centre.mean)) > _DRIFT:
            self.recode(mean=mean)

    def _mean(self, places: np.ndarray) -> np.ndarray:
        vectors = self.file.arrays["vectors"]
        sums = [vectors.take(places[at : at + _STEP], axis=0).sum(axis=0, dtype=np.float32) for at in _steps(places)]
        return np.asarray(np.sum(sums, axis=0) / max(1, len(places)), dtype=np.float32)

    def view(self) -> _View:
        """The epoch that counts now. Raises ValueError when its files are not what they should be."""
        view = self._view
        for _ in range(100):  # the writer may be faster than the reader a few times
            epoch = self.file.header[_EPOCH]
            if view is not None and view.epoch == epoch:
                break
            with contextlib.suppress(ValueError):
                view = self._view = self._epoch(epoch)
        else:
            raise ValueError(f"{self.folder / f'codes-{epoch}'} cannot be used")
        return view

    def _epoch(self, epoch: int) -> _View:
        file = Mapped(self.folder / f"codes-{epoch}", (Column("mean", "f4", self.dim, True), *CODES), self.capacity)
        path = self.folder / f"buckets-{epoch}"
        buckets = Buckets.open(path, self.capacity) if path.exists() else None
        return self._as_view(epoch, file, buckets)

    def _as_view(self, epoch: int, file: Mapped, buckets: Buckets | None) -> _View:
        block = Block(self.file.arrays, file.arrays, Centre.of(file.arrays["mean"]), self.folder.parent)
        return _View(epoch, file, block, buckets)

    def recode(self, epoch: int = 0, mean: np.ndarray | None = None) -> _View:
        """Begin an epoch: learn the mean, write all codes anew, then publish by one number. The caller has its turn.

        Takes about 15 µs an entry of the newest window. Raises StoreError when the disk is full.
        """
        epoch = epoch or self.epoch + 1
        first, high = max(self.low, self.start, self.high - self.capacity + 1), self.high
        seqs = np.arange(first, high + 1)
        seqs = seqs[self.file.arrays["seq"].take(seqs % self.capacity) == seqs]
        sample = seqs[-SAMPLE:] % self.capacity
        view = self._blank(epoch, self._mean(sample) if mean is None else mean, len(seqs) >= SCAN // 2)
        for at in _steps(seqs):
            self._code(view, seqs[at : at + _STEP])
        for name in ("codes", "buckets"):
            with contextlib.suppress(FileNotFoundError):
                os.replace(self.folder / f"{name}-{epoch}.tmp", self.folder / f"{name}-{epoch}")
        before, self._view = self._view, view
        if mean is None:
            self.file.header[_TRAINED] = len(sample)
        self.file.header[_EPOCH] = epoch
        if before is not None:  # a new ring has none: those that are there are still the old one's
            for name in ("codes", "buckets"):
                (self.folder / f"{name}-{before.epoch}").unlink(missing_ok=True)
        return view

    def _blank(self, epoch: int, mean: np.ndarray, many: bool) -> _View:
        path = self.folder / f"codes-{epoch}.tmp"
        path.unlink(missing_ok=True)
        file = Mapped(path, (Column("mean", "f4", self.dim, True), *CODES), self.capacity, create=True)
        file.reserve(0, self.capacity)
        file.arrays["mean"][:] = mean
        buckets = None
        if self.capacity > SCAN and many:
            path = self.folder / f"buckets-{epoch}.tmp"
            path.unlink(missing_ok=True)
            buckets = Buckets.create(path, self.capacity, (self.start - 1) // self.capacity * self.capacity)
        return self._as_view(epoch, file, buckets)

    def _code(self, view: _View, seqs: np.ndarray) -> None:
        places = seqs % self.capacity
        tags = view.block.scope.take(places, axis=0)
        seen = view.block.centre.seen(view.block.vectors.take(places, axis=0).astype(np.float32))
        codes = pack(seen)
        view.block.first[places] = codes[:, 0] ^ tags[:, 0]
        view.block.rest[places] = codes[:, 1:]
        if view.buckets is not None:
            view.buckets.add(seen, tags, seqs, max(self.low, self.start))


def _steps(places: np.ndarray) -> range:
    return range(0, len(places), _STEP)
