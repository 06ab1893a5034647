"""Result lines for the report tests, made as a run makes them."""

from __future__ import annotations

from typing import Any

from pyagent.model import Result, Status, Usage


def line(id: str, status: Status = "ok", output: Any = "fine", **more: Any) -> dict[str, Any]:
    """A Result line of a task that took 10 + 5 tokens, unless ``more`` says otherwise."""
    fields: dict[str, Any] = {"model": "small", "usage": Usage(10, 5), "cost_usd": 0.001, "seconds": 1.5, **more}
    return Result(id, status, output if status == "ok" else None, **fields).line()


NASTY = "a \x1b[31mred\x1b[0m \x00 <b>&\"' | `code` [link](x) @someone \ud800 ]]> \ufffe\nsecond line"

LINES = [
    line("a"),
    line("b", "failed", error=NASTY, seconds=9.25),
    line("c", "skipped", error="b failed", model=None, usage=Usage(), cost_usd=None, seconds=0),
    line("d", output={"answer": 42}, source="exact", cost_usd=0.0),
    line("日本/e", output=NASTY, model="large|x", cost_usd=None, agreement=0.75),
]
