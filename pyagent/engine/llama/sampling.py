"""Picks tokens from logits by counted randomness, so that a stream depends on its seed and nothing else.

The uniform number for a token is a hash of (seed, token index): no state that preemption, batching or a
restart could disturb. Philox (Salmon et al., SC 2011) is the idea; a keyed hash is as good at one draw a token.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pyagent.engine.llama import kernels

Floats = NDArray[np.float32]
# 49152 logits in blocks of 256: sums are vectorised, and only one block needs a running sum (150 -> 15 us).
BLOCK = 256


def uniform(seed: int, index: int, draw: int = 0) -> float:
    """A number in [0, 1) with 53 random bits, for the ``draw``-th try at token ``index`` of stream ``seed``."""
    digest = hashlib.blake2b(b"%d:%d:%d" % (seed, index, draw), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) * 2.0**-53


class Sampler:
    """Samples rows of ``n_vocab`` logits. It holds scratch memory only; one a process is enough."""

    def __init__(self, n_vocab: int) -> None:
        self._n = n_vocab
        blocks = -(-n_vocab // BLOCK)
        self._padded = np.zeros(blocks * BLOCK, dtype=np.float32)
        self._weights = self._padded[:n_vocab]
        self._blocks = self._padded.reshape(blocks, BLOCK)
        self._sums = np.zeros(blocks, dtype=np.float32)
        self._scratch = self._weights.ctypes.data, self._sums.ctypes.data
        self._native = kernels.weigh()

    def pick(
        self,
        row: Floats,
        temperature: float,
        seed: int,
        index: int,
        allowed: Callable[[int], bool] | None = None,
        legal: Callable[[], NDArray[np.intp]] | None = None,
    ) -> int:
        """The token for logits ``row`` [n_vocab]: the likeliest at temperature 0, else a draw.

        ``allowed`` refuses tokens; a refused one is struck out and the next is tried, which draws exactly from
        the distribution over the allowed ones. After some refusals ``legal`` must name all allowed tokens.
        Raises ValueError when none is.
        """
        if temperature <= 0.0:
            token = int(row.argmax())
            if allowed is None or allowed(token):
                return token
            return self._likeliest(row, allowed, legal)
        self._weigh(row, temperature)
        for draw in range(TRIES):
            token = self._draw(uniform(seed, index, draw))
            if allowed is None or allowed(token):
                return token
            self._strike(token)
        return self._draw_legal(row, temperature, uniform(seed, index, TRIES), legal)

    def logprob(self, row: Floats, token: int) -> float:
        """Natural log of the token's probability under softmax(row), temperature 1."""
        np.subtract(row, row.max(), out=self._weights)
        shifted = float(self._weights[token])
        np.exp(self._weights, out=self._weights)
        return shifted - float(np.log(self._blocks.sum(axis=1).sum(dtype=np.float64)))

    def _weigh(self, row: Floats, temperature: float) -> None:
        """exp((row - max) / temperature) into the scratch: unnormalised probabilities, and their sums by blocks."""
        if self._native is not None and row.flags.c_contiguous:
            self._native(row.ctypes.data, self._n, 1.0 / temperature, *self._scratch)
            return
        np.subtract(row, row.max(), out=self._weights)
        np.multiply(self._weights, np.float32(1.0 / temperature), out=self._weights)
        np.exp(self._weights, out=self._weights)
        self._blocks.sum(axis=1, out=self._sums)

    def _strike(self, token: int) -> None:
        self._weights[token] = 0.0
        block = token // BLOCK
        self._sums[block] = self._blocks[block].sum()

    def _draw(self, u: float) -> int:
        """Inverse CDF over the scratch: first the block, then the place in it."""
        sums = self._sums.cumsum(dtype=np.float64)
        target = u * float(sums[-1])
        block = int(sums.searchsorted(target, side="right"))
        block = min(block, len(sums) - 1)
        before = float(sums[block - 1]) if block else 0.0
        inside = self._blocks[block].cumsum(dtype=np.float64)
        place = int(inside.searchsorted(target - before, side="right"))
        if place < BLOCK and self._blocks[block, place] > 0.0:
            return block * BLOCK + place
        # Rounding may step over the edge; the likeliest of the block is then as near as float32 gets.
        return block * BLOCK + int(self._blocks[block].argmax())

    def _likeliest(
        self, row: Floats, allowed: Callable[[int], bool], legal: Callable[[], NDArray[np.intp]] | None
    ) -> int:
        top = np.argpartition(row, -TOP)[-TOP:] if self._n > TOP else np.arange(self._n)
        for token in top[np.argsort(-row[top], kind="stable")]:
            if allowed(int(token)):
                return int(token)
        return self._draw_legal(row, 0.0, 0.0, legal)

    def _draw_legal(
        self, row: Floats, temperature: float, u: float, legal: Callable[[], NDArray[np.intp]] | None
    ) -> int:
        tokens = legal() if legal is not None else np.empty(0, dtype=np.intp)
        if not len(tokens):
            raise ValueError("the grammar allows no token of this vocabulary here")
        values = row[tokens].astype(np.float64)
        if temperature <= 0.0:
            return int(tokens[int(values.argmax())])
        sums = np.exp((values - values.max()) / temperature).cumsum()
        return int(tokens[min(int(sums.searchsorted(u * sums[-1], side="right")), len(tokens) - 1)])


# Draws before all legal tokens are listed: a list costs about 1 ms, a draw 0.02 ms.
TRIES = 16
TOP = 64
