"""What a comparison says, as data: every number with its interval and n, and why it is called real or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pyagent_plugins.capability.registry.rows import Alert

Verdict = Literal["regression", "improvement", "same", "new", "gone"]


@dataclass(frozen=True, slots=True)
class Share:
    """A share solved, 0..1, with its 95 % interval and the number of answers behind it."""

    solved: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Change:
    """One dimension (``dim`` empty: the overall index) in two weeks.

    ``delta`` with its 95 % interval is after minus before: over the ``paired`` items that both weeks asked where
    ``test`` is ``mcnemar``, between the two shares where it is ``ability``. ``p`` is one-sided in the direction of
    the change, ``q`` after all that was looked at; ``log_e`` is the highest evidence for a loss. ``visible`` is the
    smallest drop that so many paired items would show with a chance of 0.8.
    """

    dim: str
    before: Share | None
    after: Share | None
    verdict: Verdict
    test: Literal["mcnemar", "ability", "none"] = "none"
    paired: int = 0
    lost: int = 0
    won: int = 0
    delta: float = 0.0
    low: float = 0.0
    high: float = 0.0
    p: float = 1.0
    q: float = 1.0
    log_e: float = 0.0
    visible: float = 1.0

    @property
    def real(self) -> bool:
        return self.verdict in ("regression", "improvement")


@dataclass(frozen=True, slots=True)
class Gap:
    """Anchors minus fresh items at equal level; ``n`` answers of each kind. Above 5 points: memorised."""

    dim: str
    gap: float
    low: float
    high: float
    anchors: int
    fresh: int
    memorised: bool


@dataclass(frozen=True, slots=True)
class Bias:
    """One answer given to ``share`` of the ``n`` items of a template, of which only ``solved`` were right."""

    dim: str
    cluster: str
    said: str
    share: float
    solved: float
    n: int


@dataclass(frozen=True, slots=True)
class Drift:
    """Evidence for a lasting loss since the week ``since``, from ``n`` fresh items of ``weeks`` later weeks.

    ``expected`` and ``solved`` are shares; ``first`` counts the weeks until it first was an alarm, None: never.
    """

    dim: str
    since: str
    weeks: int
    n: int
    expected: float
    solved: float
    cusum: float
    threshold: float
    alarmed: bool
    first: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All that is to be said about a model between two weeks.

    ``identity`` names what is not the same any more (weights, version, quant, context). ``exact`` is True for a
    local model, whose answers are the same each time: there any changed one is news. ``changed`` of the ``paired``
    answers were others.
    """

    model: str
    before: str
    after: str
    identity: tuple[str, ...]
    exact: bool
    paired: int
    changed: int
    overall: Change
    changes: tuple[Change, ...]
    memory: tuple[Gap, ...]
    bias: tuple[Bias, ...]
    drift: tuple[Drift, ...]
    ops: Mapping[str, tuple[float | None, float | None]]
    alerts: tuple[Alert, ...] = ()
