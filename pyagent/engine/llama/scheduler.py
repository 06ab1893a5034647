"""Continuous batching over many sequences: who gets cells, what the next decode computes, who gives way.

One ``step`` is ``admit -> schedule -> decode -> sample -> collect``. New requests come in while others decode,
a prefix that is in the cells already is forked, prompts are computed in chunks beside the decoding rows, and
when cells run out the youngest gives way and is computed again later.
"""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Iterable, Iterator
from time import perf_counter
from typing import Any

from pyagent.engine.llama.binding import Context, DecodeError, Floats, Model
from pyagent.engine.llama.sampling import Sampler
from pyagent.engine.llama.sequence import Ask, Call, Retained, Sequence, shared

# Waiting for another's prefill pays from here on: a fork costs 0.3 ms, 32 tokens 90 ms.
WORTH = 32
# From 64 tokens on a decode takes llama.cpp's tiled attention. It is good for prompts and bad for decoding rows
# (16 rows and 60 prompt tokens over 3200 cells: 527 ms together, 317 ms apart; with 47: 263 and 277), and its
# bits depend on where a chunk begins.
SMALL = 63
# Prompt tokens in one decode (64: 277/s, 128: 324/s, 256: 305/s over 3200 cells), and in one step beside
# decoding rows.
CHUNK = 128
# Prompt tokens in one step when nobody decodes.
FULL = 512
# Finished sequences kept for those that begin alike. Each costs every row the attention over its own cells
# (four of 90 cells: 7 % of a step of 16 rows), so that fewer stay while many run.
KEEP = 6
KEEP_BUSY = 2
# A request comes in only when each running one can still grow by this many tokens: else it would be
# computed, thrown out and computed again.
GROWTH = 32
# KV memory of the mode in which each sequence has cells of its own, and the context below which it does not go:
# a large model then runs fewer sequences. Both are constants, so that no machine refuses what another answers.
EXACT_BYTES = 1 << 30
EXACT_CTX = 2048

Part = tuple[Sequence, int]


