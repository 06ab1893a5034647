"""Who is signed in, and whether the server is there."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pyagent.web.shapes.base import Shape

Scope = Literal["read", "approve", "admin"]


class Health(Shape):
    status: Literal["ok"]
    version: str


class Session(Shape):
    scopes: list[Scope]
    csrf: str = Field(description="What X-PyAgent-CSRF must say with each change; empty for a bearer token.")
    version: str
    locale: str
    name: str
    expires: float | None
