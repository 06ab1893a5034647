"""Arrays in a file that several processes share: what one writes, the others read at once, without a call."""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pyagent.errors import StoreError

PAGE = 4096


@dataclass(frozen=True, slots=True)
class Column:
    """One array of a file: ``width`` items a place, 0 for a flat array; or ``fixed``: ``width`` items in all."""

    name: str
    dtype: str
    width: int = 0
    fixed: bool = False

    def bytes(self, places: int) -> int:
        return (1 if self.fixed else places) * max(1, self.width) * np.dtype(self.dtype).itemsize


def layout(columns: Sequence[Column], places: int) -> tuple[list[int], int]:
    """(offset of each column, size of the file): one page for the header, then each column on its own pages."""
    offsets, end = [], PAGE
    for column in columns:
        offsets.append(end)
        end += -(-column.bytes(places) // PAGE) * PAGE
    return offsets, end


class Mapped:
    """A mapped file: ``header`` is 512 int64, ``arrays`` the columns. Keep it as long as a view is in use.

    ``open`` raises ValueError when the file's size is not the layout's, StoreError when it cannot be made.
    """

    def __init__(self, path: Path, columns: Sequence[Column], places: int, *, create: bool = False) -> None:
        self.path, self.columns, self.places = path, tuple(columns), places
        self.offsets, self.size = layout(columns, places)
        self._fd = self._open(create)
        try:
            self._map = mmap.mmap(self._fd, self.size)
        except OSError as error:
            os.close(self._fd)
            raise _unwritable(path, error) from None
        self.header = memoryview(self._map)[:PAGE].cast("q")
        self.arrays = {c.name: self._array(c, at) for c, at in zip(self.columns, self.offsets, strict=True)}

    def _open(self, create: bool) -> int:
        fd = -1
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0), 0o600)
            if create and os.fstat(fd).st_size == 0:
                os.ftruncate(fd, self.size)
                self._reserve(fd, 0, PAGE)
                for column, offset in zip(self.columns, self.offsets, strict=True):
                    self._reserve(fd, offset, column.bytes(0))
            found = os.fstat(fd).st_size
        except FileNotFoundError:
            raise ValueError(f"{self.path} is missing") from None
        except OSError as error:
            if fd >= 0:
                os.close(fd)
            if create:
                self.path.unlink(missing_ok=True)
            raise _unwritable(self.path, error) from None
        if found != self.size:
            os.close(fd)
            raise ValueError(f"{self.path} has {found} bytes instead of {self.size}")
        return fd

    def _array(self, column: Column, offset: int) -> np.ndarray:
        size = np.dtype(column.dtype).itemsize
        flat = np.frombuffer(self._map, column.dtype, column.bytes(self.places) // size, offset)
        return flat.reshape(-1, column.width) if column.width and not column.fixed else flat

    def reserve(self, first: int, last: int) -> None:
        """Give the places first..last-1 room on the disk. Raises StoreError when it is full; a page of a sparse
        file that finds no room when it is written kills the process instead (SIGBUS)."""
        try:
            for column, offset in zip(self.columns, self.offsets, strict=True):
                start, end = column.bytes(first), column.bytes(last)
                self._reserve(self._fd, offset + start, end - start)
        except OSError as error:
            raise _unwritable(self.path, error) from None

    @staticmethod
    def _reserve(fd: int, offset: int, length: int) -> None:
        if not length:
            return
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(fd, offset, length)
            return
        blank = bytes(min(length, 1 << 20))  # macOS has no such call: zeros do it, the places are new
        for at in range(offset, offset + length, len(blank) or 1):
            os.pwrite(fd, blank[: offset + length - at], at)

    def close(self) -> None:
        """Forget the file. The mapping goes when the last view of it does."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        if hasattr(self, "_fd"):
            self.close()


def peek(path: Path, words: int = 16) -> list[int]:
    """The first int64 of a header. Raises ValueError when there are none."""
    try:
        with path.open("rb") as file:
            data = file.read(8 * words)
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror})") from None
    if len(data) < 8 * words:
        raise ValueError(f"{path} has {len(data)} bytes, which is no header")
    return list(memoryview(data).cast("q"))


class Turn:
    """One writer at a time, over threads and processes: a ``flock`` that ends with its holder, however it ends.

    ``with turn:`` waits for it, may be nested, and raises StoreError when the lock's file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread = threading.RLock()
        self._depth = 0
        self._fd, self._pid = -1, -1

    def __enter__(self) -> None:
        self._thread.acquire()
        try:
            if not self._depth:
                fcntl.flock(self._file(), fcntl.LOCK_EX)
        except BaseException:
            self._thread.release()
            raise
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            fcntl.flock(self._fd, fcntl.LOCK_UN)
        self._thread.release()

    def _file(self) -> int:
        if self._pid != os.getpid():  # a forked child shares the parent's lock, not only its file
            try:
                self._fd, self._pid = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), os.getpid()
            except OSError as error:
                raise _unwritable(self.path, error) from None
        return self._fd

    def close(self) -> None:
        if self._pid == os.getpid():
            os.close(self._fd)
        self._fd = self._pid = -1


def _unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(f"{path} cannot be written ({error.strerror})", "free some space, or move the cache's folder")
