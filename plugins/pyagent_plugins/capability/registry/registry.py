"""The registry: who was measured, when, on what, with what result; the one place that all conclusions rest on."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from pyagent.errors import UsageError
from pyagent_plugins.capability.registry.begun import ITEM, asked, begin, clear, week_of
from pyagent_plugins.capability.registry.file import RegistryFile, where
from pyagent_plugins.capability.registry.notes import Notes
from pyagent_plugins.capability.registry.rows import Check, CheckRow
from pyagent_plugins.capability.words import Cell, Item, Measured, Outcome

T = TypeVar("T")
FILE = "capability.db"
# One run a (week, model name) speaks for the week: of the newest valid run's identity, for each dimension the run
# that asked most. A smoke check beside the weekly one does not take its place.
SPEAKS = """
    WITH ok AS (
        SELECT run.id, run.week, run.model AS identity, run.finished, model.name,
            model.engine || model.weights || model.quant AS what FROM run
        JOIN model ON model.id = run.model WHERE run.status = 'valid'),
    newest AS (
        SELECT id, row_number() OVER (PARTITION BY name, week ORDER BY finished DESC, id DESC) AS nth, name, week,
            identity FROM ok),
    speaks AS (
        SELECT ok.* FROM ok JOIN newest ON newest.nth = 1
            AND (newest.name, newest.week, newest.identity) = (ok.name, ok.week, ok.identity))
