"""Runs as the API shows them: the lines of the list as JSON, with the model that is asked."""

from __future__ import annotations

from typing import Any

from pyagent.host.app import DEFAULT_MODEL
from pyagent.store.db import RunRow
from pyagent.store.lines import Lines, RunLine
from pyagent.store.views import Views

Shape = dict[str, Any]


class Runs:
    """Shapes rows; what their results add up to is remembered."""

    def __init__(self) -> None:
        self._lines = Lines()

    def all(self, views: Views) -> list[Shape]:
        """Every run, the newest first."""
        return [_shape(line) for line in self._lines.all(views)]

    def shape(self, views: Views, row: RunRow) -> Shape:
        return _shape(self._lines.of(views, row))


def _shape(line: RunLine) -> Shape:
    row, total = line.row, line.totals
    return {
        "id": row.id,
        "name": row.name,
        "file": row.file,
        "status": line.status,
        "total": row.total,
        "done": {"ok": total.ok, "failed": total.failed, "skipped": total.skipped},
        "waiting": line.waiting,
        "started": row.started,
        "updated": row.updated,
        "exit_code": row.exit_code,
        "reason": row.reason,
        "model": row.settings.get("model") or DEFAULT_MODEL,
        "tokens": {"input": total.input_tokens, "output": total.output_tokens},
        "cost_usd": None if total.unknown else round(total.usd, 9),
        "alive": line.alive,
    }
