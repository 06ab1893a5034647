"""A question to a person, and what was decided."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from pyagent.web.shapes.base import Shape


class Decision(Shape):
    verb: Literal["approve", "reject", "escalate", "later"]
    reason: str
    by: str
    at: float
    effective_at: float = Field(description="Until then it can be undone.")


class Approval(Shape):
    id: str
    run: str
    task: str
    kind: str
    title: str
    detail: str
    risk: Literal["low", "medium", "high"]
    created: float
    state: str
    admin: bool = Field(description="Escalated: only an administrator may approve it.")
    applied: float | None
    data: dict[str, Any]
    decision: Decision | None
