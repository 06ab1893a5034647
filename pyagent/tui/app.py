"""`pyagent tui`: the swarm live in a terminal, also over ssh, with the keys that steer it.

It reads and writes the same store as every run, server and shell; it holds nothing of its own, so that closing it
changes nothing but that it no longer watches.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Footer, Header, Static, TabbedContent, TabPane

from pyagent.errors import PyAgentError
from pyagent.report.text import one_line, plain
from pyagent.run.approvals import WATCH
from pyagent.store.db import Store
from pyagent.store.lines import RunLine
from pyagent.tui.ask import Confirm
from pyagent.tui.deck import Deck
from pyagent.tui.feed import Feed
from pyagent.tui.grid import Grid
from pyagent.tui.stats import Stats
from pyagent.tui.swarm import Swarm
from pyagent.tui.words import DOING, cell, cost, count

# Four looks a second: a person sees no more, and a look at an unchanged store costs 5 us.
LOOK = 0.25
RUNS = ("run", "status", "done", "failed", "waiting", "tokens", "cost", "file")
TABS = ("runs", "swarm", "stream", "deck", "stats")


class Tui(App[None]):
    """``store`` is closed by who opened it; ``log`` takes what the runs that are begun here say on stderr."""

    TITLE = "PyAgent"
    ENABLE_COMMAND_PALETTE = False
    CSS_PATH = "tui.tcss"
    BINDINGS: ClassVar = [
        *(Binding(str(n), f"tab('{tab}')", tab.title(), show=False) for n, tab in enumerate(TABS, 1)),
        Binding("p", "steer('pause')", "Pause"),
        Binding("g", "go_on", "Go on"),
        Binding("s", "stop", "Stop"),
        Binding("S", "stop_all", "STOP ALL"),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(self, store: Store, log: Path | None = None) -> None:
        super().__init__()
        self.feed = Feed(store)
        self._errors = log
        self._chosen_task = ""
        self._shown: list[str] = []
        self._begun: list[subprocess.Popen[bytes]] = []

    def compose(self) -> ComposeResult:
        yield Header(icon=" ")
        with TabbedContent(initial="runs"):
            with TabPane("1 Runs", id="runs"):
                yield DataTable(id="run-table", cursor_type="row", zebra_stripes=True)
                yield Static("", markup=False, id="run-reason")
            with TabPane("2 Swarm", id="swarm"):
                yield Swarm(self.feed, id="swarm-pane")
            with TabPane("3 Stream", id="stream"):
                yield Static("", markup=False, id="stream-head")
                with VerticalScroll(id="stream-scroll"):
                    yield Static("", markup=False, id="stream-text")
            with TabPane("4 Approvals", id="deck"):
                yield Deck(self.feed, id="deck-pane")
            with TabPane("5 Statistics", id="stats"):
                yield Stats(self.feed, id="stats-pane")
        yield Footer()

    def on_mount(self) -> None:
        self.query_one("#run-table", DataTable).add_columns(*RUNS)
        self._watch()
        self.set_interval(WATCH / 3, self._watch)
        self.set_interval(LOOK, self._tick)
        self._tick()
        self.query_one("#run-table").focus()

    def on_unmount(self) -> None:
        with suppress(PyAgentError):
            self.feed.approvals.unwatch("tui")

    # ---- showing

    def _watch(self) -> None:
        """Runs that wait for a person stay while this is open."""
        with suppress(PyAgentError):
            self.feed.approvals.watch("tui")

    def _tick(self) -> None:
        if not self.is_running:  # The timer outlives the widgets while the view closes.
            return
        # One that was killed is not gone, and would be taken for alive, before it is asked for.
        self._begun = [process for process in self._begun if process.poll() is None]
        try:
            if self.feed.look():
                self._paint()
        except PyAgentError as error:
            # A store that is locked for long, or gone: shown, and tried again.
            self.sub_title = str(error)
        self.query_one(Deck).paint_said()

    def _paint(self) -> None:
        feed = self.feed
        at_work = sum(line.alive for line in feed.runs)
        self.sub_title = f"{count(len(feed.runs), 'run')}, {at_work} at work, {len(feed.deck)} waiting for a person"
        if feed.board is None and feed.runs:
            feed.choose(feed.runs[0].row.id)
        waiting = f" ({len(feed.deck)})" if feed.deck else ""
        self.query_one(TabbedContent).get_tab("deck").label = f"4 Approvals{waiting}"
        self._paint_front()

    @on(TabbedContent.TabActivated)
    def _paint_front(self) -> None:
        """Only what is looked at is painted."""
        if not self.is_running:
            return
        front = self.query_one(TabbedContent).active
        if front == "runs":
            self._paint_runs()
        elif front == "stream":
            self._paint_stream()
        else:
            panes = {"swarm": self.query_one(Swarm).paint, "deck": self.query_one(Deck).paint}
            panes.get(front, self.query_one(Stats).paint)()

    def _paint_runs(self) -> None:
        table: DataTable[Text] = self.query_one("#run-table", DataTable)
        chosen = self._shown[table.cursor_row] if table.cursor_row < len(self._shown) else ""
        self._shown = [line.row.id for line in self.feed.runs]
        table.clear()
        for line in self.feed.runs:
            table.add_row(*map(cell, _row(line)), key=line.row.id)
        if chosen in self._shown:
            table.move_cursor(row=self._shown.index(chosen))
        self._paint_reason()

    def _paint_reason(self) -> None:
        line = self.current
        text = one_line(line.row.reason) if line and line.row.reason else ""
        if not self.feed.runs:
            text = "No runs yet; start one with `pyagent swarm run TASKS`."
        self.query_one("#run-reason", Static).update(text)

    def _paint_stream(self) -> None:
        board = self.feed.board
        n = board.number(self._chosen_task) if board else None
        if board is None or n is None:
            self.query_one("#stream-head", Static).update("Choose a task in the swarm and press Enter.")
            self.query_one("#stream-text", Static).update("")
            return
        self.query_one("#stream-head", Static).update(f"{one_line(self._chosen_task)}   {DOING[board.at(n)]}")
        prompt, text = self.feed.prompt(board.run, self._chosen_task), self.feed.text(board.run, self._chosen_task)
        asked = f"> {plain(prompt)}\n\n" if prompt else ""
        self.query_one("#stream-text", Static).update(f"{asked}{plain(text)}")

    # ---- choosing

    @property
    def current(self) -> RunLine | None:
        """The run that is chosen."""
        return self.feed.line(self.feed.board.run) if self.feed.board else None

    def action_tab(self, tab: str) -> None:
        self.query_one(TabbedContent).active = tab
        front = {"runs": "#run-table", "stream": "#stream-scroll", "deck": "#deck-table", "stats": "#stats-models"}
        widget = self.query_one(Swarm).front() if tab == "swarm" else self.query_one(front[tab])
        widget.focus()

    @on(DataTable.RowHighlighted, "#run-table")
    def _choose(self, event: DataTable.RowHighlighted) -> None:
        # A table that is filled anew first tells of its first row: only where the cursor stands now is chosen.
        row = event.data_table.cursor_row
        run = self._shown[row] if row < len(self._shown) else ""
        if run and (self.feed.board is None or self.feed.board.run != run):
            self.feed.choose(run)
            self._chosen_task = ""
            self.query_one(Swarm).paint()
            self._paint_stream()
        self._paint_reason()

    @on(DataTable.RowSelected, "#run-table")
    def _open_run(self) -> None:
        self.action_tab("swarm")

    @on(Grid.Opened)
    def _open_cell(self, event: Grid.Opened) -> None:
        self._open(event.n)

    @on(DataTable.RowSelected, "#swarm-table")
    def _open_row(self, event: DataTable.RowSelected) -> None:
        self._open(int(event.row_key.value or 0))

    def _open(self, n: int) -> None:
        self._chosen_task = self.feed.board.id(n) if self.feed.board else ""
        self._paint_stream()
        self.action_tab("stream")

    # ---- steering

    def action_steer(self, verb: str) -> None:
        """Tell the process at work on the chosen run."""
        line = self.current
        if line is None or not line.alive:
            self.notify("no process works on this run", severity="warning")
            return
        self._command(line, verb)
        self.notify(f"{line.row.name}: {verb}")

    def action_go_on(self) -> None:
        """Let a paused run go on, or begin one that ended again by its own command."""
        line = self.current
        if line is not None and line.alive:
            self.action_steer("resume")
        elif line is not None:
            self._start(line)

    @work
    async def action_stop(self) -> None:
        line = self.current
        if line is None or not line.alive:
            self.notify("no process works on this run", severity="warning")
        elif await self.push_screen_wait(Confirm(f"Stop {line.row.name}? What is done is saved.")):
            self._command(line, "stop")

    @work
    async def action_stop_all(self) -> None:
        working = [line for line in self.feed.runs if line.alive]
        names = "\n".join(line.row.name for line in working)
        if not working:
            self.notify("nothing is at work")
        elif await self.push_screen_wait(Confirm(f"STOP ALL: {count(len(working), 'run')}?", names)):
            for line in working:
                self._command(line, "stop")

    def _command(self, line: RunLine, verb: str) -> None:
        try:
            self.feed.store.command(line.row.id, verb)
        except PyAgentError as error:
            self.notify(str(error), severity="error")

    def _start(self, line: RunLine) -> None:
        """In a session of its own: it outlives this view, and writes nothing into it."""
        words = [sys.executable, "-m", "pyagent", "--quiet", "swarm", "resume", line.row.id]
        with open(self._errors or os.devnull, "ab") as log:
            self._begun.append(
                subprocess.Popen(
                    words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True
                )
            )
        self.notify(f"{line.row.name} goes on")


def _row(line: RunLine) -> list[str]:
    row, totals = line.row, line.totals
    return [
        one_line(row.name, 32),
        line.status,
        f"{line.done:,}/{row.total:,}",
        f"{totals.failed + totals.skipped:,}",
        f"{line.waiting:,}",
        f"{totals.input_tokens + totals.output_tokens:,}",
        cost(totals.usd, totals.unknown),
        one_line(row.file),
    ]
