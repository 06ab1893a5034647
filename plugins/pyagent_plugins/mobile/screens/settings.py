"""This phone: who it is to the server, what it may do, light or dark, and signing out."""

from __future__ import annotations

import flet as ft

from pyagent_plugins.mobile import look
from pyagent_plugins.mobile.client import Client

SCOPES = {"read": "see everything", "approve": "decide and steer runs", "admin": "start runs and change the server"}
MODES = {"system": "System", "light": "Light", "dark": "Dark"}


class Settings:
    title = "Settings"

    def __init__(self, client: Client) -> None:
        self._client = client
        self._may = ft.Column(spacing=6, tight=True)
        self._who = look.plain("")
        now = client.page.theme_mode or ft.ThemeMode.SYSTEM
        mode = ft.SegmentedButton(
            segments=[ft.Segment(value=key, label=ft.Text(word)) for key, word in MODES.items()],
            selected=[now.value],
            on_change=self._theme,
        )
        column = ft.Column(
            [
                look.block(look.strong("This phone"), self._who, self._may),
                look.block(look.strong("Look"), mode),
                look.button("Sign out", ft.Icons.LOGOUT, self._ask),
            ],
            spacing=14,
            scroll=ft.ScrollMode.AUTO,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        )
        self.body: ft.Control = ft.Container(column, padding=ft.Padding(20, 0, 20, 0), expand=True)

    async def refresh(self) -> None:
        session = await self._client.backend.session()
        self._client.session = session
        self._who.value = f"Signed in as {session.name} · PyAgent {session.version}"
        self._may.controls = [
            ft.Row(
                [
                    ft.Icon(ft.Icons.CHECK if session.may(scope) else ft.Icons.BLOCK, size=20),
                    look.plain(f"May {words}" if session.may(scope) else f"May not {words}"),
                ],
                spacing=10,
            )
            for scope, words in SCOPES.items()
        ]

    def _theme(self, event: ft.Event[ft.SegmentedButton]) -> None:
        self._client.page.theme_mode = ft.ThemeMode(next(iter(event.control.selected)))
        self._client.page.update()

    async def _ask(self) -> None:
        text = "To come back, scan a new code from pyagent serve --phone."
        await self._client.ask("Sign out?", text, "Sign out", self._sign_out)

    async def _sign_out(self) -> None:
        await self._client.leave()
