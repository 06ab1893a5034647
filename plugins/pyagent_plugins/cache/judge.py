"""A model's word on whether a kept answer would have served, asked off the critical path.

It takes the place of comparing the two answers: a small model words the same fact in two ways, and only a reader
sees that. What it says becomes a shadow sample; it never decides about the answer at hand.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyagent.model import Message

if TYPE_CHECKING:
    from pyagent.engine.base import Engine
    from pyagent.model import Model

PROMPT = """Two questions were asked, and each was answered.

Question 1: {kept}
Answer 1: {answer}

Question 2: {asked}
Answer 2: {made}

Would answer 1 also be a correct and complete answer to question 2? Reply with one word, yes or no."""
LONGEST = 4000  # characters of each text that the judge sees


class Undecided(Exception):
    """The judge said neither yes nor no; the sample does not count."""


class ModelJudge:
    """Asks one question at a time. ``open`` gives the engine and its model when the first one comes.

    Calling it raises Undecided, or what the engine raises.
    """

    def __init__(self, open: Callable[[], tuple[Engine, Model]]) -> None:
        self._open = open
        self._opened: tuple[Engine, Model] | None = None
        self._turn = asyncio.Semaphore(1)

    async def __call__(self, kept: str, answer: Any, asked: str, made: Any) -> bool:
        from pyagent.engine.base import Request

        texts = {"kept": kept, "answer": answer, "asked": asked, "made": made}
        prompt = PROMPT.format(**{name: _text(value) for name, value in texts.items()})
        async with self._turn:
            engine, model = self._engine()
            reply = await engine.generate(Request(model.name, (Message("user", prompt),), max_tokens=8))
        return verdict(reply.choices[0].text)

    def _engine(self) -> tuple[Engine, Model]:
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    async def aclose(self) -> None:
        if self._opened is not None:
            await self._opened[0].aclose()


def verdict(text: str) -> bool:
    """True for yes, False for no, by the first word of either kind. Raises Undecided for anything else."""
    found = re.search(r"\b(yes|no)\b", text, re.IGNORECASE)
    if found is None:
        raise Undecided(f"the judge said {text.strip()[:40]!r}, neither yes nor no")
    return found.group().lower() == "yes"


def _text(value: Any) -> str:
    # What the Step keeps is the answer with how it ended; the judge reads the answer.
    if isinstance(value, dict) and "output" in value:
        value = value["output"]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else text[:LONGEST] + " ..."
