"""Runs the lifespans of mounted applications: Starlette starts only the outermost one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from pyagent.errors import PluginError
from pyagent.web.guard import App


@asynccontextmanager
async def lifespan_of(path: str, app: App) -> AsyncIterator[None]:
    """Start and stop ``app`` by the ASGI lifespan protocol. An application without one is as well."""
    asked: asyncio.Queue[str] = asyncio.Queue()
    said: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()

    async def receive() -> MutableMapping[str, Any]:
        return {"type": await asked.get()}

    task = asyncio.create_task(_run(app, receive, said))
    asked.put_nowait("lifespan.startup")
    started = await said.get()
    if started["type"] == "lifespan.startup.failed":
        raise PluginError(f"the application at {path} does not start: {started.get('message', '')}")
    try:
        yield
    finally:
        if not task.done():
            asked.put_nowait("lifespan.shutdown")
            await said.get()
        await asyncio.gather(task, return_exceptions=True)


async def _run(app: App, receive: Any, said: asyncio.Queue[MutableMapping[str, Any]]) -> None:
    async def send(message: MutableMapping[str, Any]) -> None:
        said.put_nowait(message)

    # The protocol says: who raises at the first message does not speak it.
    with suppress(Exception):
        await app({"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}, receive, send)
    said.put_nowait({"type": "lifespan.none"})
