"""One run's agents: a line of numbers, and every task as a cell of the grid or a row of the table."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import ContentSwitcher, DataTable, Static

from pyagent.report.text import one_line
from pyagent.tui.feed import Feed
from pyagent.tui.grid import FORMS, Grid
from pyagent.tui.words import DOING, cell

# A table of more rows is no longer read by a person; the grid shows all.
ROWS = 1000


class Swarm(Vertical):
    """The run that is chosen. `t` changes between grid and table."""

    BINDINGS: ClassVar = [Binding("t", "turn", "Grid/table")]

    def __init__(self, feed: Feed, **more: str) -> None:
        super().__init__(**more)  # type: ignore[arg-type]
        self._feed = feed

    def compose(self) -> ComposeResult:
        yield Static("", markup=False, id="swarm-head")
        with ContentSwitcher(initial="swarm-grid", id="swarm-how"):
            yield Grid(id="swarm-grid")
            yield DataTable(id="swarm-table", cursor_type="row", zebra_stripes=True)
        yield Static("", markup=False, id="swarm-at")

    def on_mount(self) -> None:
        self.query_one("#swarm-table", DataTable).add_columns("n", "task", "state")

    @property
    def grid(self) -> Grid:
        return self.query_one("#swarm-grid", Grid)

    def front(self) -> Grid | DataTable[Text]:
        """What is shown and takes the keys: the grid or the table."""
        return self.grid if self.query_one(ContentSwitcher).current == "swarm-grid" else self.query_one(DataTable)

    def paint(self) -> None:
        board = self._feed.board
        line = self._feed.line(board.run) if board else None
        self.grid.paint(board)
        if board is None or line is None:
            self.query_one("#swarm-head", Static).update("Choose a run in the list.")
            return
        counts = [f"{FORMS[state]} {count:,} {DOING[state]}" for state, count in enumerate(board.counts()) if count]
        self.query_one("#swarm-head", Static).update(f"{line.row.name}   {line.status}   {'   '.join(counts)}")
        if self.front() is not self.grid:
            self._paint_table()
        self.at(self.grid.cursor)

    def at(self, n: int) -> None:
        """Name the task under the cursor."""
        board = self._feed.board
        text = f"{n + 1}: {one_line(board.id(n)) or 'not begun'}, {DOING[board.at(n)]}" if board else ""
        self.query_one("#swarm-at", Static).update(text)

    def action_turn(self) -> None:
        switcher = self.query_one(ContentSwitcher)
        switcher.current = "swarm-table" if switcher.current == "swarm-grid" else "swarm-grid"
        self.paint()
        self.front().focus()

    def on_grid_moved(self, event: Grid.Moved) -> None:
        self.at(event.n)

    def _paint_table(self) -> None:
        board, table = self._feed.board, self.query_one(DataTable)
        at = table.cursor_row
        table.clear()
        for n in range(min(ROWS, board.total) if board else 0):
            assert board is not None
            table.add_row(cell(str(n + 1)), cell(board.id(n), 60), cell(DOING[board.at(n)]), key=str(n))
        table.move_cursor(row=at)
