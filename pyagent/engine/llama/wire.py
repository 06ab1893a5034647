"""Frames the messages between an engine process and its parent, so that both sides cut the stream alike.

A message is four bytes of length, big-endian, then a JSON object in UTF-8.
"""

from __future__ import annotations

import json
from typing import Any

HEAD = 4
# A prompt of a million tokens is about 5 MB; anything near this is a torn stream, not a message.
LARGEST = 1 << 30


def pack(message: dict[str, Any]) -> bytes:
    """The bytes of one message. Lone surrogates survive as JSON escapes; NaN is refused (ValueError)."""
    body = json.dumps(message, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode()
    return len(body).to_bytes(HEAD, "big") + body


class Reader:
    """Collects bytes as they come and gives back the messages that are whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """Every message that ``data`` completes, in order. Raises ValueError when the stream is torn."""
        self._buffer += data
        messages: list[dict[str, Any]] = []
        start = 0
        while len(self._buffer) - start >= HEAD:
            size = int.from_bytes(self._buffer[start : start + HEAD], "big")
            if size > LARGEST:
                raise ValueError(f"a message of {size} bytes: the stream is torn")
            end = start + HEAD + size
            if len(self._buffer) < end:
                break
            messages.append(json.loads(self._buffer[start + HEAD : end]))
            start = end
        del self._buffer[:start]
        return messages
