"""What waits for a person, and what the person said: durable at once, exactly once, and undone while it has no effect.

A decision takes effect `UNDO` seconds after it was made. Whoever decides (web, phone, terminal, `swarm approve`)
writes a row; the process that owns the run, now or later, reads it and goes on from the draft that the row holds.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast, get_args

from pyagent.errors import ApprovalsPending, UsageError
from pyagent.store.db import Store, alive
from pyagent.store.writer import SQL, Put

Kind = Literal["answer", "tool", "cost"]
Risk = Literal["low", "medium", "high"]
Verb = Literal["approve", "reject", "escalate", "later"]
State = Literal["waiting", "later", "approved", "rejected", "escalated"]

# Seconds: long enough to see a slip of the thumb, short enough that nobody waits for it.
UNDO = 10.0
# Seconds that a watcher is believed without a sign of life; it renews every third of them.
WATCH = 30.0
# Characters of what is shown; the draft is whole.
LONGEST_DETAIL, LONGEST_REASON, LONGEST_BY = 16_000, 2_000, 200
RISKS: tuple[Risk, ...] = get_args(Risk)
VERBS: tuple[Verb, ...] = get_args(Verb)
STATES: Mapping[Verb, State] = {
    "approve": "approved",
    "reject": "rejected",
    "escalate": "escalated",
    "later": "later",
}
OPEN = ("waiting", "later")
PUBLIC = ("id", "run", "task", "kind", "title", "detail", "risk", "created", "state", "admin", "applied")
_COLUMNS = """id, run, task, kind, title, detail, risk, created, state, admin, verb, reason, by, decided, effective,
    applied, data, key, nth, point, better"""


class NoSuchApproval(UsageError):
    """There is no approval with that id."""


class AlreadyDecided(UsageError):
    """It was decided otherwise, or it is too late to take the decision back."""


class Waits(ApprovalsPending):
    """Raised inside the way of a task: it goes on when a person has decided the approvals ``ids``."""

    def __init__(self, ids: Sequence[str]) -> None:
        super().__init__(f"waits for a person ({', '.join(ids)})", "decide with `pyagent swarm approve`")
        self.ids = tuple(ids)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person said. ``at`` and ``effective_at`` are seconds since the epoch; until then it can be undone."""

    verb: Verb
    reason: str
    by: str
    at: float
    effective_at: float


@dataclass(frozen=True, slots=True)
class Approval:
    """A question to a person.

    ``run`` is the run's id, ``task`` the task's. ``detail`` is what to look at: the answer, the call, the cost.
    ``admin``: it was escalated with no better model to ask, and is for an administrator. ``applied`` is when the
    decision was acted on. ``data`` holds facts by kind: model, prompt, tool, arguments, cost_usd. ``better`` is the
    model that an escalation asks, or empty.
    """

    id: str
    run: str
    task: str
    kind: Kind
    title: str
    detail: str
    risk: Risk
    created: float
    state: State
    admin: bool = False
    decision: Decision | None = None
    applied: float | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    nth: int = 0
    point: str = ""
    better: str = ""

    @property
    def open(self) -> bool:
        """Whether it still waits for a decision."""
        return self.state in OPEN

    def effective(self, now: float | None = None) -> bool:
        """Whether there is a decision, and the time to take it back is over."""
        return not self.open and self.decision is not None and self.decision.effective_at <= (now or time.time())

    def line(self) -> dict[str, Any]:
        """The public fields, as JSON has them."""
        row: dict[str, Any] = {name: getattr(self, name) for name in PUBLIC}
        row["data"] = dict(self.data)
        said = self.decision
        row["decision"] = said and {name: getattr(said, name) for name in Decision.__dataclass_fields__}
        return row


