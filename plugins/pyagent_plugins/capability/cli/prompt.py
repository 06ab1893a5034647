"""A prompt as the user gives it to `needs` and `route`: as text, from a file, or from standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pyagent.errors import UsageError

Prompt = Annotated[str, typer.Argument(metavar="PROMPT", help="The prompt, @FILE to read it, or - for standard input.")]
Said = Annotated[
    str | None, typer.Option("--needs", metavar="JSON", help="What the task states itself, as in a task file.")
]


def read(prompt: str) -> str:
    """The prompt's text; UsageError when there is none."""
    try:
        if prompt == "-":
            text = sys.stdin.buffer.read().decode("utf-8-sig")
        elif prompt.startswith("@") and len(prompt) > 1:
            text = Path(prompt[1:]).read_text("utf-8-sig")
        else:
            text = prompt
    except (OSError, ValueError) as error:
        place = "standard input" if prompt == "-" else prompt[1:]
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        hint = "give the prompt as text, or name a text file after the @"
        raise UsageError(f"{place} cannot be read ({why})", hint) from None
    if not text.strip():
        raise UsageError("the prompt is empty", 'say what is asked, for example: pyagent needs "What is 17 * 23?"')
    return text


def stated(text: str | None) -> dict[str, Any] | None:
    """What ``--needs`` holds, checked as a task's own."""
    if text is None:
        return None
    from pyagent.run.needs import check
    from pyagent.run.strict import BadLine, parse

    try:
        return check(parse(text))
    except BadLine as bad:
        raise UsageError(f"--needs {bad}", """write it as JSON: --needs '{"context": 8000, "local": true}'""") from None
