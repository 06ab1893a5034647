"""Finds what was asked before by meaning: the newest window, then sealed ones, newest first, in bounded time.

Derived data: everything here can be made again from the shelf, so that nothing is ever repaired by guessing: a file
that is not what it should be is set aside, named, and filled again by ``rebuild``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pyagent.errors import StoreError, UsageError
from pyagent_plugins.cache.index.block import Found
from pyagent_plugins.cache.index.codes import Query, tag
from pyagent_plugins.cache.index.recall import measured_recall
from pyagent_plugins.cache.index.windows import Window, Windows

__all__ = ["Found", "VectorIndex", "Window"]

_BATCH = 2048

Backend = Literal["auto", "codes", "annoy"]


class VectorIndex:
    """Vectors by sequence number and scope, in ``FOLDER/vectors-DIGEST/``, one folder an embedder.

    Any number of threads and processes may search; writers take turns. A vector is float32 [dim] of length 1; it
    is kept as float16. What ``search`` finds counts only when the shelf has the row and its scope agrees.
    ``incomplete`` is true from the first opening, or from when something was set aside (``broken`` names it), until
    ``rebuild`` has come to its end, in whichever process.
    """

    def __init__(self, windows: Windows, backend: Backend) -> None:
        self._windows, self._backend = windows, backend
        self.dim, self.window, self.folder = windows.dim, windows.window, windows.folder

    @classmethod
    def open(
        cls, folder: Path, dim: int, embedder: str, window: Window | None = None, segment_backend: Backend = "auto"
    ) -> VectorIndex:
        """Open or make the arrays. Raises StoreError when the folder cannot be written, UsageError for a window
        without entries."""
        window = window or Window()
        if window.entries < 1 or window.generations < 0 or dim < 1:
            raise UsageError(f"{window} is no window", "give it at least one entry")
        digest = hashlib.blake2b(f"{embedder}\0{dim}".encode(), digest_size=8).hexdigest()
        path = Path(folder) / f"vectors-{digest}"
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{path} cannot be made ({error.strerror})", "move the cache's folder") from None
        return cls(Windows(path, dim, window), segment_backend)

    @property
    def low(self) -> int:
        """No look-up returns a number below."""
        return self._windows.ring().low

    @property
    def high(self) -> int:
        """The newest number, 0 when empty."""
        return self._windows.ring().high

    @property
    def incomplete(self) -> bool:
        """Whether entries may be missing here that the shelf has: call ``rebuild``."""
        return not self._windows.ring().is_whole

    @property
    def broken(self) -> list[str]:
        """Sentences: what this process found broken and set aside."""
        return list(self._windows.broken)

    def __len__(self) -> int:
        """Living entries: counts them, for people and tests."""
        ring = self._windows.ring()
        return len(ring.live()) + sum(window.living(ring.low) for window in self._windows.sealed(ring))

    def search(self, scope: bytes, vector: np.ndarray, k: int = 3, floor: float = 0.0) -> list[Found]:
        """The k best of the scope with a cosine of at least ``floor``, best first, newer first among equals.

        Never one that was killed, is below ``low`` or is of another scope. Touches, in the newest window, one word
        of each of at most 65,536 places (or of 6,400 that buckets name), 4,096 codes and 128 vectors, and the
        same in each sealed one. Raises UsageError for another shape.
        """
        return self._windows.search(Query.of(tag(scope), self._checked(vector)), k, floor)

    def add(self, seq: int, scope: bytes, vector: np.ndarray) -> None:
        """Add the newest entry. A number may be used again after its transaction was rolled back; one that is
        older than the newest window is ignored. Seals the window when it is full: some µs an entry, all at once.

        Raises StoreError when the disk is full, UsageError for another shape or a number below 1.
        """
        if seq < 1:
            raise UsageError(f"{seq} is no sequence number", "count from 1")
        with self._windows.turn:
            self._windows.put(seq, tag(scope), self._checked(vector))

    def kill(self, seqs: Iterable[int]) -> None:
        """Let nobody find these any more."""
        with self._windows.turn:
            for seq in seqs:
                self._windows.kill(self._windows.ring(), seq)

    def advance(self, low: int) -> None:
        """Let the window begin at ``low``: one number, whatever the number of entries; never back."""
        with self._windows.turn:
            self._windows.ring().advance(low)

    def missing(self, seqs: Iterable[int]) -> list[int]:
        """Those of the numbers from ``low`` on that cannot be found here: what a power failure took, say."""
        ring = self._windows.ring()
        sealed = self._windows.sealed(ring)
        return [s for s in seqs if s >= ring.low and not ring.holds(s) and not any(w.holds(s) for w in sealed)]

    def seal(self) -> None:
        """Seal the newest window as it is, drop windows that are too old or below ``low``, and settle."""
        with self._windows.turn:
            self._windows.seal(self._windows.ring())
        self.settle()

    @property
    def newest(self) -> int:
        """Living entries of the newest window."""
        return len(self._windows.ring().live())

    @property
    def unsettled(self) -> bool:
        """Whether a sealed window is there that ``settle`` has not decided about."""
        return any(window.row.backend == "open" for window in self._windows.sealed(self._windows.ring()))

    def settle(self) -> None:
        """Decide how each newly sealed window is searched, off the critical path: where Annoy is tried this takes
        about 40 µs an entry. Others go on meanwhile."""
        for window in self._windows.sealed(self._windows.ring()):
            if window.row.backend == "open":
                self._windows.settled(window.settle(self._backend))

    def rebuild(self, rows: Iterable[tuple[int, bytes, np.ndarray]]) -> None:
        """Forget everything and add the rows (ascending by number). Searches find what is there already.

        Call it inside the shelf's write transaction, so that no entry is on its way to the shelf meanwhile. Takes
        about 40 µs an entry. Raises StoreError; ``incomplete`` stays true then.
        """
        with self._windows.turn:
            self._windows.empty()
            source = iter(rows)
            while batch := list(islice(source, _BATCH)):
                vectors = np.stack([self._checked(vector) for _, _, vector in batch])
                tags = np.stack([tag(scope) for _, scope, _ in batch])
                self._windows.write(np.array([seq for seq, _, _ in batch], np.int64), tags, vectors)
            self._windows.ring().whole(True)
            self._windows.broken.clear()

    def verify(self) -> list[str]:
        """Read everything; set aside, name and return (in sentences) what is not what was written."""
        with self._windows.turn:
            ring = self._windows.ring()
            if torn := ring.mend():
                ring.whole(False)
                self._windows.broken.append(f"{ring.folder}: {torn} torn entries were taken out")
            for window in self._windows.sealed(ring):
                if not window.sound():
                    self._windows.withdraw(ring, window)
        return self.broken

    def recall(self, samples: int = 32, cosine: float = 0.9) -> float | None:
        """Share of look-ups near living entries of the newest window that find the best one (within 1e-3),
        measured against every vector there. None when it is empty."""
        return measured_recall(self._windows.ring(), samples, cosine)

    def stats(self) -> dict[str, Any]:
        """What stands here, for people: numbers, bytes on the disk, how each window is searched."""
        ring = self._windows.ring()
        sealed: list[dict[str, Any]] = [
            {"first": w.row.first, "last": w.row.last, "entries": w.living(ring.low)}
            | {"backend": w.row.backend, "measured": w.row.measured}
            for w in self._windows.sealed(ring)
        ]
        newest = len(ring.live())
        return {
            "entries": newest + sum(w["entries"] for w in sealed),
            "newest": newest,
            "loops": "numpy" if ring.view().block.kernel is None else "compiled",
            "newest_backend": "buckets" if ring.view().buckets is not None else "codes",
            "sealed": sealed,
            "low": ring.low,
            "high": ring.high,
            "bytes": sum(path.stat().st_blocks * 512 for path in self.folder.iterdir()),
            "incomplete": self.incomplete,
            "broken": self.broken,
        }

    def close(self) -> None:
        """Let go of the files; views that others still hold stay valid."""
        self._windows.close()

    def _checked(self, vector: np.ndarray) -> np.ndarray:
        vector = np.asarray(vector, dtype=np.float32)
        if vector.shape != (self.dim,):
            raise UsageError(f"the vector has shape {vector.shape} instead of ({self.dim},)", "use the same embedder")
        return vector
