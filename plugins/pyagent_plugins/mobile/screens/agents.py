"""Who is at work now, and the one button that ends it all."""

from __future__ import annotations

import flet as ft

from pyagent_plugins.mobile import look
from pyagent_plugins.mobile.client import Client
from pyagent_plugins.mobile.shapes import Agent, Run

MOST = 60


class Agents:
    title = "Agents"

    def __init__(self, client: Client) -> None:
        self._client = client
        self._number, self._below = look.big("–"), look.quiet("at work now")
        self._list = ft.ListView(spacing=8, expand=True, padding=ft.Padding(0, 0, 0, 16))
        self._stop = look.button("STOP ALL", ft.Icons.STOP_CIRCLE_OUTLINED, self._ask, look.DANGER)
        self._runs: dict[str, Run] = {}
        head = ft.Row([ft.Column([self._number, self._below], spacing=0, expand=True), self._stop])
        self.body: ft.Control = ft.Container(
            ft.Column([head, self._list], spacing=16, expand=True), padding=ft.Padding(20, 0, 20, 0), expand=True
        )

    async def refresh(self) -> None:
        agents = await self._client.backend.agents()
        runs = await self._client.backend.runs()
        self._runs = {run.id: run for run in runs}
        self._number.value = look.count(len(agents)) + ("+" if len(agents) >= 100 else "")
        self._stop.disabled = not any(run.live for run in runs) or not self._client.session.may("approve")
        self._list.controls = [self._row(agent) for agent in agents[:MOST]] or [
            look.quiet("Nobody works at the moment. Start a run, and its agents stand here, one a task.")
        ]

    def _row(self, agent: Agent) -> ft.Control:
        from pyagent_plugins.mobile.screens.answer import Answer

        async def open_() -> None:
            await self._client.open(Answer(self._client, agent.run, agent.task))

        run = self._runs.get(agent.run)
        under = [run.name if run else agent.run, agent.model or (run.model if run else "")]
        words = ft.Column(
            [
                ft.Text(
                    agent.task, size=18, weight=ft.FontWeight.W_600, max_lines=1, overflow=ft.TextOverflow.ELLIPSIS
                ),
                look.quiet(" · ".join(filter(None, under)), max_lines=1, overflow=ft.TextOverflow.ELLIPSIS),
            ],
            spacing=2,
            expand=True,
        )
        row = ft.Row([words, look.quiet(look.ago(agent.started).removesuffix(" ago"))])
        return ft.Container(
            row, bgcolor=ft.Colors.SURFACE_CONTAINER, border_radius=16, padding=16, on_click=open_, ink=True
        )

    async def _ask(self) -> None:
        text = "Every run stops, wherever it was started. What is done is saved, and each can be resumed."
        await self._client.ask("Stop everything?", text, "Stop all", self._stop_all)

    async def _stop_all(self) -> None:
        async def work() -> None:
            number = await self._client.backend.stop_all()
            self._client.say("No run was at work" if not number else f"Stopping {number} run{'s' * (number > 1)}")

        await self._client.attempt(work())
