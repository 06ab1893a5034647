"""The vocabulary as a grammar reads it: which token spells which bytes, in an order that skips dead prefixes."""

from __future__ import annotations

from typing import Protocol

from pyagent.engine.llama.gbnf import GrammarError


class Vocabulary(Protocol):
    """What a grammar needs of a model: the bytes of its tokens."""

    n_vocab: int

    def piece(self, token: int) -> bytes: ...

    def is_end(self, token: int) -> bool: ...


class Lexicon:
    """The vocabulary as a grammar reads it: pieces in order of their text, so that dead prefixes are skipped."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.token: dict[bytes, int] = {}
        self.broken: list[int] = []
        self.ends = [t for t in range(vocabulary.n_vocab) if vocabulary.is_end(t)]
        if not self.ends:
            raise GrammarError("this model has no token that ends an answer, so no grammar can end one")
        texts: list[tuple[str, int]] = []
        for token in range(vocabulary.n_vocab):
            piece = vocabulary.piece(token)
            if not piece:
                continue
            self.token.setdefault(piece, token)
            try:
                texts.append((piece.decode(), token))
            except UnicodeDecodeError:
                self.broken.append(token)
        texts.sort()
        self.texts = [text for text, _ in texts]
        self.tokens = [token for _, token in texts]
        self._longest = max(map(len, self.token), default=0)

    def spell(self, data: bytes) -> list[int]:
        """Few tokens whose bytes are ``data``: always the longest that fits. Raises GrammarError."""
        tokens, at = [], 0
        while at < len(data):
            for end in range(min(len(data), at + self._longest), at, -1):
                if (token := self.token.get(data[at:end])) is not None:
                    tokens.append(token)
                    at = end
                    break
            else:
                raise GrammarError(f"no token of this model spells {data[at : at + 1]!r}")
        return tokens