class Approvals:
    """The approvals in a store, of all runs. Methods with ``run`` take a run's id; None means all."""

    def __init__(self, store: Store) -> None:
        self.store = store

    # what there is

    def waiting(self, run: str | None = None) -> list[Approval]:
        """The deck: what waits for a decision, the oldest first, what was put off at the end."""
        self._settle()
        return self._where("state IN ('waiting', 'later')", run, "place, rowid")

    def decided(self, run: str | None = None, limit: int = 200) -> list[Approval]:
        """The newest decisions first."""
        self._settle()
        return self._where("state NOT IN ('waiting', 'later')", run, f"decided DESC, rowid DESC LIMIT {int(limit)}")

    def of_run(self, run: str) -> list[Approval]:
        """Every approval of a run, in the order of asking."""
        self._settle()
        return self._where("1", run, "rowid")

    def count(self, run: str | None = None) -> int:
        """How many wait for a decision."""
        self._settle()
        return int(self._one("SELECT count(*) FROM approval WHERE state IN ('waiting', 'later')", run)[0])

    def get(self, id: str) -> Approval:
        """Raises NoSuchApproval."""
        self._settle()
        found = self._where("id = ?", None, "rowid", (id,))
        if not found:
            raise NoSuchApproval(f"there is no approval {id!r}", "`pyagent swarm approve --list` shows what waits")
        return found[0]

    def find(self, start: str) -> Approval:
        """The only approval whose id starts so. Raises NoSuchApproval, or UsageError where several do."""
        rows = self.store.read("SELECT id FROM approval WHERE substr(id, 1, ?) = ? LIMIT 2", (len(start), start))
        if len(rows) > 1 and start:
            raise UsageError(f"several approvals start with {start!r}", "give more of the id")
        return self.get(rows[0][0] if rows and start else start)

    def draft(self, id: str) -> dict[str, Any]:
        """What the task had come to when it was asked."""
        drafts = self.store.read("SELECT draft FROM approval WHERE id = ?", (id,))
        return cast(dict[str, Any], json.loads(drafts[0][0])) if drafts else {}

    def outcome(self, id: str) -> str | None:
        """What an approved tool call gave, once it has run to its end."""
        rows = self.store.read("SELECT outcome FROM approval WHERE id = ?", (id,))
        return rows[0][0] if rows else None

    # what a person says

    def decide(self, id: str, verb: str, reason: str = "", by: str = "") -> Approval:
        """Record a decision; the same one again changes nothing. Raises NoSuchApproval, AlreadyDecided, UsageError.

        It is durable when this returns and takes effect `UNDO` seconds later, unless it is undone before.
        """
        if verb not in VERBS:
            raise UsageError(f"{verb!r} is no decision", f"say one of {', '.join(VERBS)}")
        approval = self.get(id)
        if verb == "escalate" and approval.admin and approval.open:
            raise AlreadyDecided(f"{id} is already for an administrator", "approve or reject it")
        reason, by = reason.strip()[:LONGEST_REASON], by.strip()[:LONGEST_BY]
        with self.store.write() as db:
            # Inside the transaction: it may have waited for another one.
            now = time.time()
            changed = db.execute(
                """UPDATE approval SET state = ?, verb = ?, reason = ?, by = ?, decided = ?, effective = ?,
                place = CASE WHEN ? THEN ? ELSE place END WHERE id = ? AND state IN ('waiting', 'later')""",
                (STATES[verb], verb, reason, by, now, now + UNDO, verb == "later", now, id),
            ).rowcount
            if changed:
                said = {"id": id, "verb": verb, "reason": reason, "by": by, "effective_at": now + UNDO}
                _event(db, approval, "approval.decided", said)
        after = self.get(id)
        if not changed and (after.decision is None or after.decision.verb != verb):
            who = f" by {after.decision.by}" if after.decision and after.decision.by else ""
            raise AlreadyDecided(f"{id} is already {after.state}{who}", "undo that first, within 10 seconds")
        return after

    def undo(self, id: str, by: str = "") -> Approval:
        """Take a decision back before it has its effect. Raises NoSuchApproval or AlreadyDecided (too late)."""
        approval = self.get(id)
        with self.store.write() as db:
            changed = db.execute(
                """UPDATE approval SET state = 'waiting', verb = NULL, reason = NULL, by = NULL, decided = NULL,
                effective = NULL, place = created WHERE id = ? AND verb IS NOT NULL AND effective > ?
                AND applied IS NULL""",
                (id, time.time()),
            ).rowcount
            if changed:
                verb = approval.decision.verb if approval.decision else ""
                _event(db, approval, "approval.undone", {"id": id, "verb": verb, "by": by.strip()[:LONGEST_BY]})
        if not changed:
            if approval.decision is None:
                raise AlreadyDecided(f"{id} is not decided", "there is nothing to undo")
            raise AlreadyDecided(f"{id} has taken effect", f"a decision can be undone for {UNDO:g} seconds")
        return self.get(id)

    # what a run does

    def ask(self, row: Sequence[Any]) -> None:
        """Put a question made by `question`; one that is there already stays. A run's own process uses its writer."""
        with self.store.write() as db:
            db.execute(SQL[Put.ASK], row)

    def applicable(self, run: str) -> list[Approval]:
        """The decisions of a run that have their effect and are not acted on yet."""
        self._settle()
        due = "state NOT IN ('waiting', 'later') AND applied IS NULL AND effective <= ?"
        return self._where(due, run, "rowid", (time.time(),))

    def pending(self, run: str) -> bool:
        """Whether a decision of the run is on its way: made, and its effect still to come."""
        due = "state NOT IN ('waiting', 'later') AND applied IS NULL AND effective > ?"
        return bool(self.store.read(f"SELECT 1 FROM approval WHERE run = ? AND {due} LIMIT 1", (run, time.time())))

    def close(self, ids: Iterable[str], why: str) -> None:
        """Take questions back that need no answer any more: approved, by nobody, with effect."""
        now, ids = time.time(), list(ids)
        if not ids:
            return
        with self.store.write() as db:
            db.executemany(
                """UPDATE approval SET state = 'approved', verb = 'approve', reason = ?, by = '', decided = ?,
                effective = ?, applied = ? WHERE id = ? AND applied IS NULL""",
                [(why, now, now, now, id) for id in ids],
            )

    def for_admin(self, id: str) -> None:
        """An escalation whose better model is gone becomes a question to an administrator."""
        with self.store.write() as db:
            db.execute("UPDATE approval SET better = '', applied = NULL WHERE id = ? AND state = 'escalated'", (id,))
        self._settle()

    def forget(self, run: str, statuses: Sequence[str] | None) -> None:
        """Drop the approvals of results with these statuses (None: all of the run), so that they are asked anew."""
        where, values = "", []
        if statuses is not None:
            marks = ",".join("?" * len(statuses))
            where = f" AND (key, nth) IN (SELECT key, nth FROM result WHERE run = ? AND status IN ({marks}))"
            values = [run, *statuses]
        with self.store.write() as db:
            db.execute(f"DELETE FROM approval WHERE run = ?{where}", (run, *values))

    # who watches

    def watch(self, kind: str, seconds: float = WATCH) -> None:
        """Say that this process shows approvals to a person for the next ``seconds``; call it again to go on."""
        with self.store.write() as db:
            row = (os.getpid(), kind, time.time() + seconds)
            db.execute("INSERT OR REPLACE INTO watcher VALUES (?,?,?)", row)

    def unwatch(self, kind: str) -> None:
        with self.store.write() as db:
            db.execute("DELETE FROM watcher WHERE pid = ? AND kind = ?", (os.getpid(), kind))

    def watched(self) -> bool:
        """Whether some process shows approvals to a person now."""
        rows = self.store.read("SELECT pid FROM watcher WHERE until > ?", (time.time(),))
        return any(alive(pid) for (pid,) in rows)

    # inside

    def _settle(self) -> None:
        """An escalation that has its effect and no better model to ask becomes a question to an administrator."""
        now, due = time.time(), "state = 'escalated' AND better = '' AND applied IS NULL AND effective <= ?"
        if not self.store.read(f"SELECT 1 FROM approval WHERE {due} LIMIT 1", (now,)):
            return
        with self.store.write() as db:
            rows = db.execute(f"SELECT {_COLUMNS} FROM approval WHERE {due}", (now,)).fetchall()
            for approval in map(_approval, rows):
                said = {"id": approval.id, "verb": "escalate", "admin": True, "risk": "high"}
                _event(db, approval, "approval.applied", said)
            db.execute(
                f"""UPDATE approval SET state = 'waiting', admin = 1, risk = 'high', verb = NULL, reason = NULL,
                by = NULL, decided = NULL, effective = NULL WHERE {due}""",
                (now,),
            )

    def _where(self, where: str, run: str | None, order: str, values: Sequence[Any] = ()) -> list[Approval]:
        of, values = ("", values) if run is None else (" AND run = ?", (*values, run))
        rows = self.store.read(f"SELECT {_COLUMNS} FROM approval WHERE {where}{of} ORDER BY {order}", values)
        return [_approval(row) for row in rows]

    def _one(self, query: str, run: str | None) -> Sequence[Any]:
        of: Sequence[Any] = () if run is None else (run,)
        row: Sequence[Any] = self.store.read(query + (" AND run = ?" if of else ""), of)[0]
        return row


