"""What the answers of all runs add up to, by model: tasks, tokens, money, and how long an answer took."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import DataTable, Sparkline, Static

from pyagent.report.text import one_line
from pyagent.tui.feed import Feed, ModelLine
from pyagent.tui.words import cell, cost, count

COLUMNS = ("model", "tasks", "failed", "tokens", "cost", "p50", "p95", "p99")


class Stats(Vertical):
    """Totals, the last hour, and a line a model."""

    def __init__(self, feed: Feed, **more: str) -> None:
        super().__init__(**more)  # type: ignore[arg-type]
        self._feed = feed

    def compose(self) -> ComposeResult:
        yield Static("", markup=False, id="stats-total")
        yield Static("tasks a minute, the last hour", classes="hint")
        yield Sparkline([], id="stats-hour")
        yield DataTable(id="stats-models", cursor_type="none", zebra_stripes=True)

    def on_mount(self) -> None:
        self.query_one("#stats-models", DataTable).add_columns(*COLUMNS)

    def paint(self) -> None:
        models = self._feed.models()
        table: DataTable[Text] = self.query_one("#stats-models", DataTable)
        table.clear()
        for line in models:
            table.add_row(*map(cell, _row(line)))
        self.query_one("#stats-hour", Sparkline).data = self._feed.per_minute()
        self.query_one("#stats-total", Static).update(_total(self._feed, models))


def _total(feed: Feed, models: list[ModelLine]) -> str:
    spent = cost(sum(line.usd for line in models), any(line.unknown for line in models))
    tokens = sum(line.tokens for line in models)
    at_work = sum(line.alive for line in feed.runs)
    parts = [
        f"{count(len(feed.runs), 'run')}, {at_work} at work",
        count(len(feed.answers), "task"),
        f"{tokens:,} tokens",
        spent,
        f"{len(feed.deck)} waiting for a person",
    ]
    return "   ".join(parts)


def _row(line: ModelLine) -> list[str]:
    shares = [line.share(part) for part in (0.5, 0.95, 0.99)]
    times = ["-" if share is None else f"{share:.2f} s" for share in shares]
    name = one_line(line.name, 40)
    return [name, f"{line.tasks:,}", f"{line.failed:,}", f"{line.tokens:,}", cost(line.usd, line.unknown), *times]
