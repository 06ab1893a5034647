"""What is happening now: the overview, who is at work, recent events, and the event stream of a page."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from pyagent.web.hub import MOST_TOPICS
from pyagent.web.problems import Problem
from pyagent.web.pulse import pulse as made
from pyagent.web.replies import LIMIT, MOST, core_of, last_of, listed, offset, page, reply, who
from pyagent.web.shapes.base import Page
from pyagent.web.shapes.now import Agent, Line, Overview, Pulse

router = APIRouter(tags=["now"])
# Above this a browser or a script has gone wrong; each open page costs about 50 KB.
MOST_PAGES = 200
NEWEST = 1 << 62


class Stream(StreamingResponse):
    media_type = "text/event-stream"


@router.get("/overview", response_model=Overview)
def overview(request: Request) -> Response:
    return reply(core_of(request).overview())


@router.get("/pulse", response_model=Pulse)
def pulse(request: Request) -> Response:
    """The last five minutes, second by second: agents at work and tasks done."""
    core = core_of(request)
    return reply(made(core.views(), len(core.agents()), time.time()))


@router.get("/agents", response_model=Page[Agent])
def agents(request: Request, limit: int = Query(LIMIT, ge=1, le=MOST), cursor: str | None = None) -> Response:
    """Attempts at work over all runs, the longest first."""
    return page(core_of(request).agents(), cursor, limit)


@router.get("/logs", response_model=Page[Line])
def logs(
    request: Request, limit: int = Query(LIMIT, ge=1, le=MOST), cursor: str | None = None, run: str | None = None
) -> Response:
    """Events as lines, the newest first."""
    views = core_of(request).views()
    rows = views.recent(offset(cursor, NEWEST), limit)
    items = [_line(*row) for row in rows if run in (None, row[2])]
    return listed(items, last_of(rows, limit, lambda row: row[0]))


@router.get("/events", response_class=Stream)
async def events(request: Request, topics: str = Query(min_length=1, max_length=20_000)) -> Response:
    """Server-sent events: a snapshot of each topic, then deltas. Topics with commas between them."""
    core = core_of(request)
    asked = [name for name in topics.split(",") if name]
    if len(asked) > MOST_TOPICS:
        raise Problem(422, f"{len(asked)} topics are too many", f"ask for at most {MOST_TOPICS}")
    names = await core.aside(lambda: core.hub.known(asked))
    if not names:
        raise Problem(404, "no such topics", "overview, runs, approvals, stats, agents:RUN, stream:RUN/TASK")
    if core.hub.pages >= MOST_PAGES:
        raise Problem(503, "too many pages are open", "close some")
    last, me = request.headers.get("last-event-id", ""), who(request)
    stream = core.hub.stream(names, last, lambda tab: core.access.watch(me, tab.close))
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return Stream(stream, headers=headers)


def _line(seq: int, at: float, run: str, task: str | None, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """One event as a line a person can read; long texts stay in the trace."""
    told = []
    for key, value in data.items():
        if key in ("messages", "traceback") or value in (None, "", [], {}):
            continue
        text = " ".join(str(value).split())
        told.append(f"{key}={text[:80] + '…' if len(text) > 80 else text}")
    return {"seq": seq, "at": at, "run": run, "task": task, "kind": kind, "text": " ".join(told)}
