"""A run as far as it is, and what became of asking for one."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from pyagent.web.shapes.base import Shape, Tokens


class Done(Shape):
    ok: int
    failed: int
    skipped: int


class Run(Shape):
    id: str
    name: str
    file: str | None
    status: Literal["running", "paused", "waiting", "finished", "stopped", "dead"]
    total: int
    done: Done
    waiting: int = Field(description="Questions to a person that are open.")
    started: float
    updated: float
    exit_code: int | None
    reason: str | None
    model: str | None
    tokens: Tokens
    cost_usd: float | None = Field(description="Null when the price of an answer is not known.")
    alive: bool = Field(description="Whether a process works on it.")


class Stopped(Shape):
    stopped: list[str] = Field(description="Ids of runs.")


class Otlp(Shape):
    """OpenTelemetry's TracesData, in OTLP/JSON."""

    resourceSpans: list[dict[str, Any]]
