"""The words that measuring, comparing and routing share, frozen: what is asked, who answered, how well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["anchor", "fresh"]

# Each dimension's levels run from 1, within reach of a model of 135M parameters, to 5, hard for the best.
LEVELS = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Dimension:
    """One thing a model can do. A ``long`` one costs seconds an item and is accounted for by itself."""

    name: str
    what: str
    long: bool = False


DIMENSIONS: tuple[Dimension, ...] = (
    Dimension("reason.math", "arithmetic and word problems"),
    Dimension("reason.logic", "deduction: order, truth, sets, syllogisms"),
    Dimension("know.general", "what is known about the world"),
    Dimension("code.write", "writing a function that passes its tests"),
    Dimension("code.fix", "repairing a function that fails its tests"),
    Dimension("tool.select", "choosing the right tool among several"),
    Dimension("tool.args", "calling a tool with the right arguments"),
    Dimension("tool.abstain", "calling a tool only where one fits"),
    Dimension("format.json", "JSON that meets a schema, with the right values"),
    Dimension("format.constraints", "keeping to stated constraints on the form"),
    Dimension("context.retrieve@2k", "finding a fact in 2,000 tokens", long=True),
    Dimension("context.retrieve@8k", "finding a fact in 8,000 tokens", long=True),
    Dimension("context.retrieve@32k", "finding a fact in 32,000 tokens", long=True),
    Dimension("text.extract", "taking facts out of a text"),
    Dimension("text.transform", "changing a text by a rule"),
    Dimension("lang.multi", "languages other than English"),
    Dimension("agent.multiturn", "several turns with tools towards a goal"),
)

# Measured of the service rather than of the answers: seconds, tokens a second, two shares of 0..1, and USD for
# an item that passed; of the sandbox, the share of forbidden things that it refuses.
OPS: tuple[str, ...] = ("op.ttft", "op.tps", "op.error_rate", "op.determinism", "op.cost_per_pass", "op.refused")


@dataclass(frozen=True, slots=True)
class Item:
    """One question that a program can grade, rebuilt from (generator, version, seed, level).

    ``cluster`` names the template whose items fail together; ``sha`` is the SHA-256 of everything that is sent
    and of what the grader needs, so that a generator that changed is seen.
    """

    id: str
    dim: str
    level: int
    kind: Kind
    generator: str
    version: str
    seed: int
    cluster: str
    sha: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One model's answer to one item.

    ``solved`` is 0..1 whatever the form; ``complied`` says whether the form was the one asked for. ``seconds``
    and ``ttft`` (None where the engine does not stream) are wall time; ``cost_usd`` is None when the price is
    not known. ``answer_sha`` is the SHA-256 of what was said, calls included. ``error`` is one line when no answer
    came; the item then counts as not solved.
    """

    item: str
    dim: str
    level: int
    kind: Kind
    cluster: str
    solved: float
    complied: bool
    said: str
    seconds: float
    ttft: float | None
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    answer_sha: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """Who was measured: identity, not just the name.

    ``weights`` is what would answer (a hash of the file, or endpoint and remote name), ``version`` the engine's,
    ``quant`` the file type of a local model, ``context`` in tokens. ``declared`` are flags that nobody measured.
    """

    name: str
    engine: str
    weights: str
    version: str
    quant: str
    context: int | None
    declared: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cell:
    """One capability of one model in one week: share solved with its interval, share complied, Rasch ability.

    ``applicable`` is False where the model cannot be asked at all (the question is longer than its context).
    """

    model: str
    week: str
    dim: str
    n: int
    solved: float
    low: float
    high: float
    complied: float
    theta: float | None
    theta_se: float | None
    applicable: bool = True
