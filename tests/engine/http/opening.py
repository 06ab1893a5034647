"""How these tests open engines: on a local server."""

from __future__ import annotations

from typing import Any

from pyagent.engine.base import EngineOptions, Request
from pyagent.engine.http.openai import open_openai
from pyagent.model import Message, Model, Provider


def ask(prompt: str = "Say it.", **more: Any) -> Request:
    return Request("m", (Message("user", prompt),), **more)


def open_at(
    url: str,
    opener: Any = open_openai,
    timeout: float = 20.0,
    options: dict[str, Any] | None = None,
    remote: str = "m",
    **provider: Any,
) -> Any:
    where = Provider("test", base_url=url, **provider)
    model = Model("m", "openai", provider=where, remote=remote, options=options or {})
    return opener(model, EngineOptions(timeout=timeout))
