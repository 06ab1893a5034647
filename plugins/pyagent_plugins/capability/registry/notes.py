"""What stands beside the measurements in the same file: alerts, prices over time, and what routing decided."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pyagent_plugins.capability.registry.file import RegistryFile, where
from pyagent_plugins.capability.registry.rows import Alert, Price, RouteRow

_ALERT = "model, week, kind, dim, severity, message, delta, p, q, log_e, cusum"


class Notes:
    """The registry's second half; ``Registry`` is what others open."""

    file: RegistryFile

    def alert(self, alert: Alert) -> bool:
        """Keep an alert, the first of its (model, week, kind, dim); gives whether it is new."""
        a = alert
        values = (a.model, a.week, a.kind, a.dim, a.severity, a.message, a.delta, a.p, a.q, a.log_e, a.cusum)
        return self.file.write(
            lambda db: (
                db.execute(
                    f"INSERT INTO alert({_ALERT}, at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
                    (*values, time.time()),
                ).rowcount
                > 0
            )
        )

    def alerts(self, model: str | None = None, week: str | None = None, unseen: bool = False) -> list[Alert]:
        """Alerts, the newest week first; ``unseen``: without those that ``saw`` marked."""
        which, values = where({"model": model, "week": week}, "seen IS NULL" if unseen else "")
        query = f"SELECT {_ALERT}, at, id FROM alert {which} ORDER BY week DESC, id DESC"
        return [
            Alert(r[0], r[1], r[2], r[5], r[3], r[4], *r[6:]) for r in self.file.all(query, values)
        ]  # fmt: skip

    def saw(self, alerts: Iterable[int]) -> None:
        """Mark alerts, by id, as seen by a person."""
        rows = [(time.time(), id) for id in alerts]
        self.file.write(lambda db: db.executemany("UPDATE alert SET seen = ? WHERE id = ? AND seen IS NULL", rows))

    def price(
        self,
        model: str,
        input: float | None,
        output: float | None,
        source: str,
        valid_from: float | None = None,
    ) -> bool:
        """Append a price (USD for a million tokens; None: unknown) when it differs from the last; gives whether."""
        since = time.time() if valid_from is None else valid_from

        def work(db: sqlite3.Connection) -> bool:
            last = db.execute(
                "SELECT input, output FROM price WHERE model = ? AND valid_from <= ? ORDER BY valid_from DESC, id DESC",
                (model, since),
            ).fetchone()
            if last == (input, output):
                return False
            values = (model, input, output, since, source, time.time())
            db.execute("INSERT INTO price(model, input, output, valid_from, source, at) VALUES (?,?,?,?,?,?)", values)
            return True

        return self.file.write(work)

    def prices(self, model: str | None = None) -> list[Price]:
        """The history of prices, the oldest first; the last one of a model holds."""
        which, values = where({"model": model})
        query = f"SELECT model, input, output, valid_from, source FROM price {which} ORDER BY valid_from, id"
        return [Price(*row) for row in self.file.all(query, values)]

    def routed(
        self,
        needs: Mapping[str, Any],
        candidates: Sequence[Any],
        chosen: str,
        p: float,
        bound: float,
        cost: float | None,
        propensity: float,
    ) -> int:
        """Keep a routing decision; gives its number for ``outcome``."""
        told = (json.dumps(dict(needs), default=str), json.dumps(list(candidates), default=str))
        values = (time.time(), *told, chosen, p, bound, cost, propensity)
        query = """INSERT INTO route(at, needs, candidates, chosen, p, bound, cost, propensity)
            VALUES (?,?,?,?,?,?,?,?)"""
        return self.file.write(lambda db: int(db.execute(query, values).lastrowid or 0))

    def outcome(self, route: int, good: float) -> None:
        """Say how good (0..1) the answer of a routed prompt was."""
        self.file.write(
            lambda db: db.execute("UPDATE route SET good = ?, judged = ? WHERE id = ?", (good, time.time(), route))
        )

    def routes(self, judged: bool = False, since: float = 0.0, most: int = 100_000) -> list[RouteRow]:
        """The newest decisions, at most so many, the oldest first; ``judged``: only those with an outcome."""
        only = "AND good IS NOT NULL" if judged else ""
        rows = self.file.all(
            f"""SELECT id, at, needs, candidates, chosen, p, bound, cost, propensity, good FROM route
            WHERE at >= ? {only} ORDER BY id DESC LIMIT ?""",
            (since, most),
        )
        return [RouteRow(r[0], r[1], json.loads(r[2]), tuple(json.loads(r[3])), *r[4:]) for r in reversed(rows)]