def question(
    run: str,
    task: str,
    key: str,
    nth: int,
    kind: Kind,
    title: str,
    detail: str,
    risk: Risk,
    point: str = "",
    data: Mapping[str, Any] | None = None,
    better: str = "",
    draft: Mapping[str, Any] | None = None,
) -> tuple[Approval, Sequence[Any]]:
    """(the approval, its row for `Approvals.ask`) of a question about the task with ``key`` (hex) and ``nth``.

    The id holds the time of asking: a card that still shows an earlier question cannot decide this one.
    """
    now = time.time()
    name = json.dumps([run, key, nth, kind, point, now])
    id = hashlib.sha256(name.encode()).hexdigest()[:10]
    if len(detail) > LONGEST_DETAIL:
        detail = f"{detail[:LONGEST_DETAIL]}\n[cut: the first {LONGEST_DETAIL} of {len(detail)} characters]"
    row = (
        id, run, bytes.fromhex(key), nth, kind, point, task, title, detail, risk, _json(data or {}), better,
        _json(draft or {}), now, now,
    )  # fmt: skip
    asked = Approval(id, run, task, kind, title, detail, risk, now, "waiting", data=dict(data or {}))
    return replace(asked, key=key, nth=nth, point=point, better=better), row


def _approval(row: Sequence[Any]) -> Approval:
    (id, run, task, kind, title, detail, risk, created, state, admin, verb, reason, by, decided, effective,
     applied, data, key, nth, point, better) = row  # fmt: skip
    decision = Decision(verb, reason or "", by or "", decided, effective) if verb else None
    return Approval(
        id, run, task, kind, title, detail, risk, created, state, bool(admin), decision, applied,
        json.loads(data), key.hex(), nth, point, better,
    )  # fmt: skip


def _event(db: sqlite3.Connection, approval: Approval, kind: str, data: Mapping[str, Any]) -> None:
    db.execute(
        "INSERT INTO event(run, task, span, parent, kind, at, data) VALUES (?,?,0,NULL,?,?,?)",
        (approval.run, approval.task, kind, time.time(), _json(data)),
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
