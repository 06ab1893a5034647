"""The trace of a task: columns for all of it, an object for one span."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from pyagent.web.shapes.base import Shape


class Trace(Shape):
    """Columns of equal length, one place a span, in the order of their beginning; times in ms since ``from``."""

    from_: float = Field(alias="from")
    names: list[str]
    labels: list[str]
    span: list[str]
    parent: list[int | None] = Field(description="The parent's place; null at the top.")
    name: list[int] = Field(description="Places in `names`.")
    label: list[int] = Field(description="Places in `labels`.")
    started: list[float]
    ended: list[float | None]
    status: list[int] = Field(description="0 ok, 1 failed, 2 running, 3 lost with its process.")


class Span(Shape):
    span: str
    parent: str | None
    name: str
    started: float
    ended: float | None
    data: dict[str, Any]
    status: Literal["ok", "failed", "running", "lost"]
