"""A run on one page of Markdown, for the summary of a CI job ($GITHUB_STEP_SUMMARY) or a pull request."""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pyagent.report.jsonl import Line
from pyagent.report.text import money, one_line

SLOWEST = 5
FAILURES = 20
# GitHub takes 1 MiB a step; 20 failures of this length are far from it.
LONGEST_ERROR = 300

# What Markdown or HTML would take for a mark. A word before @ or # would call a person or an issue.
_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-!|~@$:])")


def render(lines: Iterable[Line], name: str = "pyagent") -> str:
    """The page for the results of the run ``name``; reads the lines once and keeps only totals."""
    page = _Page()
    for line in lines:
        page.add(line)
    return "".join(f"{text}\n" for text in page.write(name))


def escaped(value: Any, most: int = 200) -> str:
    """A text on one line in which nothing is Markdown or HTML any more."""
    text = one_line(value, most).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKS.sub(r"\\\1", text)


@dataclass(slots=True)
class _Sum:
    tasks: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    usd: float = 0.0
    unpriced: int = 0

    def add(self, line: Line) -> None:
        usage, cost = line.get("usage") or {}, line.get("cost_usd")
        self.tasks += 1
        self.failed += line["status"] == "failed"
        self.input_tokens += usage.get("input_tokens") or 0
        self.output_tokens += usage.get("output_tokens") or 0
        self.seconds += line.get("seconds") or 0
        self.usd += cost or 0
        self.unpriced += cost is None and line["status"] != "skipped"

    @property
    def cost(self) -> str:
        if self.unpriced == self.tasks and self.tasks:
            return "unknown"
        return money(self.usd) + (f", and {self.unpriced} of {self.tasks} with no known price" if self.unpriced else "")


@dataclass(slots=True)
class _Page:
    whole: _Sum = field(default_factory=_Sum)
    models: dict[str, _Sum] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    slowest: list[tuple[float, int, str, str]] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)

    def add(self, line: Line) -> None:
        self.whole.add(line)
        self.models.setdefault(line.get("model") or "none", _Sum()).add(line)
        self.statuses[line["status"]] += 1
        if line["status"] == "ok":
            self.sources[line.get("source") or "computed"] += 1
        elif len(self.failures) < FAILURES and line["status"] == "failed":
            self.failures.append((line["id"], line.get("error") or "no reason was given"))
        slow = (line.get("seconds") or 0.0, -self.whole.tasks, line["id"], line.get("model") or "")
        (heapq.heappush if len(self.slowest) < SLOWEST else heapq.heappushpop)(self.slowest, slow)

    def write(self, name: str) -> Iterator[str]:
        total, ok = self.whole, self.statuses["ok"]
        mark = "✅" if ok == total.tasks else "❌"
        yield f"## {mark} {escaped(name)}: {ok} of {total.tasks} tasks ok"
        yield ""
        yield from _table(
            ("ok", "failed", "skipped", "input tokens", "output tokens", "cost"),
            [
                (ok, self.statuses["failed"], self.statuses["skipped"], total.input_tokens, total.output_tokens,
                 total.cost)
            ],
        )  # fmt: skip
        reused = ok - self.sources["computed"]
        if reused:
            yield f"Answers that were not paid for again: {reused:,} ({_counts(self.sources, 'computed')})."
            yield ""
        yield from self._models()
        yield from self._slowest()
        yield from self._failures()

    def _models(self) -> Iterator[str]:
        yield "### By model"
        yield ""
        yield from _table(
            ("model", "tasks", "failed", "input tokens", "output tokens", "seconds a task", "cost"),
            [
                (escaped(model), each.tasks, each.failed, each.input_tokens, each.output_tokens,
                 f"{each.seconds / each.tasks:.2f}", each.cost)
                for model, each in sorted(self.models.items())
            ],
        )  # fmt: skip

    def _slowest(self) -> Iterator[str]:
        slowest = sorted(self.slowest, reverse=True)
        rows = [(escaped(id), f"{seconds:.2f}", escaped(model)) for seconds, _, id, model in slowest if seconds]
        if rows:
            yield "### Slowest"
            yield ""
            yield from _table(("task", "seconds", "model"), rows)

    def _failures(self) -> Iterator[str]:
        if not self.failures:
            return
        yield "### Failed"
        yield ""
        yield from _table(
            ("task", "error"), [(escaped(id), escaped(error, LONGEST_ERROR)) for id, error in self.failures]
        )
        more = self.statuses["failed"] - len(self.failures)
        if more:
            yield f"and {more} more."


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    head = list(head)
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(f'{cell:,}' if isinstance(cell, int) else str(cell) for cell in row)} |"
    yield ""


def _counts(counter: Counter[str], without: str) -> str:
    return ", ".join(f"{count} {escaped(key)}" for key, count in sorted(counter.items()) if key != without)
