"""The deck: one card at a time, one movement for each answer, and ten seconds to take it back."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import flet as ft

from pyagent_plugins.mobile import look
from pyagent_plugins.mobile.backend import Refusal
from pyagent_plugins.mobile.client import Client
from pyagent_plugins.mobile.look import BY_VERB, Way
from pyagent_plugins.mobile.screens.card import buttons, face, swipeable
from pyagent_plugins.mobile.screens.hold import Hold
from pyagent_plugins.mobile.screens.reason import reason
from pyagent_plugins.mobile.shapes import Card

# The server gives 10 s; the message has to get there.
UNDO = 9.5


@dataclass(frozen=True, slots=True)
class Said:
    """A decision that can still be taken back, until ``until`` on this machine's clock."""

    card: Card
    way: Way
    until: float


class Triage:
    title = "Triage"

    def __init__(self, client: Client) -> None:
        self._client = client
        self._hand: list[Card] = []
        self._waiting, self._put_off = 0, 0
        self._shown: tuple[str, str] | None = None
        self._again = False
        # By id: when the decision was durable, None while it is on its way.
        self._decided: dict[str, float | None] = {}
        self._undoable: list[Said] = []
        # What the line at the foot offers to take back, and its button.
        self._offered: Said | None = None
        self._press = ft.TextButton()
        self._names: dict[str, str] = {}
        self._count = look.quiet("")
        self._place = ft.Container(expand=True)
        self._buttons, self._undo = ft.Container(), ft.Container(height=60)
        self.body: ft.Control = ft.Container(
            ft.Column([self._count, self._place, self._buttons, self._undo], spacing=12, expand=True),
            padding=ft.Padding(20, 0, 20, 8),
            expand=True,
        )

    async def refresh(self) -> None:
        began = time.monotonic()
        deck = await self._client.backend.deck()
        # An answer that set out before a decision landed does not know of it.
        fresh = [card for card in deck.cards if not self._gone(card.id, began)]
        later = [card for card in fresh if card.state == "later"]
        if not later:
            self._again = False
        self._hand = fresh if self._again else [card for card in fresh if card.state != "later"]
        self._waiting, self._put_off = deck.waiting, len(later)
        if any(card.run not in self._names for card in self._hand):
            self._names = {run.id: run.name for run in await self._client.backend.runs()}
        self._keep_place()
        self._draw()

    def _gone(self, id: str, began: float) -> bool:
        if id not in self._decided:
            return False
        at = self._decided[id]
        return at is None or at > began

    def _keep_place(self) -> None:
        """The card under the thumb stays on top as long as it waits: others come and go beneath."""
        if self._shown is None:
            return
        at = next((n for n, card in enumerate(self._hand) if (card.id, card.risk) == self._shown), 0)
        self._hand.insert(0, self._hand.pop(at)) if at else None

    # ---- drawing

    def _draw(self) -> None:
        top = self._hand[0] if self._hand else None
        # The hand holds at most 50 cards, and all that wait stand in the line above.
        rest = f" · {self._put_off} put off" if self._put_off and not self._again else ""
        waiting = self._waiting - (0 if self._again else self._put_off)
        self._count.value = f"{waiting} waiting{rest}" if top else ""
        shown = (top.id, top.risk) if top else None
        if shown != self._shown or top is None:
            self._shown = shown
            self._show(top)
        self._draw_undo()

    def _show(self, card: Card | None) -> None:
        if card is None:
            self._place.content, self._buttons.content = self._nothing(), None
            return
        run = self._names.get(card.run, card.run)

        async def decide(way: Way) -> bool:
            return await self._decide(card, way)

        async def held() -> None:
            await self._settle(card, BY_VERB["approve"])

        def read() -> None:
            self._read(card)

        skip = ("escalate",) if card.admin else ()
        if card.risk == "high":
            # No swipe: it is too easily made.
            self._place.content = face(card, run, read)
            hold = Hold("Hold to approve", held).control
            row = ft.Row([hold], alignment=ft.MainAxisAlignment.CENTER)
            self._buttons.content = ft.Column([row, buttons(decide, (*skip, "approve"))], spacing=10)
        else:
            self._place.content = swipeable(card, run, decide, read)
            self._buttons.content = buttons(decide, skip)

    def _nothing(self) -> ft.Control:
        if not self._put_off:
            return look.nothing(ft.Icons.DONE_ALL, "Nothing waits for you", "New questions come in by themselves.")

        async def again() -> None:
            self._again = True
            await self.refresh()

        more = look.button(f"Go through {self._put_off} put off", ft.Icons.REPLAY, again)
        return look.nothing(ft.Icons.SCHEDULE, "Done for now", "The rest you put off for later.", more)

    def _read(self, card: Card) -> None:
        text = ft.Text(card.detail, size=17, selectable=True)
        column = ft.Column([look.strong(card.title, 24), text], scroll=ft.ScrollMode.AUTO)
        sheet = ft.Container(column, padding=ft.Padding(22, 0, 22, 22), expand=True)
        self._client.page.show_dialog(
            ft.BottomSheet(sheet, show_drag_handle=True, bgcolor=ft.Colors.SURFACE, scrollable=True)
        )

    # ---- deciding

    async def _decide(self, card: Card, way: Way) -> bool:
        """Whether the card was replaced. A rejection asks for its reason first: the card stays."""
        if way.verb != "reject":
            return await self._settle(card, way)

        async def reject(text: str) -> None:
            await self._settle(card, way, text)

        self._client.page.show_dialog(reason(self._client.page, card.title, reject))
        return False

    async def _settle(self, card: Card, way: Way, why: str = "") -> bool:
        """Decide once: only the card on top, and not while an answer to it is on its way."""
        on_top = self._shown is not None and self._shown[0] == card.id
        if not on_top or self._decided.get(card.id, 0.0) is None:
            return True
        self._decided[card.id] = None
        done = await self._client.attempt(self._client.backend.decide(card.id, way.verb, why))
        if not done:
            del self._decided[card.id]
            return await self._refetch()
        self._decided[card.id] = time.monotonic()
        self._undoable.append(Said(card, way, time.monotonic() + UNDO))
        self._hand = [each for each in self._hand if each.id != card.id]
        self._waiting -= way.verb != "later"
        self._put_off += way.verb == "later" and card.state != "later"
        self._draw()
        self._client.page.update()
        self._client.page.run_task(self._count_down)
        return True

    async def _refetch(self) -> bool:
        """After a refusal: somebody else was first, or the card is for an administrator. Whether it was drawn anew."""
        self._shown = None
        try:
            await self.refresh()
        except Refusal:
            return False
        self._client.page.update()
        return True

    # ---- taking back

    def _draw_undo(self) -> None:
        self._undoable = [said for said in self._undoable if said.until > time.monotonic()]
        said = self._undoable[-1] if self._undoable else None
        if said is not self._offered:
            self._offered = said
            self._undo.content = self._offer(said) if said else None
        if said is not None:
            # Only the words change: a thumb that is on the button when a second passes still presses it.
            self._press.content = f"Undo ({max(1, round(said.until - time.monotonic()))})"

    def _offer(self, said: Said) -> ft.Control:
        async def undo() -> None:
            await self._take_back(said)

        self._press = ft.TextButton("Undo", icon=ft.Icons.UNDO, on_click=undo)
        words = ft.Text(
            f"{said.way.done} · {said.card.title}",
            size=15, expand=True, max_lines=1, overflow=ft.TextOverflow.ELLIPSIS,
        )  # fmt: skip
        row = ft.Row([ft.Icon(said.way.icon, color=said.way.ink), words, self._press])
        ground = ft.Colors.SURFACE_CONTAINER_HIGH
        return ft.Container(row, bgcolor=ground, border_radius=16, padding=ft.Padding(16, 4, 8, 4))

    async def _count_down(self) -> None:
        latest = self._undoable[-1] if self._undoable else None
        while latest is not None and self._undoable and self._undoable[-1] is latest:
            await asyncio.sleep(1)
            self._draw_undo()
            if self._client.screen is self:
                self._client.page.update()

    async def _take_back(self, said: Said) -> None:
        """What the line said when it was pressed, whatever was decided since."""
        if said not in self._undoable:
            return
        self._undoable.remove(said)
        if await self._client.attempt(self._client.backend.undo(said.card.id)):
            self._decided.pop(said.card.id, None)
            self._hand.insert(0, said.card)
            self._shown = (said.card.id, said.card.risk)
            self._show(said.card)
            await self.refresh()
        self._draw_undo()
        self._client.page.update()
