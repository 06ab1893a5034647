"""What viewers ask of the journal, shaped for looking on: cheap when nothing happened, paged when there is much."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyagent.event import Event
from pyagent.store.db import AT_WORK, RunRow, Store

# The kinds that change what a task is doing; the rest of a trace is read when somebody opens it.
STATES = (
    "task.started",
    "task.finished",
    "task.unasked",
    "approval.asked",
    "approval.decided",
    "approval.undone",
    "approval.applied",
)
_KINDS = ",".join(f"'{kind}'" for kind in STATES)
# Seconds by which an event may stand behind a newer one: batches of several processes, each committed as one.
SLACK = 2.0
# Parsed by SQLite: most events are passed over, and prompts in them may be long.
_STATUS = "CASE WHEN kind IN ('task.finished', 'task.unasked') THEN json_extract(data, '$.status') END"
_SOURCE = "CASE WHEN kind = 'task.finished' THEN json_extract(data, '$.source') END"


@dataclass(frozen=True, slots=True)
class Change:
    """An event as far as a viewer of states needs it; ``status`` and ``source`` of a finished task."""

    seq: int
    run: str
    task: str | None
    kind: str
    at: float
    status: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """What a run's results add up to. ``usd`` is the known part, ``unknown`` counts results without a price.

    ``upto`` is the row that was counted last.
    """

    upto: int = 0
    ok: int = 0
    failed: int = 0
    skipped: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    unknown: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            max(self.upto, other.upto),
            self.ok + other.ok,
            self.failed + other.failed,
            self.skipped + other.skipped,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.usd + other.usd,
            self.unknown + other.unknown,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """A result as statistics see it; ``seconds`` over all attempts."""

    row: int
    at: float
    run: str
    status: str
    source: str | None
    model: str | None
    input_tokens: int
    output_tokens: int
    usd: float | None
    seconds: float


class Views:
    """Reads over a store, for one thread at a time."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def version(self) -> int:
        """A number that differs when another connection has committed since: 3 us to see that nothing happened."""
        return int(self._all("PRAGMA data_version")[0][0])

    def top(self) -> int:
        """The last event's seq, 0 without any."""
        return int(self._all("SELECT coalesce(max(seq), 0) FROM event")[0][0])

    def changes(self, after: int, limit: int) -> list[Change]:
        """Changes of state of all runs with ``seq`` above ``after``, in order; at most ``limit``."""
        query = f"""SELECT seq, run, task, kind, at, {_STATUS}, {_SOURCE} FROM event
            WHERE seq > ? AND (kind IN ({_KINDS}) OR task IS NULL) ORDER BY seq LIMIT ?"""
        return [Change(*row) for row in self._all(query, (after, limit))]

    def states(self, run: str) -> Iterator[Change]:
        """The same for one run, from its beginning."""
        query = f"""SELECT seq, run, task, kind, at, {_STATUS}, {_SOURCE} FROM event
            WHERE run = ? AND (kind IN ({_KINDS}) OR task IS NULL) ORDER BY seq"""
        for row in self.store.db.execute(query, (run,)):
            yield Change(*row)

    def runs(self) -> list[RunRow]:
        """All runs, the newest first, without the counts of their results: those are in ``totals``."""
        rows = self._all("SELECT * FROM run ORDER BY started DESC, id")
        return [_row(row) for row in rows]

    def working(self, more: Sequence[str] = ()) -> list[RunRow]:
        """Runs that say they are at work, whether their process lives or not, and those in ``more``."""
        marks = ",".join("?" * len(AT_WORK)), ",".join("?" * len(more))
        query = f"SELECT * FROM run WHERE status IN ({marks[0]}) OR id IN ({marks[1]})"
        return [_row(row) for row in self._all(query, (*AT_WORK, *more))]

    def run(self, id: str) -> RunRow | None:
        """The run with exactly this id or name."""
        rows = self._all("SELECT * FROM run WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC LIMIT 1", (id,))
        return _row(rows[0]) if rows else None

    def begun(self, pid: int, since: float, argv: Sequence[str]) -> RunRow | None:
        """The run that process ``pid`` works on; or, when it is over already, the one with this command line."""
        query = "SELECT * FROM run WHERE updated >= ? AND (pid = ? OR (pid IS NULL AND argv = ?)) LIMIT 1"
        rows = self._all(query, (since, pid, json.dumps(list(argv))))
        return _row(rows[0]) if rows else None

    def totals(self, run: str, after: int = 0) -> Totals:
        """The results of a run in rows above ``after``, added up."""
        # `+run`: what came in since the last look is a few rows at the table's end.
        where = "run = ?" if not after else "+run = ? AND rowid > ?"
        rows = self._all(
            f"""SELECT max(rowid), sum(status = 'ok'), sum(status = 'failed'), sum(status = 'skipped'),
            sum(json_extract(body, '$.usage.input_tokens')), sum(json_extract(body, '$.usage.output_tokens')),
            total(json_extract(body, '$.cost_usd')),
            sum(json_extract(body, '$.cost_usd') IS NULL AND status = 'ok') FROM result WHERE {where}""",
            (run, after) if after else (run,),
        )
        return Totals(*(value or 0 for value in rows[0])) if rows[0][0] else Totals(after)

    def answers(self, after: int, limit: int = 50_000) -> list[Answer]:
        """Results of all runs in rows above ``after``, for statistics."""
        query = """SELECT rowid, at, run, status, json_extract(body, '$.source'), json_extract(body, '$.model'),
            coalesce(json_extract(body, '$.usage.input_tokens'), 0),
            coalesce(json_extract(body, '$.usage.output_tokens'), 0),
            json_extract(body, '$.cost_usd'), coalesce(json_extract(body, '$.seconds'), 0)
            FROM result WHERE rowid > ? ORDER BY rowid LIMIT ?"""
        return [Answer(*row) for row in self._all(query, (after, limit))]

    def bodies(self, run: str, tasks: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The Result lines of these tasks, by id."""
        marks = ",".join("?" * len(tasks))
        query = f"SELECT task, body FROM result WHERE run = ? AND task IN ({marks}) ORDER BY rowid"
        return {task: json.loads(body) for task, body in self._all(query, (run, *tasks))}

    def chunks(self, run: str, task: str, after: tuple[int, int] | None = None) -> list[tuple[int, int, str]]:
        """(epoch, first index, text) of a task's stream that came after the chunk ``after``; all without it."""
        if after is None:
            return self.store.chunks(run, task)
        query = """SELECT epoch, first, text FROM chunk WHERE run = ? AND task = ? AND (epoch, first) > (?, ?)
            ORDER BY epoch, first"""
        return self._all(query, (run, task, *after))

    def steps(self, run: str, task: str) -> Iterator[Event]:
        """What opens and closes the spans of a task, with little of their data: ``label`` or ``error``."""
        query = """SELECT seq, span, parent, kind, at,
            coalesce(json_extract(data, '$.name'), json_extract(data, '$.tool'), json_extract(data, '$.model')),
            coalesce(json_extract(data, '$.error'), CASE json_extract(data, '$.status') WHEN 'failed' THEN 'failed' END)
            FROM event WHERE run = ? AND task = ? AND (kind LIKE '%.started' OR kind LIKE '%.finished') ORDER BY seq"""
        for seq, span, parent, kind, at, label, error in self.store.db.execute(query, (run, task)):
            data = {"label": label} if kind.endswith(".started") else {"error": error} if error else {}
            yield Event(kind, run, task, span, parent, at, data, seq)

    def span(self, run: str, task: str, number: int) -> Iterator[Event]:
        """The events of one span, and the task's own: they count how often it was begun. 0 adds up its calls."""
        query = """SELECT seq, span, parent, kind, at, data FROM event
            WHERE run = ?1 AND task = ?2 AND (span IN (0, ?3) OR (?3 = 0 AND kind LIKE 'call.%')) ORDER BY seq"""
        for seq, of, parent, kind, at, data in self.store.db.execute(query, (run, task, number)):
            yield Event(kind, run, task, of, parent, at, json.loads(data), seq)

    def prompt(self, run: str, task: str) -> Any | None:
        """What was asked first, where it was kept."""
        query = """SELECT json_extract(data, '$.messages') FROM event WHERE run = ? AND task = ?
            AND kind LIKE '%.started' AND json_type(data, '$.messages') IS NOT NULL ORDER BY seq LIMIT 1"""
        rows = self._all(query, (run, task))
        return json.loads(rows[0][0]) if rows else None

    def paused(self, row: RunRow) -> bool:
        """Whether the last word to the process at work on the run was `pause`. ``updated`` is when it began."""
        query = "SELECT verb FROM control WHERE run = ? AND at > ? AND verb IN ('pause','resume') ORDER BY seq DESC"
        rows = self._all(f"{query} LIMIT 1", (row.id, row.updated))
        return bool(rows) and rows[0][0] == "pause"

    def waiting(self) -> dict[str, int]:
        """How many questions to a person are open, by run; runs without any are left out."""
        return dict(self._all("SELECT run, count(*) FROM approval WHERE state IN ('waiting', 'later') GROUP BY run"))

    def recent(self, before: int, limit: int) -> list[tuple[int, float, str, str | None, str, dict[str, Any]]]:
        """(seq, at, run, task, kind, data) of events below ``before``, the newest first."""
        query = "SELECT seq, at, run, task, kind, data FROM event WHERE seq < ? ORDER BY seq DESC LIMIT ?"
        return [(*row[:5], json.loads(row[5])) for row in self._all(query, (before, limit))]

    def beats(self, since: float) -> dict[int, tuple[int, int]]:
        """(tasks begun, tasks ended) in each second from ``since`` on; seconds without any are left out."""
        query = """SELECT CAST(at AS INTEGER), sum(kind = 'task.started'), sum(kind = 'task.finished') FROM event
            WHERE seq >= ? AND at >= ? AND kind IN ('task.started', 'task.finished') GROUP BY 1"""
        return {at: (begun, ended) for at, begun, ended in self._all(query, (self._seq_at(since), since))}

    def _seq_at(self, since: float) -> int:
        """A seq with nothing newer than ``since`` before it. Times are in no index, but nearly in the order of seq."""
        low, high = 0, self.top()
        while low < high:
            middle = (low + high) // 2
            rows = self._all("SELECT at FROM event WHERE seq >= ? ORDER BY seq LIMIT 1", (middle,))
            low, high = (low, middle) if not rows or rows[0][0] >= since - SLACK else (middle + 1, high)
        return low

    def tasks_seen(self, run: str, task: str) -> bool:
        """Whether the run's journal knows the task."""
        query = """SELECT 1 WHERE EXISTS (SELECT 1 FROM event WHERE run = ?1 AND task = ?2)
            OR EXISTS (SELECT 1 FROM result WHERE run = ?1 AND task = ?2)"""
        return bool(self._all(query, (run, task)))

    def _all(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        return self.store.read(query, values)


def _row(row: Sequence[Any]) -> RunRow:
    id, name, file, cwd, argv, settings, status, total, pid, started, updated, exit_code, reason = row
    return RunRow(
        id, name, file, cwd, tuple(json.loads(argv)), json.loads(settings),
        status, total, pid, started, updated, exit_code, reason, {},
    )  # fmt: skip
