"""A card of the deck: what is asked, how risky it is, and where the thumb goes for which answer."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import flet as ft

from pyagent_plugins.mobile import look
from pyagent_plugins.mobile.look import WAYS, Way
from pyagent_plugins.mobile.shapes import Card

# Whether the card was replaced; else it goes back to its place.
Decide = Callable[[Way], Awaitable[bool]]
KINDS = {"answer": "Answer", "tool": "Tool call", "cost": "Cost"}
# Milliseconds: a swipe is a decision at its end, so the end must not be long.
FLIGHT, SNAP = 110, 1
# The share of the card's side that a thumb has to go; less is a scratch, more is work.
FAR = 0.25
LINES = 11


def swipeable(card: Card, run: str, decide: Decide, read: Callable[[], None]) -> ft.Control:
    """The card between two layers that slide: sideways outside, up and down inside. The client moves them without
    asking the server, and asks once at the end."""

    async def landed(event: ft.DismissibleDismissEvent) -> None:
        way = next(way for way in WAYS if way.direction == event.direction)
        if not await decide(way):
            await event.control.confirm_dismiss(False)

    def layer(content: ft.Control, direction: ft.DismissDirection, first: Way, second: Way) -> ft.Dismissible:
        return ft.Dismissible(
            content=content,
            dismiss_direction=direction,
            background=_ground(first),
            secondary_background=_ground(second),
            dismiss_thresholds={first.direction: FAR, second.direction: FAR},
            movement_duration=FLIGHT,
            resize_duration=SNAP,
            on_confirm_dismiss=landed,
            # Another name for each time of showing: Flutter would go on with the layer of the card before.
            key=f"{direction.value} {card.id} {time.monotonic_ns()}",
            expand=True,
        )

    approve, reject, escalate, later = WAYS
    inner = layer(face(card, run, read), ft.DismissDirection.VERTICAL, later, escalate)
    if card.admin:
        inner.dismiss_direction = ft.DismissDirection.DOWN
    return layer(inner, ft.DismissDirection.HORIZONTAL, approve, reject)


def face(card: Card, run: str, read: Callable[[], None]) -> ft.Control:
    """What is on the card. The whole text is a tap away: a card that scrolls could not be swiped up."""
    colour, icon = look.RISKS[card.risk]
    marks: list[ft.Control] = [
        look.chip(f"{card.risk.capitalize()} risk", colour, icon),
        look.quiet(KINDS.get(card.kind, card.kind)),
    ]
    if card.admin:
        marks.append(look.quiet("for an administrator"))
    detail = ft.Text(card.detail, size=17, max_lines=LINES, overflow=ft.TextOverflow.ELLIPSIS, expand=True)
    foot = ft.Row(
        [
            look.quiet(f"{run} · {card.task} · {look.ago(card.created)}", expand=True, max_lines=1,
                       overflow=ft.TextOverflow.ELLIPSIS),
            ft.TextButton("Read all", on_click=read, icon=ft.Icons.OPEN_IN_FULL),
        ]
    )  # fmt: skip
    title = ft.Text(card.title, size=24, weight=ft.FontWeight.W_600, max_lines=3, overflow=ft.TextOverflow.ELLIPSIS)
    sheet = ft.Container(
        ft.Column([ft.Row(marks, spacing=10, wrap=True), title, detail, foot], spacing=12),
        bgcolor=ft.Colors.SURFACE_CONTAINER,
        border_radius=24,
        border=ft.Border.all(2, colour) if card.risk == "high" else None,
        padding=ft.Padding(22, 20, 22, 10),
        shadow=ft.BoxShadow(blur_radius=18, color=ft.Colors.with_opacity(0.10, "#000000"), offset=ft.Offset(0, 6)),
        expand=True,
    )
    return ft.Semantics(content=sheet, container=True, identifier=f"card-{card.id}", expand=True)


def _ground(way: Way) -> ft.Container:
    """What comes to light behind a card that moves: the answer that it moves to, on the side that it leaves."""
    place = {
        "approve": ft.Alignment.CENTER_LEFT,
        "reject": ft.Alignment.CENTER_RIGHT,
        "later": ft.Alignment.TOP_CENTER,
        "escalate": ft.Alignment.BOTTOM_CENTER,
    }[way.verb]
    word = ft.Text(way.word, size=18, weight=ft.FontWeight.W_600, color="#ffffff")
    marks = ft.Column(
        [ft.Icon(way.icon, color="#ffffff", size=36), word],
        tight=True,
        spacing=4,
        horizontal_alignment=ft.CrossAxisAlignment.CENTER,
    )
    return ft.Container(marks, bgcolor=way.colour, border_radius=24, alignment=place, padding=18)


def buttons(decide: Decide, leave_out: tuple[str, ...] = ()) -> ft.Row:
    """The same answers for those who do not swipe; each says which way a swipe for it goes."""

    def one(way: Way) -> ft.Control:
        async def tapped() -> None:
            await decide(way)

        round_ = ft.IconButton(
            way.icon,
            icon_color=way.ink,
            icon_size=28,
            width=60,
            height=60,
            bgcolor=ft.Colors.with_opacity(0.12, way.ink),
            on_click=tapped,
        )
        hint = ft.Row(
            [ft.Icon(way.arrow, size=14, color=ft.Colors.ON_SURFACE_VARIANT), look.quiet(way.word, size=13)],
            spacing=3,
            tight=True,
        )
        pile = ft.Column([round_, hint], tight=True, spacing=4, horizontal_alignment=ft.CrossAxisAlignment.CENTER)
        return look.named(pile, way.word, tapped)

    # In the order of the thumb: left, up, down, right.
    order = [WAYS[1], WAYS[2], WAYS[3], WAYS[0]]
    return ft.Row([one(way) for way in order if way.verb not in leave_out], alignment=ft.MainAxisAlignment.SPACE_AROUND)
