"""A run is a journal: what this process writes about its run, so that any later process can go on from it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from pyagent.engine.base import Request
from pyagent.event import Event
from pyagent.model import Result
from pyagent.run.budget import Cost
from pyagent.run.stream import Frame, Sink
from pyagent.store.db import Store
from pyagent.store.writer import Put, Writer

# 250 ms: what another process that watches a stream is behind at most; a row a token would be the journal's bulk.
CHUNK_INTERVAL = 0.25
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode


class Journal:
    """Writes results, attempts, events and stream chunks of one run; reads what the run already has.

    ``record_prompts`` keeps the messages of each call in its event. ``observe`` sees each event after it is put.
    """

    def __init__(
        self,
        store: Store,
        writer: Writer,
        run: str,
        attempts: int = 0,
        record_prompts: bool = True,
        observe: Callable[[Event], None] | None = None,
    ) -> None:
        self.store, self.writer, self.run = store, writer, run
        # A run that had nothing need not be asked for each task.
        self._resumed = store.has_results(run)
        self._attempts = attempts
        self._record_prompts = record_prompts
        self._observe = observe

    def find(self, key: str, nth: int) -> Result | None:
        """The Result that the run had of a task when this process began, if any."""
        if not self._resumed:
            return None
        name = (bytes.fromhex(key), nth)
        line = self.store.bodies(self.run, [name]).get(name)
        return Result.of_line(line) if line else None

    def commit(self, key: str, nth: int, line: int, result: Result) -> None:
        """Put a Result; it is durable once ``writer.flushed()`` says so."""
        body = _encode(result.line())
        self.writer.put(
            Put.RESULT, (self.run, bytes.fromhex(key), nth, result.id, line, result.status, time.time(), body)
        )

    def emit(self, event: Event) -> None:
        self.writer.put(
            Put.EVENT,
            (event.run, event.task, event.span, event.parent, event.kind, event.at, _encode(event.data)),
        )
        if self._observe is not None:
            self._observe(event)

    def prompt(self, request: Request) -> dict[str, Any]:
        """What of a request an event keeps."""
        if not self._record_prompts:
            return {}
        return {
            "messages": [{"role": m.role, "content": m.content} for m in request.messages],
            "temperature": request.temperature,
            "seed": request.seed,
            "max_tokens": request.max_tokens,
        }

    def reserve(self, task: str, model: str, worst: Cost, priced: bool = True) -> int:
        """Put a reservation and give its number within the run; without a price no sum of money is kept."""
        number = self._attempts
        self._attempts += 1
        usd = worst.usd if priced else None
        self.writer.put(Put.RESERVE, (self.run, number, task, model, worst.tokens, usd, time.time()))
        return number

    def settle(self, number: int, used: Cost, at: float) -> None:
        self.writer.put(Put.SETTLE, (used.tokens, used.usd, at, self.run, number))

    def chunks(self, task: str) -> Sink:
        """A sink that keeps the text of a stream in chunks, for viewers in other processes."""
        return _Chunks(self.writer, self.run, task)


class _Chunks:
    """Gathers frames; a chunk is put when it is 250 ms old or its epoch ends."""

    def __init__(self, writer: Writer, run: str, task: str) -> None:
        self._writer, self._run, self._task = writer, run, task
        self._frames: list[Frame] = []

    def __call__(self, frame: Frame) -> None:
        if self._frames and self._frames[0].epoch != frame.epoch:
            self._put()
        if not self._frames:
            self._writer.later(CHUNK_INTERVAL, self._put)
        self._frames.append(frame)

    def _put(self) -> None:
        if self._frames:
            frames, self._frames = self._frames, []
            text = "".join(frame.text for frame in frames)
            row = (self._run, self._task, frames[0].epoch, frames[0].index, time.time(), text)
            self._writer.put(Put.CHUNK, row)
