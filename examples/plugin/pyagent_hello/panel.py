"""The page of this plugin in the web front-end: one route for it to ask, and the files that it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from pyagent.plugin import Panel

FILES = Path(__file__).parent / "files"


def panel(settings: Mapping[str, Any]) -> Panel:
    router = APIRouter()

    @router.get("/greeting")
    def greeting() -> dict[str, str]:
        return {"greeting": f"{settings['greeting']} from the server"}

    return Panel(
        "hello",
        "Hello",
        module=str(FILES / "panel.js"),
        style=str(FILES / "panel.css"),
        icon="puzzle",
        router=router,
    )
