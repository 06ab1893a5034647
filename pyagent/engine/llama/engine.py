"""Asks a local model through llama.cpp: template in, tokens out, one engine process a core.

Nothing is loaded until it is needed: a dry run renders from the file's header alone.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pyagent.engine.base import Bound, Choice, EngineOptions, Piece, Reply, Request
from pyagent.engine.llama import calls, kernels
from pyagent.engine.llama.chat import Chat
from pyagent.engine.llama.files import bundled_model, bundled_source, check_gguf
from pyagent.engine.llama.leases import Leases, core_count
from pyagent.engine.llama.pool import Pool
from pyagent.engine.llama.process import Load, Message
from pyagent.errors import ConfigError
from pyagent.model import Model, Usage

# 16 sequences: more make each step slower and a core hardly faster (16/32/64: 168/198/216 tokens a second).
SEQUENCES = 16
CONTEXT = 8192
OVERHEAD = 150 << 20  # bytes of a worker beside its cells: interpreter, libraries, compute buffers
OPTIONS = ("context", "sequences", "threads", "template")


class LlamaEngine:
    """An Engine over a Pool of processes. ``width`` keeps every sequence of every worker busy."""

    def __init__(self, model: Model, options: EngineOptions) -> None:
        self._model, self._options = model, options
        # The bundled file is made into a faster one before it runs; header and words are the same in both.
        self._info = check_gguf(model.path) if model.path else check_gguf(bundled_source())
        self._chat = Chat(self._info, model.options.get("template"))
        self._threads = 1 if options.deterministic else _number(model, "threads", 1)
        self._sequences = _number(model, "sequences", SEQUENCES)
        self._context = _number(model, "context", min(self._info.context or CONTEXT, CONTEXT))
        self._workers = min(options.workers or core_count(), core_count() // self._threads, self._affordable())
        self._workers = max(1, self._workers)
        self._pool: Pool | None = None
        self._opening = asyncio.Lock()
        self._weights = -1
        self.width = self._workers * (self._sequences + max(1, self._sequences // 8))

    async def generate(self, request: Request, piece: Piece | None = None) -> Reply:
        """Answer a request. Raises what ``Pool.ask`` raises, and ReplyError for a broken tool call."""
        pool = await self.pool()
        done = await pool.ask(self._message(request), piece and _plain(request, piece))
        return self._reply(request, done)

    def bound(self, request: Request) -> Bound:
        """Counted by the model's own vocabulary, which this process loads alone (0.1 s, once)."""
        prompt = sum(self._count(text, special) for text, special in self._chat.segments(request))
        room = max(0, self._context - prompt)
        return Bound(prompt, min(request.max_tokens, room) * request.samples, exact=True)

    def render(self, request: Request) -> str:
        """The exact prompt, special tokens written out."""
        return self._chat.text(request)

    async def pool(self) -> Pool:
        """The pool of workers, opened when first asked for."""
        async with self._opening:
            if self._pool is None:
                self._pool = await self._open()
        return self._pool

    async def aclose(self) -> None:
        """End every process."""
        if self._pool:
            await self._pool.aclose()
        if self._weights >= 0:
            os.close(self._weights)
            self._weights = -1

    async def _open(self) -> Pool:
        path = self._info.path
        if not self._model.path:
            path = await asyncio.to_thread(bundled_model, _cache(self._options))
        fast = await asyncio.to_thread(self._kernels, path)
        self._weights = kernels.shared_file() if fast else -1
        load = Load(
            str(path), self._context, self._sequences, self._threads, self._options.deterministic, fast, self._weights
        )
        return Pool(load, self._workers, Leases(_home(self._options)), self._options.timeout)

    def _message(self, request: Request) -> Message:
        return {
            "segments": self._chat.segments(request),
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
            "stop": list(request.stop),
            "schema": calls.schema(request),
            "grammar": None,
            "logprobs": request.logprobs,
            "samples": request.samples,
        }

    def _reply(self, request: Request, done: Message) -> Reply:
        choices = tuple(_choice(request, sample) for sample in done["samples"])
        output = sum(sample["tokens"] for sample in done["samples"])
        usage = Usage(done["prompt_tokens"], output, done["cached_tokens"])
        return Reply(choices, usage, request.model)

    def _kernels(self, path: Path) -> str:
        """Our kernels keep the weights in an order of their own, in memory that all share: where that is cheap."""
        if path.stat().st_size > _memory() // 4:
            return ""
        return str(kernels.compiled(_cache(self._options)) or "")

    def _affordable(self) -> int:
        """How many workers' cells fit in half of the memory; the weights are mapped once for all."""
        return int(_memory() // 2 // (self._context * self._info.cell_bytes + OVERHEAD))

    @cached_property
    def _count(self) -> Callable[[str, bool], int]:
        from pyagent.engine.llama.vocabulary import Vocabulary

        return Vocabulary(self._info.path).count


def open_llama(model: Model, options: EngineOptions) -> LlamaEngine:
    """The engine of kind ``llama``; ``model.path`` None is the bundled model.

    ``model.options``: ``context`` (tokens that all sequences of a worker share), ``sequences``, ``threads`` (of a
    worker) and ``template`` (variables for the chat template). Raises ModelMissing, ConfigError.
    """
    unknown = sorted(set(model.options) - set(OPTIONS))
    if unknown:
        raise ConfigError(
            f"the model {model.name} has unknown options: {', '.join(unknown)}",
            f"Known are {', '.join(OPTIONS)}.",
        )
    return LlamaEngine(model, options)


def _number(model: Model, name: str, default: int) -> int:
    value = model.options.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigError(
            f"the option {name} of the model {model.name} is {value!r}", "Set it to a whole number from 1 upwards."
        )
    return value


def _choice(request: Request, sample: Mapping[str, Any]) -> Choice:
    logprobs = None if sample["logprobs"] is None else tuple(sample["logprobs"])
    return calls.choice(request, sample["text"], sample["finish"], logprobs)


def _plain(request: Request, piece: Piece) -> Piece:
    """A piece for the caller: with tools only the text of an answer, without the JSON around it."""
    if not request.tools:
        return piece
    answer = calls.AnswerText(lambda text: piece(text, None))
    return lambda text, _: answer.feed(text)


def _memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _home(options: EngineOptions) -> Path:
    return Path(options.home or os.environ.get("PYAGENT_HOME") or _platform("user_data_path"))


def _cache(options: EngineOptions) -> Path:
    if options.cache_dir:
        return Path(options.cache_dir)
    home = os.environ.get("PYAGENT_HOME")
    return Path(home) / "cache" if home else _platform("user_cache_path")


def _platform(folder: str) -> Path:
    import platformdirs

    return Path(getattr(platformdirs, folder)("pyagent"))
