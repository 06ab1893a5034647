"""Who changed what, and who was turned away: kept, so that a person can see what was done in their name."""

from __future__ import annotations

import time
from dataclasses import dataclass

from pyagent.web.database import Database

# A person reads the last days; whoever floods the log must not fill the disk.
KEPT, EVERY = 20_000, 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: ``what`` is a method and a path without its query, ``detail`` never holds a secret."""

    seq: int
    at: float
    who: str
    what: str
    status: int
    detail: str
    address: str


class Audit:
    """Appends and pages the log."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._written = 0

    def add(self, who: str, what: str, status: int, detail: str = "", address: str = "") -> None:
        row = (time.time(), who[:80], what[:300], status, detail[:300], address)
        self._db.write("INSERT INTO audit(at, who, what, status, detail, address) VALUES (?,?,?,?,?,?)", row)
        self._written += 1
        if self._written % EVERY == 0:
            self._db.write("DELETE FROM audit WHERE seq <= (SELECT max(seq) FROM audit) - ?", (KEPT,))

    def page(self, before: int, limit: int) -> list[Entry]:
        """The newest entries below ``before``."""
        query = "SELECT seq, at, who, what, status, detail, address FROM audit WHERE seq < ?"
        return [Entry(*row) for row in self._db.all(f"{query} ORDER BY seq DESC LIMIT ?", (before, limit))]
