"""How everything looks: a calm ground, large type, and one colour for each thing that a person can say."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flet as ft

INK, PAPER = "#2f5bd8", "#f6f7f5"
DANGER = "#b3372c"
# Words and marks take these from the theme, lighter in the dark; under white letters stand the fixed ones below.
# Lightness differs as well as hue, and a word or an arrow stands with each: no meaning is in the colour alone.
BLUE, GREEN, RED = ft.Colors.PRIMARY, ft.Colors.TERTIARY, ft.Colors.ERROR
PURPLE, AMBER, GREY = ft.Colors.SECONDARY, ft.Colors.TERTIARY_FIXED, ft.Colors.ON_SURFACE_VARIANT
RISKS = {
    "low": (GREEN, ft.Icons.SHIELD_OUTLINED),
    "medium": (AMBER, ft.Icons.SHIELD_MOON_OUTLINED),
    "high": (RED, ft.Icons.GPP_MAYBE_OUTLINED),
}
STATES = {
    "running": BLUE, "paused": AMBER, "waiting": PURPLE, "finished": GREEN, "stopped": GREY, "dead": RED,
    "asking": BLUE, "ok": GREEN, "failed": RED, "skipped": GREY, "queued": GREY, "reused": GREEN,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Way:
    """One decision: its verb, where the thumb goes for it, and how it looks: ``colour`` under white letters, ``ink``
    for its mark."""

    verb: str
    word: str
    done: str
    arrow: Any
    icon: Any
    colour: str
    ink: str
    direction: ft.DismissDirection


WAYS = (
    Way("approve", "Approve", "Approved", ft.Icons.ARROW_FORWARD, ft.Icons.CHECK_ROUNDED, "#2f7d57", GREEN,
        ft.DismissDirection.START_TO_END),
    Way("reject", "Reject", "Rejected", ft.Icons.ARROW_BACK, ft.Icons.CLOSE_ROUNDED, "#b3372c", RED,
        ft.DismissDirection.END_TO_START),
    Way("escalate", "Escalate", "Escalated", ft.Icons.ARROW_UPWARD, ft.Icons.SUPERVISOR_ACCOUNT_OUTLINED, "#7a4fb0",
        PURPLE, ft.DismissDirection.UP),
    Way("later", "Later", "Put off", ft.Icons.ARROW_DOWNWARD, ft.Icons.SCHEDULE_ROUNDED, "#8a6210", AMBER,
        ft.DismissDirection.DOWN),
)  # fmt: skip
BY_VERB = {way.verb: way for way in WAYS}


def themes() -> tuple[ft.Theme, ft.Theme]:
    """(light, dark)."""
    light = ft.ColorScheme(
        primary=INK, on_primary="#ffffff", surface=PAPER, on_surface="#1b2220", on_surface_variant="#55605c",
        outline="#c9cfcb", outline_variant="#e0e4e1", surface_container="#ffffff", surface_container_high="#eceeeb",
        secondary_container="#dfe6fb", on_secondary_container="#17306f", error=DANGER,
        secondary="#7a4fb0", tertiary="#2f7d57", tertiary_fixed="#8a6210",
    )  # fmt: skip
    dark = ft.ColorScheme(
        primary="#9bb4ff", on_primary="#0c1f57", surface="#14181a", on_surface="#e8ecea", on_surface_variant="#a7b1ad",
        outline="#47504d", outline_variant="#2c3331", surface_container="#1e2426", surface_container_high="#272e31",
        secondary_container="#26366e", on_secondary_container="#dfe6fb", error="#ff9a8f",
        secondary="#c9a7f2", tertiary="#7fd3a8", tertiary_fixed="#e6bd62",
    )  # fmt: skip
    return tuple(
        ft.Theme(color_scheme=scheme, font_family="Roboto", scaffold_bgcolor=scheme.surface) for scheme in (light, dark)
    )  # type: ignore[return-value]


def big(text: str, **more: Any) -> ft.Text:
    return ft.Text(text, size=28, weight=ft.FontWeight.W_600, **more)


def strong(text: str, size: int = 18, lines: int | None = 1, **more: Any) -> ft.Text:
    """The name of a thing; what does not fit is cut with an ellipsis."""
    cut: dict[str, Any] = {"max_lines": lines, "overflow": ft.TextOverflow.ELLIPSIS} if lines else {}
    return ft.Text(text, size=size, weight=ft.FontWeight.W_600, **cut, **more)


def plain(text: str, **more: Any) -> ft.Text:
    return ft.Text(text, **{"size": 16, **more})


def quiet(text: str, **more: Any) -> ft.Text:
    return ft.Text(text, **{"size": 14, "color": ft.Colors.ON_SURFACE_VARIANT, **more})


def block(*controls: ft.Control, **more: Any) -> ft.Container:
    """A white sheet with things below each other."""
    given = {"padding": 16, "border_radius": 16, "bgcolor": ft.Colors.SURFACE_CONTAINER, **more}
    return ft.Container(ft.Column(list(controls), spacing=6, tight=True), **given)


def chip(text: str, colour: str, icon: Any = None) -> ft.Container:
    """A word in its colour, on a breath of the same."""
    row: list[ft.Control] = [ft.Icon(icon, size=16, color=colour)] if icon else []
    row.append(ft.Text(text, size=13, weight=ft.FontWeight.W_600, color=colour))
    ground = ft.Colors.with_opacity(0.12, colour)
    return ft.Container(
        ft.Row(row, spacing=4, tight=True), bgcolor=ground, border_radius=99, padding=ft.Padding(10, 4, 10, 4)
    )


def tile(content: ft.Control, opened: Callable[..., Any]) -> ft.Container:
    """A row of a list that leads somewhere."""
    return ft.Container(
        content, bgcolor=ft.Colors.SURFACE_CONTAINER, border_radius=16, padding=16, on_click=opened, ink=True
    )


def state(word: str) -> ft.Container:
    return chip(word, STATES.get(word, GREY))


def button(text: str, icon: Any, work: Callable[..., Any], colour: str | None = None, **more: Any) -> ft.Button:
    """Large enough for a thumb: 52 pixels."""
    style = ft.ButtonStyle(
        shape=ft.RoundedRectangleBorder(radius=14), text_style=ft.TextStyle(size=16, weight=ft.FontWeight.W_600)
    )
    filled: dict[str, Any] = {"bgcolor": colour, "color": "#ffffff", "icon_color": "#ffffff"} if colour else {}
    return ft.Button(text, icon=icon, on_click=work, height=52, elevation=0, style=style, **filled, **more)


def named(control: ft.Control, name: str, work: Callable[..., Any], **more: Any) -> ft.Semantics:
    """A control that a screen reader calls ``name`` and can press: icons have no words of their own."""
    more = more if "toggled" in more else {"button": True, **more}
    return ft.Semantics(content=control, label=name, container=True, exclude_semantics=True, on_tap=work, **more)


def nothing(icon: Any, title: str, text: str, *more: ft.Control) -> ft.Container:
    """What a screen shows when there is nothing to show: why, and what would change that."""
    column = [
        ft.Icon(icon, size=56, color=ft.Colors.OUTLINE),
        ft.Text(title, size=22, weight=ft.FontWeight.W_600, text_align=ft.TextAlign.CENTER),
        quiet(text, text_align=ft.TextAlign.CENTER),
        *more,
    ]
    centred = ft.Column(column, horizontal_alignment=ft.CrossAxisAlignment.CENTER, spacing=10, tight=True)
    return ft.Container(centred, alignment=ft.Alignment.CENTER, expand=True, padding=32)


def ago(at: float, now: float | None = None) -> str:
    """`12 s ago`, `3 min ago`, `5 h ago`, `2 days ago`."""
    seconds = max(0, (now or time.time()) - at)
    for size, word in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= size * (2 if word == "days" else 1):
            return f"{seconds / size:.0f} {word} ago"
    return f"{seconds:.0f} s ago"


def money(usd: float | None, unknown: bool = False) -> str:
    if usd is None:
        return "unknown"
    text = "$0" if usd == 0 else f"${usd:.2f}" if usd >= 0.1 else f"${usd:.4f}"
    return f"≥ {text}" if unknown else text


def count(number: float) -> str:
    """`812`, `12.3k`, `4.5M`."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if number >= size:
            return f"{number / (1e3 if letter == 'k' else size):.1f}{letter}"
    return f"{number:,.0f}"
