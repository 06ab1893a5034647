"""Pairing the app on the phone with a server: by the link in the code that `pyagent serve --phone` shows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import flet as ft

from pyagent_plugins.mobile import look
from pyagent_plugins.mobile.backend import Refusal
from pyagent_plugins.mobile.pairing import Offer, Paired, offer, pair


class Pair:
    """Shown before anything else. ``done`` gets what was agreed on."""

    title = "Pair"

    def __init__(self, page: ft.Page, done: Callable[[Paired], Awaitable[None]]) -> None:
        self._page, self._done, self._offer = page, done, Offer("", "", "", "")
        self._link = ft.TextField(
            label="Link", hint_text="https://192.168.0.7:8421/pair#token=…", text_size=17, multiline=True
        )
        self._wrong = ft.Text("", size=16, color=look.RED)
        self._print = ft.Text("", size=16, selectable=True, font_family="monospace")
        self._next = look.button("Go on", ft.Icons.ARROW_FORWARD, self._look, look.INK)
        self._trust = look.button("It is the same: pair", ft.Icons.CHECK, self._pair, look.BY_VERB["approve"].colour)
        self._trust.visible = False
        column = ft.Column(
            [
                ft.Icon(ft.Icons.QR_CODE_SCANNER, size=64, color=look.INK),
                look.big("Pair this phone"),
                look.plain("Run pyagent serve --phone on the machine, scan its code with the camera, copy the link, "
                           "and paste it here. It works once, within 15 minutes."),
                self._link, self._wrong, self._print, self._next, self._trust,
            ],
            spacing=16,
            scroll=ft.ScrollMode.AUTO,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        )  # fmt: skip
        self.body: ft.Control = ft.Container(column, padding=24, expand=True)

    async def refresh(self) -> None:
        """Nothing here comes from a server."""

    async def _look(self) -> None:
        self._wrong.value = ""
        try:
            self._offer = await offer(self._link.value or "")
        except Refusal as refusal:
            self._wrong.value = f"{refusal}. {refusal.hint}"
            return
        if not self._offer.certificate:
            await self._pair()
            return
        self._print.value = f"The server made its certificate itself. Its terminal must show\n{self._offer.fingerprint}"
        self._next.visible, self._trust.visible = False, True

    async def _pair(self) -> None:
        try:
            paired = await pair(self._offer)
        except Refusal as refusal:
            self._wrong.value = f"{refusal}. {refusal.hint}"
            self._next.visible, self._trust.visible, self._print.value = True, False, ""
            return
        await self._done(paired)
