"""Where Results go as they are committed: lines on stdout or in a file, in the order asked for."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from pyagent.errors import PyAgentError, StoreError
from pyagent.model import Result
from pyagent.run.runner import Deliver
from pyagent.run.stream import Frame

_encode = json.JSONEncoder(ensure_ascii=False).encode


class OutputClosed(PyAgentError):
    """Whoever read stdout has had enough (`| head -1`)."""

    exit_code = 141  # 128 + SIGPIPE, what a shell shows for a program that the closed pipe ended


class Lines:
    """Writes one JSON object a line; each is there for the reader as soon as it is written."""

    def __init__(self, stream: TextIO, name: str, before: Callable[[], None] = lambda: None) -> None:
        self._stream, self._name, self.before = stream, name, before

    def result(self, index: int, result: Result) -> None:
        self.write(result.line())

    def frame(self, id: str) -> Callable[[Frame], None]:
        """A sink for the frames of one task."""

        def sink(frame: Frame) -> None:
            self.write({"id": id, "epoch": frame.epoch, "index": frame.index, "text": frame.text})

        return sink

    def write(self, row: object) -> None:
        self.text(_encode(row) + "\n")

    def text(self, text: str) -> None:
        """Write; raises OutputClosed when nobody reads any more and StoreError when it cannot be written."""
        self.before()
        try:
            self._stream.write(text)
            self._stream.flush()
        except UnicodeEncodeError:
            # A lone surrogate in a model's text, or a terminal that cannot show it.
            self._stream.write(text.encode("ascii", "backslashreplace").decode())
        except OSError as error:
            raise closed(error, self._name) from None


def closed(error: OSError, name: str) -> PyAgentError:
    """What a failed write to the output means; stdout is pointed away, so that nothing fails again at exit."""
    if name == "stdout":
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno == errno.EPIPE:
        return OutputClosed(f"{name} was closed", "what is done is kept; run the same command again to go on")
    return StoreError(f"{name} cannot be written ({error.strerror})", "free some space and run again")


def in_order(indices: Sequence[int], deliver: Deliver) -> Deliver:
    """Hold Results back until all before them are there."""
    held: dict[int, Result] = {}
    waiting = iter(indices)
    turn = [next(waiting, None)]

    def ordered(index: int, result: Result) -> None:
        held[index] = result
        while turn[0] is not None and turn[0] in held:
            deliver(turn[0], held.pop(turn[0]))
            turn[0] = next(waiting, None)

    return ordered


class Beside:
    """A file that appears whole or not at all: written beside its place and renamed at the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            self.stream = self._part.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        except OSError as error:
            raise StoreError(
                f"{path} cannot be written ({error.strerror})", "name a file in a writable folder"
            ) from None

    def keep(self) -> None:
        try:
            self.stream.close()
            os.replace(self._part, self.path)
        except OSError as error:
            self.drop()
            raise StoreError(
                f"{self.path} cannot be written ({error.strerror})", "free some space and run again"
            ) from None

    def drop(self) -> None:
        self.stream.close()
        self._part.unlink(missing_ok=True)


def write_file(path: Path, text: str) -> None:
    """Write a whole document. A special file (`/dev/stdout`, a pipe) is written in place."""
    if path.exists() and not path.is_file():
        try:
            with path.open("a", encoding="utf-8") as stream:
                stream.write(text)
        except OSError as error:
            raise StoreError(f"{path} cannot be written ({error.strerror})", "name another file") from None
        return
    file = Beside(path)
    try:
        file.stream.write(text)
    except OSError as error:
        file.drop()
        raise StoreError(f"{path} cannot be written ({error.strerror})", "free some space and run again") from None
    file.keep()
