"""Our own matrix products and attention for llama.cpp, compiled once where the CPU has AVX-512 VNNI.

A step of 8 rows takes a third of the time, a prompt too. Without such a CPU, a C++ compiler or a llama.cpp that is
known, with PYAGENT_KERNEL=off, or when a trial in a child fails, llama.cpp's own kernels do the work.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyagent.engine.llama import child

_FOLDER = Path(__file__).parent
_SOURCES = ("device.cpp", "weights.cpp", "check.cpp")
_CPU = ("avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512_vnni", "fma", "f16c")
_FLAGS = ["-std=c++17", "-O3", "-shared", "-fPIC", "-Wl,--no-undefined"]
_FLAGS += ["-m" + flag.replace("_", "") for flag in _CPU]
# interface.h is the layout of this version's inner structs; whether it is still true, a trial says.
_GGML = "libggml-base.so.0.25.*"
_P = ctypes.c_void_p
Weigh = Callable[[int, int, float, int, int], None]
_loaded: dict[str, Any] = {}
# The activations are rounded to 8 bits, as llama.cpp does it: about 0.5 % of the largest result.
_CLOSE = 0.02


def compiled(cache_dir: Path) -> Path | None:
    """The library for this machine, compiled (7 s, once) and tried in a child, or None with llama.cpp's own kernels."""
    if os.environ.get("PYAGENT_KERNEL") == "off" or why_not():
        return None
    path = cache_dir / "kernels" / f"llama-{_name()}.so"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # An empty file says that it was tried, and failed: not again each time.
            if not path.exists():
                _make(path)
        return path if _ours(path) else None
    except OSError:
        return None


def why_not() -> str:
    """What this machine lacks for them; empty when nothing."""
    if sys.platform != "linux" or not set(_CPU) <= _cpu():
        return "the CPU has no AVX-512 VNNI"
    if not _compiler():
        return "there is no C++ compiler"
    if not (folder := _llama()) or not any((folder / "lib").glob(_GGML)):
        return "this version of llama.cpp is not known"
    if not (folder.parent / "include" / "ggml-backend.h").exists():
        return "llama.cpp's headers are not installed"
    return ""


def load(path: str) -> bool:
    """Give the library to llama.cpp in this process, before a model is loaded. False: it does not want it."""
    # By its name, which is how llama.cpp asked for it: another path would be another copy of the library.
    registry = ctypes.CDLL("libggml.so.0")
    registry.ggml_backend_load.restype = ctypes.c_void_p
    taken = bool(registry.ggml_backend_load(os.fsencode(path)))
    if taken:
        weigh = _loaded["weigh"] = ctypes.CDLL(path).pyagent_weigh
        weigh.argtypes, weigh.restype = [_P, ctypes.c_int64, ctypes.c_float, _P, _P], None
    return taken


def weigh() -> Weigh | None:
    """Of the library that was loaded: addresses of logits, their number, a factor, and where weights and sums go."""
    return _loaded.get("weigh")


def shared_file() -> int:
    """A file without a name for the packed weights, which every worker inherits; -1 where there is none."""
    try:
        return os.memfd_create("weights")
    except OSError:
        return -1


@contextmanager
def sharing(path: str, file: int) -> Iterator[None]:
    """While a model is loaded: its packed weights go into ``file``, or are found there."""
    if not path or file < 0:
        yield
        return
    library = ctypes.CDLL(path)
    library.pyagent_share(file)
    loaded = 0
    try:
        yield
        loaded = 1
    finally:
        library.pyagent_shared(loaded)


def errors(path: str) -> list[float]:
    """The largest errors of a few products and attentions, as shares of the largest result; -1 is a refusal.

    To be called where ``llama_cpp`` was imported.
    """
    library = ctypes.CDLL(path)
    product, attention = library.check_product, library.check_attention
    product.restype = attention.restype = ctypes.c_double
    # inputs, outputs, rows, threads; then size, heads, their keys', past, rows, streams, every nth hidden, threads.
    products = [(576, 192, 1, 1), (576, 80, 7, 1), (64, 48, 13, 2)]
    attentions = [(64, 9, 3, 50, 5, 1, 3, 1), (128, 8, 8, 0, 18, 2, 0, 2)]
    return [*(product(*shape) for shape in products), *(attention(*shape) for shape in attentions)]


def _make(path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        built = Path(folder) / path.name
        if not (_compile(built, "-fopenmp") or _compile(built)) or not _works(built):
            built.write_bytes(b"")
        built.chmod(0o700)
        os.replace(built, path)


def _compile(target: Path, *more: str) -> bool:
    folder = _llama()
    assert folder
    command = [_compiler() or "", *_FLAGS, *more, f"-I{folder.parent / 'include'}", "-o", str(target)]
    command += [str(_FOLDER / source) for source in _SOURCES] + [f"-L{folder / 'lib'}", "-l:libggml-base.so.0"]
    try:
        return subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=120).returncode == 0
    except subprocess.SubprocessError:
        return False


def _works(path: Path) -> bool:
    """Whether a child computes the right numbers with it; a wrong layout would crash there."""
    command = child.command("pyagent.engine.llama.kernels", str(path))
    try:
        done = subprocess.run(
            command, env=child.environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=120
        )
    except subprocess.SubprocessError:
        return False
    return done.returncode == 0


def _ours(path: Path) -> bool:
    # Code is loaded only from a file that nobody else could have written.
    facts = path.stat()
    return facts.st_size > 0 and facts.st_uid == os.getuid() and not facts.st_mode & 0o022


def _name() -> str:
    """One for each source, compiler and llama.cpp: a folder may be shared by machines and outlive versions."""
    folder = _llama()
    assert folder
    library = next((folder / "lib").glob(_GGML)).name
    texts = [path.read_bytes() for path in sorted(_FOLDER.glob("*.[ch]*"))]
    return hashlib.sha256(b"".join([*texts, repr((_FLAGS, library, str(folder))).encode()])).hexdigest()[:16]


def _llama() -> Path | None:
    spec = importlib.util.find_spec("llama_cpp")
    return Path(spec.origin).parent if spec and spec.origin else None


def _compiler() -> str | None:
    return shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")


def _cpu() -> set[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    return set(next((line for line in lines if line.startswith("flags")), "").partition(":")[2].split())
