"""The trace of a task: all of it as columns at once, and what one span knows when it is opened.

A row of a waterfall shows six small things. As objects with all their data ten thousand of them took three seconds
to read, send and parse; as columns a quarter of one.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from pyagent.report.spans import Span, spans
from pyagent.store.lines import at_work
from pyagent.store.views import Views
from pyagent.web.problems import Problem
from pyagent.web.replies import LIMIT, MOST, core_of, page, reply, single
from pyagent.web.shapes.base import Page
from pyagent.web.shapes.traces import Span as Shape
from pyagent.web.shapes.traces import Trace

router = APIRouter(tags=["traces"])
STATUSES = ("ok", "failed", "running", "lost")


# The task stands last in these paths: its id may hold slashes.
@router.get("/runs/{id}/traces/{task:path}", response_model=Trace)
def trace(request: Request, id: str, task: str) -> Response:
    """The whole trace as columns of equal length, in the order of the spans' beginning; times in ms since ``from``."""
    core = core_of(request)
    row, views = core.row(id), core.views()
    _known(views, row.id, task)
    return reply(_columns(_sorted(list(spans(views.steps(row.id, task)))), at_work(row)))


@router.get("/runs/{id}/spans/{span}/{task:path}", response_model=Shape)
def one(request: Request, id: str, span: str, task: str) -> Response:
    """One span with its data: the conversation, the answer, the tool's arguments, the events in it."""
    core = core_of(request)
    row, views = core.row(id), core.views()
    number = span.rpartition(".")[2]
    if number.isdecimal() and len(number) < 10:
        for found in spans(views.span(row.id, task, int(number))):
            if _name(found) == span:
                return single(request, _whole(found, at_work(row)))
    raise Problem(404, f"there is no span {span!r} in this trace", "see the trace of the task")


# Before the task itself, of which this path is one otherwise.
@router.get("/runs/{id}/tasks/{task:path}/spans", response_model=Page[Shape])
def every(
    request: Request, id: str, task: str, limit: int = Query(LIMIT, ge=1, le=MOST), cursor: str | None = None
) -> Response:
    """The spans of a task with all their data, page by page, for programs."""
    core = core_of(request)
    row, views = core.row(id), core.views()
    _known(views, row.id, task)
    found = _sorted(list(spans(views.store.events(row.id, task))))
    return page([_whole(span, at_work(row)) for span in found], cursor, limit)


def _known(views: Views, run: str, task: str) -> None:
    if not views.tasks_seen(run, task):
        raise Problem(404, f"there is no task {task!r} in this run, or it has not begun", "see the run's tasks")


def _sorted(found: list[Span]) -> list[Span]:
    return sorted(found, key=lambda span: (span.started, span.nth, span.number))


def _columns(found: list[Span], alive: bool) -> dict[str, Any]:
    begin = found[0].started if found else 0.0
    places = {(span.nth, span.number): at for at, span in enumerate(found)}
    names = {name: at for at, name in enumerate(dict.fromkeys(span.name for span in found))}
    words = [str(span.opened.get("label") or "") for span in found]
    labels = {word: at for at, word in enumerate(dict.fromkeys(words))}
    return {
        "from": begin,
        "names": list(names),
        "labels": list(labels),
        "span": [_name(span) for span in found],
        "parent": [places.get((span.nth, span.parent or 0)) if span.number else None for span in found],
        "name": [names[span.name] for span in found],
        "label": [labels[word] for word in words],
        "started": [round(1000 * (span.started - begin), 1) for span in found],
        "ended": [round(1000 * (span.ended - begin), 1) if span.finished else None for span in found],
        "status": [STATUSES.index(_status(span, alive)) for span in found],
    }


def _name(span: Span) -> str:
    """``number`` counts within one process's work on the task, which ``nth`` counts: together they name it."""
    return f"{span.nth}.{span.number}"


def _status(span: Span, alive: bool) -> str:
    if not span.finished:
        return "running" if alive else "lost"
    return "failed" if span.error is not None else "ok"


def _whole(span: Span, alive: bool) -> dict[str, Any]:
    data: dict[str, Any] = {**span.opened, **span.closed}
    if span.name == "task":
        data |= {"input_tokens": span.input_tokens, "output_tokens": span.output_tokens, "cost_usd": span.usd}
    if span.events:
        data["events"] = [{"kind": event.kind, "at": event.at, **event.data} for event in span.events[:100]]
    return {
        "span": _name(span),
        "parent": f"{span.nth}.{span.parent or 0}" if span.number else None,
        "name": span.name,
        "started": span.started,
        "ended": span.ended if span.finished else None,
        "data": data,
        "status": _status(span, alive),
    }
