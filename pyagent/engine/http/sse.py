"""Server-sent events arrive in arbitrary cuts of bytes; this puts their data back together.

WHATWG HTML, section 9.2.6 "Interpreting an event stream". Event names and ids are not needed by any of the
APIs that we speak: each repeats its type in the data.
"""

from __future__ import annotations


class Events:
    """Feed it bytes, get the data of each event that became complete."""

    __slots__ = ("_data", "_rest", "_started")

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._started = False

    def feed(self, chunk: bytes) -> list[str]:
        lines = (self._rest + chunk).splitlines(keepends=True)
        # A line that ends in CR may still get its LF, so that it waits like one without an end.
        self._rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        if not self._started and lines:
            lines[0] = lines[0].removeprefix(b"\xef\xbb\xbf")
            self._started = True
        return [data for line in lines if (data := self._take(line.rstrip(b"\r\n"))) is not None]

    def _take(self, line: bytes) -> str | None:
        """Take one line; a blank one ends the event and gives its data."""
        if not line:
            data, self._data = self._data, []
            return b"\n".join(data).decode("utf-8", "replace") if data else None
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
        return None
