"""Looks into a model file, so that a bad one is one clear line before any native code sees it.

The header is read in plain Python: format GGUF version 2 and 3, github.com/ggml-org/ggml, docs/gguf.md.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from pyagent.errors import ModelMissing

# ggml.h, enum ggml_type: (weights in a block, bytes of a block)
BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110),
    22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8),
    29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip
# gguf.h, enum gguf_type: the scalars' struct codes; 8 is a string, 9 an array
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
# llama.h, enum llama_ftype
QUANTS = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M",
    13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS",
    21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S",
    29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class GGUFInfo:
    """What the header of a GGUF file says. ``context`` counts tokens; sizes are bytes of the whole file.

    ``bos`` and ``eos`` are the special tokens' texts; ``add_bos`` says that a prompt must begin with ``bos``.
    ``control`` holds the texts of all control tokens, which a user's text must never become. ``cell_bytes`` is the
    memory of one token's keys and values at 16 bits, 0 where the header does not say; ``quant`` is how most weights
    are stored, empty where it does not say.
    """

    path: Path
    version: int
    architecture: str
    name: str
    context: int
    template: str | None
    tensors: int
    data_start: int
    size: int
    bos: str = ""
    eos: str = ""
    add_bos: bool = False
    cell_bytes: int = 0
    control: frozenset[str] = field(default=frozenset(), repr=False)
    quant: str = ""


def check_gguf(path: str | Path) -> GGUFInfo:
    """Read the header of a model file and make sure that all of its weights are there.

    Raises ModelMissing: not found, a folder, not a GGUF, or truncated (with both sizes).
    """
    path = Path(path).expanduser()
    try:
        stat = path.stat()
    except OSError as error:
        raise ModelMissing(
            f"the model file {path} cannot be read: {error.strerror}", "Check the path of the model."
        ) from None
    if path.is_dir():
        raise ModelMissing(f"the model {path} is a directory", "Name a .gguf file inside it.")
    return _check(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=64)
def _check(path: Path, size: int, changed: int) -> GGUFInfo:
    try:
        with path.open("rb") as file:
            magic = file.read(4)
            if magic != b"GGUF":
                raise ModelMissing(f"the model file {path} is not a GGUF file", "Name a file in GGUF format.")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _Header(path, data).info(size)
    except OSError as error:
        raise ModelMissing(
            f"the model file {path} cannot be read: {error.strerror}", "Check its permissions."
        ) from None
    except (struct.error, IndexError):
        raise _truncated(path, size, "its header goes on beyond that") from None
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError, MemoryError) as error:
        raise ModelMissing(
            f"the header of the model file {path} is damaged ({type(error).__name__})", "Download the file again."
        ) from None


def _truncated(path: Path, size: int, wanted: str) -> ModelMissing:
    return ModelMissing(
        f"the model file {path} is truncated: it has {size} bytes, {wanted}", "Download the file again."
    )


class _Header:
    """A cursor over a header: scalars in order, and where the arrays lie that are only looked up later."""

    def __init__(self, path: Path, data: mmap.mmap) -> None:
        self.path, self.data, self.at = path, data, 4
        self.version = self.scalar("I")
        if not 2 <= self.version <= 3:
            raise ModelMissing(
                f"the model file {path} has GGUF version {self.version}, which is not known",
                "Convert it to GGUF version 3.",
            )

    def info(self, size: int) -> GGUFInfo:
        tensors, entries = self.scalar("Q"), self.scalar("Q")
        meta = {self.text(): self.value() for _ in range(entries)}
        end = max((self.tensor_end() for _ in range(tensors)), default=0)
        alignment = int(meta.get("general.alignment", 32))
        start = -(-self.at // alignment) * alignment
        if size < start + end:
            raise _truncated(self.path, size, f"its header promises {start + end}")
        return self._info(meta, tensors, start, size)

    def _info(self, meta: dict[str, Any], tensors: int, start: int, size: int) -> GGUFInfo:
        architecture = str(meta.get("general.architecture", ""))
        tokens = _Strings(self.data, meta.get("tokenizer.ggml.tokens"))
        bos = tokens.get(meta.get("tokenizer.ggml.bos_token_id"))
        # llama.cpp's own default when the file does not say: SentencePiece vocabularies begin with BOS.
        begins = meta.get("tokenizer.ggml.add_bos_token", meta.get("tokenizer.ggml.model") == "llama")
        return GGUFInfo(
            path=self.path,
            version=self.version,
            architecture=architecture,
            name=str(meta.get("general.name", "")) or self.path.stem,
            context=int(meta.get(f"{architecture}.context_length", 0)),
            template=meta.get("tokenizer.chat_template"),
            tensors=tensors,
            data_start=start,
            size=size,
            bos=bos,
            eos=tokens.get(meta.get("tokenizer.ggml.eos_token_id")),
            add_bos=bool(begins),
            cell_bytes=self.cell_bytes(meta, architecture),
            control=frozenset(tokens.of_type(meta.get("tokenizer.ggml.token_type"))),
            quant=QUANTS.get(meta.get("general.file_type", -1), ""),
        )

    def cell_bytes(self, meta: dict[str, Any], architecture: str) -> int:
        """Layers x KV heads x (length of a key + of a value) x 2 bytes; heads may differ by layer."""

        def of(name: str) -> Any:
            return meta.get(f"{architecture}.{name}")

        heads, layers = of("attention.head_count"), of("block_count") or 0
        shared = of("attention.head_count_kv") or heads
        if isinstance(shared, tuple):  # an array: its entries are one for each layer
            total = sum(struct.unpack_from(f"<{shared[2]}{SCALARS[shared[0]]}", self.data, shared[1]))
        else:
            total = layers * (shared or 0)
        plain = (of("embedding_length") or 0) // heads if isinstance(heads, int) and heads else 0
        key, value = of("attention.key_length") or plain, of("attention.value_length") or plain
        return int(total * (key + value) * 2)

    def scalar(self, code: str) -> Any:
        value = struct.unpack_from("<" + code, self.data, self.at)[0]
        self.at += struct.calcsize("<" + code)
        return value

    def text(self) -> str:
        size = self.scalar("Q")
        self.at += size
        if self.at > len(self.data):
            raise IndexError
        return self.data[self.at - size : self.at].decode("utf-8", "replace")

    def value(self) -> Any:
        kind = self.scalar("I")
        if kind == STRING:
            return self.text()
        return self.array() if kind == ARRAY else self.scalar(SCALARS[kind])

    def array(self) -> tuple[int, int, int]:
        """Skip an array and give (its kind, where it starts, how many)."""
        kind, count = self.scalar("I"), self.scalar("Q")
        start = self.at
        if kind == STRING:
            self.at = _skip_strings(self.data, start, count)
        elif kind == ARRAY:
            for _ in range(count):
                self.array()
        else:
            self.at += count * struct.calcsize("<" + SCALARS[kind])
        return kind, start, count

    def tensor_end(self) -> int:
        """The offset behind one tensor's data; an unknown type counts as empty, it is newer than this table."""
        self.text()
        dims = [self.scalar("Q") for _ in range(self.scalar("I"))]
        kind, offset = self.scalar("I"), self.scalar("Q")
        weights, size = BLOCKS.get(kind, (1, 0))
        count = 1
        for dim in dims:
            count *= dim
        return int(offset + count // weights * size)


class _Strings:
    """Looks up single strings of an array in the header without decoding all of a vocabulary."""

    def __init__(self, data: mmap.mmap, array: Any) -> None:
        self.data = data
        self.kind, self.start, self.count = array if isinstance(array, tuple) else (STRING, 0, 0)

    def get(self, index: Any) -> str:
        if not isinstance(index, int) or not 0 <= index < self.count:
            return ""
        return self._read(_skip_strings(self.data, self.start, index))

    def of_type(self, array: Any, control: int = 3) -> Iterator[str]:
        """The strings whose entry in the parallel array of int32 token types is ``control``."""
        if not isinstance(array, tuple) or array[2] != self.count:
            return
        types = struct.unpack_from(f"<{self.count}i", self.data, array[1])
        at, done = self.start, 0
        for index in (index for index, kind in enumerate(types) if kind == control):
            at = _skip_strings(self.data, at, index - done)
            done = index
            yield self._read(at)

    def _read(self, at: int) -> str:
        (size,) = struct.unpack_from("<Q", self.data, at)
        return self.data[at + 8 : at + 8 + size].decode("utf-8", "replace")


def _skip_strings(data: mmap.mmap, at: int, count: int) -> int:
    unpack, end = struct.Struct("<Q").unpack_from, len(data)
    for _ in range(count):
        at += 8 + unpack(data, at)[0]
        if at > end:
            raise IndexError
    return at


def weights_digest(path: str | Path) -> str:
    """A stable name for the weights, for keys: SHA-256 over size, header and 64 samples of 64 KiB (6 MB read)."""
    info = check_gguf(path)
    digest = hashlib.sha256(f"{info.size}:{info.data_start}".encode())
    with info.path.open("rb") as file:
        digest.update(file.read(info.data_start))
        for part in range(64):
            file.seek(info.data_start + (info.size - info.data_start) * part // 64)
            digest.update(file.read(1 << 16))
    return digest.hexdigest()
