"""One run: how far it is, what it costs, its tasks, and the buttons that steer it."""

from __future__ import annotations

import flet as ft

from pyagent_plugins.mobile import look
from pyagent_plugins.mobile.client import Client
from pyagent_plugins.mobile.screens.runs import progress
from pyagent_plugins.mobile.shapes import Run, TaskRow


class Watch:
    def __init__(self, client: Client, run: Run) -> None:
        self._client, self._run = client, run
        self.title = run.name
        self._head, self._steer = ft.Container(), ft.Row(spacing=10)
        self._tasks = ft.ListView(spacing=8, expand=True, padding=ft.Padding(0, 0, 0, 16))
        self.body: ft.Control = ft.Container(
            ft.Column([self._head, self._steer, self._tasks], spacing=14, expand=True,
                      horizontal_alignment=ft.CrossAxisAlignment.STRETCH),
            padding=ft.Padding(20, 0, 20, 0),
            expand=True,
        )  # fmt: skip
        self._draw()

    async def refresh(self) -> None:
        self._run = await self._client.backend.run(self._run.id)
        tasks = await self._client.backend.tasks(self._run.id)
        self._draw()
        self._tasks.controls = [self._row(task) for task in tasks] or [look.quiet("No task has begun yet.")]

    def _draw(self) -> None:
        run = self._run
        numbers = [("done", f"{run.done}/{run.total}"), ("failed", str(run.failed)),
                   ("tokens", look.count(run.tokens)), ("cost", look.money(run.cost))]  # fmt: skip
        cells: list[ft.Control] = [
            ft.Column([look.strong(value, 20), look.quiet(word)], spacing=0, expand=True) for word, value in numbers
        ]
        line = ft.Row([look.state(run.status), look.quiet(f"{run.model} · {look.ago(run.started)}", expand=True)])
        more = [look.quiet(run.reason)] if run.reason else []
        self._head.content = look.block(line, progress(run), ft.Row(cells), *more)
        self._steer.controls = [self._button(*each) for each in self._verbs()]

    def _verbs(self) -> list[tuple[str, str, object]]:
        if self._run.status == "finished":
            return []
        if not self._run.live:
            return [("resume", "Resume", ft.Icons.PLAY_ARROW)]
        go = ("resume", "Resume", ft.Icons.PLAY_ARROW) if self._run.status == "paused" else (
            "pause", "Pause", ft.Icons.PAUSE)  # fmt: skip
        return [go, ("stop", "Stop", ft.Icons.STOP)]

    def _button(self, verb: str, word: str, icon: object) -> ft.Control:
        async def tapped() -> None:
            done = {"pause": "Pausing: tasks at work finish first", "resume": "Going on", "stop": "Stopping"}[verb]
            await self._client.attempt(self._client.backend.steer(self._run.id, verb), done)

        colour = look.DANGER if verb == "stop" else None
        off = not self._client.session.may("approve")
        return look.button(word, icon, tapped, colour, expand=True, disabled=off)

    def _row(self, task: TaskRow) -> ft.Control:
        from pyagent_plugins.mobile.screens.answer import Answer

        async def open_() -> None:
            await self._client.open(Answer(self._client, self._run.id, task.id))

        name = ft.Text(task.id, size=17, expand=True, max_lines=1, overflow=ft.TextOverflow.ELLIPSIS)
        row: list[ft.Control] = [ft.Row([name, look.state(task.state)])]
        if task.error:
            row.append(look.quiet(task.error, max_lines=2, overflow=ft.TextOverflow.ELLIPSIS))
        return look.block(*row, padding=ft.Padding(16, 12, 16, 12), on_click=open_, ink=True)
