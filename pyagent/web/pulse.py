"""The last minutes of the whole house, second by second, so that the live chart does not begin empty."""

from __future__ import annotations

from typing import Any

from pyagent.store.views import Views

SECONDS = 300


def pulse(views: Views, at_work: int, now: float) -> dict[str, Any]:
    """Agents at work and tasks done in each of the last seconds but this one; counted back from ``at_work`` now."""
    last = int(now) - 1
    beats = views.beats(float(last - SECONDS + 1))
    seconds, work, done = range(last - SECONDS + 1, last + 1), [], []
    begun, ended = beats.get(last + 1, (0, 0))
    level = at_work - begun + ended
    for second in reversed(seconds):
        begun, ended = beats.get(second, (0, 0))
        # A process that died ended none of its tasks, which are not at work any more.
        work.append(max(0, level))
        done.append(ended)
        level += ended - begun
    return {"at": list(seconds), "work": work[::-1], "done": done[::-1]}
