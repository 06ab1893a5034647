"""The inner loops in C where a compiler is at hand: a look-up among 50,000 in a third of numpy's time.

``kernel.c`` is compiled once for this machine into the cache's folder; without a compiler, with PYAGENT_KERNEL=off,
or when anything goes wrong, numpy does the same work with the same results.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

_SOURCE = Path(__file__).with_name("kernel.c")
# The compiler may reorder sums (that is what vectorises them), but not flush small numbers for the whole process,
# as -ffast-math would.
_FLAGS = ["-O3", "-march=native", "-shared", "-fPIC", "-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros"]
_FLAGS += ["-fassociative-math"]
MAX_DIM = 4096
MAX_K = 128
_P, _I = ctypes.c_void_p, ctypes.c_int64


class CBlock(ctypes.Structure):
    """Addresses of a block's columns."""

    _fields_ = [(n, _P) for n in ("first", "rest", "scope", "alive", "seq", "check", "vectors", "weights")]  # noqa: RUF012
    _fields_ += [("dim", _I)]


class CQuery(ctypes.Structure):
    """What is looked for, and how far from it."""

    _fields_ = [(n, _P) for n in ("vector", "code", "tag")]  # noqa: RUF012
    _fields_ += [(n, _I) for n in ("low", "k", "r64", "r256")] + [("floor", ctypes.c_double)]


@functools.cache
def kernel(folder: Path) -> Any | None:
    """The compiled library with ``search_spans``, ``search_hints`` and ``put``, or None. Compiles in about 0.3 s
    the first time."""
    if os.environ.get("PYAGENT_KERNEL") == "off" or not (compiler := shutil.which("cc")):
        return None
    path = folder / f"kernel-{_name()}.so"
    try:
        if not path.exists():
            _compile(compiler, path)
        facts = path.stat()
        # Code is loaded only from a file that nobody else could have written.
        if facts.st_uid != os.getuid() or facts.st_mode & 0o022:
            return None
        return _typed(ctypes.CDLL(str(path)))
    except (OSError, AttributeError, subprocess.SubprocessError):
        return None


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
    library.put.argtypes, library.put.restype = [_P, _I, _I, _P, _P, _P], None
    return library
