"""All that the terminal view shows, read from the store: the same journal as every run, server and shell writes."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from dataclasses import dataclass, field

from pyagent.run.approvals import Approval, Approvals
from pyagent.store.db import AT_WORK, RunRow, Store, alive
from pyagent.store.views import Answer, Totals, Views
from pyagent.tui.board import Board

# Answers that the statistics are made of: the newest.
ANSWERS = 20_000
# Seconds after which processes are looked at again although nobody wrote anything: one may have died.
ROUNDS = 2.0


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run as the list shows it. ``status``: running, paused, waiting, finished, stopped or dead (killed)."""

    row: RunRow
    status: str
    totals: Totals
    waiting: int
    alive: bool

    @property
    def done(self) -> int:
        return self.totals.ok + self.totals.failed + self.totals.skipped


@dataclass(slots=True)
class ModelLine:
    """What a model has answered; ``seconds`` of each answer that was computed."""

    name: str
    tasks: int = 0
    failed: int = 0
    tokens: int = 0
    usd: float = 0.0
    unknown: bool = False
    seconds: list[float] = field(default_factory=list)

    def add(self, answer: Answer) -> None:
        self.tasks += 1
        self.failed += answer.status != "ok"
        self.tokens += answer.input_tokens + answer.output_tokens
        self.usd += answer.usd or 0.0
        self.unknown = self.unknown or (answer.usd is None and answer.status == "ok")
        if answer.source == "computed" and answer.status == "ok":
            self.seconds.append(answer.seconds)

    def share(self, part: float) -> float | None:
        """The seconds within which this part (0..1) of the answers came."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else None


class Feed:
    """`look` reads what is new. ``chosen`` is the run whose tasks are followed in ``board``."""

    def __init__(self, store: Store) -> None:
        self.store, self.views, self.approvals = store, Views(store), Approvals(store)
        self.runs: list[RunLine] = []
        self.deck: list[Approval] = []
        self.board: Board | None = None
        self.answers: list[Answer] = []
        self._totals: dict[str, Totals] = {}
        self._version, self._round = -1, 0.0

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
        waits: dict[str, int] = defaultdict(int)
        for approval in self.deck:
            waits[approval.run] += 1
        self.runs = [self._line(row, waits[row.id]) for row in self.views.runs()]
        if self.board is not None and (line := self.line(self.board.run)):
            self.board.follow(line.row.total, line.alive)
        self._read_answers()

    def choose(self, run: str) -> None:
        """Follow this run's tasks."""
        line = self.line(run)
        if line is not None and (self.board is None or self.board.run != run):
            self.board = Board(self.views, run)
            self.board.follow(line.row.total, line.alive)

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

    def models(self) -> list[ModelLine]:
        """The models by the tasks that they answered, the busiest first."""
        lines: dict[str, ModelLine] = {}
        for answer in self.answers:
            name = answer.model or "none"
            lines.setdefault(name, ModelLine(name)).add(answer)
        return sorted(lines.values(), key=lambda line: -line.tasks)

    def per_minute(self, minutes: int = 60) -> list[int]:
        """Tasks done in each of the last minutes, the newest last."""
        counts, now = [0] * minutes, time.time()
        for answer in self.answers:
            ago = int((now - answer.at) / 60)
            if 0 <= ago < minutes:
                counts[minutes - 1 - ago] += 1
        return counts

    def _line(self, row: RunRow, waiting: int) -> RunLine:
        living = row.status in AT_WORK and alive(row.pid)
        status = row.status
        if living and self.views.paused(row):
            status = "paused"
        elif row.status == "running" and not living:
            status = "dead"
        return RunLine(row, status, self._total(row), waiting, living)

    def _total(self, row: RunRow) -> Totals:
        known = self._totals.get(f"{row.id} {row.updated}")
        if known is None:
            self._totals = {name: total for name, total in self._totals.items() if not name.startswith(f"{row.id} ")}
        if known is None or row.status in AT_WORK:
            more = self.views.totals(row.id, known.upto if known else 0)
            known = known + more if known else more
            self._totals[f"{row.id} {row.updated}"] = known
        return known

    def _read_answers(self) -> None:
        after = self.answers[-1].row if self.answers else 0
        self.answers = (self.answers + self.views.answers(after))[-ANSWERS:]
