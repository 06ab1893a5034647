"""One task's answer, as far as it has come."""

from __future__ import annotations

import flet as ft

from pyagent_plugins.mobile import look
from pyagent_plugins.mobile.client import Client

# Characters; the rest is in the web pages. A phone paints all of a text.
LONGEST = 20_000


class Answer:
    def __init__(self, client: Client, run: str, task: str) -> None:
        self._client, self._run, self._task = client, run, task
        self.title = task
        self._text = ft.Text("", size=17, selectable=True)
        sheet = look.block(self._text)
        column = ft.Column([sheet], scroll=ft.ScrollMode.AUTO, expand=True,
                           horizontal_alignment=ft.CrossAxisAlignment.STRETCH)  # fmt: skip
        self.body: ft.Control = ft.Container(column, padding=ft.Padding(20, 0, 20, 12), expand=True)

    async def refresh(self) -> None:
        text = await self._client.backend.text(self._run, self._task)
        self._text.value = text[:LONGEST] + ("…" if len(text) > LONGEST else "") or "Nothing yet."
