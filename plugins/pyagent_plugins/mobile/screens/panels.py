"""Which panels the web pages show, and in which order: the phone is their remote control."""

from __future__ import annotations

import flet as ft

from pyagent_plugins.mobile import look
from pyagent_plugins.mobile.client import Client
from pyagent_plugins.mobile.shapes import PanelRow

# Places are ten apart, so that one panel can move without the others.
STEP = 10


class Panels:
    title = "Web panels"

    def __init__(self, client: Client) -> None:
        self._client = client
        self._rows: list[PanelRow] = []
        self._list = ft.ListView(spacing=8, expand=True, padding=ft.Padding(0, 0, 0, 16))
        hint = look.quiet("Switch off what nobody needs, and move up what is looked at most.")
        self.body: ft.Control = ft.Container(
            ft.Column([hint, self._list], spacing=12, expand=True), padding=ft.Padding(20, 0, 20, 0), expand=True
        )

    async def refresh(self) -> None:
        rows = list(await self._client.backend.panels())
        if rows != self._rows or not self._list.controls:
            self._rows = rows
            self._list.controls = [self._row(n, panel) for n, panel in enumerate(rows)]

    def _row(self, n: int, panel: PanelRow) -> ft.Control:
        off = not self._client.session.may("admin")

        async def flip() -> None:
            if not off:
                await self._change(panel, enabled=not panel.enabled)

        async def up() -> None:
            if n and not off:
                await self._move(n)

        shown = ft.Switch(value=panel.enabled, on_change=flip, disabled=off)
        title = ft.Text(panel.title, size=17, expand=True, weight=ft.FontWeight.W_600)
        row: list[ft.Control] = [
            title,
            look.named(
                ft.IconButton(ft.Icons.ARROW_UPWARD, on_click=up, disabled=off or n == 0), f"Move {panel.title} up", up
            ),
            look.named(shown, f"Show {panel.title}", flip, toggled=panel.enabled),
        ]
        return look.block(ft.Row(row), padding=ft.Padding(16, 4, 8, 4))

    async def _change(self, panel: PanelRow, enabled: bool | None = None, order: int | None = None) -> None:
        await self._client.attempt(self._client.backend.arrange(panel, enabled, order))
        self._rows = []
        await self.refresh()

    async def _move(self, n: int) -> None:
        """One place up: before the one above. All get new places first where there is no room between two."""
        above, panel = self._rows[n - 1], self._rows[n]
        room = above.order - (self._rows[n - 2].order if n > 1 else -1)
        if room > 1 and above.order > 0:
            await self._change(panel, order=above.order - 1)
            return
        wanted = [*self._rows[: n - 1], panel, above, *self._rows[n + 1 :]]
        for place, each in enumerate(wanted):
            if each.order != place * STEP:
                done = await self._client.attempt(self._client.backend.arrange(each, order=place * STEP))
                if not done:
                    break
        self._rows = []
        await self.refresh()
