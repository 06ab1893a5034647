"""What waits for a person, with the keys that decide: a approve, r reject, e escalate, l later, u undo."""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.widgets import DataTable, Static

from pyagent.errors import PyAgentError
from pyagent.report.text import one_line, plain
from pyagent.run.approvals import Approval
from pyagent.tui.ask import AskReason, Confirm
from pyagent.tui.feed import Feed
from pyagent.tui.words import cell, duration

COLUMNS = ("id", "run", "task", "kind", "risk", "age", "what")
DONE = {"approve": "approved", "reject": "rejected", "escalate": "escalated", "later": "put off"}


class Deck(Vertical):
    """The questions above, all about one of them below. One of high risk is approved only after a second key."""

    BINDINGS: ClassVar = [
        Binding("a", "approve", "Approve"),
        Binding("r", "reject", "Reject"),
        Binding("e", "say('escalate')", "Escalate"),
        Binding("l", "say('later')", "Later"),
        Binding("u", "undo", "Undo"),
    ]

    def __init__(self, feed: Feed, **more: str) -> None:
        super().__init__(**more)  # type: ignore[arg-type]
        self._feed = feed
        self._said: list[Approval] = []
        self._shown: list[str] = []

    def compose(self) -> ComposeResult:
        yield DataTable(id="deck-table", cursor_type="row", zebra_stripes=True)
        with VerticalScroll(id="deck-detail"):
            yield Static("", markup=False, id="deck-text")
        yield Static("", markup=False, id="deck-said")

    def on_mount(self) -> None:
        self.table.add_columns(*COLUMNS)

    @property
    def table(self) -> DataTable[Text]:
        return self.query_one("#deck-table", DataTable)

    @property
    def current(self) -> Approval | None:
        """The question that the cursor stands on."""
        row = self.table.cursor_row
        id = self._shown[row] if 0 <= row < len(self._shown) else None
        return next((each for each in self._feed.deck if each.id == id), None)

    def paint(self) -> None:
        """Show what waits now; the cursor stays on its question, or else where it was."""
        at, was = self.table.cursor_row, self.current
        self._shown = [each.id for each in self._feed.deck]
        self.table.clear()
        for each in self._feed.deck:
            self.table.add_row(*map(cell, self._row(each)), key=each.id)
        if was is not None and was.id in self._shown:
            at = self._shown.index(was.id)
        self.table.move_cursor(row=max(0, min(at, len(self._shown) - 1)))
        self._paint_detail()

    def paint_said(self) -> None:
        """The last decision, as long as it can be undone."""
        now = time.time()
        self._said = [each for each in self._said if each.decision and each.decision.effective_at > now]
        text = ""
        if self._said and (said := self._said[-1].decision):
            left = max(1, round(said.effective_at - now))
            text = f"{DONE[said.verb]}: {one_line(self._said[-1].title, 60)}   u takes it back, for {left} s"
        self.query_one("#deck-said", Static).update(text)

    @on(DataTable.RowHighlighted, "#deck-table")
    def _paint_detail(self) -> None:
        each = self.current
        text = "Nothing waits for a person."
        if each is not None:
            facts = [
                f"{name}: {one_line(value, 300)}" for name, value in each.data.items() if value not in (None, "", {})
            ]
            admin = ["escalated: for an administrator"] if each.admin else []
            text = "\n".join([one_line(each.title), *admin, *facts, "", plain(each.detail)])
        self.query_one("#deck-text", Static).update(text)

    @work
    async def action_approve(self) -> None:
        each = self.current
        if each is None:
            return
        if each.risk == "high" and not await self.app.push_screen_wait(
            Confirm(f"High risk: {one_line(each.title)}. Approve it?", plain(each.detail))
        ):
            return
        self._say(each, "approve")

    @work
    async def action_reject(self) -> None:
        each = self.current
        if each is not None and (reason := await self.app.push_screen_wait(AskReason(one_line(each.title)))):
            self._say(each, "reject", reason)

    def action_say(self, verb: str) -> None:
        if self.current is not None:
            self._say(self.current, verb)

    def action_undo(self) -> None:
        if not self._said:
            self.app.notify("nothing to undo")
            return
        each = self._said.pop()
        if self._try(lambda each: self._feed.approvals.undo(each.id, me()), each) is not None:
            # What is back is what the next key is meant for.
            self.table.move_cursor(row=self._shown.index(each.id))

    def _say(self, each: Approval, verb: str, reason: str = "") -> None:
        done = self._try(lambda each: self._feed.approvals.decide(each.id, verb, reason, me()), each)
        if done is not None:
            self._said.append(done)
            self.paint_said()

    def _try(self, act: Callable[[Approval], Approval], each: Approval) -> Approval | None:
        done = None
        try:
            done = act(each)
        except PyAgentError as error:
            self.app.notify(f"{error}; {error.hint}" if error.hint else str(error), severity="warning")
        self._feed.read()
        self.paint()
        self.paint_said()
        return done

    def _row(self, each: Approval) -> list[str]:
        line = self._feed.line(each.run)
        name = line.row.name if line else each.run
        risk = f"{each.risk}, admin" if each.admin else each.risk
        age = duration(max(0.0, time.time() - each.created))
        return [each.id, name, one_line(each.task, 24), each.kind, risk, age, one_line(each.title, 80)]


def me() -> str:
    """Who sits here."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
