"""What happened, append-only: the one stream that progress, web, phone, JUnit, traces and the miner read."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    ``kind`` is ``noun.verb`` in the past or present: ``run.started``, ``task.started``, ``call.finished``.
    A span opens with ``X.started`` and closes with ``X.finished`` under the same ``span``; ``span`` and
    ``parent`` count within one task (0: the task itself). ``at`` is seconds since the epoch (UTC).
    ``seq`` is given by the store and orders all events of all runs; 0 means not stored yet.
    """

    kind: str
    run: str
    task: str | None = None
    span: int = 0
    parent: int | None = None
    at: float = field(default_factory=time.time)
    data: Mapping[str, Any] = field(default_factory=dict)
    seq: int = 0


Emit = Callable[[Event], None]
