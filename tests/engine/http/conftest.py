"""How these tests open engines: on a local server, with no key and no home of the user's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pyagent.engine.base import EngineOptions, Request
from pyagent.engine.http.engine import HTTPEngine
from pyagent.engine.http.openai import open_openai
from pyagent.model import Message, Model, Provider

Open = Callable[..., HTTPEngine]


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("PYAGENT_HOME", str(tmp_path))
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


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
