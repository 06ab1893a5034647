"""What waits for a person: the deck, deciding, and taking a decision back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from pyagent.run.approvals import AlreadyDecided, Approval, NoSuchApproval
from pyagent.web.problems import Problem
from pyagent.web.replies import LIMIT, MOST, core_of, needs, page, reply, single, who
from pyagent.web.shapes.approvals import Approval as Shape
from pyagent.web.shapes.base import Page

router = APIRouter(tags=["approvals"])


class Said(BaseModel):
    verb: Literal["approve", "reject", "escalate", "later"]
    reason: str = Field("", max_length=2000)


@router.get("/approvals", response_model=Page[Shape])
def every(
    request: Request,
    state: Literal["waiting", "decided"] = "waiting",
    run: str | None = None,
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str | None = None,
) -> Response:
    """The deck, the oldest first and what was put off at its end; or the newest decisions."""
    deck = core_of(request).approvals()
    found = deck.waiting(run) if state == "waiting" else deck.decided(run, 1000)
    return page([approval.line() for approval in found], cursor, limit)


@router.get("/approvals/{id}", response_model=Shape)
def one(request: Request, id: str) -> Response:
    return single(request, _found(lambda: core_of(request).approvals().get(id)).line())


@router.post("/approvals/{id}", response_model=Shape, dependencies=[needs("approve")])
def decide(request: Request, id: str, said: Said) -> Response:
    """Durable at once, with effect after 10 s; the same again changes nothing, another one is 409."""
    deck, name = core_of(request).approvals(), who(request).name
    if said.verb == "approve" and _found(lambda: deck.get(id)).admin and "admin" not in who(request).scopes:
        raise Problem(403, "this was escalated to an administrator", "sign in with the scope admin")
    return reply(_found(lambda: deck.decide(id, said.verb, said.reason, name)).line())


@router.post("/approvals/{id}/undo", response_model=Shape, dependencies=[needs("approve")])
def undo(request: Request, id: str) -> Response:
    """Take a decision back before it has its effect; 409 when it is too late."""
    return reply(_found(lambda: core_of(request).approvals().undo(id, who(request).name)).line())


def _found(work: Callable[[], Approval]) -> Approval:
    try:
        return work()
    except NoSuchApproval as error:
        raise Problem(404, str(error), "see GET /api/v1/approvals") from None
    except AlreadyDecided as error:
        raise Problem(409, str(error), error.hint) from None
