"""The API's manners: lists and cursors, ETags, settings and panels that change only as they were seen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from pyagent.host.app import App
from pyagent.web.app import NOUNS, build
from pyagent.web.core import Core
from tests.web.server import Served

SAFE = {"GET", "HEAD", "OPTIONS"}


def test_every_change_needs_a_scope() -> None:
    """A route that is added without one would be open to whoever may read."""
    lacking = []
    for noun in NOUNS:
        for route in noun.router.routes:
            scopes = [getattr(each.dependency, "scope", None) for each in route.dependencies]  # type: ignore[attr-defined]
            methods, path = route.methods, route.path  # type: ignore[attr-defined]
            if methods - SAFE and path != "/session" and not any(scopes):
                lacking.append(f"{methods} {path}")
    assert lacking == []


def test_the_description_is_there_and_complete(client: httpx.Client) -> None:
    described = client.get("/api/v1/openapi.json").json()
    assert {"/api/v1/runs", "/api/v1/events", "/api/v1/approvals/{id}"} <= set(described["paths"])


@pytest.mark.parametrize(
    "path",
    ["runs", "agents", "approvals", "models", "schedules", "plugins", "settings", "logs", "audit", "tokens", "panels"],
)
def test_every_list_has_the_same_shape(client: httpx.Client, path: str) -> None:
    listed = client.get(f"/api/v1/{path}").json()
    assert isinstance(listed["items"], list)
    assert listed["next"] is None or isinstance(listed["next"], str)
    assert client.get(f"/api/v1/{path}?limit=0").status_code in (200, 422)
    assert client.get(f"/api/v1/{path}?cursor=rubbish").status_code in (200, 422)


@pytest.mark.parametrize(
    "path",
    ["runs/nothing", "runs/nothing/tasks", "runs/nothing/tasks/x", "approvals/nothing", "panels/nothing", "nothing"],
)
def test_what_is_not_there_is_a_problem(client: httpx.Client, path: str) -> None:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 404
    assert answer.json()["hint"]


def test_a_list_goes_on_where_its_cursor_points(client: httpx.Client) -> None:
    for _ in range(3):
        client.post("/api/v1/stop-all")
    whole = client.get("/api/v1/audit", params={"limit": 4}).json()["items"]
    first = client.get("/api/v1/audit", params={"limit": 2}).json()
    second = client.get("/api/v1/audit", params={"limit": 2, "cursor": first["next"]}).json()
    assert first["items"] + second["items"] == whole


def test_a_panel_is_changed_only_as_it_was_seen(client: httpx.Client) -> None:
    panel = client.get("/api/v1/panels/logs")
    tag, place = panel.headers["etag"], "/api/v1/panels/logs"
    assert client.get(place, headers={"if-none-match": tag}).status_code == 304
    assert client.patch(place, json={"enabled": False}).status_code == 428
    changed = client.patch(place, json={"enabled": False, "order": 5}, headers={"if-match": tag})
    assert changed.status_code == 200
    assert client.patch(place, json={"enabled": True}, headers={"if-match": tag}).status_code == 412
    listed = client.get("/api/v1/panels").json()["items"]
    assert [row["id"] for row in listed][:2] == ["overview", "logs"]
    assert listed[1]["enabled"] is False
    assert listed[1]["etag"] == changed.headers["etag"]


def test_a_setting_is_written_where_every_run_reads_it(served: Served, client: httpx.Client) -> None:
    def row(key: str) -> dict[str, Any]:
        return next(each for each in client.get("/api/v1/settings").json()["items"] if each["key"] == key)

    before = row("swarm.retries")
    change, seen = {"key": "swarm.retries", "value": 7}, {"if-match": before["etag"]}
    assert client.patch("/api/v1/settings", json={**change, "value": "many"}, headers=seen).status_code == 422
    assert client.patch("/api/v1/settings", json=change, headers=seen).status_code == 200
    assert client.patch("/api/v1/settings", json=change, headers=seen).status_code == 412
    assert row("swarm.retries")["value"] == 7
    assert "retries = 7" in (served.home / "config.toml").read_text()


def test_approvals_are_decided_once_and_undone(served: Served, client: httpx.Client) -> None:
    from pyagent.run.approvals import Approvals, question
    from pyagent.store.db import Store

    with Store.open(served.home / "pyagent.db") as store:
        approval, asked = question("r", "t", "00" * 32, 0, "answer", "Is this right?", "The answer.", "low")
        Approvals(store).ask(asked)
    id = approval.id
    deck = client.get("/api/v1/approvals").json()["items"]
    assert [card["id"] for card in deck] == [id]
    place = f"/api/v1/approvals/{id}"
    said = client.post(place, json={"verb": "approve"}).json()
    assert said["state"] == "approved"
    assert said["decision"]["by"] == "launch link"
    assert client.post(place, json={"verb": "approve"}).status_code == 200
    assert client.post(place, json={"verb": "reject"}).status_code == 409
    assert client.post(f"{place}/undo").json()["state"] == "waiting"
    assert client.post(place, json={"verb": "later"}).json()["state"] == "later"
    assert client.post("/api/v1/approvals/nothing", json={"verb": "approve"}).status_code == 404
    assert client.post(place, json={"verb": "burn"}).status_code == 422


def test_the_mounted_application_lives_behind_the_guard(tmp_path: Path) -> None:
    """A plugin's app at /m: refused without a session, with its own policy, and started with the server."""
    import asyncio
    import types

    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    from pyagent.host.plugins import modules
    from pyagent.plugin import Mount, hookimpl

    lived: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        lived.append("started")
        yield
        lived.append("stopped")

    inner = Starlette(routes=[Route("/", lambda request: PlainTextResponse("phone"))], lifespan=lifespan)
    module = types.ModuleType("phone")

    @hookimpl
    def pyagent_web_mounts(context: Any, core: Any) -> Any:
        yield Mount("/m", inner, "default-src 'self' blob:")

    module.pyagent_web_mounts = pyagent_web_mounts  # type: ignore[attr-defined]
    app = App(cwd=tmp_path, env={"PYAGENT_HOME": str(tmp_path / "home")}, sources=modules({"phone": module}))

    async def story() -> None:
        core = Core(app)
        asgi = build(core, 8421)
        transport = httpx.ASGITransport(app=asgi)  # type: ignore[arg-type]
        token = core.access.token("t", ["read"])
        from pyagent.web.lifespans import lifespan_of

        async with (
            lifespan_of("/", asgi),
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8421") as web,
        ):
            assert (await web.get("/m/")).status_code == 401
            answer = await web.get("/m/", headers={"authorization": f"Bearer {token}"})
            assert answer.text == "phone"
            assert answer.headers["content-security-policy"] == "default-src 'self' blob:"
            assert lived == ["started"]

    asyncio.run(story())
    assert lived == ["started", "stopped"]


