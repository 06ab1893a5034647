"""Errors as `application/problem+json` (RFC 9457), so that every client reads them the same way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from pyagent.errors import Busy, ConfigError, ModelMissing, PyAgentError, StoreError, TaskFileError, UsageError

STATUS: tuple[tuple[type[PyAgentError], int], ...] = (
    (TaskFileError, 422),
    (UsageError, 422),
    (ModelMissing, 422),
    (Busy, 503),
    (StoreError, 507),
    (ConfigError, 409),
)


class Problem(Exception):
    """Raised anywhere below the API: ``detail`` says what, ``hint`` what to do."""

    def __init__(self, status: int, detail: str, hint: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.hint, self.headers = status, detail, hint, dict(headers or {})


def response(status: int, detail: str, hint: str = "", headers: Mapping[str, str] | None = None) -> Response:
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "hint": hint,
    }
    return Response(json.dumps(body), status, {**(headers or {})}, "application/problem+json")


def understood(error: PyAgentError) -> Problem:
    """One of ours as a problem; the lines of a task file stand in ``detail``."""
    status = next((number for kind, number in STATUS if isinstance(error, kind)), 500)
    detail = str(error)
    if isinstance(error, TaskFileError) and error.problems:
        detail = "\n".join([detail, *error.problems])
    return Problem(status, detail, error.hint)


async def on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return response(error.status, error.detail, error.hint, error.headers)


async def on_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, PyAgentError)
    return await on_problem(request, understood(error))


async def on_http(request: Request, error: Exception) -> Response:
    """What Starlette raises itself: 404 and 405."""
    status = int(getattr(error, "status_code", 500))
    detail = "there is nothing here" if status == 404 else str(getattr(error, "detail", ""))
    return response(status, detail, "see /api/v1/openapi.json", getattr(error, "headers", None))


async def on_invalid(request: Request, error: Exception) -> Response:
    """A body or query that is not as the API says; the value itself is not repeated, for it may be a secret."""
    problems: list[dict[str, Any]] = error.errors() if hasattr(error, "errors") else []
    told = "; ".join(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in problems[:5])
    return response(422, told or "the request cannot be read", "see /api/v1/openapi.json")


async def on_crash(request: Request, error: Exception) -> Response:
    return response(500, "something broke here", "the server's log says more; the runs are not touched by it")
