"""The words of the domain, frozen: what is asked, who is asked, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]
Status = Literal["ok", "failed", "skipped"]
Source = Literal["computed", "exact", "semantic", "coalesced"]
Vote = Literal["majority", "first_valid", "longest_agreement"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to call a tool; ``id`` ties the tool's answer to it."""

    id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation. A tool's answer has role ``tool`` and the ``call_id`` it answers."""

    role: Role
    content: str
    calls: tuple[ToolCall, ...] = ()
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or more calls. ``cached_tokens`` of the input were not computed again."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
        )

    @property
    def total(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Task:
    """One line of the task file, as the user wrote it. ``None`` means: not said, take the run's default.

    ``line`` is its 1-based line in the file (CSV: of the record's first line). With ``approve`` a person has to say
    yes to its answer.
    """

    id: str
    line: int = 0
    prompt: str | None = None
    messages: tuple[Message, ...] | None = None
    system: str | None = None
    schema: Mapping[str, Any] | None = None
    model: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] | None = None
    after: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    tenant: str | None = None
    stream: bool | None = None
    needs: Mapping[str, Any] | None = None
    agent: str | None = None
    tools: tuple[str, ...] | None = None
    samples: int = 1
    vote: Vote = "majority"
    approve: bool | None = None
    meta: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What the user gets for a task. ``output`` is text, or the JSON value when the task has a schema.

    ``cost_usd`` is None when the price is not known; ``seconds`` is wall time over all attempts;
    ``finish`` is why the model ended (``stop``, ``length``, ``tool``); ``agreement`` is the share of samples
    that stand behind the output, 0..1. ``calls`` are the tool calls the model asks for: steps inside the
    pipeline answer them, so that they are empty in what the user sees. ``samples`` holds the text of every
    sample when more than one was asked for, until one is chosen; ``known`` that the run had it from before.
    """

    id: str
    status: Status
    output: Any = None
    source: Source = "computed"
    model: str | None = None
    usage: Usage = Usage()
    cost_usd: float | None = None
    attempts: int = 1
    seconds: float = 0.0
    error: str | None = None
    finish: str | None = None
    agreement: float | None = None
    calls: tuple[ToolCall, ...] = ()
    samples: tuple[str, ...] = ()
    known: bool = False

    def with_attempts(self, attempts: int) -> Result:
        return replace(self, attempts=attempts)

    def after(self, earlier: Result | None) -> Result:
        """This result, with what ``earlier`` calls for the same task used added to it. Unknown costs stay unknown."""
        if earlier is None:
            return self
        costs = (self.cost_usd, earlier.cost_usd)
        return replace(
            self,
            usage=self.usage + earlier.usage,
            cost_usd=None if None in costs else sum(cost or 0.0 for cost in costs),
            attempts=self.attempts + earlier.attempts,
            seconds=self.seconds + earlier.seconds,
        )

    @classmethod
    def of_line(cls, row: Mapping[str, Any]) -> Result:
        """A Result from its line."""
        usage = row.get("usage") or {}
        return cls(
            id=row["id"],
            status=row["status"],
            output=row.get("output"),
            source=row.get("source", "computed"),
            model=row.get("model"),
            usage=Usage(usage.get("input_tokens", 0), usage.get("output_tokens", 0)),
            cost_usd=row.get("cost_usd"),
            attempts=row.get("attempts", 1),
            seconds=row.get("seconds", 0.0),
            error=row.get("error"),
            finish=row.get("finish"),
            agreement=row.get("agreement"),
        )

    def line(self) -> dict[str, Any]:
        """The Result line: the public fields in their documented order, optional ones only when they say something."""
        row: dict[str, Any] = {
            "id": self.id,
            "status": self.status,
            "output": self.output,
            "source": self.source,
            "model": self.model,
            "usage": {
                "input_tokens": self.usage.input_tokens,
                "output_tokens": self.usage.output_tokens,
            },
            # Products of prices carry rounding noise; a trillionth of a dollar is far below any price of a token.
            "cost_usd": None if self.cost_usd is None else round(self.cost_usd, 12),
            "attempts": self.attempts,
            "seconds": round(self.seconds, 3),
            "error": self.error,
        }
        if self.agreement is not None:
            row["agreement"] = round(self.agreement, 4)
        if self.finish not in (None, "stop"):
            row["finish"] = self.finish
        return row


@dataclass(frozen=True, slots=True)
class Provider:
    """Who is asked: an HTTP service. Limits are per minute; ``key_env`` names the variable with the key."""

    name: str
    kind: str = "openai"
    base_url: str = ""
    key_env: str = ""
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    width: int | None = None


@dataclass(frozen=True, slots=True)
class LongPrice:
    """What a request with more than ``above`` prompt tokens costs, all of it: USD for a million tokens."""

    above: int
    input: float
    output: float


@dataclass(frozen=True, slots=True)
class Model:
    """What is asked. ``engine`` is a kind (``llama``, ``openai``, ``anthropic``, ``google`` or a plugin's).

    ``path`` is a GGUF file, ``remote`` the provider's own name for the model; ``context`` counts tokens;
    prices are USD for a million tokens, None when not known (a local model costs 0); ``long_prices``, by rising
    length, hold for long prompts. ``can`` is what it is declared to do besides text: ``tools``, ``json``, ``image``,
    ``audio``, ``video`` and languages; None: nobody said.
    """

    name: str
    engine: str = "llama"
    path: str | None = None
    provider: Provider | None = None
    remote: str | None = None
    context: int | None = None
    input_price: float | None = None
    output_price: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    can: tuple[str, ...] | None = None
    long_prices: tuple[LongPrice, ...] = ()

    def cost(self, usage: Usage) -> float | None:
        """USD for ``usage``, or None when a price is not known."""
        if self.input_price is None or self.output_price is None:
            return None
        given, made = self.input_price, self.output_price
        for longer in self.long_prices:
            if usage.input_tokens > longer.above:
                given, made = longer.input, longer.output
        return (usage.input_tokens * given + usage.output_tokens * made) / 1e6


@dataclass(frozen=True, slots=True)
class Agent:
    """A recipe from ``agents/NAME.toml``; at work it is one attempt at one task.

    ``max_turns`` bounds model calls, ``max_tool_calls`` tool calls; ``handoffs`` names the agents that it may
    pass the task to, at most ``max_handoffs`` times. ``tool_choice`` ``required`` makes it begin with a call,
    which small models do not do by themselves.
    """

    name: str
    instructions: str = ""
    description: str = ""
    model: str | None = None
    tools: tuple[str, ...] = ()
    handoffs: tuple[str, ...] = ()
    max_turns: int = 8
    max_tool_calls: int = 16
    max_handoffs: int = 2
    temperature: float | None = None
    max_tokens: int | None = None
    path: str | None = None
    tool_choice: Literal["auto", "required"] = "auto"
