"""Starting a run: prompts typed or pasted, one a line, or a task file that lies on the machine."""

from __future__ import annotations

import flet as ft

from pyagent_plugins.mobile import look
from pyagent_plugins.mobile.client import Client
from pyagent_plugins.mobile.shapes import Wish


class Begin:
    title = "Start a run"

    def __init__(self, client: Client) -> None:
        self._client = client
        self._tasks = ft.TextField(label="Prompts, one a line", multiline=True, min_lines=6, max_lines=12, text_size=17)
        self._path = ft.TextField(label="or a task file on the machine", hint_text="tasks.jsonl", text_size=17)
        self._name = ft.TextField(label="Name (you may leave it out)", text_size=17)
        self._model = ft.Dropdown(label="Model", options=[], expand=True)
        self._wrong = ft.Text("", size=16, color=look.RED, selectable=True)
        self._go = look.button("Start", ft.Icons.PLAY_ARROW, self._start, look.INK)
        column = ft.Column(
            [self._tasks, self._path, self._name, ft.Row([self._model]), self._wrong, self._go],
            spacing=16,
            scroll=ft.ScrollMode.AUTO,
            expand=True,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        )
        self.body: ft.Control = ft.Container(column, padding=ft.Padding(20, 8, 20, 16), expand=True)

    async def refresh(self) -> None:
        """Once: what somebody types is not drawn over."""
        if not self._model.options:
            names = await self._client.backend.models()
            self._model.options = [ft.DropdownOption(key=name, text=name) for name in names]
            self._model.value = names[0] if names else None

    async def _start(self) -> None:
        from pyagent_plugins.mobile.backend import Refusal
        from pyagent_plugins.mobile.screens.run import Watch

        tasks, path = (self._tasks.value or "").strip(), (self._path.value or "").strip()
        if bool(tasks) == bool(path):
            self._wrong.value = "Give either prompts or a task file."
            return
        self._wrong.value, self._go.disabled = "", True
        self._client.page.update()
        try:
            wish = Wish(tasks and tasks + "\n", path, (self._name.value or "").strip(), self._model.value or "")
            run = await self._client.backend.start(wish)
        except Refusal as refusal:
            self._wrong.value = f"{refusal}\n{refusal.hint}".strip()
            return
        finally:
            self._go.disabled = False
        await self._client.back()
        await self._client.open(Watch(self._client, run))
