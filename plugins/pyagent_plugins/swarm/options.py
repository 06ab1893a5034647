"""What the user may say about a run, checked once, so that the rest can rely on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyagent.errors import UsageError

FORMATS = ("jsonl", "json", "csv", "table")
RERUN = ("failed", "all")
# The share of the best model's quality that a cheaper one must reach where nobody named a model.
QUALITY = 0.95


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of `swarm run`; budgets: USD, tokens over the whole run, seconds of this process."""

    tasks: str
    name: str | None = None
    input_format: str | None = None
    jobs: int | None = None
    model: str | None = None
    base_url: str | None = None
    system: str | None = None
    schema: Mapping[str, Any] | None = None
    agent: str | None = None
    temperature: float = 0.0
    answer_tokens: int = 512
    seed: int | None = None
    deterministic: bool = False
    max_cost: float | None = None
    max_tokens: int | None = None
    max_time: float | None = None
    retries: int = 3
    repairs: int = 2
    timeout: float = 300.0
    rerun: str | None = None
    shard: tuple[int, int] | None = None
    fail_fast: bool = False
    fail_on: str = "0"
    dry_run: bool = False
    show_prompts: bool = False
    output: Path | None = None
    format: str = "jsonl"
    ordered: bool = False
    stream: bool = False
    junit: Path | None = None
    summary: Path | None = None
    sarif: Path | None = None
    wait: bool = False
    cache_only: bool = False
    workers: int | None = None
    quality: float = QUALITY
    require_measured: bool = False
    record_prompts: bool = True

    def answers(self) -> dict[str, Any]:
        """The settings that change answers: together with the task file they are the run."""
        return {
            "model": self.model,
            "base_url": self.base_url,
            "system": self.system,
            "schema": self.schema,
            "agent": self.agent,
            "temperature": self.temperature,
            "max_tokens": self.answer_tokens,
            "seed": self.seed,
            "deterministic": self.deterministic,
            "shard": self.shard,
            # Never asking is another run than asking: what is not in the cache fails there, and only there.
            "cache": "only" if self.cache_only else None,
            # Only where it differs, so that runs from before there was a choice keep their names.
            **({"quality": self.quality} if self.quality != QUALITY else {}),
        }

    def tolerated(self, total: int) -> int:
        """How many tasks may end without a good result before the exit code says so."""
        text = self.fail_on.strip()
        try:
            if text.endswith("%"):
                return int(total * float(text[:-1]) / 100)
            return int(text)
        except ValueError:
            raise UsageError(f"--fail-on {text!r} is neither a number nor a percentage", "say 3 or 5%") from None


def parse_shard(text: str | None) -> tuple[int, int] | None:
    """`2/4`: the second of four shares, counted from 1."""
    if text is None:
        return None
    try:
        share, _, count = text.partition("/")
        shard = int(share), int(count)
    except ValueError:
        shard = (0, 0)
    if not 1 <= shard[0] <= shard[1]:
        raise UsageError(f"--shard {text!r} is not a share", "say i/n with 1 <= i <= n, for example 2/4")
    return shard


def parse_schema(text: str | None) -> dict[str, Any] | None:
    """A JSON Schema, from a file or as JSON."""
    if text is None:
        return None
    source = text
    if not text.lstrip().startswith("{"):
        try:
            source = Path(text).read_text(encoding="utf-8-sig")
        except (OSError, ValueError) as error:
            raise UsageError(
                f"--schema: {text} cannot be read ({error})", "name a file that holds a JSON Schema"
            ) from None
    try:
        schema = json.loads(source)
        from jsonschema.exceptions import SchemaError
        from jsonschema.validators import validator_for

        validator_for(schema).check_schema(schema)
    except ValueError as error:
        raise UsageError(f"--schema is not JSON ({error})", "give a JSON Schema, or a file that holds one") from None
    except SchemaError as error:
        raise UsageError(f"--schema is not a JSON Schema: {error.message}", "see https://json-schema.org") from None
    if not isinstance(schema, dict):
        raise UsageError("--schema must be a JSON object", "give a JSON Schema, or a file that holds one")
    return schema


def read_text(text: str | None) -> str | None:
    """The text itself, or with `@FILE` what the file holds."""
    if text is None or not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise UsageError(f"{text[1:]} cannot be read ({error})", "name a UTF-8 text file after the @") from None


def one_of(option: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise UsageError(f"{option} {value!r} is not known", f"say one of: {', '.join(known)}")
    return value
