"""The inner loops in C where a compiler is at hand: a look-up among 50,000 in a third of numpy's time.

``kernel.c`` is compiled once for this machine into the cache's folder; without a compiler, with PYAGENT_KERNEL=off,
or when anything goes wrong, numpy does the same work with the same results.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pyagent_plugins.cache.index.codes import Centre, Query, projection

_SOURCE = Path(__file__).with_name("kernel.c")
# The compiler may reorder sums (that is what vectorises them), but not flush small numbers for the whole process,
# as -ffast-math would.
_FLAGS = ["-O3", "-march=native", "-shared", "-fPIC", "-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros"]
_FLAGS += ["-fassociative-math"]
MAX_DIM = 4096
MAX_K = 128
_P, _I = ctypes.c_void_p, ctypes.c_int64


class _CBlock(ctypes.Structure):
    _fields_ = [(n, _P) for n in ("first", "rest", "scope", "alive", "seq", "check", "vectors", "weights")]
    _fields_ += [("dim", _I)]


class _CQuery(ctypes.Structure):
    _fields_ = [(n, _P) for n in ("vector", "code", "tag")]
    _fields_ += [(n, _I) for n in ("low", "k", "r64", "r256")] + [("floor", ctypes.c_double)]


class _Room(threading.local):
    """What C reads and fills, a thread: asking numpy for an array's address costs more than copying into these."""

    def __init__(self) -> None:
        self.vector, self.half = np.empty(MAX_DIM, np.float32), np.empty(MAX_DIM, np.float16)
        self.code, self.tag = np.empty(4, np.uint64), np.empty(2, np.uint64)
        self.seqs, self.cosines = np.empty(MAX_K, np.int64), np.empty(MAX_K, np.float64)
        self.query = _CQuery(_address(self.vector), _address(self.code), _address(self.tag))
        self.asked = ctypes.addressof(self.query)
        self.found = (_address(self.seqs), _address(self.cosines))
        self.written = (_address(self.tag), _address(self.vector), _address(self.half))


def _address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


_room = _Room()


class Kernel:
    """The compiled loops over one block, whose ``columns`` (in the order of kernel.c) it keeps alive."""

    def __init__(self, library: Any, columns: Sequence[np.ndarray], dim: int) -> None:
        self._library, self._columns, self._dim = library, tuple(columns), dim
        self._block = _CBlock(*map(_address, columns), dim)
        self._at = ctypes.addressof(self._block)
        self._centre: Centre | None = None
        self._seen_from = (0, 0)

    @classmethod
    def over(cls, folder: Path, columns: Sequence[np.ndarray], dim: int) -> Kernel | None:
        """None when there is no compiled kernel, or it cannot hold such vectors."""
        if dim % 2 or dim > MAX_DIM or sys.byteorder != "little" or (library := kernel(folder)) is None:
            return None
        return cls(library, columns, dim)

    def spans(
        self, query: Query, code: np.ndarray, radii: tuple[int, int], low: int, k: int, floor: float,
        spans: Sequence[tuple[int, int]],
    ) -> list[tuple[int, float]]:  # fmt: skip
        """(seq, cosine) of the k best places of at most two stretches, best first."""
        self._ask(query, code, radii, low, k, floor)
        (a, b), (c, d) = spans if len(spans) == 2 else (spans[0], (0, 0))
        return self._told(self._library.search_spans(self._at, _room.asked, a, b, c, d, *_room.found))

    def hints(
        self, query: Query, code: np.ndarray, radii: tuple[int, int], low: int, k: int, floor: float, hints: np.ndarray
    ) -> list[tuple[int, float]]:
        """The same of the places named by uint32 [n]."""
        self._ask(query, code, radii, low, k, floor)
        n = len(hints)
        return self._told(self._library.search_hints(self._at, _room.asked, _address(hints), n, *_room.found))

    def _ask(self, query: Query, code: np.ndarray, radii: tuple[int, int], low: int, k: int, floor: float) -> None:
        room = _room
        room.vector[: self._dim], room.code[:], room.tag[:] = query.lifted, code, query.tag
        asked = room.query
        asked.low, asked.k, asked.floor = low, min(k, MAX_K), floor
        asked.r64, asked.r256 = radii

    def _told(self, n: int) -> list[tuple[int, float]]:
        return list(zip(_room.seqs[:n].tolist(), _room.cosines[:n].tolist(), strict=True))

    def put(self, place: int, seq: int, tag: np.ndarray, vector: np.ndarray, centre: Centre) -> None:
        """Fill one place with uint64 [2] and float32 [dim], whose code is made here."""
        room = _room
        room.tag[:], room.vector[: self._dim], room.half[: self._dim] = tag, vector, vector
        if self._centre is not centre:
            self._centre, self._seen_from = centre, (_address(projection(self._dim)), _address(centre.projected))
        self._library.put(self._at, place, seq, *room.written, *self._seen_from)


_loaded: dict[str, Any] = {}


def kernel(folder: Path) -> Any | None:
    """The compiled library with ``search_spans``, ``search_hints`` and ``put``, or None.

    Looked for, or compiled (0.3 s), in the folder when this process has none yet.
    """
    if os.environ.get("PYAGENT_KERNEL") == "off":
        return None
    if "library" not in _loaded:
        try:
            _loaded["library"] = _open(folder / f"kernel-{_name()}.so")
        except (OSError, AttributeError, subprocess.SubprocessError):
            _loaded["library"] = None
    return _loaded["library"]


def _open(path: Path) -> Any | None:
    if not path.exists():
        if not (compiler := shutil.which("cc")):
            return None
        _compile(compiler, path)
    facts = path.stat()
    # Code is loaded only from a file that nobody else could have written.
    if facts.st_uid != os.getuid() or facts.st_mode & 0o022:
        return None
    return _typed(ctypes.CDLL(str(path)))


def _name() -> str:
    """One for each source and processor: a folder may be shared by machines."""
    try:
        processor = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags"))
    except (OSError, StopIteration):
        processor = platform.processor()
    facts = f"{platform.machine()} {platform.system()} {processor} {_FLAGS}"
    return hashlib.sha256(_SOURCE.read_bytes() + facts.encode()).hexdigest()[:16]


def _compile(compiler: str, path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="kernel-") as folder:
        built = Path(folder) / "kernel.so"
        subprocess.run([compiler, *_FLAGS, "-o", built, _SOURCE], check=True, capture_output=True, timeout=60)
        built.chmod(0o700)
        os.replace(built, path)


def _typed(library: Any) -> Any:
    library.search_spans.argtypes, library.search_spans.restype = [_P, _P, _I, _I, _I, _I, _P, _P], _I
    library.search_hints.argtypes, library.search_hints.restype = [_P, _P, _P, _I, _P, _P], _I
    library.put.argtypes, library.put.restype = [_P, _I, _I, _P, _P, _P, _P, _P], None
    return library
