"""Counts tokens in the parent process, so that a budget knows what a prompt costs before it is sent.

Only the vocabulary is loaded, no weights: 0.1 s, beside the import of llama.cpp.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

from pyagent.errors import ModelMissing


class Vocabulary:
    """The tokeniser of a GGUF file."""

    def __init__(self, path: Path) -> None:
        """Raises ModelMissing when the file holds no vocabulary that llama.cpp knows, or it is not installed."""
        # For the whole process, as libgomp reads it once: nothing here decodes, and nothing may spin.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        try:
            from llama_cpp import llama_cpp as native
        except ImportError:
            raise ModelMissing(
                "llama-cpp-python, which runs local models, is not installed",
                "Run: pip install 'pyagent-swarm[local]'",
            ) from None
        self._native = native
        _silence(native)
        parameters = native.llama_model_default_params()
        parameters.vocab_only = True
        self._model = native.llama_model_load_from_file(os.fsencode(path), parameters)
        if not self._model:
            raise ModelMissing(f"the vocabulary in {path} cannot be read", "Use another model file.")
        self._vocab = native.llama_model_get_vocab(self._model)

    def count(self, text: str, special: bool) -> int:
        """The number of tokens of ``text``; markup counts as special tokens only when ``special`` is set."""
        data = text.encode("utf-8", "surrogatepass")
        # Without room llama.cpp gives the number it would need, as a negative one.
        return -int(self._native.llama_tokenize(self._vocab, data, len(data), None, 0, False, special))


_kept: list[Any] = []


def _silence(native: Any) -> None:
    """Take the library's log. The callback lives as long as the process: a collected one crashes the next line."""
    if not _kept:
        _kept.append(native.llama_log_callback(_ignore))
    native.llama_log_set(_kept[0], ctypes.c_void_p(0))


def _ignore(level: int, text: bytes, data: Any) -> None:
    pass
