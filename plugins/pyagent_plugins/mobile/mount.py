"""Serves the phone's client at /m: its files, and one WebSocket a phone, over the server's own core.

The guard stands outside: it has checked Host, Origin and cookie before anything comes here, and puts the
Content-Security-Policy on every answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import MutableMapping
from contextvars import ContextVar
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from pyagent.web.access import Principal
from pyagent_plugins.mobile.files import Files
from pyagent_plugins.mobile.inprocess import InProcess

if TYPE_CHECKING:
    from pyagent.web.core import Core

# Who speaks over the connection that a piece of work belongs to; tasks inherit it.
caller: ContextVar[Principal] = ContextVar("caller")
# Seconds that a phone may be away (pocket, lift) and still find its page as it was.
AWAY = 600
# Seconds after its end that a connection may take to clean up.
GRACE = 5.0
# Messages that wait for Flet; a thumb makes a few a second.
MOST_UNHEARD = 1000
# Skwasm paints in a thread of its own where the page is isolated.
ISOLATED = (b"cross-origin-embedder-policy", b"require-corp")


class Phone:
    """The ASGI application. Flet takes a second and 60 MB to import: that begins with the first file that a phone asks
    for, and the files do not wait for it."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._loading: asyncio.Task[None] | None = None
        app, web = core.app, find_spec("flet_web")
        folder = next(iter(web.submodule_search_locations or ()), "") if web else ""
        self._files = Files(
            Path(folder) / "web", version("flet-web"), Path(app.paths.cache) / "phone", Path(app.data_dir) / "fonts"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if self._loading is None:
            self._loading = asyncio.create_task(asyncio.to_thread(self._load))
        if scope["type"] == "websocket":
            await self._talk(scope, receive, send)
        else:
            await self._file(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self._loading is not None:
            await asyncio.gather(self._loading, return_exceptions=True)
            from flet_web.fastapi import app_manager

            await app_manager.shutdown()
        await send({"type": "lifespan.shutdown.complete"})

    def _load(self) -> None:
        import pyagent_plugins.mobile.client  # noqa: F401

        for name in ("flet", "flet_web"):
            told = logging.getLogger(name)
            told.addHandler(_Note(self._core))
            told.propagate = False
        self._files.warm()

    async def _file(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def isolated(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], ISOLATED]
            await send(message)

        if scope["method"] not in ("GET", "HEAD"):
            answer = Response("only reading is possible here", 405, media_type="text/plain")
        else:
            headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            answer = await self._core.aside(lambda: self._files.answer(path, headers))
        await answer(scope, receive, isolated)

    async def _talk(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One phone's connection, until it ends. Its session lives on for `AWAY` seconds."""
        assert self._loading is not None
        await asyncio.shield(self._loading)
        from flet_web.fastapi import app_manager
        from flet_web.fastapi.flet_app import FletApp

        await app_manager.start()
        caller.set(scope["principal"])
        heard: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()

        async def listen() -> None:
            """Read on, whatever Flet makes of it: it misses the end of a client that it does not understand."""
            while heard.qsize() < MOST_UNHEARD:
                message = await receive()
                heard.put_nowait(message)
                if message["type"] == "websocket.disconnect":
                    return

        app = FletApp(asyncio.get_running_loop(), app_manager.executor, self._main, None, session_timeout_seconds=AWAY)
        work = asyncio.create_task(app.handle(WebSocket(scope, heard.get, send)))
        over = asyncio.create_task(listen())
        await asyncio.wait([work, over], return_when=asyncio.FIRST_COMPLETED)
        # A client that leaves before it said who it is leaves Flet waiting for ever.
        await asyncio.wait([work], timeout=GRACE)
        for task in (work, over):
            task.cancel()
        await asyncio.gather(work, over, return_exceptions=True)

    async def _main(self, page: Any) -> None:
        from pyagent_plugins.mobile.client import Client

        await Client(page, InProcess(self._core, caller.get)).start()


class _Note(logging.Handler):
    """One line to the server's user instead of a traceback on the terminal."""

    def __init__(self, core: Core) -> None:
        super().__init__(logging.WARNING)
        self._core = core

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        # A phone that goes out of reach in the middle of a message is no fault.
        if type(error).__name__ not in ("WebSocketDisconnect", "ConnectionClosedError", "ConnectionClosedOK"):
            self._core.note(f"phone: {record.getMessage()}" + (f": {error}" if error else ""))
