"""A task in the list of them, and all that is known of one."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pyagent.web.shapes.base import Page, Shape, Tokens


class Task(Shape):
    n: int | None = Field(description="Its number in the run, from 0; null for a task of an earlier file.")
    id: str
    state: str | None
    model: str | None
    source: str | None = Field(description="computed, exact, semantic or coalesced.")
    tokens: Tokens
    cost_usd: float | None
    seconds: float | None
    attempts: int | None
    error: str | None
    started: float | None = Field(description="While it is at work.")


class TaskPage(Page[Task]):
    total: int = Field(description="Tasks of the run.")
    seen: int = Field(description="Tasks that did begin; the others have no id yet.")


class TaskDetail(Task):
    prompt: Any = Field(description="The messages, or null when they were not kept.")
    output: Any
    epoch: int = Field(description="Counts the attempts whose text is in `text`.")
    text: str = Field(description="The stream so far.")
