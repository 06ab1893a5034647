"""The default embedder is loaded for its first text: a run whose questions are all kept word for word has none."""

from __future__ import annotations

import threading
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pyagent.embed.onnx import MiniLM, installed, named

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from pyagent.embed.base import Embedder

RUNTIME = ("onnxruntime", "tokenizers")


class Late:
    """An Embedder that costs nothing until it is asked; loading takes 0.35 s. Safe to use from several threads."""

    dim, window = MiniLM.dim, MiniLM.window

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self._folder = folder
        self._loaded: MiniLM | None = None
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        return self._whole().embed(texts)

    def counts(self, texts: Sequence[str]) -> list[int]:
        return self._whole().counts(texts)

    def _whole(self) -> MiniLM:
        with self._lock:
            if self._loaded is None:
                self._loaded = MiniLM(self._folder)
            return self._loaded


def minilm(mark: Path) -> Embedder:
    """The installed MiniLM; late where ``mark`` says that these very files could be loaded here before.

    So what is broken is known at once, and not in the middle of a run. Raises ModelMissing.
    """
    folder = installed()
    with suppress(OSError):
        name = named(folder)
        if mark.read_text() == name and all(map(find_spec, RUNTIME)):
            return Late(folder, name)
    whole = MiniLM(folder)
    with suppress(OSError):
        mark.write_text(whole.name)
    return whole
