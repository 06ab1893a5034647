"""An engine process: one model, one scheduler, one socket to the parent; a crash in here kills nothing else.

``python -m pyagent.engine.llama.worker FD`` speaks the messages of ``wire`` over the inherited socket: ``load``
first, then ``submit``, ``cancel``, ``pause``, ``resume``, ``health``, ``stop``. It leaves when the parent does.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import socket
import sys
from array import array
from time import perf_counter
from typing import Any

# Before the native library is loaded: libgomp's waiting threads else spin and starve the other process.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from pyagent.engine.llama import kernels
from pyagent.engine.llama.binding import LoadError, Model
from pyagent.engine.llama.grammar import Grammar, GrammarError, Grammars
from pyagent.engine.llama.scheduler import Scheduler
from pyagent.engine.llama.sequence import Ask
from pyagent.engine.llama.wire import Reader, pack


class Refused(Exception):
    """A request that cannot be answered; ``message`` is what the parent is told."""

    def __init__(self, id: int, kind: str, error: str, prompt: int | None = None, limit: int | None = None):
        super().__init__(error)
        self.message = {
            "op": "error", "id": id, "kind": kind, "error": error, "prompt_tokens": prompt, "limit": limit,
        }  # fmt: skip


class Worker:
    """Turns messages into scheduler calls, and what a step gives back into messages."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._reader = Reader()
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)
        self._scheduler: Scheduler | None = None
        self._model: Model | None = None
        self._grammars: Grammars | None = None

    def run(self) -> None:
        """Until ``stop`` or the end of the stream. While calls are at work it never waits for the parent."""
        while True:
            busy = self._scheduler is not None and self._scheduler.busy
            if not self._listen(wait=not busy):
                return
            if self._scheduler is not None and self._scheduler.busy:
                self._say(*self._scheduler.step())

    def _listen(self, wait: bool) -> bool:
        """Takes what has come; False at the end."""
        started = perf_counter()
        if self._poll.poll(None if wait else 0):
            data = self._connection.recv(1 << 20)
            if not data or not all(self._obey(message) for message in self._reader.feed(data)):
                return False
        if not wait and self._scheduler is not None:
            self._scheduler.spend(perf_counter() - started)
        return True

    def _say(self, *messages: dict[str, Any]) -> None:
        if messages:
            started = perf_counter()
            self._connection.sendall(b"".join(map(pack, messages)))
            if self._scheduler is not None:
                self._scheduler.spend(perf_counter() - started)

    def _obey(self, message: dict[str, Any]) -> bool:
        op = message["op"]
        if op == "stop":
            return False
        if op == "load":
            self._load(message)
        elif self._scheduler is None:
            raise RuntimeError(f"{op} came before load")
        elif op == "submit":
            self._submit(message, self._scheduler)
        elif op == "health":
            self._say({"op": "health", **self._scheduler.health()})
        elif op == "cancel":
            prompt, answer = self._scheduler.cancel(message["id"])
            self._say({"op": "cancelled", "id": message["id"], "prompt_tokens": prompt, "tokens": answer})
        else:
            {"pause": self._scheduler.pause, "resume": self._scheduler.resume}[op](message["id"])
        return True

    def _load(self, message: dict[str, Any]) -> None:
        try:
            fast = message["kernels"]
            if fast:
                kernels.load(fast)
            with kernels.sharing(fast, message["weights"]):
                model = self._model = Model(message["path"])
            n_ctx = message["n_ctx"] or model.n_ctx_train
            self._scheduler = Scheduler(model, n_ctx, message["n_seq"], message["deterministic"], message["n_threads"])
        except LoadError as error:
            self._say({"op": "failed", "kind": error.kind, "error": str(error)})
            return
        self._grammars = Grammars(model)
        self._say(
            {
                "op": "ready",
                "n_ctx": self._scheduler.n_ctx,
                "n_ctx_train": model.n_ctx_train,
                "n_vocab": model.n_vocab,
                "desc": model.desc,
            }
        )

    def _submit(self, message: dict[str, Any], scheduler: Scheduler) -> None:
        try:
            scheduler.submit(self._ask(message, scheduler.n_ctx))
        except Refused as refused:
            self._say(refused.message)
        except Exception as error:
            # A fault of ours with one schema or prompt must not cost the others on this worker their work.
            self._say(Refused(message["id"], "internal", f"{type(error).__name__}: {error}").message)

    def _ask(self, message: dict[str, Any], n_ctx: int) -> Ask:
        assert self._model is not None
        id, prompt = message["id"], array("i", self._model.prompt(message["segments"]))
        if not prompt:
            raise Refused(id, "internal", "the prompt has no tokens", 0, n_ctx)
        if len(prompt) >= n_ctx:
            error = f"the prompt has {len(prompt)} tokens, the context holds {n_ctx}"
            raise Refused(id, "context", error, len(prompt), n_ctx)
        limit = max(1, min(message["max_tokens"], n_ctx - len(prompt)))
        seed = message["seed"]
        return Ask(
            id=id,
            prompt=prompt,
            limit=limit,
            temperature=message["temperature"],
            seed=secrets.randbits(62) if seed is None else seed,
            stop=tuple(message["stop"]),
            grammar=self._grammar(message, len(prompt), limit),
            logprobs=message["logprobs"],
            samples=message["samples"],
            stream=message["stream"],
        )

    def _grammar(self, message: dict[str, Any], prompt: int, limit: int) -> Grammar | None:
        schema, text = message["schema"], message["grammar"]
        if schema is None and text is None:
            return None
        assert self._grammars is not None
        try:
            grammar = self._grammars.of_schema(schema) if text is None else self._grammars.of_text(text)
        except GrammarError as error:
            raise Refused(message["id"], "schema", str(error), prompt, limit) from error
        if grammar.need > limit:
            reason = f"the shortest valid answer needs {grammar.need} tokens, {limit} are allowed"
            raise Refused(message["id"], "schema", reason, prompt, grammar.need)
        return grammar


def main() -> None:
    # Ctrl-C goes to the whole process group; the parent decides what becomes of this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = socket.socket(fileno=int(sys.argv[1]))
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        Worker(connection).run()
    # The parent is gone or said stop: the kernel frees weights and cells faster than we do.
    os._exit(0)


if __name__ == "__main__":
    main()
