"""Why something is rejected: one tap on what people mostly say, or a sentence of one's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import flet as ft

from pyagent_plugins.mobile import look
from pyagent_plugins.mobile.look import BY_VERB

MOSTLY = ("Wrong", "Too risky", "Too expensive", "Not needed")


def reason(page: ft.Page, title: str, reject: Callable[[str], Awaitable[object]]) -> ft.BottomSheet:
    """A sheet from below. Closing it rejects nothing."""
    words = ft.TextField(label="In your own words", max_length=2000, multiline=True, max_lines=3, text_size=16)

    async def say(text: str) -> None:
        page.pop_dialog()
        await reject(text.strip())

    def quick(text: str) -> ft.Control:
        async def tapped() -> None:
            await say(text)

        return ft.OutlinedButton(text, on_click=tapped, height=48)

    async def own() -> None:
        await say(words.value or "")

    content = ft.Column(
        [
            look.strong("Why not?", 24),
            look.quiet(title, max_lines=2, overflow=ft.TextOverflow.ELLIPSIS),
            ft.Row([quick(text) for text in MOSTLY], wrap=True, spacing=8, run_spacing=8),
            words,
            look.button("Reject", ft.Icons.CLOSE_ROUNDED, own, BY_VERB["reject"].colour),
        ],
        tight=True,
        spacing=14,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )
    return ft.BottomSheet(
        ft.Container(content, padding=ft.Padding(22, 6, 22, 22)),
        show_drag_handle=True,
        bgcolor=ft.Colors.SURFACE,
        maintain_bottom_view_insets_padding=True,
    )
