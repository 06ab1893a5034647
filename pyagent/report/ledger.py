"""Sums over all results, kept up row by row: statistics that pages and the terminal may ask for at any time."""

from __future__ import annotations

import math
import threading
import time
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

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def share(self, part: float) -> float | None:
        """The seconds within which this part (0..1) of the answers came; None where none was computed."""
        return percentile(self.seconds, part)

    def add(self, other: Cell) -> None:
        for name in ("tasks", "failed", "input_tokens", "output_tokens", "usd", "unknown"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.seconds.update(other.seconds)


class Ledger:
    """Cells by hour and model. Thread-safe: the first look at a large journal takes seconds and is done once."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, str], Cell] = {}
        self._sources: Counter[tuple[int, str]] = Counter()
        self._minutes: Counter[int] = Counter()
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

    def models(self, since: float = 0.0) -> dict[str, Cell]:
        """What each model did, the busiest first; under ``""`` what ended without one."""
        found: dict[str, Cell] = {}
        with self._lock:
            for (hour, model), cell in self._cells.items():
                if hour >= int(since // HOUR):
                    found.setdefault(model, Cell()).add(cell)
        return dict(sorted(found.items(), key=lambda each: -each[1].tasks))

    def rows(self, since: float) -> list[dict[str, Any]]:
        """The same as JSON, without what has no model; p50, p95 and p99 in seconds an answer."""
        return [{"model": model, **_row(cell)} for model, cell in self.models(since).items() if model]

    def per_minute(self, minutes: int = 60) -> list[int]:
        """Tasks done in each of the last minutes, the newest last."""
        now = int(time.time() // 60)
        with self._lock:
            return [self._minutes[minute] for minute in range(now - minutes + 1, now + 1)]

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
        self._minutes[int(answer.at // 60)] += 1
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
        "tokens": cell.tokens,
        "cost_usd": None if cell.unknown else round(cell.usd, 9),
        "p50": cell.share(0.50),
        "p95": cell.share(0.95),
        "p99": cell.share(0.99),
    }
