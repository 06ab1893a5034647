"""The files of an index: which windows there are, how the newest is sealed, and what happens to a broken one.

The ring's header and the manifest say what counts; every other file is either named there or swept away. All
changes are made by whoever has its turn, in an order that leaves a reader, or a killed writer, with the old or the new.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pyagent.errors import StoreError
from pyagent_plugins.cache.index import manifest
from pyagent_plugins.cache.index.block import Found
from pyagent_plugins.cache.index.codes import Query
from pyagent_plugins.cache.index.mapped import Turn
from pyagent_plugins.cache.index.ring import Ring
from pyagent_plugins.cache.index.sealed import Row, Sealed

# A match this good ends the search: an older window could hardly give a better answer.
CERTAIN = 0.97


@dataclass(frozen=True, slots=True)
class Window:
    """``entries`` sequence numbers are in the newest window before it is sealed, ``generations`` sealed windows
    are kept beside it; with 0 the newest one slides instead. ``age`` (seconds) is the caller's to turn into a
    ``low``: only the shelf knows when an entry was made.
    """

    entries: int = 50_000
    age: float | None = None
    generations: int = 8


class Windows:
    """The newest window (``ring``) and the sealed ones (``sealed``), as they stand now in the folder."""

    def __init__(self, folder: Path, dim: int, window: Window) -> None:
        self.folder, self.dim, self.window = folder, dim, window
        self.broken: list[str] = []
        self.turn = Turn(folder / "lock")
        self._manifest, self._path, self._new = folder / "sealed.json", folder / "ring", folder / "ring.tmp"
        self._sealed: tuple[int, dict[Row, Sealed]] = (-1, {})
        self._refused = -(2**62)  # the number at which the disk last had no room for a sealed window
        with self.turn:
            self._ring = self._fitting(self._open_ring())
            self._sweep()

    def ring(self) -> Ring:
        """The ring that counts now: another process may have replaced it."""
        if self._ring.retired:
            with self.turn:
                self._ring = self._open_ring()
        return self._ring

    def sealed(self, ring: Ring) -> list[Sealed]:
        """Newest first; read anew when anybody changed them. Look at the ring's entries before this: a window
        is sealed first and leaves the ring then."""
        version, known = self._sealed
        if version != ring.segments:
            version = ring.segments
            known = self._open_sealed(known)
            self._sealed = version, known
        return list(known.values())

    def _open_sealed(self, known: dict[Row, Sealed]) -> dict[Row, Sealed]:
        opened: dict[Row, Sealed] = {}
        for row in reversed(self._rows()):
            try:
                opened[row] = known.get(row) or Sealed(self.folder, row, self.dim)
            except ValueError as error:
                # Missing: dropped by another process since the manifest was read, and no fault.
                if (self.folder / row.file).exists():
                    self.set_aside(self.folder / row.file, str(error))
        return opened

    def _rows(self) -> list[Row]:
        try:
            return manifest.read(self._manifest)
        except ValueError as error:
            self.set_aside(self._manifest, str(error))
            return []

    def set_aside(self, path: Path, why: str) -> None:
        """Keep a broken file out of use, for a look; say so, and that the index is not whole any more."""
        aside = path.with_name(f"{path.name}.broken")
        with self.turn, contextlib.suppress(FileNotFoundError):
            os.replace(path, aside)
            self.broken.append(f"{why}; it was set aside as {aside.name}")
            if hasattr(self, "_ring"):
                self._ring.whole(False)

    def search(self, query: Query, k: int, floor: float) -> list[Found]:
        """The k best of all windows, newest first, until one is CERTAIN."""
        ring = self.ring()
        try:
            found = ring.search(query, k, floor)
        except ValueError as error:
            if not ring.retired:
                raise StoreError(str(error), "open the cache again") from None
            return self.search(query, k, floor)  # another process put a new one in its place just now
        for window in self.sealed(ring):
            if (found and found[0].cosine >= CERTAIN) or window.row.last < ring.low:
                break
            known = {f.seq for f in found}  # a window that is being sealed is in both for a moment
            found += [f for f in window.search(query, ring.low, k, floor) if f.seq not in known]
            found.sort(key=lambda f: (-f.cosine, -f.seq))
        return found[:k]

    # The ring: opened, made, replaced.

    def _open_ring(self) -> Ring:
        try:
            ring = Ring.open(self._path, self.dim)
        except ValueError as error:
            return self._first_ring(str(error))
        try:
            ring.view()
        except ValueError as error:
            self.broken.append(f"{error}; its codes were made anew")
            ring.recode()
        return ring

    def _first_ring(self, why: str) -> Ring:
        if self._path.exists():
            self.set_aside(self._path, why)
        ring = Ring.create(self._new, self.dim, self.window.entries)
        self._put(ring, [], max((int(p.name.split("-")[1]) for p in self.folder.glob("codes-*[0-9]")), default=0))
        return ring

    def _fitting(self, old: Ring) -> Ring:
        """The same entries in a ring of the size that is wanted now. Only at the start: of two processes that
        want different sizes, the later has its way, and the earlier makes do."""
        wanted = self.window.entries
        if wanted <= old.capacity and (old.capacity < 4 * wanted or old.capacity <= Ring.LEAST):
            return old
        places = old.live()
        if len(places) > self.window.entries and self.window.generations:
            self._ring = old
            self.seal(old)
            places = places[:0]
        ring = Ring.create(self._new, self.dim, self.window.entries)
        ring.inherit(old, old.start)
        ring.recode()
        block = old.view().block
        places = places[-self.window.entries :]
        if len(places):
            ring.begin(int(block.seq[places[0]]))
            for at in range(0, len(places), 4096):
                some = places[at : at + 4096]
                vectors = block.vectors.take(some, axis=0).astype(np.float32)
                ring.write(block.seq.take(some), block.scope.take(some, axis=0), vectors)
        ring.install(self._path)
        old.retire()
        return ring

    def empty(self) -> Ring:
        """Forget every entry; ``low`` stays. The ring is not whole until the caller says so."""
        old = self.ring()
        ring = Ring.create(self._new, self.dim, self.window.entries)
        ring.inherit(old, old.low)
        self._put(ring, [], old.epoch)
        old.retire()
        self._sweep()
        return ring

    def _put(self, ring: Ring, rows: list[Row], epoch: int) -> None:
        manifest.write(self._manifest, rows)
        ring.bump_segments()
        ring.whole(False)
        ring.recode(epoch + 1)
        ring.install(self._path)
        self._ring, self._sealed = ring, (-1, {})

    # Sealing.

    def put(self, seq: int, tag: np.ndarray, vector: np.ndarray) -> None:
        """``write`` for one, which nearly always just fits. The caller has its turn."""
        ring, fits = self.ring(), False
        if ring.start <= ring.high < seq:
            oldest = seq - min(self.window.entries, ring.capacity) + 1
            if oldest > ring.start and not self.window.generations:
                ring.advance(oldest)
                ring.begin(oldest)
            fits = ring.start >= oldest
        if fits:
            ring.put(seq, tag, vector)
        else:
            self.write(np.array([seq], np.int64), tag[None], vector[None])

    def write(self, seqs: np.ndarray, tags: np.ndarray, vectors: np.ndarray) -> None:
        """Add entries ascending by number, sealing or sliding as they come. The caller has its turn."""
        while len(seqs):
            ring = self.ring()
            width = min(self.window.entries, ring.capacity)
            self._make_place(ring, width, int(seqs[0]), int(seqs[-1]))
            begin, end = np.searchsorted(seqs, (ring.start, ring.start + width)).tolist()
            for again in seqs[seqs <= ring.high].tolist():  # rolled back or killed, and used again: its old vector
                self.kill(ring, again)  # may have been sealed meanwhile
            if begin < end:
                ring.write(seqs[begin:end], tags[begin:end], vectors[begin:end])
            seqs, tags, vectors = seqs[end:], tags[end:], vectors[end:]

    def _make_place(self, ring: Ring, width: int, seq: int, last: int) -> None:
        wanted = seq - ring.start >= width and ring.high >= ring.start and self.window.generations
        if wanted and not 0 <= seq - self._refused < width // 8:
            try:
                self.seal(ring)
            except StoreError:  # no room for a file: slide, the ring has its room, and try again later
                self._refused = seq
        if ring.high < ring.start:
            ring.begin(seq)
        if not self.window.generations:
            seq = max(seq, min(last, seq + width - 1))  # slide once for a whole batch
        if seq - ring.start >= width:
            ring.advance(seq - width + 1)
            ring.begin(ring.low)

    def seal(self, ring: Ring) -> None:
        """Seal the newest window as it is and drop what is too old. Raises StoreError; nothing is lost then."""
        # A window that was published by a process killed before the ring moved on is still in the ring.
        rows, places = [row for row in self._rows() if row.last < ring.start], ring.live()
        if len(places):
            rows.append(Sealed.write(self.folder, ring.view().block, places))
        while rows and (len(rows) > self.window.generations or rows[0].last < ring.low):
            ring.advance(rows.pop(0).last + 1)
        self.publish(ring, rows)
        ring.begin(ring.high + 1)
        self._sweep()
        ring.follow(places)

    def publish(self, ring: Ring, rows: Sequence[Row]) -> None:
        manifest.write(self._manifest, rows)
        ring.bump_segments()

    def withdraw(self, ring: Ring, window: Sealed) -> None:
        """Take a broken window out of the manifest and set it aside."""
        self.publish(ring, [row for row in self._rows() if row.file != window.row.file])
        self.set_aside(window.path, f"{window.path} is not what was written")

    def settled(self, row: Row) -> None:
        """Publish how a sealed window is searched from now on, unless it was dropped meanwhile."""
        with self.turn:
            ring = self.ring()
            self.publish(ring, [row if r.file == row.file else r for r in self._rows()])
            self._sweep()

    def kill(self, ring: Ring, seq: int) -> None:
        ring.kill(seq)
        for window in self.sealed(ring):
            if window.row.first <= seq <= window.row.last:
                window.kill(seq)

    def _sweep(self) -> None:
        """Unlink what neither the ring nor the manifest names: dropped windows, and what a killed process left."""
        named = {row.file.split(".")[0] for row in self._rows()}
        epoch = self._ring.epoch
        for path in self.folder.iterdir():
            stem, _, rest = path.name.partition(".")
            end = rest.rpartition(".")[2]
            temporary = end == "tmp" and not _at_work(path.name)
            dropped = stem.startswith("sealed-") and stem not in named and end != "broken"
            old = stem.startswith(("codes-", "buckets-")) and not rest and stem.split("-")[1] != str(epoch)
            if temporary or dropped or old:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        self._ring.file.close()
        self.turn.close()


def _at_work(name: str) -> bool:
    """Whether the process that is building this file (NAME.annoy.PID.tmp) is still there."""
    pid = name.split(".")[-2]
    if not pid.isdigit():
        return False  # made by whoever has its turn, which is we now
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
