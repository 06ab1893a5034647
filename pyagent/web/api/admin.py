"""What an administrator changes: settings, tokens, the panels; and the log of who changed what."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from pyagent.errors import ConfigError, UsageError
from pyagent.host import edit, schema
from pyagent.host.app import App
from pyagent.web.access import SCOPES
from pyagent.web.problems import Problem
from pyagent.web.replies import LIMIT, MOST, core_of, etag, last_of, listed, match, needs, offset, reply, single, who
from pyagent.web.shapes.admin import Entry, NewToken, Panel, PanelRow, Setting, Token
from pyagent.web.shapes.base import Page

router = APIRouter(tags=["admin"])
NEWEST = 1 << 62
# What decides where prompts and keys go is not changed from a browser.
_SECRET = re.compile(r"key|token|secret|passw|credential|options", re.IGNORECASE)
NOT_HERE = ("providers.", "tools.allow", "plugins.", "swarm.base_url")


class Change(BaseModel):
    model_config = ConfigDict(extra="forbid")
    key: str = Field(max_length=200)
    value: Any


class Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=80)
    scopes: list[str] = Field(min_length=1, max_length=len(SCOPES))


class Place(BaseModel):
    model_config = ConfigDict(extra="forbid")
    enabled: bool | None = None
    order: int | None = Field(None, ge=0, le=1_000_000)


@router.get("/settings", response_model=Page[Setting])
def settings(request: Request) -> Response:
    """The settings in effect, with where each came from. Keys of providers are none of them."""
    return listed(_settings(_fresh(core_of(request).app)))


@router.patch("/settings", response_model=Setting, dependencies=[needs("admin")])
def change(request: Request, body: Change) -> Response:
    """Write one value to the user's config.toml; runs that start later go by it."""
    app = _fresh(core_of(request).app)
    setting = schema.find(schema.split(body.key))
    if setting is None or body.key.startswith(NOT_HERE):
        hint = schema.nearest(body.key, [each.name for each in schema.SETTINGS])
        raise Problem(422, f"{body.key} cannot be set here", hint or "use `pyagent config set`")
    match(request, _seen(next((row for row in _settings(app) if row["key"] == body.key), {"key": body.key})))
    try:
        value = schema.check(setting, body.value, app.cwd)
    except ValueError as error:
        raise Problem(422, f"{body.key} {error}", "correct the value") from None
    edit.store(app.paths.config_file, schema.split(body.key), value)
    after = _fresh(core_of(request).app)
    core_of(request).app.__dict__["settings"] = after.settings
    return reply(next(row for row in _settings(after) if row["key"] == body.key))


@router.get("/audit", response_model=Page[Entry], dependencies=[needs("admin")])
def audit(request: Request, limit: int = Query(LIMIT, ge=1, le=MOST), cursor: str | None = None) -> Response:
    """Who changed what and who was turned away, the newest first."""
    rows = core_of(request).audit.page(offset(cursor, NEWEST), limit)
    return listed([asdict(row) for row in rows], last_of(rows, limit, lambda row: row.seq))


@router.get("/tokens", response_model=Page[Token], dependencies=[needs("admin")])
def tokens(request: Request) -> Response:
    """Tokens and signed-in browsers; the secrets themselves are not kept."""
    mine = who(request).id
    return listed([{**asdict(row), "current": row.id == mine} for row in core_of(request).access.rows()])


@router.post("/tokens", response_model=NewToken, status_code=201, dependencies=[needs("admin")])
def new_token(request: Request, body: Wanted) -> Response:
    """A bearer token for programs. It is shown this once."""
    try:
        token = core_of(request).access.token(body.name, body.scopes)
    except UsageError as error:
        raise Problem(422, str(error), error.hint) from None
    return reply({"token": token, "name": body.name, "scopes": body.scopes}, 201)


@router.delete("/tokens/{id}", status_code=204, dependencies=[needs("admin")])
def revoke(request: Request, id: str) -> Response:
    """End a token or a session, and what it holds open."""
    if not core_of(request).access.revoke(id):
        raise Problem(404, "there is no such token", "see GET /api/v1/tokens")
    return Response(status_code=204)


@router.get("/panels", response_model=Page[PanelRow])
def panels(request: Request) -> Response:
    """Every panel in its place, also those that are turned off."""
    return listed([{**panel, "etag": etag(panel)} for panel in core_of(request).panels.all()])


@router.get("/panels/{id}", response_model=Panel)
def panel(request: Request, id: str) -> Response:
    return single(request, _panel(request, id))


@router.patch("/panels/{id}", response_model=PanelRow, dependencies=[needs("admin")])
def arrange(request: Request, id: str, body: Place) -> Response:
    """Turn a panel on or off, or move it."""
    match(request, _panel(request, id))
    core_of(request).panels.arrange(id, body.enabled, body.order)
    after = _panel(request, id)
    return reply({**after, "etag": etag(after)}, headers={"etag": etag(after)})


def _panel(request: Request, id: str) -> dict[str, Any]:
    found = core_of(request).panels.one(id)
    if found is None:
        raise Problem(404, f"there is no panel {id!r}", "see GET /api/v1/panels")
    return found


def _fresh(app: App) -> App:
    """The application with its files read anew: `config set` in a shell counts too."""
    fresh = App(cwd=app.cwd, env=app.env, store=app.store)
    try:
        fresh.settings  # noqa: B018
    except ConfigError as error:
        raise Problem(409, str(error), error.hint) from None
    return fresh


def _settings(app: App) -> list[dict[str, Any]]:
    rows = []
    for key, value in app.settings.flat():
        setting = schema.find(schema.split(key))
        row = {
            "key": key,
            "value": _shown(key, value.value),
            "origin": value.origin,
            "help": setting.help if setting else "",
            "kind": setting.kind if setting else "text",
            "default": setting.default if setting else None,
            "choices": list(setting.choices) if setting else [],
            "editable": not key.startswith(NOT_HERE),
        }
        rows.append({**row, "etag": etag(_seen(row))})
    return rows


def _shown(key: str, value: Any) -> Any:
    """A value without what may be a secret: a plugin's key, or the password in an address."""
    if key.startswith(("plugins.", "models.")) and _SECRET.search(key.rpartition(".")[2]):
        return "<hidden>"
    if isinstance(value, str):
        return re.sub(r"(//)[^/@\s]+@", r"\1<hidden>@", value)
    return list(value) if isinstance(value, tuple) else value


def _seen(row: dict[str, Any]) -> dict[str, Any]:
    """What a change of a setting must know: the value that it replaces."""
    return {"key": row["key"], "value": row.get("value"), "origin": row.get("origin")}
