"""The places that are visited seldom: the web's panels, and the settings of this phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flet as ft

from pyagent_plugins.mobile import look
from pyagent_plugins.mobile.client import Client, Screen


class More:
    title = "More"

    def __init__(self, client: Client) -> None:
        from pyagent_plugins.mobile.screens.panels import Panels
        from pyagent_plugins.mobile.screens.settings import Settings

        self._client = client
        rows: list[ft.Control] = [
            self._row("Web panels", "What the pages in the browser show, and in which order",
                      ft.Icons.DASHBOARD_CUSTOMIZE_OUTLINED, lambda: Panels(client)),
            self._row("Settings", "This phone, its rights, its look", ft.Icons.TUNE, lambda: Settings(client)),
        ]  # fmt: skip
        self.body: ft.Control = ft.Container(ft.Column(rows, spacing=10), padding=ft.Padding(20, 0, 20, 0), expand=True)

    async def refresh(self) -> None:
        """Nothing here changes."""

    def _row(self, title: str, text: str, icon: Any, screen: Callable[[], Screen]) -> ft.Control:
        async def open_() -> None:
            await self._client.open(screen())

        words = ft.Column([look.strong(title), look.quiet(text)], spacing=2, expand=True)
        row = ft.Row([ft.Icon(icon, size=28), words, ft.Icon(ft.Icons.CHEVRON_RIGHT)], spacing=14)
        return ft.Container(
            row, bgcolor=ft.Colors.SURFACE_CONTAINER, border_radius=16, padding=16, on_click=open_, ink=True
        )
