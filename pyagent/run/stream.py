"""A stream carries one answer in the making to whoever watches: exactly once, also over retries.

A retry opens the next epoch, and consumers drop what they have of an older one. A late joiner first gets
what was delivered, then the live frames.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyagent.engine.base import Piece


@dataclass(frozen=True, slots=True)
class Frame:
    """A piece of an answer: ``index`` counts from 0 within ``epoch``; ``token`` is the engine's token id, if known."""

    epoch: int
    index: int
    text: str
    token: int | None = None


Sink = Callable[[Frame], None]


class Stream:
    """Numbers the pieces of one task's answer and hands them to its sinks, in order."""

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = list(sinks)
        self._frames: list[Frame] = []
        self._epoch = -1

    def open(self) -> Piece:
        """Begin the next epoch and give what the engine calls for each piece; an older epoch's pieces are dropped."""
        self._epoch += 1
        self._frames = []
        epoch = self._epoch

        def piece(text: str, token: int | None = None) -> None:
            if epoch == self._epoch:
                self._deliver(Frame(epoch, len(self._frames), text, token))

        return piece

    def join(self, sink: Sink) -> None:
        """Add a sink: it gets the frames of the current epoch so far, then the live ones."""
        for frame in self._frames:
            sink(frame)
        self._sinks.append(sink)

    def follow(self, other: Stream) -> None:
        """Deliver what ``other`` delivers, from the start of its current epoch; each of its epochs is one of mine."""
        theirs: int | None = None

        def sink(frame: Frame) -> None:
            nonlocal theirs
            if frame.epoch != theirs:
                theirs = frame.epoch
                self._epoch += 1
                self._frames = []
            self._deliver(Frame(self._epoch, len(self._frames), frame.text, frame.token))

        other.join(sink)

    def replay(self, text: str) -> None:
        """Deliver an answer that was not made now, as one epoch of one frame."""
        self.open()(text, None)

    def _deliver(self, frame: Frame) -> None:
        self._frames.append(frame)
        for sink in self._sinks:
            sink(frame)
