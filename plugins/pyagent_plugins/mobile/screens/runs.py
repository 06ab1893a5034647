"""The runs, the newest first, and the way to start one."""

from __future__ import annotations

import flet as ft

from pyagent_plugins.mobile import look
from pyagent_plugins.mobile.client import Client
from pyagent_plugins.mobile.shapes import Run

MOST = 50


class Runs:
    title = "Runs"

    def __init__(self, client: Client) -> None:
        self._client = client
        self._list = ft.ListView(spacing=10, expand=True, padding=ft.Padding(0, 0, 0, 16))
        self._new = look.button("Start a run", ft.Icons.ADD, self._start)
        self.body: ft.Control = ft.Container(
            ft.Column([self._new, self._list], spacing=14, expand=True,
                      horizontal_alignment=ft.CrossAxisAlignment.STRETCH),
            padding=ft.Padding(20, 0, 20, 0),
            expand=True,
        )  # fmt: skip

    async def refresh(self) -> None:
        runs = await self._client.backend.runs()
        self._new.disabled = not self._client.session.may("admin")
        self._list.controls = [self._row(run) for run in runs[:MOST]] or [
            look.quiet("No run yet. Start one here, or with pyagent swarm run on the machine.")
        ]

    def _row(self, run: Run) -> ft.Control:
        from pyagent_plugins.mobile.screens.run import Watch

        async def open_() -> None:
            await self._client.open(Watch(self._client, run))

        name = ft.Text(run.name, size=18, weight=ft.FontWeight.W_600, max_lines=1, expand=True,
                       overflow=ft.TextOverflow.ELLIPSIS)  # fmt: skip
        parts = [f"{run.done} of {run.total}", look.ago(run.updated)]
        if run.failed:
            parts.insert(1, f"{run.failed} failed")
        if run.waiting:
            parts.insert(1, f"{run.waiting} for you")
        controls = [ft.Row([name, look.state(run.status)]), progress(run), look.quiet(" · ".join(parts))]
        return look.block(*controls, on_click=open_, ink=True)

    async def _start(self) -> None:
        from pyagent_plugins.mobile.screens.begin import Begin

        await self._client.open(Begin(self._client))


def progress(run: Run) -> ft.ProgressBar:
    value = run.done / run.total if run.total else 0.0
    return ft.ProgressBar(
        value=min(1.0, value), bar_height=6, border_radius=3, color=look.STATES.get(run.status, look.BLUE),
        bgcolor=ft.Colors.SURFACE_CONTAINER_HIGH, semantics_label=f"{run.done} of {run.total} done",
    )  # fmt: skip
