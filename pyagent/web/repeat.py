"""A POST that is sent again with its Idempotency-Key gets the first answer: a lost reply starts no second run."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import MutableMapping
from typing import Any

from pyagent.web import problems
from pyagent.web.database import Database
from pyagent.web.guard import API, App, Receive, Refused, Scope, Send

KEPT = 86400.0
LONGEST = 200
# Their answers hold secrets, which are not kept.
NOT_KEPT = ("/api/v1/session", "/api/v1/tokens")


class Repeat:
    """ASGI, inside the guard. Keys belong to whoever sent them."""

    def __init__(self, app: App, db: Database) -> None:
        self._app, self._db = app, db
        # An answer that never came belongs to a server that was killed.
        db.write("DELETE FROM repeat WHERE status IS NULL OR at < ?", (time.time() - KEPT,))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = _key(scope)
        who = scope.get("principal")
        if not key or who is None:
            await self._app(scope, receive, send)
            return
        if len(key) > LONGEST:
            await problems.response(422, f"an Idempotency-Key has at most {LONGEST} characters")(scope, receive, send)
            return
        body = await _body(receive)
        request = hashlib.sha256(f"{scope['path']}\0".encode() + body).digest()
        row = (who.id, key, request, time.time())
        if self._db.write("INSERT OR IGNORE INTO repeat(who, key, request, at) VALUES (?,?,?,?)", row):
            await self._first(scope, _replay(body, receive), send, (who.id, key))
        else:
            await self._again(scope, receive, send, (who.id, key), request)

    async def _first(self, scope: Scope, receive: Receive, send: Send, name: tuple[str, str]) -> None:
        status, head, body = 0, "[]", b""

        async def keep(message: MutableMapping[str, Any]) -> None:
            nonlocal status, head, body
            if message["type"] == "http.response.start":
                status = message["status"]
                head = json.dumps([[k.decode("latin-1"), v.decode("latin-1")] for k, v in message["headers"]])
            elif message["type"] == "http.response.body":
                body += message.get("body", b"")
            await send(message)

        try:
            await self._app(scope, receive, keep)
        finally:
            # What failed here may go well the next time; only a settled answer is kept.
            if 200 <= status < 500 and status != 429:
                values = (status, head, body, *name)
                self._db.write("UPDATE repeat SET status = ?, head = ?, body = ? WHERE who = ? AND key = ?", values)
            else:
                self._db.write("DELETE FROM repeat WHERE who = ? AND key = ?", name)

    async def _again(self, scope: Scope, receive: Receive, send: Send, name: tuple[str, str], request: bytes) -> None:
        rows = self._db.all("SELECT request, status, head, body FROM repeat WHERE who = ? AND key = ?", name)
        if not rows or rows[0][1] is None:
            answer = problems.response(409, "the first request with this Idempotency-Key is still at work")
            await answer(scope, receive, send)
            return
        before, status, head, body = rows[0]
        if before != request:
            answer = problems.response(422, "this Idempotency-Key was used for another request", "use a fresh one")
            await answer(scope, receive, send)
            return
        headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in json.loads(head)]
        headers.append((b"idempotency-replayed", b"true"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _key(scope: Scope) -> str:
    path = scope.get("path", "")
    if scope["type"] != "http" or scope["method"] != "POST" or not path.startswith(API) or path in NOT_KEPT:
        return ""
    return next((v.decode("latin-1") for k, v in scope["headers"] if k.lower() == b"idempotency-key"), "")


async def _body(receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "the request was cut off")
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body once more, then whatever comes."""
    given = False

    async def again() -> MutableMapping[str, Any]:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
