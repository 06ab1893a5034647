"""Holding a button down: what a high-risk approval takes, for a swipe is too easily made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import flet as ft

from pyagent_plugins.mobile import look
from pyagent_plugins.mobile.look import BY_VERB

# Seconds after the half second that Flutter takes for a long press: together too long for a slip of the thumb.
HOLD = 0.9
WIDTH = 340


class Hold:
    """A bar that fills while it is held; ``done`` is called once when it is full. Let go before, and nothing is."""

    def __init__(self, word: str, done: Callable[[], Awaitable[object]]) -> None:
        self._done = done
        self._filling: asyncio.Task[None] | None = None
        colour = BY_VERB["approve"].ink
        slow = ft.Animation(int(HOLD * 1000), ft.AnimationCurve.LINEAR)
        self._fill = ft.Container(bgcolor=colour, width=0, height=60, animate=slow, border_radius=16)
        label = ft.Row(
            [ft.Icon(ft.Icons.FINGERPRINT, color=colour), look.strong(word, 17)],
            alignment=ft.MainAxisAlignment.CENTER,
        )
        pile = ft.Stack(
            [
                ft.Container(bgcolor=ft.Colors.with_opacity(0.14, colour), height=60, width=WIDTH, border_radius=16),
                self._fill,
                ft.Container(label, height=60, width=WIDTH, alignment=ft.Alignment.CENTER),
            ],
            width=WIDTH,
            height=60,
        )
        held = ft.GestureDetector(
            content=pile,
            on_long_press_start=self._start,
            on_long_press_end=self._end,
            on_long_press_cancel=self._end,
            exclude_from_semantics=True,
        )
        # Who cannot hold a finger down says so to the phone, and it makes a long press of it.
        self.control = ft.Semantics(
            content=held, label=word, button=True, container=True, exclude_semantics=True, on_long_press=self._all
        )

    async def _start(self) -> None:
        self._fill.width = WIDTH
        self._fill.update()
        self._filling = asyncio.create_task(self._fill_up())

    async def _fill_up(self) -> None:
        await asyncio.sleep(HOLD)
        self._filling = None
        await self._done()

    async def _end(self) -> None:
        if self._filling is not None:
            self._filling.cancel()
            self._filling = None
            self._fill.width = 0

    async def _all(self) -> None:
        await self._done()
