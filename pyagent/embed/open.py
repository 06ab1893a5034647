"""One door to embedders, so that nobody else knows which library a name means."""

from __future__ import annotations

from pathlib import Path

from pyagent.embed.base import Embedder
from pyagent.embed.cache import CachedEmbedder

DEFAULT = "minilm"


def open_embedder(name: str = DEFAULT, cache_dir: Path | str | None = None) -> Embedder:
    """``minilm`` is the bundled ONNX model; any other name is a folder, package or cached model for
    sentence-transformers. With ``cache_dir`` vectors are kept there by text. Raises ModelMissing.
    """
    embedder = _open(name)
    return embedder if cache_dir is None else CachedEmbedder(embedder, Path(cache_dir) / "embeddings.db")


def _open(name: str) -> Embedder:
    if name == DEFAULT:
        from pyagent.embed.onnx import MiniLM

        return MiniLM.open()
    from pyagent.embed.sentence import SentenceTransformers

    return SentenceTransformers.open(name)
