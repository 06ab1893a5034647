"""What the registry gives back, frozen: a check, its row in a list, a price, an alert, a routing decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pyagent_plugins.capability.words import Measured

Status = Literal["running", "valid", "invalid", "partial"]
Severity = Literal["info", "warning", "regression"]


@dataclass(frozen=True, slots=True)
class Check:
    """A check to be worked on: the ids of the items that have an answer, and whether nothing is left to do."""

    id: int
    done: frozenset[str] = frozenset()
    finished: bool = False


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A check as the registry knows it. Times are seconds since the epoch; ``cost_usd`` None: a price is unknown."""

    id: int
    model: str
    week: str
    suite: str
    status: Status
    reason: str
    started: float
    finished: float | None
    items: int
    answered: int
    cost_usd: float | None
    measured: Measured


@dataclass(frozen=True, slots=True)
class Price:
    """What a model cost from a moment on, in USD for a million tokens; None: unknown."""

    model: str
    input: float | None
    output: float | None
    valid_from: float
    source: str


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that a person should know, stored once for (model, week, kind, dim).

    ``kind`` is ``regression``, ``improvement``, ``behaviour_change``, ``drift``, ``memorised``, ``bias``,
    ``price_up``, ``deprecated`` ...; ``dim`` is empty for the whole model. ``delta`` is a share (-0.05: five
    points lost); ``p`` and ``q`` before and after Benjamini-Hochberg; ``log_e`` of the e-process; ``cusum`` of
    the weeks. ``id`` and ``at`` are the registry's.
    """

    model: str
    week: str
    kind: str
    message: str
    dim: str = ""
    severity: Severity = "warning"
    delta: float | None = None
    p: float | None = None
    q: float | None = None
    log_e: float | None = None
    cusum: float | None = None
    at: float = 0.0
    id: int = 0


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A routing decision: ``good`` 0..1 once somebody judged the answer; ``propensity`` its chance of being made."""

    id: int
    at: float
    needs: Mapping[str, Any]
    candidates: tuple[Any, ...]
    chosen: str
    p: float
    bound: float
    cost: float | None
    propensity: float
    good: float | None
