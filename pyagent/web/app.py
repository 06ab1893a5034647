"""The whole server as one ASGI application: API, pages, panels and mounted apps behind the guard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from pyagent import __version__
from pyagent.errors import PyAgentError
from pyagent.host.hookspecs import Mount
from pyagent.web import problems, static
from pyagent.web.api import admin, approvals, facts, now, runs, session, tasks, traces
from pyagent.web.core import Core
from pyagent.web.guard import SAFE, App, Door, Guard
from pyagent.web.lifespans import lifespan_of
from pyagent.web.repeat import Repeat
from pyagent.web.replies import who
from pyagent.web.shapes.base import FAULTS

PREFIX = "/api/v1"
# The traces stand before the tasks: a task's id may end in /spans.
NOUNS = (session, now, runs, traces, tasks, approvals, facts, admin)


def build(core: Core, port: int, scheme: str = "http", hosts: tuple[str, ...] = ()) -> App:
    """The application as it answers at ``port``; ``hosts`` are allowed in Host beside loopback."""
    mounts = core.app.plugins.mounts(core.app.context, core, core.note)
    door = Door.at(port, scheme, hosts, {mount.path: mount.csp for mount in mounts})
    app = FastAPI(
        title="PyAgent",
        version=__version__,
        openapi_url=f"{PREFIX}/openapi.json",
        # Their pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        lifespan=lambda app: _life(core, mounts),
    )
    app.state.core, app.state.door = core, door
    _answer_errors(app)
    for noun in NOUNS:
        app.include_router(noun.router, prefix=PREFIX, responses=FAULTS)
    for id, given in core.panels.given.items():
        if given.panel.router is not None:
            app.include_router(given.panel.router, prefix=f"{PREFIX}/p/{id}", dependencies=[Depends(_by_method)])
    for mount in mounts:
        app.mount(mount.path, mount.app)
    app.router.routes.extend(static.routes())
    return Guard(Repeat(app, core.database), door, core.access, core.audit)


def _by_method(request: Request) -> None:
    """What a panel's router changes needs the right to change; a plugin cannot forget to ask for it."""
    needed = "read" if request.method in SAFE else "approve"
    if needed not in who(request).scopes:
        raise problems.Problem(403, f"this needs the scope {needed}", "sign in with a link or token that has it")


def _answer_errors(app: FastAPI) -> None:
    app.add_exception_handler(problems.Problem, problems.on_problem)
    app.add_exception_handler(PyAgentError, problems.on_ours)
    app.add_exception_handler(HTTPException, problems.on_http)
    app.add_exception_handler(RequestValidationError, problems.on_invalid)
    app.add_exception_handler(Exception, problems.on_crash)


@asynccontextmanager
async def _life(core: Core, mounts: list[Mount]) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        await core.start()
        stack.push_async_callback(core.stop)
        for mount in mounts:
            try:
                await stack.enter_async_context(lifespan_of(mount.path, mount.app))
            except PyAgentError as error:
                core.note(str(error))
        yield
