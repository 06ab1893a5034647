"""The tasks of a run: a page of them, and all that is known of one, prompts and spans included."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from pyagent.report.spans import Span, spans
from pyagent.store.lines import at_work
from pyagent.store.states import NAMES, States
from pyagent.store.views import Views
from pyagent.web.problems import Problem
from pyagent.web.replies import LIMIT, MOST, core_of, cursor_of, listed, offset, page, single

router = APIRouter(tags=["tasks"])
FIRST_SPANS = 500


@router.get("/runs/{id}/tasks")
async def every(
    request: Request,
    id: str,
    state: str | None = None,
    q: str = "",
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str | None = None,
) -> Response:
    """Tasks that have begun, in that order; ``state`` takes several with commas, ``q`` is part of an id."""
    core = core_of(request)
    row = core.row(id)
    states = await core.tail.states(row.id)
    wanted = {NAMES.index(name) for name in state.split(",") if name in NAMES} if state else None
    start, words, found = offset(cursor), q.lower(), []
    at = start
    for at in range(start, len(states.ids)):
        if (wanted is None or states.at(at) in wanted) and words in states.ids[at].lower():
            found.append(at)
            if len(found) > limit:
                break
    more = found[limit] if len(found) > limit else None
    numbers = found[:limit]
    bodies = await core.aside(lambda: core.views().bodies(row.id, [states.ids[n] for n in numbers]))
    items = [_item(states, n, bodies.get(states.ids[n])) for n in numbers]
    return listed(items, more, total=states.total, seen=len(states.ids))


# Before the task itself: an id may hold slashes.
@router.get("/runs/{id}/tasks/{task:path}/spans")
def its_spans(
    request: Request, id: str, task: str, limit: int = Query(FIRST_SPANS, ge=1, le=MOST), cursor: str | None = None
) -> Response:
    """The spans of a task in the order of their beginning, page by page."""
    core = core_of(request)
    row = core.row(id)
    return page(_spans(core.views(), row.id, task, at_work(row)), cursor, limit)


@router.get("/runs/{id}/tasks/{task:path}")
async def one(request: Request, id: str, task: str) -> Response:
    """One task with its prompt, its answer or the text so far, and its first spans."""
    core = core_of(request)
    row = core.row(id)
    states = await core.tail.states(row.id)
    detail = await core.aside(lambda: _detail(core.views(), row.id, task, states, at_work(row)))
    return single(request, detail)


def _detail(views: Views, run: str, task: str, states: States, alive: bool) -> dict[str, Any]:
    body = views.bodies(run, [task]).get(task)
    if body is None and not views.tasks_seen(run, task):
        raise Problem(404, f"there is no task {task!r} in this run, or it has not begun", "see the run's tasks")
    n = states.number(task)
    found = _spans(views, run, task, alive)
    chunks = views.chunks(run, task)
    prompt = next((span["data"]["messages"] for span in found if "messages" in span["data"]), None)
    item = _item(states, n, body) if n is not None else {"n": None, "id": task, "state": (body or {}).get("status")}
    return {
        **item,
        "prompt": prompt,
        "output": body.get("output") if body else None,
        "epoch": chunks[-1][0] if chunks else 0,
        "text": "".join(text for _, _, text in chunks),
        "spans": found[:FIRST_SPANS],
        "spans_next": cursor_of(FIRST_SPANS) if len(found) > FIRST_SPANS else None,
        "spans_total": len(found),
    }


def _item(states: States, n: int, body: dict[str, Any] | None) -> dict[str, Any]:
    usage = (body or {}).get("usage") or {}
    known = body or {}
    return {
        "n": n,
        "id": states.ids[n],
        "state": NAMES[states.at(n)],
        "model": known.get("model"),
        "source": known.get("source"),
        "tokens": {"input": usage.get("input_tokens", 0), "output": usage.get("output_tokens", 0)},
        "cost_usd": known.get("cost_usd"),
        "seconds": known.get("seconds"),
        "attempts": known.get("attempts"),
        "error": known.get("error"),
        "started": states.began.get(n),
    }


def _spans(views: Views, run: str, task: str, alive: bool) -> list[dict[str, Any]]:
    found = [_span(span, alive) for span in spans(views.store.events(run, task))]
    return sorted(found, key=lambda span: (span["started"], span["span"].count("."), len(span["span"]), span["span"]))


def _span(span: Span, alive: bool) -> dict[str, Any]:
    """``span`` counts within one process's work on the task, which ``nth`` counts: together they name it."""
    parent = None if span.number == 0 else f"{span.nth}.{span.parent or 0}"
    data: dict[str, Any] = {**span.opened, **span.closed}
    if span.name == "task":
        data |= {"input_tokens": span.input_tokens, "output_tokens": span.output_tokens, "cost_usd": span.usd}
    if span.events:
        data["events"] = [{"kind": event.kind, "at": event.at, **event.data} for event in span.events[:100]]
    status = "failed" if span.error is not None else "ok"
    if not span.finished:
        status = "running" if alive else "lost"
    return {
        "span": f"{span.nth}.{span.number}",
        "parent": parent,
        "name": span.name,
        "started": span.started,
        "ended": span.ended if span.finished else None,
        "data": data,
        "status": status,
    }
