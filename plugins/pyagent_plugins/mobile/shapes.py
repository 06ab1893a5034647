"""What the screens show, read from the API's JSON, so that both backends give the very same things."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]
# A run in one of these is not over.
LIVE = ("running", "paused", "waiting")


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in. ``scopes``: read, approve, admin."""

    name: str
    scopes: tuple[str, ...]
    version: str

    @classmethod
    def of(cls, row: Json) -> Session:
        return cls(row.get("name") or "", tuple(row["scopes"]), row["version"])

    def may(self, scope: str) -> bool:
        return scope in self.scopes


@dataclass(frozen=True, slots=True)
class Card:
    """One question to a person. Times in seconds since the epoch; ``effective`` is when its decision takes effect."""

    id: str
    run: str
    task: str
    kind: str
    title: str
    detail: str
    risk: str
    created: float
    state: str
    admin: bool = False
    by: str = ""
    reason: str = ""
    effective: float | None = None

    @classmethod
    def of(cls, row: Json) -> Card:
        said = row.get("decision") or {}
        plain = {key: row[key] for key in ("id", "run", "task", "kind", "title", "detail", "risk", "created", "state")}
        return cls(
            **plain,
            admin=bool(row.get("admin")),
            by=said.get("by") or "",
            reason=said.get("reason") or "",
            effective=said.get("effective_at"),
        )

    @property
    def open(self) -> bool:
        return self.state in ("waiting", "later")


@dataclass(frozen=True, slots=True)
class Deck:
    """The first cards in the order of asking, what was put off at the end; ``waiting`` counts all there are."""

    cards: tuple[Card, ...]
    waiting: int


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it stands now. ``cost`` in USD, None when a price is not known."""

    id: str
    name: str
    status: str
    total: int
    ok: int
    failed: int
    skipped: int
    waiting: int
    started: float
    updated: float
    reason: str
    model: str
    tokens: int
    cost: float | None

    @classmethod
    def of(cls, row: Json) -> Run:
        done, tokens = row["done"], row["tokens"]
        return cls(
            row["id"], row["name"], row["status"], row["total"], done["ok"], done["failed"], done["skipped"],
            row["waiting"], row["started"], row["updated"], row.get("reason") or "", row.get("model") or "",
            tokens["input"] + tokens["output"], row["cost_usd"],
        )  # fmt: skip

    @property
    def done(self) -> int:
        return self.ok + self.failed + self.skipped

    @property
    def live(self) -> bool:
        return self.status in LIVE


@dataclass(frozen=True, slots=True)
class Agent:
    """One attempt at one task, at work now."""

    run: str
    task: str
    model: str
    started: float

    @classmethod
    def of(cls, row: Json) -> Agent:
        return cls(row["run"], row["task"], row.get("model") or "", row["started"])


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task of a run that has begun."""

    id: str
    state: str
    error: str
    seconds: float | None

    @classmethod
    def of(cls, row: Json) -> TaskRow:
        return cls(row["id"], row["state"] or "", row.get("error") or "", row.get("seconds"))


@dataclass(frozen=True, slots=True)
class Overview:
    """The numbers over everything; ``cost`` in USD over the last day, ``unknown``: some of it has no price."""

    working: int
    waiting: int
    tasks: int
    tokens: int
    cost: float | None
    unknown: bool

    @classmethod
    def of(cls, row: Json) -> Overview:
        return cls(
            row["agents_at_work"], row["approvals_waiting"], row["tasks_done_24h"], row["tokens_24h"],
            row["cost_usd_24h"], bool(row["unknown_cost"]),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Series:
    """Sums by step of time: ``at`` in seconds since the epoch, the others of the same length."""

    at: tuple[float, ...]
    tasks: tuple[int, ...]
    failed: tuple[int, ...]
    tokens: tuple[int, ...]
    cost: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model's part in it; ``p50`` and ``p95`` are seconds."""

    model: str
    tasks: int
    failed: int
    tokens: int
    cost: float | None
    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Stats:
    series: Series
    models: tuple[ModelRow, ...]
    hits: float | None

    @classmethod
    def of(cls, row: Json) -> Stats:
        series = row["series"]
        tokens = [i + o for i, o in zip(series["tokens_in"], series["tokens_out"], strict=True)]
        return cls(
            Series(
                tuple(series["at"]), tuple(series["tasks"]), tuple(series["failed"]), tuple(tokens),
                tuple(cost or 0.0 for cost in series["cost_usd"]),
            ),
            tuple(_model(each) for each in row["models"]),
            _hits(row.get("cache")),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PanelRow:
    """A page of the web front-end; ``etag`` says which state of it a change is made to."""

    id: str
    title: str
    enabled: bool
    order: int
    builtin: bool
    etag: str

    @classmethod
    def of(cls, row: Json) -> PanelRow:
        return cls(row["id"], row["title"], row["enabled"], row["order"], row["builtin"], row["etag"])


@dataclass(frozen=True, slots=True)
class Wish:
    """A run to start: ``tasks`` with one prompt a line, or the ``path`` of a task file on the server."""

    tasks: str = ""
    path: str = ""
    name: str = ""
    model: str = ""

    def body(self) -> dict[str, Any]:
        """As the API takes it."""
        given: dict[str, Any] = {"path": self.path} if self.path else {"tasks": self.tasks, "format": "text"}
        return given | {key: value for key, value in (("name", self.name), ("model", self.model)) if value}


def _model(row: Json) -> ModelRow:
    return ModelRow(
        row["model"], row["tasks"], row["failed"], row["tokens"], row.get("cost_usd"), row.get("p50"), row.get("p95")
    )


def _hits(cache: Any) -> float | None:
    """The share of questions that the cache answered, 0..1, where it says so."""
    rate = cache.get("hit_rate") if isinstance(cache, Mapping) else None
    return float(rate) if isinstance(rate, (int, float)) else None
