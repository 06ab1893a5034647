"""A thin typed layer over llama.cpp's C functions, so that the scheduler speaks of tokens and sequences only.

Imported in engine processes alone: it loads the native library. Set ``OMP_WAIT_POLICY=PASSIVE`` before, since
libgomp else spins in barriers (decode 18 -> 1 token/s with two threads on busy cores).
"""

from __future__ import annotations

import ctypes
import os
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from llama_cpp import llama_cpp as native
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_log: deque[str] = deque(maxlen=64)
_torn = ("file bounds", "failed to read", "incomplete", "truncated", "unexpected end")


@native.llama_log_callback  # type: ignore[untyped-decorator, unused-ignore]
def _keep_log(level: int, text: bytes, _: Any) -> None:
    # Kept for the reason of a failed load; a module name, since the callback must outlive every native call.
    _log.append(text.decode("utf-8", "replace"))


def _hear() -> None:
    """Takes the library's log, anew each time: it has one listener, and another's may be gone (a crash then)."""
    _log.clear()
    native.llama_log_set(_keep_log, ctypes.c_void_p(0))


_hear()
native.llama_backend_init()


class LoadError(Exception):
    """The file is no usable model. ``kind`` is ``missing``, ``notgguf``, ``truncated`` or ``native``."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class DecodeError(RuntimeError):
    """llama_decode failed for another reason than missing cells."""


def _check_file(path: str) -> None:
    if not os.path.isfile(path):
        raise LoadError("missing", f"no file at {path}")
    try:
        with open(path, "rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise LoadError("missing", f"{path} cannot be read: {error.strerror}") from error
    if magic != b"GGUF":
        raise LoadError("notgguf", f"{path} is not a GGUF file")


def _reason() -> str:
    lines = [line.strip() for line in _log if "error" in line or "fail" in line]
    return lines[0] if lines else "no reason given"


class Model:
    """The weights (mapped, so that processes share them) and the vocabulary."""

    def __init__(self, path: str) -> None:
        """Raises LoadError."""
        _check_file(path)
        _hear()
        handle = native.llama_model_load_from_file(os.fsencode(path), native.llama_model_default_params())
        if not handle:
            reason = _reason()
            newer = any("only supports" in line for line in _log)
            torn = not newer and any(word in line for line in _log for word in _torn)
            raise LoadError("truncated" if torn else "native", f"{path}: {reason}")
        self.handle = handle
        self._vocab = native.llama_model_get_vocab(handle)
        self.n_vocab: int = native.llama_vocab_n_tokens(self._vocab)
        self.n_ctx_train: int = native.llama_model_n_ctx_train(handle)
        self.bos: int = native.llama_vocab_bos(self._vocab)
        self._adds_bos = bool(native.llama_vocab_get_add_bos(self._vocab))
        self._pieces: dict[int, bytes] = {}
        self._eog: dict[int, bool] = {}
        self._buffer = ctypes.create_string_buffer(64)

    @property
    def desc(self) -> str:
        """Architecture, size and quantisation in llama.cpp's words, such as ``llama 135M Q8_0``."""
        buffer = ctypes.create_string_buffer(256)
        native.llama_model_desc(self.handle, buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace")

    @property
    def cell_bytes(self) -> int:
        """Bytes of one KV cell at f16: layers x KV heads x head size x (K, V) x 2."""
        heads = max(1, native.llama_model_n_head(self.handle))
        size = native.llama_model_n_embd(self.handle) // heads
        kv_heads = native.llama_model_n_head_kv(self.handle)
        return int(native.llama_model_n_layer(self.handle) * kv_heads * size * 4)

    def tokenize(self, text: str, special: bool) -> list[int]:
        """Tokens of ``text``; only with ``special`` do words like ``<|im_end|>`` become control tokens."""
        data = text.encode("utf-8", "surrogatepass")
        room = len(data) + 8
        buffer = (native.llama_token * room)()
        count = native.llama_tokenize(self._vocab, data, len(data), buffer, room, False, special)
        if count < 0:
            room = -count
            buffer = (native.llama_token * room)()
            count = native.llama_tokenize(self._vocab, data, len(data), buffer, room, False, special)
        return list(buffer[:count])

    def prompt(self, segments: Sequence[Sequence[Any]]) -> list[int]:
        """Tokens of a rendered chat: ``[text, special]`` segments, with the BOS token where the model wants one."""
        tokens = [token for text, special in segments for token in self.tokenize(text, bool(special))]
        if self._adds_bos and self.bos >= 0 and tokens[:1] != [self.bos]:
            tokens.insert(0, self.bos)
        return tokens

    def piece(self, token: int) -> bytes:
        """The bytes of a token; they may be part of a character. Control tokens have none."""
        known = self._pieces.get(token)
        if known is None:
            known = self._pieces[token] = self._read_piece(token)
        return known

    def _read_piece(self, token: int) -> bytes:
        size = native.llama_token_to_piece(self._vocab, token, self._buffer, len(self._buffer), 0, False)
        if size < 0:
            self._buffer = ctypes.create_string_buffer(-size)
            size = native.llama_token_to_piece(self._vocab, token, self._buffer, -size, 0, False)
        return self._buffer.raw[:size]

    def is_end(self, token: int) -> bool:
        """Whether the token ends a generation (EOS, end of turn and the like)."""
        known = self._eog.get(token)
        if known is None:
            known = self._eog[token] = bool(native.llama_vocab_is_eog(self._vocab, token))
        return known

    def close(self) -> None:
        if self.handle:
            native.llama_model_free(self.handle)
            self.handle = None


class Batch:
    """The rows of one decode, as numpy views into llama.cpp's own arrays: filling it is four assignments.

    ``token``, ``pos``, ``seq`` and ``wants`` (logits wanted) are int arrays of ``capacity``.
    """

    def __init__(self, capacity: int) -> None:
        raw = native.llama_batch_init(capacity, 0, 1)
        self.raw, self.capacity = raw, capacity
        self.token = np.ctypeslib.as_array(raw.token, (capacity,))
        self.pos = np.ctypeslib.as_array(raw.pos, (capacity,))
        self.wants = np.ctypeslib.as_array(raw.logits, (capacity,))
        np.ctypeslib.as_array(raw.n_seq_id, (capacity,)).fill(1)
        self.seq = np.zeros(capacity, dtype=np.int32)
        # Addresses, since what indexing gives is a view of the place that is written over below.
        self._own = [ctypes.cast(raw.seq_id[i], ctypes.c_void_p).value or 0 for i in range(capacity)]
        base, kind = self.seq.ctypes.data, ctypes.POINTER(native.llama_seq_id)
        for i in range(capacity):
            raw.seq_id[i] = ctypes.cast(base + 4 * i, kind)

    def close(self) -> None:
        # llama_batch_free frees the pointers that llama_batch_init had put there.
        kind = ctypes.POINTER(native.llama_seq_id)
        for i, address in enumerate(self._own):
            self.raw.seq_id[i] = ctypes.cast(address, kind)
        native.llama_batch_free(self.raw)


class Context:
    """The KV cells and the compute buffers: rows in, logits out.

    ``cells`` is the size of the pool when ``unified``, else of each of the ``n_seq`` streams. Sequences are
    numbered 0..n_seq-1.
    """

    def __init__(
        self, model: Model, cells: int, n_seq: int, n_batch: int, n_threads: int = 1, unified: bool = True
    ) -> None:
        """Raises LoadError (``native``) when llama.cpp refuses, mostly for want of memory."""
        params = native.llama_context_default_params()
        params.n_ctx = cells if unified else cells * n_seq
        params.n_batch = params.n_ubatch = n_batch
        params.n_seq_max = n_seq
        params.n_threads = params.n_threads_batch = n_threads
        params.kv_unified = unified
        # Flash attention on: without it rows of one batch differ in bits from rows decoded alone.
        params.flash_attn_type = 1
        params.no_perf = True
        _hear()
        self._handle = native.llama_init_from_model(model.handle, params)
        if not self._handle:
            raise LoadError("native", f"no context of {params.n_ctx} tokens: {_reason()}")
        self._memory = native.llama_get_memory(self._handle)
        self._n_vocab = model.n_vocab
        self.batch = Batch(n_batch)
        self.cells: int = native.llama_n_ctx_seq(self._handle)

    def decode(self, rows: int) -> bool:
        """Computes the first ``rows`` rows of the batch. False: no free cells, and nothing has changed.

        Raises DecodeError.
        """
        self.batch.raw.n_tokens = rows
        code = native.llama_decode(self._handle, self.batch.raw)
        if code not in (0, 1):
            raise DecodeError(f"llama_decode gave {code}: {_reason()}")
        return bool(code == 0)

    def logits(self, rows: int) -> Floats:
        """Float32 [rows, n_vocab] of the rows that wanted logits, in batch order; valid until the next decode."""
        pointer = native.llama_get_logits(self._handle)
        return np.ctypeslib.as_array(pointer, (rows, self._n_vocab))

    def fork(self, source: int, target: int, length: int) -> bool:
        """Gives ``target`` (empty) the first ``length`` tokens of ``source``.

        False, and ``target`` stays empty, when the model's memory cannot be cut there (recurrent models).
        """
        # Whole, then trimmed: in a split cache only whole streams can be copied; in a unified one the cells are
        # shared and it costs 0.2 ms either way.
        native.llama_memory_seq_cp(self._memory, source, target, -1, -1)
        cut = bool(native.llama_memory_seq_rm(self._memory, target, length, -1))
        if not cut:
            self.trim(target)
        return cut

    def trim(self, seq: int, length: int = 0) -> None:
        """Keeps the first ``length`` tokens of the sequence."""
        native.llama_memory_seq_rm(self._memory, seq, length if length else -1, -1)

    def close(self) -> None:
        if self._handle:
            self.batch.close()
            native.llama_free(self._handle)
            self._handle = None
