"""PyAgent itself, measured like any model: the same questions as a task file through `pyagent swarm run`.

What comes out is the model with everything that stands around it: repair, retries, routing, plugins. A task names
tools by what is installed, so that questions with tools of their own cannot be asked here. ``self:tools`` asks those
that an installed tool can help with, and gives it to them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pyagent.errors import BudgetExceeded, EngineUnreachable, PyAgentError
from pyagent.model import Usage
from pyagent_plugins.capability.check.asking import Asked, Hear, Heard
from pyagent_plugins.capability.items.graders import Said
from pyagent_plugins.capability.items.question import Question

NAME, WITH_TOOLS = "self:swarm", "self:tools"
# What a question's template begins with, and the installed tools that help with it.
HELP = {"math.": ("calculator",)}
LINE = 1 << 24  # bytes of the longest Result line


class SwarmAsker:
    """Asks by a `pyagent swarm run` of its own, with nothing from the answers' cache.

    ``model`` None lets the swarm choose, as a user's run without -m does. ``cwd`` is the project that the run
    belongs to; ``budget_usd`` is what may still be spent. ``tools``: only questions that a tool helps with, with it.
    """

    def __init__(
        self, model: str | None, cwd: Path, timeout: float, budget_usd: float | None = None, tools: bool = False
    ) -> None:
        self._model, self._cwd, self._timeout, self._left = model, cwd, timeout, budget_usd
        self._tools = tools

    def able(self, question: Question) -> bool:
        return bool(helping(question)) if self._tools else not question.tools

    async def answers(self, asked: Sequence[Asked], hear: Hear) -> None:
        if not asked:
            return
        with tempfile.TemporaryDirectory(prefix="pyagent-check-") as folder:
            tasks = Path(folder) / "tasks.jsonl"
            rows = [task_of(name, question, self._tools) for name, question in asked]
            tasks.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
            await self._run(tasks, hear)

    async def aclose(self) -> None:
        return

    async def _run(self, tasks: Path, hear: Hear) -> None:
        process = await asyncio.create_subprocess_exec(
            *self._command(tasks),
            cwd=self._cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LINE,
            start_new_session=True,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        words = asyncio.create_task(process.stderr.read())
        try:
            async for line in process.stdout:
                row = json.loads(line)
                self._left = None if self._left is None else self._left - (row.get("cost_usd") or 0.0)
                await hear(row["id"], heard_of(row))
            code = await process.wait()
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
                await process.wait()
        self._judge(code, (await words).decode("utf-8", "replace"))

    def _command(self, tasks: Path) -> list[str]:
        command = [sys.executable, "-m", "pyagent", "swarm", "run", str(tasks), "--run", "check", "--quiet"]
        command += ["--store", str(tasks.parent), "--timeout", str(self._timeout), "--deterministic"]
        command += ["-m", self._model] if self._model else []
        return command + (["--max-cost", str(max(0.0, self._left))] if self._left is not None else [])

    def _judge(self, code: int, words: str) -> None:
        """0 and 1 are an end with all results; anything else stopped the run before it."""
        said = words.strip().splitlines()[0].removeprefix("error: ") if words.strip() else f"it ended with {code}"
        if code == 3:
            raise BudgetExceeded(f"stopped by --budget-usd: {said}", "raise it and run the same command again")
        if code == 69:
            raise EngineUnreachable(said, "see that it works, then run the same command again")
        if code not in (0, 1):
            raise Stopped(f"`pyagent swarm run` stopped: {said}", "run `pyagent doctor`", code)


class Stopped(PyAgentError):
    """The run inside ended with a code of its own, which is this check's too."""

    def __init__(self, message: str, hint: str, code: int) -> None:
        super().__init__(message, hint)
        self.exit_code = code if code > 0 else 70


def helping(question: Question) -> tuple[str, ...]:
    """The installed tools that help with the question, by name."""
    return next((tools for begins, tools in HELP.items() if question.template.startswith(begins)), ())


def task_of(name: str, question: Question, tools: bool = False) -> dict[str, Any]:
    """A question as a line of a task file."""
    task: dict[str, Any] = {
        "id": name,
        "messages": [{"role": message.role, "content": message.content} for message in question.messages],
        "max_tokens": question.max_tokens,
        "temperature": 0,
    }
    if tools and (help := helping(question)):
        task["tools"] = list(help)
    return {**task, "schema": question.schema} if question.schema else task


def heard_of(row: Mapping[str, Any]) -> Heard:
    """A Result line as an answer. One that failed after the model spoke is the model's own failure."""
    usage = row.get("usage") or {}
    spent = Usage(usage.get("input_tokens", 0), usage.get("output_tokens", 0))
    output = row.get("output")
    text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
    failed = row["status"] != "ok"
    if failed:
        text = f"({row.get('error')})"
    broke = failed and spent.output_tokens == 0
    return Heard(
        Said(text), spent, row.get("seconds", 0.0), None, row.get("cost_usd"), str(row.get("error")) if broke else None,
        calls=row.get("attempts", 1), failures=int(broke),
    )  # fmt: skip
