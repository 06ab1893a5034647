"""A WebSocket ends the moment its owner is revoked, also when nobody says a word on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from pyagent.web.access import Access, Principal

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
# 44 and the last two digits of the HTTP status that says the same.
SIGNED_OUT = 4401


class Socket:
    """Stands between an ASGI application and its WebSocket: ``receive`` and ``send`` are what the application gets."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._revoked = asyncio.Event()
        self._gone = asyncio.create_task(self._revoked.wait())
        self._coming: asyncio.Future[Message] | None = None
        self._accepted = self._closed = False

    async def run(self, work: Callable[[Receive, Send], Awaitable[None]], access: Access, who: Principal) -> None:
        """Do ``work`` until it ends or ``who`` is revoked."""
        stop = access.watch(who, self._revoked.set)
        end = asyncio.create_task(self._end())
        try:
            await work(self.receive, self.send)
        finally:
            stop()
            self._gone.cancel()
            end.cancel()
            if self._coming is not None:
                self._coming.cancel()

    async def receive(self) -> Message:
        """The next message; a disconnect once the owner is revoked."""
        if self._coming is None:
            self._coming = asyncio.ensure_future(self._receive())
        await asyncio.wait((self._coming, self._gone), return_when=asyncio.FIRST_COMPLETED)
        if self._revoked.is_set():
            return {"type": "websocket.disconnect", "code": SIGNED_OUT, "reason": "signed out"}
        coming, self._coming = self._coming, None
        return coming.result()

    async def send(self, message: Message) -> None:
        if self._closed:
            return
        if self._revoked.is_set():
            message = {"type": "websocket.close", "code": SIGNED_OUT, "reason": "signed out"}
        self._accepted |= message["type"] == "websocket.accept"
        self._closed |= message["type"] == "websocket.close"
        await self._send(message)

    async def _end(self) -> None:
        await self._revoked.wait()
        # Before it is accepted, the application's own answer becomes the refusal.
        if self._accepted:
            # The other side may just have gone.
            with suppress(OSError, RuntimeError):
                await self.send({"type": "websocket.close"})
