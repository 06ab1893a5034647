"""Runs: what there is, starting one, and telling the one at work what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response, StreamingResponse

from pyagent.store.db import Store
from pyagent.web.replies import LIMIT, MOST, core_of, encode, needs, page, reply, single
from pyagent.web.shapes.base import Page
from pyagent.web.shapes.runs import Otlp, Run, Stopped

router = APIRouter(tags=["runs"])


class Lines(StreamingResponse):
    media_type = "application/x-ndjson"


class Wish(BaseModel):
    """A run to start: ``path`` of a task file below the served folder, or ``tasks``, the text of one."""

    model_config = ConfigDict(extra="forbid")
    path: str | None = Field(None, min_length=1, max_length=4096)
    tasks: str | None = Field(None, min_length=1)
    format: Literal["jsonl", "csv", "text"] | None = None
    name: str | None = Field(None, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}$")
    model: str | None = Field(None, max_length=200)
    agent: str | None = Field(None, max_length=200)
    system: str | None = Field(None, max_length=100_000)
    jobs: int | None = Field(None, ge=1, le=100_000)
    max_tokens: int | None = Field(None, ge=1)
    max_cost: float | None = Field(None, ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def one_source(self) -> Wish:
        if (self.path is None) == (self.tasks is None):
            raise ValueError("give either path or tasks")
        if self.system and self.system.startswith("@"):
            # On the command line this reads a file.
            raise ValueError("a system prompt cannot begin with @ here")
        return self


class Width(BaseModel):
    width: int = Field(ge=1, le=100_000)


class Chosen(BaseModel):
    tasks: list[str] = Field(min_length=1, max_length=10_000)


@router.get("/runs", response_model=Page[Run])
def every(
    request: Request,
    status: str | None = None,
    q: str = "",
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str | None = None,
) -> Response:
    """Every run, the newest first; ``status`` takes several with commas, ``q`` is part of a name or file."""
    core = core_of(request)
    wanted, words = set(status.split(",")) if status else None, q.lower()
    runs = [
        run
        for run in core.runs.all(core.views())
        if (wanted is None or run["status"] in wanted) and words in f"{run['name']} {run['file']}".lower()
    ]
    return page(runs, cursor, limit)


@router.post("/runs", response_model=Run, status_code=201, dependencies=[needs("admin")])
def start(request: Request, wish: Wish) -> Response:
    """Start a run as a process of its own. 422 with the bad lines when the file cannot be used."""
    core = core_of(request)
    row = core.launcher.start(core.views(), wish.model_dump(exclude_none=True))
    return reply(core.runs.shape(core.views(), row), 201, {"location": f"/api/v1/runs/{row.id}"})


@router.post("/stop-all", response_model=Stopped, dependencies=[needs("approve")])
def stop_all(request: Request) -> Response:
    """Stop every run at work, also those that were started in a shell. What is done is saved."""
    return reply({"stopped": core_of(request).stop_all()})


@router.get("/runs/{id}", response_model=Run)
def one(request: Request, id: str) -> Response:
    return single(request, core_of(request).run(id))


@router.post("/runs/{id}/scale", response_model=Run, dependencies=[needs("approve")])
def scale(request: Request, id: str, body: Width) -> Response:
    """More or fewer tasks in flight."""
    return reply(core_of(request).steer(id, "scale", str(body.width)))


@router.post("/runs/{id}/tasks/stop", response_model=Run, dependencies=[needs("approve")])
def drop(request: Request, id: str, body: Chosen) -> Response:
    """Give up single tasks that are at work: each fails as stopped, and the run goes on."""
    return reply(core_of(request).steer(id, "drop", json.dumps(body.tasks)))


@router.post("/runs/{id}/{verb}", response_model=Run, dependencies=[needs("approve")])
def steer(request: Request, id: str, verb: Literal["pause", "resume", "stop"]) -> Response:
    """Pause, resume or stop. Resuming a run that no process works on starts one."""
    return reply(core_of(request).steer(id, verb))


@router.get("/runs/{id}/results.jsonl", response_class=Lines)
def results(request: Request, id: str) -> Response:
    """The results as far as there are any, one JSON object a line."""
    core = core_of(request)
    row = core.row(id)

    def lines() -> Iterator[bytes]:
        with Store.open(core.app.db_path) as store:
            for line in store.results(row.id):
                yield encode(line) + b"\n"

    return Lines(lines(), headers=_as_file(f"{row.name}.jsonl"))


@router.get("/runs/{id}/trace.otlp.json", response_model=Otlp)
def trace(request: Request, id: str, content: bool = False) -> Response:
    """The run as OpenTelemetry traces in OTLP/JSON; with ``content`` also prompts and answers."""
    from pyagent.report.otel import otlp

    core = core_of(request)
    row = core.row(id)

    def pieces() -> Iterator[str]:
        with Store.open(core.app.db_path) as store:
            yield from otlp(store.events(row.id), content)

    return StreamingResponse(pieces(), media_type="application/json", headers=_as_file(f"{row.name}.otlp.json"))


def _as_file(name: str) -> dict[str, str]:
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name)
    return {"content-disposition": f'attachment; filename="{safe}"'}