class Scheduler:
    """Runs calls on one model. ``n_ctx`` is what one request may use: prompt and answer together.

    In deterministic mode nothing a sequence computes depends on the others: each has its own cells (so that
    none is ever preempted), prompts are computed alone in pieces of at most 63 tokens, and forks copy.
    Raises LoadError.
    """

    def __init__(self, model: Model, n_ctx: int, n_seq: int, deterministic: bool = False, n_threads: int = 1) -> None:
        self._model, self._exact = model, deterministic
        self._keep = KEEP_BUSY if deterministic else KEEP
        places = n_seq + self._keep
        n_ctx = min(n_ctx, model.n_ctx_train)
        if deterministic:
            n_threads, room = 1, EXACT_BYTES // model.cell_bytes
            n_ctx = min(n_ctx, max(EXACT_CTX, room // places // 256 * 256))
            places = max(1 + self._keep, min(places, room // n_ctx))
        self._n_seq = places - self._keep
        width = SMALL if deterministic else CHUNK
        self._context = Context(model, n_ctx, places, width, n_threads, unified=not deterministic)
        self.n_ctx = min(n_ctx, self._context.cells)
        self._sampler = Sampler(model.n_vocab)
        self._calls: dict[int, Call] = {}
        self._waiting: list[Sequence] = []
        self._running: list[Sequence] = []
        self._retained: list[Retained] = []
        self._free = list(range(places))[::-1]
        self._names = itertools.count()
        self._faults: dict[int, str] = {}
        self._count = dict.fromkeys(("steps", "preemptions", "decoded_tokens", "prefilled_tokens"), 0)
        self._count["cached_tokens"] = 0
        self._decode_seconds = self._python_seconds = 0.0

    # -- what the parent asks for ------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        return bool(self._running or self._waiting)

    def submit(self, ask: Ask) -> None:
        """Queues the call; its end is a ``done`` message of some later step."""
        call = self._calls[ask.id] = Call.of(ask)
        self._waiting += call.sequences

    def cancel(self, id: int) -> tuple[int, int]:
        """Frees what the call holds; gives how many tokens of prompt and of answer it used. No message follows."""
        if (call := self._calls.pop(id, None)) is None:
            return 0, 0
        self._withdraw(call)
        begun = any(sequence.started for sequence in call.sequences)
        return len(call.ask.prompt) * begun, sum(sequence.produced for sequence in call.sequences)

    def pause(self, id: int) -> None:
        """The call gives up its places; its cells stay as long as nobody needs them."""
        if (call := self._calls.get(id)) and not call.paused:
            call.paused = True
            self._withdraw(call)

    def resume(self, id: int) -> None:
        if (call := self._calls.get(id)) and call.paused:
            call.paused = False
            self._waiting[:0] = [sequence for sequence in call.sequences if not sequence.finish]

    def health(self) -> dict[str, Any]:
        """Counters since the start; ``free_cells`` counts cells that running sequences do not use."""
        total = self.n_ctx * (self._n_seq if self._exact else 1)
        return {
            "running": len(self._running),
            "waiting": len(self._waiting),
            "free_cells": total - self._used(),
            **self._count,
            "decode_seconds": self._decode_seconds,
            "python_seconds": self._python_seconds,
        }

    def spend(self, seconds: float) -> None:
        """Counts time that the loop around the steps took on the Python side."""
        self._python_seconds += seconds

    def close(self) -> None:
        self._context.close()

    # -- the way of a step -------------------------------------------------------------------------

    def step(self) -> list[dict[str, Any]]:
        """Computes once for everybody; gives back frames, then the calls that are done."""
        started, native = perf_counter(), self._decode_seconds
        frames: list[list[Any]] = []
        self._admit(frames)
        for parts in self._schedule():
            if computed := self._decode(parts):
                self._sample(computed, frames)
        messages = self._collect(frames)
        self._count["steps"] += 1
        self._python_seconds += perf_counter() - started - (self._decode_seconds - native)
        return messages

    def _schedule(self) -> list[list[Part]]:
        """The decodes of this step: who computes how many tokens. Everybody who decodes has a row in it."""
        active = [s for s in self._running if not s.finish]
        rows = [(s, 1) for s in active if s.pending == 1]
        prompts = [s for s in active if s.pending > 1]
        split = [rows[i : i + SMALL] for i in range(0, len(rows), SMALL)]
        if self._exact:
            return [*split, *([(s, min(SMALL, s.pending))] for s in prompts[:1])]
        groups = list(_cut(prompts, CHUNK if rows else FULL))
        if len(split) == len(groups) == 1 and len(rows) + sum(count for _, count in groups[0]) <= SMALL:
            return [rows + groups[0]]
        return split + groups

    def _decode(self, parts: list[Part]) -> list[Part]:
        """Computes the parts, or those of them that find cells; the others have lost their place."""
        while parts := [part for part in parts if part[0].place >= 0]:
            rows = self._fill(parts)
            started = perf_counter()
            done = self._context.decode(rows)
            self._decode_seconds += perf_counter() - started
            if done:
                self._advance(parts)
                return parts
            self._make_room()
        return []

    def _fill(self, parts: list[Part]) -> int:
        batch, at = self._context.batch, 0
        for sequence, count in parts:
            start, end = sequence.computed, at + count
            if count == 1:
                batch.token[at], batch.pos[at] = sequence.tokens[start], start
            else:
                batch.token[at:end] = sequence.tokens[start : start + count]
                batch.pos[at:end] = range(start, start + count)
            batch.seq[at:end] = sequence.place
            batch.wants[at:end] = 0
            batch.wants[end - 1] = sequence.pending == count
            at = end
        return at

    def _advance(self, parts: list[Part]) -> None:
        for sequence, count in parts:
            if sequence.produced and count == 1:
                self._count["decoded_tokens"] += 1
            else:
                self._count["prefilled_tokens"] += count
            if sequence.fresh:
                sequence.prefilled += count
            sequence.computed += count
            sequence.cells.extend(itertools.islice(self._names, count))

    def _sample(self, parts: list[Part], frames: list[list[Any]]) -> None:
        ready = [sequence for sequence, _ in parts if not sequence.pending]
        if not ready:
            return
        logits = self._context.logits(len(ready))
        for sequence, row in zip(ready, logits, strict=True):
            call = sequence.call
            if call.first is None and sequence.fresh and any(s.fresh and s.place < 0 for s in call.sequences):
                call.first = row.copy()
            self._extend(sequence, row, frames)

    def _extend(self, sequence: Sequence, row: Floats, frames: list[list[Any]]) -> None:
        """Gives the sequence its next token, or its end."""
        ask, index = sequence.ask, sequence.produced
        try:
            token = self._pick(sequence, row)
        except Exception as error:
            # A fault in one request's grammar must not cost the others theirs.
            self._faults[ask.id] = f"{type(error).__name__}: {error}"
            return
        text = ""
        if self._model.is_end(token):
            sequence.finish = "length" if sequence.closing else "stop"
        else:
            if ask.logprobs:
                sequence.logprobs.append(self._sampler.logprob(row, token))
            sequence.tokens.append(token)
            text, stopped = sequence.prose.feed(self._model.piece(token))
            sequence.finish = "stop" if stopped else self._ended(sequence)
        if sequence.finish:
            text += sequence.prose.flush()
        if ask.stream and (text or sequence.produced > index):
            frames.append([ask.id, sequence.sample, index, token, text])

    def _ended(self, sequence: Sequence) -> str | None:
        if sequence.cursor is not None and sequence.cursor.complete:
            return "length" if sequence.closing else "stop"
        return "length" if sequence.produced >= sequence.ask.limit else None

    def _pick(self, sequence: Sequence, row: Floats) -> int:
        ask = sequence.ask
        seed, index = ask.seed + sequence.sample, sequence.produced
        if sequence.cursor is None:
            return self._sampler.pick(row, ask.temperature, seed, index)
        return sequence.cursor.pick(sequence, self._sampler, row, ask.temperature, seed, index)

    def _collect(self, frames: list[list[Any]]) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = [{"op": "frames", "frames": frames}] if frames else []
        while self._faults:
            id, error = self._faults.popitem()
            self.cancel(id)
            messages.append({"op": "error", "id": id, "kind": "internal", "error": error})
        ended = [sequence for sequence in self._running if sequence.finish]
        for sequence in ended:
            self._running.remove(sequence)
            self._retain(sequence)
        for call in {sequence.ask.id: sequence.call for sequence in ended}.values():
            if call.done:
                del self._calls[call.ask.id]
                messages.append(call.message())
        return messages

    # -- places and cells --------------------------------------------------------------------------

    def _admit(self, frames: list[list[Any]]) -> None:
        """Lets in whom place and cells allow, in order; who would compute what another computes now, waits."""
        for sequence in self._waiting[: 4 * self._n_seq]:
            if len(self._running) >= self._n_seq:
                break
            donor, gain = self._donor(sequence)
            if self._soon(sequence, gain):
                continue
            if not self._fits(sequence, gain):
                break
            self._waiting.remove(sequence)
            self._start(sequence, donor, gain, frames)

    def _donor(self, sequence: Sequence) -> tuple[Sequence | Retained | None, int]:
        """Who holds the longest computed prefix of the sequence, and how long it is."""
        most = len(sequence.tokens) - (0 if sequence.fresh and sequence.call.first is not None else 1)
        best: Sequence | Retained | None = None
        gain = WORTH - 1 if self._exact else 0
        others: list[Sequence | Retained] = [*self._running, *reversed(self._retained)]
        for other in others:
            if min(other.computed, most) <= gain:
                continue
            length = min(shared(sequence.tokens, other.tokens), other.computed, most)
            if length > gain:
                best, gain = other, length
        return best, gain if best else 0

    def _soon(self, sequence: Sequence, gain: int) -> bool:
        """Whether a running sequence is about to compute much more of this one's beginning."""
        most = len(sequence.tokens) - 1
        for other in self._running:
            if other.call is sequence.call and other.fresh and sequence.fresh:
                return True
            if other.pending > 1 and other.computed < most:
                length = min(shared(sequence.tokens, other.tokens), most)
                if length - gain >= WORTH and other.computed < length:
                    return True
        return False

    def _fits(self, sequence: Sequence, gain: int) -> bool:
        if self._exact or not self._running:
            return True
        need = len(sequence.tokens) - gain + GROWTH * (len(self._running) + 1)
        if sum(s.computed for s in self._running) + need <= self.n_ctx // 2:
            return True
        return self._used() + sum(s.pending for s in self._running) + need <= self.n_ctx

    def _used(self) -> int:
        """Cells of the running sequences, shared ones counted once."""
        return len(set(itertools.chain.from_iterable(s.cells for s in self._running)))

    def _start(self, sequence: Sequence, donor: Sequence | Retained | None, gain: int, frames: list[list[Any]]) -> None:
        sequence.place = self._take_place(donor)
        if isinstance(donor, Retained) and donor in self._retained:
            self._retained.remove(donor)
            self._retained.append(donor)
        if donor is not None and sequence.place == donor.place:
            self._context.trim(sequence.place, gain)
        elif donor is not None and not self._context.fork(donor.place, sequence.place, gain):
            donor, gain = None, 0
        sequence.computed = gain
        sequence.cells = donor.cells[:gain] if donor is not None else []
        self._running.append(sequence)
        if not sequence.started:
            sequence.started = True
            sequence.cached = min(gain, len(sequence.ask.prompt))
            self._count["cached_tokens"] += sequence.cached
        if not sequence.pending:
            self._extend(sequence, sequence.call.first, frames)
        if all(s.place >= 0 or not s.fresh for s in sequence.call.sequences):
            sequence.call.first = None

    def _take_place(self, donor: Sequence | Retained | None) -> int:
        """A free place, else that of the retained sequence unused longest, the donor's only as the last."""
        if self._free:
            return self._free.pop()
        oldest = next((r for r in self._retained if r is not donor), self._retained[0])
        self._retained.remove(oldest)
        if oldest is not donor:
            self._context.trim(oldest.place)
        return oldest.place

    def _retain(self, sequence: Sequence) -> None:
        """Keeps the cells for those that begin alike, unless somebody else holds the same."""
        tokens = array("i", sequence.tokens[: sequence.computed])
        if sequence.ask.samples > 1:
            # Nobody goes on from one of many samples; the prompt may come again.
            tokens = tokens[: len(sequence.ask.prompt)]
        others: Iterable[Sequence | Retained] = itertools.chain(self._running, self._retained)
        held = any(shared(tokens, o.tokens) >= len(tokens) <= o.computed for o in others)
        if held or len(tokens) < WORTH:
            self._release(sequence.place)
        else:
            self._context.trim(sequence.place, len(tokens))
            self._retained.append(Retained(tokens, sequence.place, sequence.cells[: len(tokens)]))
            crowded = 2 * len(self._running) >= self._n_seq
            while len(self._retained) > (KEEP_BUSY if crowded else self._keep):
                self._release(self._retained.pop(0).place)
        sequence.forget()

    def _release(self, place: int) -> None:
        self._context.trim(place)
        self._free.append(place)

    def _withdraw(self, call: Call) -> None:
        self._waiting = [s for s in self._waiting if s.call is not call]
        for sequence in [s for s in self._running if s.call is call]:
            self._running.remove(sequence)
            self._retain(sequence)

    def _make_room(self) -> None:
        """Gives cells back: a retained sequence's, else those of the youngest, which is computed again later."""
        if self._retained:
            self._release(self._retained.pop(0).place)
            return
        if len(self._running) == 1:
            raise DecodeError("one sequence alone found no cells")
        youngest = self._running.pop()
        self._release(youngest.place)
        youngest.forget()
        self._count["preemptions"] += 1
        self._waiting.insert(0, youngest)


def _cut(prompts: list[Sequence], budget: int) -> Iterator[list[Part]]:
    """The next ``budget`` tokens of the prompts, in order, in decodes of at most CHUNK."""
    group: list[Part] = []
    size = 0
    for sequence in prompts:
        left = min(sequence.pending, budget)
        budget -= left
        while left:
            count = min(left, CHUNK - size)
            group.append((sequence, count))
            size, left = size + count, left - count
            if size == CHUNK:
                yield group
                group, size = [], 0
    if group:
        yield group