def test_a_plugin_that_breaks_costs_its_own_part_only(tmp_path: Path) -> None:
    """Of three plugins one gives statistics, one raises, one gives a panel that cannot be served."""
    import types

    from pyagent.host.plugins import modules
    from pyagent.plugin import Panel, hookimpl

    good, broken, lost = (types.ModuleType(name) for name in ("good", "broken", "lost"))

    @hookimpl
    def pyagent_stats(context: Any) -> Any:
        yield "routing", [{"model": "m"}]

    @hookimpl
    def pyagent_web_panels(context: Any) -> Any:
        yield Panel("lost", "Lost", module=str(tmp_path / "nothing.js"))
        yield Panel("overview", "Not mine", module=__file__)

    good.pyagent_stats = pyagent_stats  # type: ignore[attr-defined]
    broken.pyagent_stats = hookimpl(lambda context: [3])  # type: ignore[attr-defined]
    lost.pyagent_web_panels = pyagent_web_panels  # type: ignore[attr-defined]
    sources = modules({"good": good, "broken": broken, "lost": lost})
    notes: list[str] = []
    app = App(cwd=tmp_path, env={"PYAGENT_HOME": str(tmp_path / "home")}, sources=sources, note=notes.append)
    core = Core(app, notes.append)
    assert core.stats(1)["routing"] == [{"model": "m"}]
    assert not core.panels.given
    assert len(core.panels.all()) == 10
    told = " ".join(notes)
    for what in ("nothing.js", "there is one with that id", "the plugin broken is broken"):
        assert what in told


@pytest.mark.parametrize("id", ["../x", "a/b", "", "A", "x" * 40, "a b", "<b>"])
def test_an_id_that_stands_in_addresses_is_a_plain_word(id: str) -> None:
    from pyagent.plugin import Mount, Panel

    with pytest.raises(ValueError, match="lower-case"):
        Panel(id, "t", module="m.js")
    with pytest.raises(ValueError, match="free one"):
        Mount(f"/{id}/..", None, "")
