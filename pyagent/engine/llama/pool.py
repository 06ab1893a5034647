"""Spreads requests over engine processes, one a core, and carries them through the death of any of them.

A request goes to a worker only when that has room, so that work is dealt as late as possible: to the worker that
has its prefix, unless another has less to do. ``begin -> pump -> choose -> deal -> heard``.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque

from pyagent.engine.base import Piece
from pyagent.engine.llama.leases import Leases
from pyagent.engine.llama.process import Load, Message, Process
from pyagent.engine.llama.seat import RESTARTS, Call, Seat, prefixes
from pyagent.errors import ContextOverflow, EngineError, EngineUnreachable, PyAgentError, TransientError
from pyagent.model import Usage

TICK = 0.2  # seconds between looks at leases and silent workers
FAREWELL = 3.0  # seconds to wait for what a cancelled call used: a few steps of a busy worker


class Pool:
    """Up to ``workers`` engine processes with the same model, started when there is work for them.

    ``patience`` is how many seconds a worker that owes something may say nothing. Belongs to one event loop.
    """

    def __init__(self, load: Load, workers: int, leases: Leases | None = None, patience: float = 300.0) -> None:
        self._load, self._leases, self._patience = load, leases, patience
        self._seats = [Seat() for _ in range(workers)]
        self._queue: deque[Call] = deque()
        self._ids = itertools.count(1)
        self._ticking: asyncio.Task[None] | None = None
        self._failed_starts = 0
        self._closed = False
        self._leaving: dict[int, asyncio.Future[Message]] = {}
        # Enough to refill a sequence in the step in which it ends, and no more: what waits here can go anywhere.
        self._room = load.n_seq + max(1, load.n_seq // 8)
        self.ready: Message = {}

    async def ask(self, message: Message, piece: Piece | None = None) -> Message:
        """Answer a ``submit`` message (without op and id) with its ``done``. Cancelling frees what it holds, and the
        CancelledError tells its ``usage`` where the worker says it in time.

        Raises ContextOverflow, TransientError, EngineError, ModelMissing, EngineUnreachable.
        """
        call = self.begin(message, piece)
        try:
            return await call.done
        except asyncio.CancelledError as error:
            if (usage := await self._farewell(call)) is not None:
                error.usage = usage  # type: ignore[attr-defined]
            raise

    def begin(self, message: Message, piece: Piece | None = None) -> Call:
        """Put a request on its way; ``call.done`` is its future."""
        if self._closed:
            raise EngineError("the engine is closed", "Open another.")
        number = next(self._ids)
        full = {**message, "op": "submit", "id": number, "stream": piece is not None}
        done = asyncio.get_running_loop().create_future()
        call = Call(number, full, piece, done, prefixes(message["segments"]))
        self._queue.append(call)
        self._look_after()
        self._pump()
        return call

    def cancel(self, call: Call) -> None:
        """Stop a request and free what it holds."""
        call.done.cancel()
        if call.seat:
            self._tell(call, "cancel")
            self._release(call)
        elif call in self._queue:
            self._queue.remove(call)
        self._pump()

    async def _farewell(self, call: Call) -> Usage | None:
        """Cancel a request and learn what it used; None when its worker does not say."""
        if call.seat is None:
            self.cancel(call)
            return Usage() if not call.deaths else None
        last = self._leaving[call.id] = asyncio.get_running_loop().create_future()
        self.cancel(call)
        try:
            async with asyncio.timeout(FAREWELL):
                return _used(await last)
        except TimeoutError:
            return None
        finally:
            del self._leaving[call.id]

    def pause(self, call: Call) -> None:
        """Let a request hold what it has and make no tokens."""
        call.paused = True
        self._tell(call, "pause")

    def resume(self, call: Call) -> None:
        """Let a paused request go on."""
        call.paused = False
        self._tell(call, "resume")

    async def health(self, timeout: float = 10.0) -> list[Message]:
        """What each living worker says of itself, with its ``pid``; one that does not answer in time is left out."""
        reports = [(seat.process.pid, _report(seat)) for seat in self._seats if seat.process and seat.ready]
        if reports:
            await asyncio.wait([future for _, future in reports], timeout=timeout)
        return [{**future.result(), "pid": pid} for pid, future in reports if future.done() and not future.cancelled()]

    async def warm(self) -> None:
        """Start every worker that may start now."""
        self._look_after()
        self._staff(len(self._seats))
        await asyncio.gather(*(seat.starting for seat in self._seats if seat.starting))

    async def aclose(self) -> None:
        """End every process and wait until it is gone; what was unanswered is cancelled."""
        self._closed = True
        if self._ticking:
            self._ticking.cancel()
        for call in [*self._queue, *(call for seat in self._seats for call in seat.calls.values())]:
            call.done.cancel()
        self._queue.clear()
        await asyncio.gather(*map(_end, self._seats))
        if self._leases:
            self._leases.close()

    # Dealing

    def _pump(self) -> None:
        """Deal what waits to workers with room, and staff workers for the rest."""
        if self._closed:
            return
        try:
            self._staff(self._outstanding())
        except PyAgentError as error:  # the folder of the leases cannot be written
            self._fail_all(error)
        while self._queue and (seat := self._choose(self._queue[0])):
            self._deal(self._queue.popleft(), seat)

    def _outstanding(self) -> int:
        return len(self._queue) + sum(len(seat.calls) for seat in self._seats)

    def _choose(self, call: Call) -> Seat | None:
        """The worker for a call: among the least loaded the one with most of its prefix; None to wait.

        A worker that is just starting counts, so that the first to be ready does not get everything.
        """
        seats = [seat for seat in self._seats if seat.open and seat.admits(call)]
        if not seats:
            return None
        least = min(seat.load for seat in seats)
        near = [seat for seat in seats if seat.load <= least + self._load.n_seq // 8]
        seat = max(near, key=lambda seat: (seat.shared(call), -seat.load, seat.ready))
        full = seat.load and seat.load + call.size > self._room
        return seat if seat.ready and not full else None

    def _deal(self, call: Call, seat: Seat) -> None:
        assert seat.process
        if not seat.calls:
            seat.process.last_heard = asyncio.get_running_loop().time()
        call.seat, call.seen = seat, 0
        seat.calls[call.id] = call
        seat.remember(call)
        seat.process.send(call.message)
        if call.paused:
            self._tell(call, "pause")

    def _tell(self, call: Call, op: str) -> None:
        if call.seat and call.seat.process:
            call.seat.process.send({"op": op, "id": call.id})

    def _release(self, call: Call) -> None:
        if call.seat:
            call.seat.calls.pop(call.id, None)
            call.seat = None

    # Workers and their leases

    def _staff(self, outstanding: int) -> None:
        """Take cores and start processes for as many workers as the work can use."""
        if self._leases:
            self._leases.want(min(outstanding, len(self._seats)) * self._load.n_threads)
        working = sum(seat.active for seat in self._seats)
        for seat in self._seats:
            if not seat.active and not seat.broken and working < outstanding:
                seat.active = self._take(seat)
                working += seat.active
            if seat.active and seat.process is None and seat.starting is None and outstanding:
                seat.process = self._process(seat)
                seat.starting = asyncio.create_task(self._start(seat, seat.process))

    def _take(self, seat: Seat) -> bool:
        if self._leases is None:
            return True
        while len(seat.leases) < self._load.n_threads and (lease := self._leases.take()):
            seat.leases.append(lease)
        return len(seat.leases) == self._load.n_threads

    def _look_after(self) -> None:
        if self._ticking is None or self._ticking.done():
            self._ticking = asyncio.create_task(self._tick())

    async def _tick(self) -> None:
        """Look after what no message announces: other runs that wait for a core, and workers that hang."""
        await asyncio.sleep(TICK)
        while self._outstanding() or any(seat.leases for seat in self._seats):
            self._share()
            for seat in self._seats:
                self._watch(seat)
            self._pump()
            await asyncio.sleep(TICK)

    def _share(self) -> None:
        """Let one worker run dry while another run waits for a core; give back the cores of idle workers."""
        if self._leases is None:
            return
        surplus = self._leases.surplus()
        open_seats = [seat for seat in self._seats if seat.open]
        if not surplus:
            for seat in self._seats:
                seat.draining = False
        elif open_seats and not any(seat.draining for seat in self._seats):
            min(open_seats, key=lambda seat: seat.load).draining = True
        spare = sum(seat.active for seat in self._seats) - self._outstanding()
        for seat in self._seats:
            if seat.leases and not seat.calls and (seat.draining or not seat.active or spare > 0):
                spare -= seat.active
                self._park(seat)

    def _park(self, seat: Seat) -> None:
        """A worker without work keeps its memory and its prefixes but no core."""
        seat.active = seat.draining = False
        while self._leases and seat.leases:
            self._leases.give(seat.leases.pop())

    def _watch(self, seat: Seat) -> None:
        if seat.process is None or not seat.ready or not seat.calls:
            return
        silent = asyncio.get_running_loop().time() - seat.process.last_heard
        # Twice: when this process itself was asleep, the worker's words are there and not yet read.
        seat.overdue = seat.overdue + 1 if silent > self._patience else 0
        if seat.overdue > 1:
            seat.process.kill()
        elif silent > self._patience / 4 and not seat.reports:
            _report(seat)

    def _process(self, seat: Seat) -> Process:
        return Process(self._load, lambda message: self._heard(seat, message), lambda why: self._buried(seat, why))

    async def _start(self, seat: Seat, process: Process) -> None:
        """Start the worker of a seat; when none can be started, everybody who waits is told."""
        try:
            self.ready = await process.start()
            self._failed_starts = 0
        except PyAgentError as error:
            seat.process = None
            self._failed_starts += 1
            self._give_up(seat, error)
        finally:
            seat.starting = None
        self._pump()

    def _give_up(self, seat: Seat, error: PyAgentError) -> None:
        """Go on without this seat where others work, as when memory is enough for one worker only."""
        if any(other.process for other in self._seats) and isinstance(error, EngineUnreachable):
            seat.broken = True
            self._park(seat)
        elif self._failed_starts >= RESTARTS or not isinstance(error, EngineUnreachable):
            self._failed_starts = 0
            for other in self._seats:
                other.broken = False
            self._fail_all(error)

    def _fail_all(self, error: PyAgentError) -> None:
        while self._queue:
            _reject(self._queue.popleft().done, error)

    # What workers say

    def _heard(self, seat: Seat, message: Message) -> None:
        op = message["op"]
        if op in ("done", "cancelled") and (last := self._leaving.get(message["id"])):
            _resolve(last, message)
        elif op == "frames":
            for number, sample, _, token, text in message["frames"]:
                if sample == 0 and (call := seat.calls.get(number)):
                    self._stream(call, text, token)
        elif op == "health" and seat.reports:
            _resolve(seat.reports.popleft(), message)
        elif op in ("done", "error") and (call := seat.calls.get(message["id"])):
            self._finish(call, message)
            self._release(call)
            self._pump()

    def _finish(self, call: Call, message: Message) -> None:
        if message["op"] == "error":
            _reject(call.done, _error(message))
            return
        # What was held back as the possible start of a stop string, and what a repeated stream still lacks.
        self._stream(call, message["samples"][0]["text"][call.seen :], None)
        _resolve(call.done, message)

    def _stream(self, call: Call, text: str, token: int | None) -> None:
        """Hand a piece on; while a repeated stream is behind what was sent, only make sure that it is the same."""
        if call.piece is None or not text or call.done.done():
            return
        known = call.sent[call.seen : call.seen + len(text)]
        call.seen += len(text)
        if not text.startswith(known):
            _reject(call.done, _torn("was repeated differently"))
            self._tell(call, "cancel")
            self._release(call)
        elif fresh := text[len(known) :]:
            call.sent += fresh
            call.piece(fresh, token)

    def _buried(self, seat: Seat, why: str) -> None:
        """A worker died: what it owed goes to another, or to its next life."""
        seat.process = None
        seat.prefixes.clear()
        while seat.reports:
            seat.reports.popleft().cancel()
        owed, seat.calls = list(seat.calls.values()), {}
        for call in reversed(owed):
            call.seat, call.deaths = None, call.deaths + 1
            if call.deaths > RESTARTS:
                _reject(call.done, EngineError(f"llama.cpp died {call.deaths} times on this request ({why})"))
            elif call.sent and not call.repeatable:
                _reject(call.done, _torn(f"broke off ({why})"))
            elif not call.done.done():
                self._queue.appendleft(call)
        self._pump()


async def _end(seat: Seat) -> None:
    seat.calls.clear()
    if seat.starting:
        seat.starting.cancel()
        await asyncio.gather(seat.starting, return_exceptions=True)
    if seat.process:
        await seat.process.close()


def _report(seat: Seat) -> asyncio.Future[Message]:
    assert seat.process
    future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
    seat.reports.append(future)
    seat.process.send({"op": "health"})
    return future


def _error(message: Message) -> PyAgentError:
    kind, said = message.get("kind"), message.get("error", "")
    if kind == "context":
        return ContextOverflow(
            f"the prompt has {message['prompt_tokens']} tokens, the model takes {message['limit']}",
            "Shorten the prompt or raise the context of the model.",
        )
    if kind == "schema":
        return EngineError(f"the answer cannot be held to the schema: {said}", "Simplify the schema.")
    # The same request would fail in the same way: no other try.
    return EngineError(f"the engine failed on this request: {said}", "Report it with the task that shows it.")


def _used(message: Message) -> Usage:
    """What a call used by its last message, which may be its answer when that came first."""
    output = message["tokens"] if message["op"] == "cancelled" else sum(s["tokens"] for s in message["samples"])
    return Usage(message["prompt_tokens"], output)


def _torn(how: str) -> TransientError:
    return TransientError(f"the stream {how}", "Set a seed or temperature 0 to make it repeatable.")


def _resolve(future: asyncio.Future[Message], message: Message) -> None:
    if not future.done():
        future.set_result(message)


def _reject(future: asyncio.Future[Message], error: PyAgentError) -> None:
    if not future.done():
        future.set_exception(error)
