"""What the answers of all runs add up to, by model: tasks, tokens, money, and how long an answer took."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import DataTable, Sparkline, Static

from pyagent.report.ledger import Cell
from pyagent.report.text import one_line
from pyagent.tui.feed import Feed
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
        sums = self._feed.sums()
        models = sums.models()
        table: DataTable[Text] = self.query_one("#stats-models", DataTable)
        table.clear()
        for name, done in models.items():
            table.add_row(*map(cell, _row(name or "none", done)))
        self.query_one("#stats-hour", Sparkline).data = sums.per_minute()
        self.query_one("#stats-total", Static).update(_total(self._feed, list(models.values())))


def _total(feed: Feed, models: list[Cell]) -> str:
    spent = cost(sum(each.usd for each in models), sum(each.unknown for each in models))
    tokens = sum(each.tokens for each in models)
    at_work = sum(line.alive for line in feed.runs)
    parts = [
        f"{count(len(feed.runs), 'run')}, {at_work} at work",
        count(sum(each.tasks for each in models), "task"),
        f"{tokens:,} tokens",
        spent,
        f"{len(feed.deck)} waiting for a person",
    ]
    return "   ".join(parts)


def _row(name: str, done: Cell) -> list[str]:
    shares = [done.share(part) for part in (0.5, 0.95, 0.99)]
    times = ["-" if share is None else f"{share:.2f} s" for share in shares]
    counts = [f"{number:,}" for number in (done.tasks, done.failed, done.tokens)]
    return [one_line(name, 40), *counts, cost(done.usd, done.unknown), *times]
