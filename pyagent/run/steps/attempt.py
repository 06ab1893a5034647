"""An answer that misses its schema is asked for again, with what was wrong, at most a few times."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from pyagent.engine.base import Request
from pyagent.model import Message, Result
from pyagent.run.pipeline import Job, Proceed

LONGEST_PROBLEM = 500  # characters
REPAIR = (
    "Your last answer could not be used: {problem}\n"
    "Answer again with one JSON value that meets this schema, and nothing else:\n{schema}"
)


class Attempt:
    """Up to ``repairs`` further answers for a task with a schema; other tasks pass through."""

    name, order = "attempt", 40

    def __init__(self, repairs: int = 2) -> None:
        self._repairs = repairs

    async def __call__(self, job: Job, proceed: Proceed) -> Result:
        if job.request.schema is None:
            return await proceed(job)
        earlier: Result | None = None
        ask = job
        for repair in range(self._repairs + 1):
            result = (await proceed(ask)).after(earlier)
            if result.status != "ok":
                return result
            value, problem = parse(result.output, job.request.schema)
            if problem is None:
                return replace(result, output=value)
            if repair < self._repairs:
                job.emit("answer.refused", problem=problem, output=result.output)
                ask = replace(job, request=repaired(job.request, str(result.output), problem))
            earlier = result
        tries = f"{self._repairs + 1} tries" if self._repairs else "one try"
        return replace(result, status="failed", error=f"no answer met the schema in {tries}: {problem}")


def repaired(request: Request, answer: str, problem: str) -> Request:
    """The first question with the refused answer and what was wrong with it; earlier refusals are left out."""
    told = REPAIR.format(problem=problem, schema=json.dumps(request.schema, ensure_ascii=False))
    messages = (*request.messages, Message("assistant", answer), Message("user", told))
    return replace(request, messages=messages)


def parse(output: Any, schema: Any) -> tuple[Any, str | None]:
    """(value, None) when the text is JSON that meets the schema, else (None, what is wrong in one sentence)."""
    if isinstance(output, str):
        try:
            value = json.loads(unfenced(output), parse_constant=_refuse)
        except ValueError as error:
            return None, f"it is not JSON ({error})"
    else:
        value = output
    return value, mismatch(value, schema)


def mismatch(value: Any, schema: Any) -> str | None:
    """Where and how a JSON value misses a schema; None when it meets it."""
    from jsonschema.exceptions import best_match
    from jsonschema.validators import validator_for
    from referencing import Registry

    # An empty registry: a `$ref` to the web must not make a request.
    error = best_match(validator_for(schema)(schema, registry=Registry()).iter_errors(value))
    if error is None:
        return None
    return f"at {error.json_path}: {error.message}"[:LONGEST_PROBLEM]


def unfenced(text: str) -> str:
    """The inside of a Markdown code fence, which models put around JSON without being asked."""
    text = text.strip()
    if text.startswith("```") and text.endswith("```") and "\n" in text:
        return text[text.index("\n") + 1 : -3]
    return text


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
