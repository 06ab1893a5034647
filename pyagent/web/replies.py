"""The shapes that all of the API shares: lists with a cursor, single things with an ETag, scopes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any, cast

from fastapi import Depends, Request
from starlette.responses import Response

from pyagent.web.access import Principal
from pyagent.web.core import Core
from pyagent.web.problems import Problem

LIMIT, MOST = 100, 2000


def core_of(request: Request) -> Core:
    return cast(Core, request.app.state.core)


def who(request: Request) -> Principal:
    """The caller; the guard let nobody in without one."""
    found: Principal | None = request.scope.get("principal")
    if found is None:
        raise Problem(401, "you are not signed in", "open the link that `pyagent serve` printed")
    return found


def needs(scope: str) -> Any:
    """A dependency: the caller must have ``scope``."""

    def check(request: Request) -> None:
        if scope not in who(request).scopes:
            raise Problem(403, f"this needs the scope {scope}", "sign in with a link or token that has it")

    check.scope = scope  # type: ignore[attr-defined]
    return Depends(check)


def encode(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str).encode("utf-8", "replace")


def reply(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(encode(value), status, headers, "application/json")


def etag(value: Any) -> str:
    return f'"{hashlib.sha256(encode(value)).hexdigest()[:16]}"'


def single(request: Request, value: Any) -> Response:
    """One thing with its ETag; 304 when the caller has it."""
    tag = etag(value)
    if tag in [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers={"etag": tag})
    return reply(value, headers={"etag": tag})


def match(request: Request, value: Any) -> None:
    """The caller must have seen ``value`` as it is: 428 without If-Match, 412 when it has changed since."""
    given = request.headers.get("if-match")
    if given is None:
        raise Problem(428, "the header If-Match is missing", "send the etag of what you change")
    if given != "*" and etag(value) not in [each.strip() for each in given.split(",")]:
        raise Problem(412, "it was changed meanwhile", "load it again", {"etag": etag(value)})


def page(items: Sequence[Any], cursor: str | None, limit: int) -> Response:
    """``limit`` items from where ``cursor`` points."""
    start = offset(cursor)
    end = start + limit
    return listed(items[start:end], end if end < len(items) else None)


def listed(items: Sequence[Any], at: int | None = None, **more: Any) -> Response:
    return reply({"items": list(items), "next": None if at is None else cursor_of(at), **more})


def cursor_of(number: int) -> str:
    return base64.urlsafe_b64encode(f"c{number}".encode()).decode().rstrip("=")


def offset(cursor: str | None, default: int = 0) -> int:
    """The number in a cursor. Raises Problem 422."""
    if not cursor:
        return default
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        if not text.startswith("c") or not text[1:].isdecimal() or len(text) > 20:
            raise ValueError
        return int(text[1:])
    except (ValueError, binascii.Error, UnicodeDecodeError):
        raise Problem(422, "the cursor is not one of ours", "take it from next") from None


def last_of(items: Sequence[Any], limit: int, number: Callable[[Any], int]) -> int | None:
    """The cursor of a list that was read with ``limit``: below its last item there may be more."""
    return number(items[-1]) if len(items) == limit else None
