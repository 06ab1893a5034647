"""Statistics, models, schedules and plugins."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pyagent.web.shapes.base import Shape


class Series(Shape):
    """Parallel lists, an hour or a day a place, the oldest first."""

    at: list[float]
    tasks: list[int]
    failed: list[int]
    tokens_in: list[int]
    tokens_out: list[int]
    cost_usd: list[float | None]


class ModelSums(Shape):
    """``p50`` and the like are seconds an answer."""

    model: str
    tasks: int
    failed: int
    tokens: int
    cost_usd: float | None
    p50: float | None
    p95: float | None
    p99: float | None


class Measure(Shape):
    """The share of questions that a model solved in a week, with its interval."""

    model: str
    week: str
    dim: str
    solved: float
    low: float
    high: float
    n: int


class Stats(Shape):
    series: Series
    models: list[ModelSums]
    sources: dict[str, int] = Field(description="Answers by where they came from.")
    cache: dict[str, Any] | None
    routing: list[dict[str, Any]]
    capability: list[Measure]
    more: dict[str, Any] = Field(description="What other plugins give.")


class Model(Shape):
    """Prices in USD for a million tokens."""

    name: str
    engine: str
    provider: str | None
    local: bool
    context: int | None
    input_price: float | None
    output_price: float | None
    measured: dict[str, Any] | None
    default: bool


class Planned(Shape):
    id: str
    when: str
    command: str
    help: str
    next: float | None
    last: float | None
    exit_code: int | None
    running: bool


class Plugin(Shape):
    name: str
    state: str
    reason: str | None
    dist: str | None
    version: str | None
    bundled: bool
    hooks: list[str]
    commands: list[str]
