"""All that the terminal view shows, read from the store: the same journal as every run, server and shell writes."""

from __future__ import annotations

import json
import time

from pyagent.report.ledger import Ledger
from pyagent.run.approvals import Approval, Approvals
from pyagent.store.db import Store
from pyagent.store.lines import Lines, RunLine
from pyagent.store.states import States
from pyagent.store.views import Views

# Seconds after which processes are looked at again although nobody wrote anything: one may have died.
ROUNDS = 2.0
# Changes read at once; a journal that grew by more is read in several looks.
BATCH = 20_000


class Feed:
    """`look` reads what is new. ``chosen`` is the run whose tasks are followed in ``board``."""

    def __init__(self, store: Store) -> None:
        self.store, self.views, self.approvals = store, Views(store), Approvals(store)
        self.runs: list[RunLine] = []
        self.deck: list[Approval] = []
        self.board: States | None = None
        self._lines, self._ledger = Lines(), Ledger()
        self._version, self._round, self._seq = -1, 0.0, 0

    def look(self) -> bool:
        """Read what changed; False when nothing did. 5 us then."""
        version, now = self.views.version(), time.monotonic()
        if version == self._version and now < self._round:
            return False
        self._version, self._round = version, now + ROUNDS
        self.read()
        return True

    def read(self) -> None:
        """Read everything that is shown."""
        self.deck = self.approvals.waiting()
        self.runs = self._lines.all(self.views)
        if self.board is not None and (line := self.line(self.board.run)):
            self._follow(self.board, line)

    def choose(self, run: str) -> None:
        """Follow this run's tasks."""
        line = self.line(run)
        if line is not None and (self.board is None or self.board.run != run):
            # Before the reading: what comes in meanwhile is passed over by its seq.
            self._seq = self.views.top()
            self.board = States.load(self.views, run)
            self._follow(self.board, line)

    def line(self, run: str) -> RunLine | None:
        return next((line for line in self.runs if line.row.id == run), None)

    def text(self, run: str, task: str) -> str:
        """What a task has said: its stream so far, else its result, else what waits for a person."""
        bodies = self.views.bodies(run, [task])
        body = bodies.get(task)
        if body is not None:
            output = body["output"] if body["error"] is None else body["error"]
            return output if isinstance(output, str) else json.dumps(output, indent=2, ensure_ascii=False)
        if chunks := self.store.chunks(run, task):
            return "".join(text for _, _, text in chunks)
        return next((each.detail for each in self.deck if each.run == run and each.task == task), "")

    def prompt(self, run: str, task: str) -> str:
        """The last thing that the task's newest call was told, where prompts are recorded."""
        asked = ""
        for event in self.store.events(run, task):
            if event.kind == "call.started" and event.data.get("messages"):
                asked = str(event.data["messages"][-1]["content"])
        return asked

    def sums(self) -> Ledger:
        """What all answers add up to, by model and by minute. Only who looks at it pays for the reading."""
        self._ledger.follow(self.views)
        return self._ledger

    def _follow(self, board: States, line: RunLine) -> None:
        """Take in what happened since; nobody asks anything any more in a run that no process works on."""
        while changes := self.views.changes(self._seq, BATCH):
            self._seq = changes[-1].seq
            board.fold(change for change in changes if change.run == board.run)
        board.grow(line.row.total)
        if not line.alive:
            board.lost()
