"""The swarm as a grid, one cell a task: a form and a colour for each state, so that neither is needed alone."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from pyagent.store.states import ASKING, FAILED, NAMES, OK, QUEUED, REUSED, SKIPPED, WAITING, States

FORMS = {QUEUED: "·", ASKING: "▶", OK: "■", FAILED: "x", SKIPPED: "-", WAITING: "?", REUSED: "□"}
COLORS = {
    QUEUED: "bright_black",
    ASKING: "yellow",
    OK: "green",
    FAILED: "red",
    SKIPPED: "bright_black",
    WAITING: "magenta",
    REUSED: "cyan",
}
STYLES = [Style(color=COLORS[state], bold=state in (FAILED, WAITING)) for state in range(len(NAMES))]
CURSOR = Style(reverse=True)
WIDE = 2


class Grid(ScrollView, can_focus=True):
    """Arrows move the cursor, Enter opens the task under it."""

    BINDINGS: ClassVar = [
        Binding("left", "move(-1, 0)", "Left", show=False),
        Binding("right", "move(1, 0)", "Right", show=False),
        Binding("up", "move(0, -1)", "Up", show=False),
        Binding("down", "move(0, 1)", "Down", show=False),
        Binding("enter", "open", "Open"),
    ]

    class Opened(Message):
        """The task with this number is to be shown."""

        def __init__(self, n: int) -> None:
            super().__init__()
            self.n = n

    class Moved(Message):
        """The cursor stands on the task with this number."""

        def __init__(self, n: int) -> None:
            super().__init__()
            self.n = n

    def __init__(self, **more: str) -> None:
        super().__init__(**more)  # type: ignore[arg-type]
        self.board: States | None = None
        self.cursor = 0

    @property
    def columns(self) -> int:
        return max(1, self.size.width // WIDE)

    def paint(self, board: States | None) -> None:
        """Show the board as it is now."""
        if board is not self.board:
            self.cursor = 0
        self.board = board
        self._measure()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        row = y + self.scroll_offset.y
        total = self.board.total if self.board else 0
        cells = range(row * self.columns, min(total, (row + 1) * self.columns))
        return Strip([self._cell(n) for n in cells]).adjust_cell_length(self.size.width)

    def action_move(self, right: int, down: int) -> None:
        self._go(self.cursor + right + down * self.columns)

    def action_open(self) -> None:
        if self.board and self.cursor < self.board.total:
            self.post_message(self.Opened(self.cursor))

    def on_click(self, event: events.Click) -> None:
        self._go((event.y + self.scroll_offset.y) * self.columns + event.x // WIDE)

    def on_resize(self) -> None:
        self._measure()

    def _cell(self, n: int) -> Segment:
        assert self.board is not None
        state = self.board.at(n)
        style = STYLES[state] + CURSOR if n == self.cursor and self.has_focus else STYLES[state]
        return Segment(FORMS[state].ljust(WIDE), style)

    def _go(self, n: int) -> None:
        if self.board and 0 <= n < self.board.total:
            self.cursor = n
            self.scroll_to_region(Region(0, n // self.columns, 1, 1), animate=False)
            self.post_message(self.Moved(n))
            self.refresh()

    def _measure(self) -> None:
        total = self.board.total if self.board else 0
        self.virtual_size = Size(self.size.width, -(-total // self.columns))
