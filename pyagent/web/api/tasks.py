"""The tasks of a run: a page of them, and what was asked and answered in one."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from pyagent.store.states import NAMES, States
from pyagent.store.views import Views
from pyagent.web.problems import Problem
from pyagent.web.replies import LIMIT, MOST, core_of, listed, offset, single
from pyagent.web.shapes.tasks import TaskDetail, TaskPage

router = APIRouter(tags=["tasks"])


@router.get("/runs/{id}/tasks", response_model=TaskPage)
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


@router.get("/runs/{id}/tasks/{task:path}", response_model=TaskDetail)
async def one(request: Request, id: str, task: str) -> Response:
    """One task with its prompt, and its answer or the text so far. Its trace is asked for apart."""
    core = core_of(request)
    row = core.row(id)
    states = await core.tail.states(row.id)
    detail = await core.aside(lambda: _detail(core.views(), row.id, task, states))
    return single(request, detail)


def _detail(views: Views, run: str, task: str, states: States) -> dict[str, Any]:
    body = views.bodies(run, [task]).get(task)
    if body is None and not views.tasks_seen(run, task):
        raise Problem(404, f"there is no task {task!r} in this run, or it has not begun", "see the run's tasks")
    n = states.number(task)
    chunks = views.chunks(run, task)
    item = _item(states, n, body) if n is not None else {"n": None, "id": task, "state": (body or {}).get("status")}
    return {
        **item,
        "prompt": views.prompt(run, task),
        "output": body.get("output") if body else None,
        "epoch": chunks[-1][0] if chunks else 0,
        "text": "".join(text for _, _, text in chunks),
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
