"""How a model is asked: the Protocol that every engine meets, with the request and the reply it speaks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pyagent.model import Message, Model, ToolCall, Usage


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model sees it; ``parameters`` is a JSON Schema of the arguments object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """Everything that determines the answer of one call, nothing else.

    ``temperature`` 0 is greedy. With ``seed`` the i-th sample uses ``seed + i``. ``schema`` is the JSON Schema
    that the text must meet; ``tools`` may be called unless ``tool_choice`` is ``none``, and one must be called
    when it is ``required``. ``samples`` answers are made from one prompt.
    """

    model: str
    messages: tuple[Message, ...]
    max_tokens: int = 512
    temperature: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: Literal["auto", "none", "required"] = "auto"
    samples: int = 1
    logprobs: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One sample. ``logprobs`` holds the natural log probability of each output token when asked for."""

    text: str
    finish: Literal["stop", "length", "tool"] = "stop"
    calls: tuple[ToolCall, ...] = ()
    logprobs: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What an engine gives back: ``request.samples`` choices; ``usage`` covers all of them.

    ``served`` is the name that the service itself says has answered, empty where it says none.
    """

    choices: tuple[Choice, ...]
    usage: Usage
    model: str
    served: str = ""


@dataclass(frozen=True, slots=True)
class Bound:
    """The most tokens a request can cost, never less than what it will; ``exact`` when the prompt was counted."""

    input_tokens: int
    output_tokens: int
    exact: bool = False


# Takes each piece of the first choice as it comes: its text and, where the engine knows it, its token id.
Piece = Callable[[str, int | None], None]


class Engine(Protocol):
    """Asks one model. ``width`` is how many requests it likes to have in flight.

    ``generate`` raises TransientError (worth another try), ContextOverflow, ReplyError, EngineUnreachable,
    KeyRefused or ModelMissing. Cancelling it frees what it holds; an engine that then knows what the call used sets
    it as ``usage`` on the CancelledError, else its worst case counts. When ``piece`` is None the engine need not
    stream. ``render`` gives the exact text or body that would be sent; ``bound`` and ``render`` ask nobody.
    An engine that bounds its calls by ``EngineOptions.timeout`` itself, from when it sends them, has ``timed = True``;
    any other is given up after that time, waiting in its line included.
    """

    width: int

    async def generate(self, request: Request, piece: Piece | None = None) -> Reply: ...

    def bound(self, request: Request) -> Bound: ...

    def render(self, request: Request) -> str: ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What a run wants of its engines: ``workers`` processes at most (None: one a core)."""

    deterministic: bool = False
    workers: int | None = None
    timeout: float = 300.0
    cache_dir: str = ""
    home: str = ""


def endpoint(model: Model) -> str:
    """What answers for a model behind HTTP: where it is asked and under which name."""
    return f"{model.engine}:{model.provider.base_url if model.provider else ''}:{model.remote or model.name}"


@dataclass(frozen=True, slots=True)
class EngineKind:
    """An engine by kind: ``open`` takes a Model and the run's options and gives an Engine; heavy imports inside it.

    ``local`` engines cost nothing by the token and need no network. ``identity`` names what would answer
    (weights, endpoint), so that an answer of other weights under the same name is not taken for this one's.
    """

    kind: str
    open: Callable[[Model, EngineOptions], Engine]
    local: bool = False
    identity: Callable[[Model], str] = endpoint


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that a model may call. ``run`` is async, takes the checked arguments and gives text or a JSON value.

    ``reads`` names what the answer then depends on, from the arguments (paths, URLs); ``annotations`` are MCP's
    (readOnlyHint, destructiveHint, idempotentHint, openWorldHint).
    """

    spec: ToolSpec
    run: Callable[[Mapping[str, Any]], Awaitable[Any]]
    reads: Callable[[Mapping[str, Any]], Iterable[str]] | None = None
    annotations: Mapping[str, bool] = field(default_factory=dict)
