"""Signing in with a launch link's token, and out; and whether the server is there at all."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from pyagent import __version__
from pyagent.web.access import Principal
from pyagent.web.guard import Door
from pyagent.web.problems import Problem
from pyagent.web.replies import core_of, reply, who
from pyagent.web.shapes.session import Health, Session

router = APIRouter(tags=["session"])


class Token(BaseModel):
    token: str = Field(min_length=1, max_length=200)


@router.get("/health", response_model=Health)
async def health() -> Response:
    """Whether the server answers."""
    return reply({"status": "ok", "version": __version__})


@router.get("/session", response_model=Session)
async def show(request: Request) -> Response:
    """Who is signed in, and the CSRF value that changes need."""
    return reply(_shape(who(request)))


@router.post("/session", response_model=Session)
async def sign_in(request: Request, body: Token) -> Response:
    """Exchange a launch or pairing token, once, for the session's cookie."""
    core = core_of(request)
    entered = core.access.exchange(body.token)
    if entered is None:
        raise Problem(
            401, "the link is used up, too old or wrong", "start `pyagent serve` again: it prints a fresh one"
        )
    cookie, principal = entered
    answer = reply(_shape(principal))
    answer.set_cookie(
        _door(request).cookie,
        cookie,
        max_age=int((principal.expires or 0) - time.time()),
        httponly=True,
        samesite="strict",
        secure=_door(request).scheme == "https",
        path="/",
    )
    return answer


@router.delete("/session", status_code=204)
async def sign_out(request: Request) -> Response:
    """End this session, also in other tabs."""
    core_of(request).access.revoke(who(request).id)
    answer = Response(status_code=204)
    answer.delete_cookie(_door(request).cookie, path="/", httponly=True, samesite="strict")
    return answer


def _door(request: Request) -> Door:
    door: Door = request.app.state.door
    return door


def _shape(principal: Principal) -> dict[str, Any]:
    return {
        "scopes": list(principal.scopes),
        "csrf": principal.csrf,
        "version": __version__,
        "locale": "en",
        "name": principal.name,
        "expires": principal.expires,
    }
