"""Which embedder tells meaning: the one that was given, the one that was named, or none where it is not installed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pyagent.errors import ModelMissing

if TYPE_CHECKING:
    from pyagent.embed.base import Embedder


def chosen(embedder: Embedder | str | None, folder: Path, warn: Callable[[str], None]) -> Embedder | None:
    """The embedder itself; a named one with a cache of vectors in ``folder``. Without it exact matches go on."""
    if not isinstance(embedder, str):
        return embedder
    from pyagent.embed.cache import CachedEmbedder
    from pyagent.embed.late import minilm
    from pyagent.embed.open import DEFAULT, open_embedder

    try:
        inner = minilm(folder / "embedder") if embedder == DEFAULT else open_embedder(embedder)
        return CachedEmbedder(inner, folder / "vectors.db")
    except ModelMissing as error:
        warn(f"questions are matched by their exact text only: {error}")
        return None
