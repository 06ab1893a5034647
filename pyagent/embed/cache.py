"""The same text is embedded once: vectors by text hash, in memory and in a file that all processes share.

An embedding costs 6 to 80 ms of CPU, a look-up 5 µs in the file and 3 µs in memory.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pyagent.embed.base import Embedder

if TYPE_CHECKING:
    import numpy as np

IN_MEMORY = 10_000  # of 768 bytes and about as much bookkeeping: 15 MB
ON_DISK = 200_000  # about 180 MB
QUESTION = 500  # keys in one query; SQLite takes 999 in its oldest builds


class CachedEmbedder:
    """An Embedder around another. Safe for several threads and processes; a broken file only costs speed.

    Vectors are kept as float16, and what was just computed is rounded the same way, so that an answer does not
    depend on whether it came from the cache. Scores move by less than 0.001. ``hits`` and ``misses`` count texts.
    """

    def __init__(
        self, inner: Embedder, file: Path | None = None, in_memory: int = IN_MEMORY, on_disk: int = ON_DISK
    ) -> None:
        self.name, self.dim, self.window = inner.name, inner.dim, inner.window
        self.hits = self.misses = 0
        self._inner = inner
        self._memory: OrderedDict[bytes, bytes] = OrderedDict()
        self._most = in_memory
        self._lock = threading.Lock()
        self._disk = VectorFile.open(file, on_disk) if file else None

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        import numpy as np

        keys = [self._key(text) for text in texts]
        known = self._find(keys)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            vectors = self._inner.embed(list(missing.values())).astype(np.float16)
            made = {key: vector.tobytes() for key, vector in zip(missing, vectors, strict=True)}
            self._keep(made)
            known.update(made)
        self.misses += len(missing)
        self.hits += len(keys) - len(missing)
        packed = np.frombuffer(b"".join(known[key] for key in keys), np.float16).reshape(len(keys), self.dim)
        rows = packed.astype(np.float32)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)  # type: ignore[no-any-return]

    def counts(self, texts: Sequence[str]) -> list[int]:
        return self._inner.counts(texts)

    def close(self) -> None:
        if self._disk is not None:
            self._disk.close()

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(f"{self.name}\0{text}".encode("utf-8", "surrogatepass")).digest()[:16]

    def _find(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        with self._lock:
            known = {key: self._memory[key] for key in keys if key in self._memory}
            for key in known:
                self._memory.move_to_end(key)
        absent = [key for key in dict.fromkeys(keys) if key not in known]
        if absent and self._disk is not None:
            size = 2 * self.dim
            found = {key: value for key, value in self._disk.find(absent).items() if len(value) == size}
            self._remember(found)
            known.update(found)
        return known

    def _keep(self, made: Mapping[bytes, bytes]) -> None:
        self._remember(made)
        if self._disk is not None:
            self._disk.keep(made)

    def _remember(self, vectors: Mapping[bytes, bytes]) -> None:
        with self._lock:
            self._memory.update(vectors)
            while len(self._memory) > self._most:
                self._memory.popitem(last=False)


class VectorFile:
    """A table of vectors by key in SQLite. Any fault turns it into one that knows nothing and keeps nothing."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db: sqlite3.Connection | None = db
        self._lock = threading.Lock()

    @classmethod
    def open(cls, file: Path, most: int) -> VectorFile | None:
        """None when the file cannot be used; one that is not a database is begun anew."""
        for _ in range(2):
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                return cls(_connect(file, most))
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    return None
                _remove(file)
            except OSError:
                return None
        return None

    def find(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        with self._lock, suppress(sqlite3.Error):
            for start in range(0, len(keys) if self._db else 0, QUESTION):
                some = keys[start : start + QUESTION]
                query = f"SELECT key, vector FROM vector WHERE key IN ({','.join('?' * len(some))})"
                found.update(self._db.execute(query, some).fetchall())  # type: ignore[union-attr]
        return found

    def keep(self, vectors: Mapping[bytes, bytes]) -> None:
        with self._lock:
            if self._db is None:
                return
            try:
                with self._db:
                    self._db.executemany("INSERT OR IGNORE INTO vector(key, vector) VALUES (?,?)", vectors.items())
            except sqlite3.Error:
                # A full or read-only disk: the vectors are right all the same.
                self._db = None

    def close(self) -> None:
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None


def _connect(file: Path, most: int) -> sqlite3.Connection:
    db = sqlite3.connect(file, timeout=5.0, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    # OFF: a power cut may tear the file, which is begun anew then; a commit never waits for the disk.
    db.execute("PRAGMA synchronous = OFF")
    db.execute("CREATE TABLE IF NOT EXISTS vector(n INTEGER PRIMARY KEY, key BLOB UNIQUE, vector BLOB)")
    with db:
        db.execute("DELETE FROM vector WHERE n <= (SELECT max(n) FROM vector) - ?", (most,))
    return db


def _remove(file: Path) -> None:
    for name in (file.name, f"{file.name}-wal", f"{file.name}-shm"):
        (file.parent / name).unlink(missing_ok=True)
