"""What was done and what it cost: today's numbers, a bar for each day, and each model's part."""

from __future__ import annotations

import time
from collections.abc import Sequence

import flet as ft

from pyagent_plugins.mobile import look
from pyagent_plugins.mobile.client import Client
from pyagent_plugins.mobile.shapes import ModelRow, Overview, Stats

DAYS, BARS, TALL = 14, 14, 96
# Sums over days do not change from second to second.
EVERY = 10.0


class Statistics:
    title = "Statistics"

    def __init__(self, client: Client) -> None:
        self._client, self._at = client, 0.0
        self._column = ft.Column(spacing=14, scroll=ft.ScrollMode.AUTO, expand=True,
                                 horizontal_alignment=ft.CrossAxisAlignment.STRETCH)  # fmt: skip
        self.body: ft.Control = ft.Container(self._column, padding=ft.Padding(20, 0, 20, 0), expand=True)

    async def refresh(self) -> None:
        if time.monotonic() - self._at < EVERY:
            return
        overview, stats = await self._client.backend.overview(), await self._client.backend.stats(DAYS)
        self._at = time.monotonic()
        self._column.controls = [
            _today(overview, stats),
            *_charts(stats),
            _models(stats.models),
            ft.Container(height=8),
        ]


def _today(overview: Overview, stats: Stats) -> ft.Control:
    cells = [
        ("tasks done", look.count(overview.tasks)),
        ("tokens", look.count(overview.tokens)),
        ("cost", look.money(overview.cost, overview.unknown)),
    ]
    if stats.hits is not None:
        cells.append(("cached", f"{stats.hits:.0%}"))
    numbers: list[ft.Control] = [
        ft.Column([look.strong(value, 22), look.quiet(word)], spacing=0, expand=True) for word, value in cells
    ]
    return look.block(look.quiet("The last 24 hours"), ft.Row(numbers))


def _charts(stats: Stats) -> list[ft.Control]:
    at, series = stats.series.at, stats.series
    return [
        _bars("Tasks", at, series.tasks, look.BLUE, look.count),
        _bars("Tokens", at, series.tokens, look.PURPLE, look.count),
        _bars("Cost", at, series.cost, look.GREEN, look.money),
    ]


def _bars(title: str, at: Sequence[float], values: Sequence[float], colour: str, word: object) -> ft.Control:
    """One bar a day, the last on the right; the highest says what it is."""
    days = _by_day(at, values)
    top = max((value for _, value in days), default=0) or 1
    said = word if callable(word) else str
    bars: list[ft.Control] = [
        ft.Container(
            height=max(3.0, TALL * value / top), expand=True, border_radius=3,
            bgcolor=colour if value else ft.Colors.OUTLINE_VARIANT, tooltip=f"{day}: {said(value)}",
        )
        for day, value in days
    ]  # fmt: skip
    total = sum(value for _, value in days)
    row = ft.Row(bars, spacing=4, vertical_alignment=ft.CrossAxisAlignment.END, height=TALL)
    ends = ft.Row([look.quiet(days[0][0]), look.quiet("today")], alignment=ft.MainAxisAlignment.SPACE_BETWEEN)
    head = ft.Row([ft.Text(title, size=17, weight=ft.FontWeight.W_600, expand=True), look.plain(said(total))])
    chart = ft.Semantics(
        content=ft.Column([row, ends], spacing=4), label=f"{title}: {said(total)} in {DAYS} days", image=True
    )
    return look.block(head, chart)


def _by_day(at: Sequence[float], values: Sequence[float]) -> list[tuple[str, float]]:
    """(day, sum) of the last `BARS` days in local time, whatever step the series has."""
    sums: dict[str, float] = {}
    now = time.time()
    for back in range(BARS - 1, -1, -1):
        sums[time.strftime("%d %b", time.localtime(now - back * 86400))] = 0.0
    for moment, value in zip(at, values, strict=True):
        day = time.strftime("%d %b", time.localtime(moment))
        if day in sums:
            sums[day] += value
    return list(sums.items())


def _models(models: Sequence[ModelRow]) -> ft.Control:
    rows: list[ft.Control] = [look.strong("Models", 17)]
    for model in models[:12]:
        speed = "" if model.p50 is None else f" · half in {model.p50:.1f} s"
        failed = f" · {model.failed} failed" if model.failed else ""
        rows.append(
            ft.Column(
                [
                    ft.Text(model.model or "unknown", size=16, max_lines=1, overflow=ft.TextOverflow.ELLIPSIS),
                    look.quiet(f"{look.count(model.tasks)} tasks{failed}{speed} · {look.money(model.cost)}"),
                ],
                spacing=0,
            )
        )
    return look.block(*rows) if models else look.block(*rows, look.quiet("Nothing was asked yet."))
