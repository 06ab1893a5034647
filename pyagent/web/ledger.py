"""Sums over all results, kept up row by row: statistics that a page may ask for at any time."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pyagent.store.views import Answer, Views

HOUR = 3600
# Buckets of seconds grow by 5 %: a percentile is right to 2.5 %, which is finer than any two runs agree.
GROWTH = math.log(1.05)
SHORTEST = 0.001


@dataclass(slots=True)
class Cell:
    """What one model did in one hour. ``unknown`` counts answers without a price; ``seconds`` are log buckets."""

    tasks: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    unknown: int = 0
    seconds: Counter[int] = field(default_factory=Counter)

    def take(self, answer: Answer) -> None:
        self.tasks += 1
        self.failed += answer.status != "ok"
        self.input_tokens += answer.input_tokens
        self.output_tokens += answer.output_tokens
        self.usd += answer.usd or 0.0
        self.unknown += answer.usd is None and answer.status == "ok"
        if answer.source == "computed" and answer.status == "ok":
            self.seconds[bucket(answer.seconds)] += 1

    def add(self, other: Cell) -> None:
        for name in ("tasks", "failed", "input_tokens", "output_tokens", "usd", "unknown"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.seconds.update(other.seconds)


class Ledger:
    """Cells by hour and model. Thread-safe: the first look at a large journal takes seconds and is done once."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, str], Cell] = {}
        self._sources: Counter[tuple[int, str]] = Counter()
        self._upto = 0
        self._lock = threading.Lock()

    def follow(self, views: Views) -> bool:
        """Take what came in since; True when there was anything."""
        with self._lock:
            before = self._upto
            while answers := views.answers(self._upto):
                for answer in answers:
                    self._take(answer)
                self._upto = answers[-1].row
            return self._upto != before

    def since(self, at: float) -> Cell:
        """Everything since the hour that holds ``at`` (seconds since the epoch)."""
        with self._lock:
            return _sum(cell for (hour, _), cell in self._cells.items() if hour >= int(at // HOUR))

    def series(self, since: float, until: float) -> dict[str, list[Any]]:
        """Hours up to two days, else days: parallel lists, oldest first, empty times too."""
        step = 1 if until - since <= 48 * HOUR else 24
        first, last = int(since // HOUR) // step, int(until // HOUR) // step
        cells = {at: Cell() for at in range(first, last + 1)}
        with self._lock:
            for (hour, _), cell in self._cells.items():
                if hour // step in cells:
                    cells[hour // step].add(cell)
        return {
            "at": [at * step * HOUR for at in cells],
            "tasks": [cell.tasks for cell in cells.values()],
            "failed": [cell.failed for cell in cells.values()],
            "tokens_in": [cell.input_tokens for cell in cells.values()],
            "tokens_out": [cell.output_tokens for cell in cells.values()],
            "cost_usd": [round(cell.usd, 9) for cell in cells.values()],
        }

    def models(self, since: float) -> list[dict[str, Any]]:
        """One row a model, the busiest first; p50, p95 and p99 of seconds an answer, None where none was computed."""
        found: dict[str, Cell] = {}
        with self._lock:
            for (hour, model), cell in self._cells.items():
                if hour >= int(since // HOUR) and model:
                    found.setdefault(model, Cell()).add(cell)
        rows = [{"model": model, **_row(cell)} for model, cell in found.items()]
        return sorted(rows, key=lambda row: -row["tasks"])

    def sources(self, since: float) -> dict[str, int]:
        """How many answers were computed, exact, semantic or coalesced."""
        with self._lock:
            total: Counter[str] = Counter()
            for (hour, source), count in self._sources.items():
                if hour >= int(since // HOUR):
                    total[source] += count
            return dict(total)

    def _take(self, answer: Answer) -> None:
        hour = int(answer.at // HOUR)
        self._cells.setdefault((hour, answer.model or ""), Cell()).take(answer)
        if answer.source and answer.status == "ok":
            self._sources[hour, answer.source] += 1


def bucket(seconds: float) -> int:
    return max(0, round(math.log(max(seconds, SHORTEST) / SHORTEST) / GROWTH))


def percentile(buckets: Counter[int], share: float) -> float | None:
    """The seconds that ``share`` of the answers did not exceed."""
    wanted, seen = share * buckets.total(), 0
    for at in sorted(buckets):
        seen += buckets[at]
        if seen >= wanted:
            return round(SHORTEST * math.exp(at * GROWTH), 4)
    return None


def _sum(cells: Iterator[Cell]) -> Cell:
    total = Cell()
    for cell in cells:
        total.add(cell)
    return total


def _row(cell: Cell) -> dict[str, Any]:
    return {
        "tasks": cell.tasks,
        "failed": cell.failed,
        "tokens": cell.input_tokens + cell.output_tokens,
        "cost_usd": None if cell.unknown else round(cell.usd, 9),
        "p50": percentile(cell.seconds, 0.50),
        "p95": percentile(cell.seconds, 0.95),
        "p99": percentile(cell.seconds, 0.99),
    }
