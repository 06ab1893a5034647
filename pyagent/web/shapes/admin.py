"""Settings, tokens, panels and the audit log."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from pyagent.web.shapes.base import Shape


class Setting(Shape):
    key: str
    value: Any
    origin: str
    help: str
    kind: str
    default: Any
    choices: list[str]
    editable: bool
    etag: str


class Entry(Shape):
    seq: int
    at: float
    who: str
    what: str
    status: int
    detail: str
    address: str


class Token(Shape):
    """A bearer token or a signed-in browser."""

    id: str
    kind: Literal["session", "token"]
    name: str
    scopes: list[str]
    created: float
    expires: float | None
    used: float | None
    current: bool = Field(description="Whether it is the one that asks.")


class NewToken(Shape):
    token: str = Field(description="The secret, told this once.")
    name: str
    scopes: list[str]


class Panel(Shape):
    id: str
    title: str
    icon: str | None
    module: str | None
    style: str | None
    builtin: bool
    scopes: list[str]
    plugin: str | None
    enabled: bool
    order: int


class PanelRow(Panel):
    etag: str
