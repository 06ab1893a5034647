"""How text becomes a vector: the Protocol that every embedder meets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np


class Embedder(Protocol):
    """``name`` goes into every scope; vectors of different names are never compared.

    ``embed`` gives float32 of shape [len(texts), dim], each row of length 1, and sees the first ``window``
    tokens of a text; ``counts`` tells how many tokens each text has, so that the caller knows what was cut.
    """

    name: str
    dim: int
    window: int

    def embed(self, texts: Sequence[str]) -> np.ndarray: ...

    def counts(self, texts: Sequence[str]) -> list[int]: ...