"""


class Registry(Notes):
    """One user's measurements in ``DATA/capability.db``, shared by all processes. Every write is one transaction."""

    def __init__(self, file: RegistryFile) -> None:
        self.file = file

    @classmethod
    def open(cls, path: Path, readonly: bool = False) -> Registry:
        """Open or create the file. Raises StoreError (torn, not writable), StoreTooNew or Busy.

        With ``readonly`` a file that is not there reads as an empty registry and is not made.
        """
        return cls(RegistryFile(path, readonly))

    def close(self) -> None:
        self.file.close()

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # ---- a check, from its beginning to its end

    def model(self, measured: Measured) -> int:
        """The row of this identity, made if need be; what is declared is brought up to date."""
        m = measured
        identity = (m.name, m.engine, m.weights, m.version, m.quant, m.context)
        declared = json.dumps(dict(m.declared), sort_keys=True, default=str)

        def work(db: sqlite3.Connection) -> int:
            db.execute(
                """INSERT INTO model(name, engine, weights, version, quant, context, declared, first)
                VALUES (?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET declared = excluded.declared""",
                (*identity, declared, time.time()),
            )
            query = """SELECT id FROM model WHERE (name, engine, weights, version, quant) = (?,?,?,?,?)
                AND context IS ?"""
            return int(db.execute(query, identity).fetchone()[0])

        return self.file.write(work)

    def begin(self, week: str, model: int, suite: str, items: Sequence[Item]) -> Check:
        """The check of this (week, model, suite): a new one, or the one begun earlier with what it has.

        A valid one is finished; a partial one goes on; an invalid one (a broken set-up) starts afresh. Answers to
        items that changed meanwhile are dropped. Raises UsageError for a week not like 2026-W48.
        """
        return self.file.write(lambda db: begin(db, week_of(week), model, suite, items))

    def record(self, check: int, outcomes: Sequence[Outcome]) -> None:
        """Keep answers; the first one to an item stays. Raises UsageError for an item that the check did not ask."""

        def work(db: sqlite3.Connection) -> None:
            known = dict(asked(db, check))
            for o in outcomes:
                if o.item not in known:
                    raise UsageError(f"check {check} did not ask the item {o.item}", "begin the check with its items")
                db.execute(
                    "INSERT INTO result VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
                    (
                        check, known[o.item], float(o.solved), int(o.complied), _text(o.said), o.seconds, o.ttft,
                        o.input_tokens, o.output_tokens, o.cost_usd, o.answer_sha, o.error, time.time(),
                    ),
                )  # fmt: skip

        self.file.write(work)

    def finish(
        self,
        check: int,
        status: Literal["valid", "invalid", "partial"],
        cells: Sequence[Cell] = (),
        ops: Mapping[str, float] | None = None,
        reason: str = "",
    ) -> None:
        """End a check with what was concluded; a second end replaces the first. ``reason`` says why not valid."""

        def work(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM capability WHERE run = ?", (check,))
            db.execute("DELETE FROM op WHERE run = ?", (check,))
            db.execute(
                "UPDATE run SET status = ?, reason = ?, finished = ? WHERE id = ?", (status, reason, time.time(), check)
            )
            db.executemany(
                "INSERT INTO capability VALUES (?,?,?,?,?,?,?,?,?,?)",
                [
                    (check, c.dim, c.n, c.solved, c.low, c.high, c.complied, c.theta, c.theta_se, int(c.applicable))
                    for c in cells
                ],
            )
            db.executemany("INSERT INTO op VALUES (?,?,?)", [(check, *op) for op in (ops or {}).items()])

        self.file.write(work)

    def reset(self, check: int) -> None:
        """Forget a check's answers and conclusions, so that it is done again from its beginning."""
        self.file.write(lambda db: clear(db, check))

    # ---- what was measured

    def outcomes(self, check: int) -> list[Outcome]:
        """All answers of a check, in the order of its items."""
        return list(self.answered(check).values())

    def answered(self, check: int) -> dict[int, Outcome]:
        """The same by the item's row, which two checks share when they asked exactly the same."""
        rows = self.file.all(
            """SELECT seq, id, dim, level, kind, cluster, solved, complied, said, seconds, ttft, input_tokens,
            output_tokens, cost_usd, answer_sha, error FROM result JOIN item ON item.seq = result.item
            WHERE run = ? ORDER BY item.seq""",
            (check,),
        )
        return {seq: _made(Outcome, *row[:6], bool(row[6]), *row[7:]) for seq, *row in rows}

    def items(self, check: int) -> list[Item]:
        """All items that a check asks."""
        rows = self.file.all(
            f"SELECT {ITEM} FROM asked JOIN item ON item.seq = asked.item WHERE run = ? ORDER BY seq", (check,)
        )
        return [_made(Item, *row[:6], int(row[6]), *row[7:]) for row in rows]

    def checks(self, model: str | None = None, week: str | None = None) -> list[CheckRow]:
        """Checks of a model (by name) and a week, the newest week first, the latest ended first."""
        which, values = where({"model.name": model, "run.week": week})
        rows = self.file.all(
            f"""SELECT run.id, name, week, suite, status, reason, started, finished,
            (SELECT count(*) FROM asked WHERE asked.run = run.id), count(result.item),
            CASE WHEN count(result.item) = count(cost_usd) THEN coalesce(sum(cost_usd), 0.0) END,
            engine, weights, version, quant, context, declared
            FROM run JOIN model ON model.id = run.model LEFT JOIN result ON result.run = run.id
            {which} GROUP BY run.id ORDER BY week DESC, coalesce(finished, started) DESC, run.id DESC""",
            values,
        )
        return [_made(CheckRow, *row[:11], _made(Measured, row[1], *row[11:16], json.loads(row[16]))) for row in rows]

    def speaking(self, model: str, week: str) -> CheckRow | None:
        """The check whose answers stand for the model in that week: valid, of its newest identity, the largest."""
        valid = [row for row in self.checks(model, week) if row.status == "valid"]
        same = [row for row in valid if row.measured == valid[0].measured]
        return max(same, key=lambda row: row.answered, default=None)

    def weeks(self, model: str) -> list[str]:
        """The weeks with a valid check of the model, the oldest first."""
        rows = self.file.all(
            """SELECT DISTINCT week FROM run JOIN model ON model.id = run.model
            WHERE name = ? AND status = 'valid' ORDER BY week""",
            (model,),
        )
        return [week for (week,) in rows]

    def models(self) -> list[str]:
        """The names of all models that were ever checked."""
        return [
            n for (n,) in self.file.all("SELECT DISTINCT name FROM model JOIN run ON run.model = model.id ORDER BY 1")
        ]

    def cells(self, model: str | None = None, week: str | None = None, latest: bool = False) -> list[Cell]:
        """What valid checks concluded, one cell for (model, week, dimension).

        Where several checks of a week measured a dimension, the newest identity's with the most items counts.
        ``latest``: of each dimension's newest week only, and nothing of weights that the name no longer stands for.
        """
        which, values = where({"name": model, "week": week})
        rows = self.file.all(
            f"""{SPEAKS}, best AS (
                SELECT name, week, what, c.*, row_number() OVER (
                    PARTITION BY name, week, dim ORDER BY n DESC, finished DESC, run DESC) AS nth
                FROM speaks JOIN capability c ON c.run = speaks.id {which})
            SELECT name, week, dim, n, solved, low, high, complied, theta, theta_se, applicable FROM best b
            WHERE nth = 1 AND (? OR (
                week = (SELECT max(week) FROM best WHERE name = b.name AND dim = b.dim)
                AND what = (SELECT what FROM speaks WHERE name = b.name ORDER BY week DESC, finished DESC LIMIT 1)))
            ORDER BY name, week, dim""",
            (*values, not latest),
        )
        return [_made(Cell, *row[:10], bool(row[10])) for row in rows]

    def ops(self, model: str, week: str | None = None) -> dict[str, float]:
        """What was measured of the service in a week (default: the newest), by name."""
        rows = self.file.all(
            f"""{SPEAKS} SELECT op.name, value FROM speaks JOIN op ON op.run = speaks.id
            WHERE speaks.name = ?1 AND week = coalesce(?2, (SELECT max(week) FROM speaks WHERE name = ?1))
            ORDER BY (SELECT count(*) FROM result WHERE result.run = speaks.id)""",
            (model, week),
        )
        return dict(rows)

    # ---- the baseline

    def accept(self, model: str, week: str) -> None:
        """Make a week the one that later weeks are held against. Raises UsageError when it was not measured."""
        if week_of(week) not in self.weeks(model):
            known = ", ".join(self.weeks(model)[-5:]) or "none; run `pyagent capability check`"
            raise UsageError(f"{model} has no valid check in {week}", f"weeks that have one: {known}")
        self.file.write(
            lambda db: db.execute("INSERT INTO accepted(model, week, at) VALUES (?,?,?)", (model, week, time.time()))
        )

    def baseline(self, model: str) -> str | None:
        """The week accepted last, None when nobody accepted one."""
        rows = self.file.all("SELECT week FROM accepted WHERE model = ? ORDER BY id DESC LIMIT 1", (model,))
        return rows[0][0] if rows else None


def _made(kind: Callable[..., T], *values: Any) -> T:
    return kind(*values)


def _text(said: str) -> str:
    """Half surrogate pairs, which a model's answer may hold, are no UTF-8."""
    return said.encode("utf-8", "replace").decode()
