"""The states of a run's tasks as pages get them: all of them packed once, then what changed."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from pyagent.store.states import NAMES as NAMES
from pyagent.store.states import States


def snapshot(states: States) -> dict[str, Any]:
    """The whole run; ``states`` is base64 of ``total`` bytes."""
    packed = base64.b64encode(states.whole()).decode()
    return {"total": states.total, "ids": states.ids, "states": packed}


def delta(states: States, changed: Mapping[int, int], known: int) -> dict[str, Any]:
    """What changed; ``known`` tasks had their ids told before."""
    new = {str(n): states.ids[n] for n in range(known, len(states.ids))}
    return {"d": [[n, state] for n, state in changed.items()], "ids": new, "total": states.total}
