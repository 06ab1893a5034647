"""The app on the page: five places below a bar, one of them on the screen and kept fresh."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import flet as ft

from pyagent_plugins.mobile import look
from pyagent_plugins.mobile.backend import Backend, Refusal
from pyagent_plugins.mobile.shapes import Session

# Seconds between two looks at what is on the screen.
EVERY = 2.0


class Screen(Protocol):
    """A place in the app. ``refresh`` reads from the backend and changes ``body``; it is called again and again."""

    title: str
    body: ft.Control

    async def refresh(self) -> None: ...


class Client:
    """One for each phone that is connected. Screens that were opened from another one lie on a pile."""

    def __init__(self, page: ft.Page, backend: Backend, forget: Callable[[], Awaitable[None]] | None = None) -> None:
        self.page, self.backend, self.forget = page, backend, forget
        self.session = Session("", (), "")
        self._pile: list[Screen] = []
        self._places: list[Callable[[], Screen]] = []
        self._head, self._body = ft.Row(spacing=4), ft.Container(expand=True)
        self._said = ft.Container(visible=False)
        self._bar = ft.NavigationBar(destinations=[], on_change=self._move, height=72)
        self._refreshing = asyncio.Lock()

    async def start(self) -> None:
        """Draw the first place, and keep whatever is on the screen fresh until the phone is gone."""
        from pyagent_plugins.mobile.screens.agents import Agents
        from pyagent_plugins.mobile.screens.more import More
        from pyagent_plugins.mobile.screens.runs import Runs
        from pyagent_plugins.mobile.screens.statistics import Statistics
        from pyagent_plugins.mobile.screens.triage import Triage

        self._places = [lambda: Triage(self), lambda: Agents(self), lambda: Runs(self), lambda: Statistics(self),
                        lambda: More(self)]  # fmt: skip
        self._bar.destinations = [
            ft.NavigationBarDestination(icon=icon, label=label)
            for icon, label in (
                (ft.Icons.STYLE_OUTLINED, "Triage"),
                (ft.Icons.GROUPS_OUTLINED, "Agents"),
                (ft.Icons.PLAYLIST_PLAY, "Runs"),
                (ft.Icons.BAR_CHART, "Statistics"),
                (ft.Icons.MORE_HORIZ, "More"),
            )
        ]
        page = self.page
        page.title, page.padding, page.spacing = "PyAgent", 0, 0
        page.theme, page.dark_theme = look.themes()
        page.theme_mode = ft.ThemeMode.SYSTEM
        page.navigation_bar = self._bar
        top = ft.Container(self._head, padding=ft.Padding(20, 12, 12, 4), height=64)
        page.clean()
        page.add(ft.SafeArea(ft.Column([top, self._said, self._body], spacing=0, expand=True), expand=True))
        await self.go(0)
        self._fresh = page.run_task(self._keep_fresh)
        page.on_close = lambda event: self._fresh.cancel()

    async def go(self, place: int) -> None:
        """Show one of the five places."""
        self._bar.selected_index = place
        self._pile = []
        await self.open(self._places[place]())

    async def open(self, screen: Screen) -> None:
        """Show ``screen`` on top of what is there; the arrow leads back."""
        self._pile.append(screen)
        await self._show()

    async def back(self) -> None:
        if len(self._pile) > 1:
            self._pile.pop()
        await self._show()

    async def leave(self) -> None:
        """Sign out. What a browser shows comes from the session itself, so it goes to a page that needs none first."""
        if self.forget is None:
            await ft.UrlLauncher().launch_url("/signed-out", web_only_window_name="_self")
        if await self.attempt(self.backend.sign_out()) and self.forget is not None:
            await self.forget()

    @property
    def screen(self) -> Screen:
        return self._pile[-1]

    async def attempt(self, work: Awaitable[object], after: str = "") -> bool:
        """Await a change; say ``after`` when it is done and what went wrong when not, in the server's words."""
        try:
            await work
        except Refusal as refusal:
            self.say(f"{refusal}. {refusal.hint}".strip().rstrip("."), wrong=True)
            return False
        if after:
            self.say(after)
        return True

    def say(self, text: str, wrong: bool = False) -> None:
        colour = look.DANGER if wrong else None
        self.page.show_dialog(ft.SnackBar(ft.Text(text, size=16), bgcolor=colour, duration=6000 if wrong else 3000))

    async def ask(self, title: str, text: str, yes: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do ``work`` when the person says ``yes``."""

        async def go_on() -> None:
            self.page.pop_dialog()
            await work()

        self.page.show_dialog(
            ft.AlertDialog(
                title=ft.Text(title),
                content=look.plain(text),
                actions=[
                    ft.TextButton("Back", on_click=lambda: self.page.pop_dialog()),
                    look.button(yes, None, go_on, look.DANGER),
                ],
            )
        )

    async def _move(self, event: ft.Event[ft.NavigationBar]) -> None:
        await self.go(int(event.control.selected_index))

    async def _show(self) -> None:
        shown = self.screen
        arrow = look.named(ft.IconButton(ft.Icons.ARROW_BACK, on_click=self.back), "Back", self.back)
        title = ft.Text(shown.title, size=26, weight=ft.FontWeight.W_600, expand=True, max_lines=1,
                        overflow=ft.TextOverflow.ELLIPSIS)  # fmt: skip
        self._head.controls = [arrow, title] if len(self._pile) > 1 else [title]
        self._body.content = shown.body
        self.page.update()
        await self._refresh()

    async def _refresh(self) -> None:
        """Two looks at once would draw over each other."""
        async with self._refreshing:
            shown = self.screen
            try:
                if not self.session.scopes:
                    self.session = await self.backend.session()
                await shown.refresh()
                self._tell("")
            except Refusal as refusal:
                self._tell(f"{refusal}. {refusal.hint}")
            if shown is self.screen:
                self.page.update()

    def _tell(self, text: str) -> None:
        """A line above the screen, as long as the server does not answer."""
        self._said.visible = bool(text)
        icon = ft.Icon(ft.Icons.CLOUD_OFF, color="#ffffff", size=20)
        words = ft.Text(text, size=15, color="#ffffff", expand=True)
        self._said.content = ft.Row([icon, words], spacing=10) if text else None
        self._said.bgcolor, self._said.padding = look.DANGER, ft.Padding(20, 10, 20, 10)

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            if self.page.session.connection is None:
                continue
            await self._refresh()
