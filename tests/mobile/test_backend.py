"""One contract, two backends: inside the server over its core, and outside over HTTP, on the same real store."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flet_web", reason="the extra `mobile` is not installed")

from pyagent.host.app import App
from pyagent.run.approvals import Approvals
from pyagent.store.db import Store
from pyagent.web.access import SCOPES
from pyagent.web.core import Core
from pyagent_plugins.mobile.backend import MOST_CARDS, Backend, Refusal
from pyagent_plugins.mobile.http import Http
from pyagent_plugins.mobile.inprocess import InProcess
from pyagent_plugins.mobile.pairing import offer, pair
from pyagent_plugins.mobile.shapes import Card, Run, Wish
from tests.mobile.phone import deal
from tests.program import Server
from tests.web.server import MODEL, Served, serving

Made = Callable[..., Awaitable[Backend]]


@asynccontextmanager
async def inside(home: Path, folder: Path) -> AsyncIterator[Made]:
    core = Core(App(cwd=folder, env={"PYAGENT_HOME": str(home)}))
    await core.start()

    async def make(*scopes: str) -> Backend:
        signed_in = core.access.exchange(core.access.launch("phone", scopes or SCOPES))
        assert signed_in is not None
        return InProcess(core, lambda: signed_in[1])

    try:
        yield make
    finally:
        await core.stop()


@asynccontextmanager
async def outside(home: Path, folder: Path) -> AsyncIterator[Made]:
    made: list[Backend] = []
    with serving(home, folder) as served, served.sign_in() as client:

        async def make(*scopes: str) -> Backend:
            answer = client.post("/api/v1/tokens", json={"name": "phone", "scopes": list(scopes or SCOPES)})
            made.append(Http(served.url, answer.json()["token"]))
            return made[-1]

        try:
            yield make
        finally:
            for backend in made:
                await backend.close()


@pytest.fixture(params=[inside, outside], ids=["in process", "http"])
def story(request: pytest.FixtureRequest, home: Path, tmp_path: Path) -> Callable[..., None]:
    """Tell a story with a backend of this kind."""

    def tell(told: Callable[[Made], Awaitable[None]]) -> None:
        async def run() -> None:
            async with request.param(home, tmp_path) as make:
                await told(make)

        asyncio.run(run())

    return tell


async def no(status: int, work: Awaitable[Any]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await work
    assert caught.value.status == status, caught.value
    assert str(caught.value)
    return caught.value


async def until(work: Callable[[], Awaitable[Any]], check: Callable[[Any], bool]) -> Any:
    for _ in range(600):
        if check(found := await work()):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"it did not happen: {found}")


def pass_time(home: Path, seconds: float = 11) -> None:
    with Store.open(home / "pyagent.db") as store, store.write() as db:
        db.execute("UPDATE approval SET decided = decided - ?, effective = effective - ?", (seconds, seconds))


def test_a_decision_lands_once_and_can_be_taken_back(story: Any, home: Path) -> None:
    dealt = deal(home, 5)

    async def told(make: Made) -> None:
        backend = await make()
        deck = await backend.deck()
        assert ([card.id for card in deck.cards], deck.waiting) == ([each.id for each in dealt], 5)
        assert deck.cards[0] == Card.of(dealt[0].line())
        first, second, third, fourth, _ = deck.cards
        said = await backend.decide(first.id, "approve")
        assert (said.state, said.by) == ("approved", "phone")
        assert await backend.decide(first.id, "approve") == said, "the same again is the same decision"
        assert "approved" in str(await no(409, backend.decide(first.id, "reject", "wrong")))
        assert (await backend.decide(second.id, "reject", "too risky")).reason == "too risky"
        assert (await backend.decide(third.id, "escalate")).state == "escalated"
        assert (await backend.decide(fourth.id, "later")).state == "later"
        deck = await backend.deck()
        assert [card.id for card in deck.cards] == [dealt[4].id, fourth.id], "what was put off is at the end"
        for card in (first, second, third, fourth):
            assert (await backend.undo(card.id)).open
        assert [card.id for card in (await backend.deck()).cards] == [each.id for each in dealt]
        await no(409, backend.undo(first.id))

    story(told)
    with Store.open(home / "pyagent.db") as store:
        kinds = [event.kind for event in store.events("r1")]
    assert (kinds.count("approval.decided"), kinds.count("approval.undone")) == (4, 4)


def test_what_has_taken_effect_stays_and_what_was_escalated_is_for_an_administrator(story: Any, home: Path) -> None:
    first, second = deal(home, 2)

    async def told(make: Made) -> None:
        backend, helper = await make(), await make("read", "approve")
        await backend.decide(first.id, "approve")
        await backend.decide(second.id, "escalate")
        pass_time(home)
        assert "effect" in str(await no(409, backend.undo(first.id)))
        (card,) = (await backend.deck()).cards
        assert (card.id, card.admin, card.risk) == (second.id, True, "high")
        await no(403, helper.decide(card.id, "approve"))
        await no(409, backend.decide(card.id, "escalate"))
        assert (await backend.decide(card.id, "approve")).state == "approved"

    story(told)


def test_a_deck_holds_fifty_cards_and_says_how_many_wait(story: Any, home: Path) -> None:
    deal(home, MOST_CARDS + 12)

    async def told(make: Made) -> None:
        deck = await (await make()).deck()
        assert (len(deck.cards), deck.waiting) == (MOST_CARDS, MOST_CARDS + 12)

    story(told)


def test_nobody_does_what_he_has_no_right_to(story: Any, home: Path) -> None:
    (asked,) = deal(home, 1)

    async def told(make: Made) -> None:
        reader, approver = await make("read"), await make("read", "approve")
        assert (await reader.session()).scopes == ("read",)
        assert len((await reader.deck()).cards) == 1
        assert "approve" in str(await no(403, reader.decide(asked.id, "approve")))
        await no(403, reader.stop_all())
        await no(403, approver.start(Wish("one\n")))
        panel = (await approver.panels())[0]
        await no(403, approver.arrange(panel, enabled=False))
        assert await approver.stop_all() == 0
        await no(404, approver.decide("no-such-card", "approve"))
        await no(422, approver.decide(asked.id, "perhaps"))
        await no(404, approver.run("no-such-run"))
        await no(409, approver.undo(asked.id))

    story(told)
    with Store.open(home / "pyagent.db") as store:
        assert Approvals(store).get(asked.id).open


def test_a_run_is_started_watched_and_steered(story: Any, home: Path, serve: Callable[..., Server]) -> None:
    (home / "config.toml").write_text(MODEL.format(url=serve("--latency", "0.4", "--answer", "fine").url))

    async def told(make: Made) -> None:
        backend = await make()
        assert (await backend.models())[0] == "stub"
        await no(422, backend.start(Wish(path="../nowhere.jsonl")))
        await no(422, backend.start(Wish("one\n", name="no such name!")))
        prompts = "".join(f"question {n}\n" for n in range(2000))
        run = await backend.start(Wish(prompts, name="phone-run"))
        assert (run.name, run.total) == ("phone-run", 2000)
        assert await until(backend.agents, lambda agents: any(agent.run == run.id for agent in agents))
        await backend.steer(run.id, "pause")
        await until(lambda: backend.run(run.id), lambda now: now.status == "paused")
        await backend.steer(run.id, "resume")
        await until(lambda: backend.run(run.id), lambda now: now.status == "running")
        tasks = await until(lambda: backend.tasks(run.id), lambda rows: any(row.state == "ok" for row in rows))
        done = next(row for row in tasks if row.state == "ok")
        assert await backend.text(run.id, done.id) == "fine"
        await no(404, backend.text(run.id, "no-such-task"))
        assert await backend.stop_all() == 1
        stopped: Run = await until(lambda: backend.run(run.id), lambda now: not now.live)
        assert stopped.status == "stopped"
        await no(409, backend.steer(run.id, "pause"))
        assert [each.id for each in await backend.runs()] == [run.id]
        overview, stats = await backend.overview(), await backend.stats()
        assert overview.tasks == sum(stats.series.tasks) == stopped.done
        assert [model.model for model in stats.models] == ["stub"]

    story(told)


def test_panels_are_moved_and_switched_as_they_were_seen(story: Any) -> None:
    async def told(make: Made) -> None:
        backend = await make()
        panels = await backend.panels()
        swarm = next(panel for panel in panels if panel.id == "swarm")
        after = await backend.arrange(swarm, enabled=False, order=999)
        assert (after.enabled, after.order) == (False, 999)
        assert (await backend.panels())[-1] == after
        await no(412, backend.arrange(swarm, enabled=True))

    story(told)


def test_a_phone_that_signed_out_is_nobody(story: Any, home: Path) -> None:
    (asked,) = deal(home, 1)

    async def told(make: Made) -> None:
        backend = await make()
        await backend.sign_out()
        await no(401, backend.deck())
        await no(401, backend.decide(asked.id, "approve"))

    story(told)


def test_both_backends_say_the_same(home: Path, tmp_path: Path, serve: Callable[..., Server]) -> None:
    (home / "config.toml").write_text(MODEL.format(url=serve().url))
    deal(home, 3)

    async def told() -> None:
        async with inside(home, tmp_path) as make_inside, outside(home, tmp_path) as make_outside:
            one, other = await make_inside(), await make_outside()
            run = await one.start(Wish("a\nb\nc\n"))
            await until(lambda: other.run(run.id), lambda now: now.status == "finished")
            task = (await other.tasks(run.id))[0].id
            for ask in (
                lambda backend: backend.session(),
                lambda backend: backend.deck(),
                lambda backend: backend.overview(),
                lambda backend: backend.agents(),
                lambda backend: backend.runs(),
                lambda backend: backend.run(run.id),
                lambda backend: backend.tasks(run.id),
                lambda backend: backend.text(run.id, task),
                lambda backend: backend.models(),
                lambda backend: backend.panels(),
            ):
                assert await ask(one) == await ask(other)
            assert (await one.stats()).models == (await other.stats()).models

    asyncio.run(told())


def test_the_app_on_the_phone_pairs_by_the_link_in_the_code(home: Path, tmp_path: Path) -> None:
    with serving(home, tmp_path, "--tls") as served:
        link = served.said["link"].replace("/#token", "/pair#token")

        async def told() -> None:
            offered = await offer(link)
            assert offered.fingerprint.replace(":", "") == served.said["fingerprint"].replace(":", "")
            paired = await pair(offered)
            backend = Http(paired.base_url, paired.token, paired.certificate)
            assert (await backend.session()).scopes == SCOPES
            await backend.close()
            await no(401, pair(offered))
            await no(422, offer("https://example.org/"))
            await no(0, offer("https://127.0.0.1:1/pair#token=x"))

        asyncio.run(told())


def test_a_server_that_is_gone_is_said_so(shared: Served) -> None:
    async def told() -> None:
        backend = Http("http://127.0.0.1:1", "x")
        assert "does not answer" in str(await no(0, backend.deck()))
        await backend.close()
        stranger = Http(shared.url, "made-up")
        await no(401, stranger.deck())
        await stranger.close()

    asyncio.run(told())


def test_the_app_on_the_phone_needs_nothing_of_the_server() -> None:
    """What `flet build` packages: no web server, store or engine comes with it."""
    look = (
        "import sys, pyagent_plugins.mobile.main, pyagent_plugins.mobile.screens.pair; print('\\n'.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.startswith(("pyagent.", "pyagent_plugins."))}
    assert {name for name in loaded if not name.startswith("pyagent_plugins.mobile")} == {
        "pyagent.errors", "pyagent.plugin", "pyagent.host", "pyagent.host.hookspecs",
    }  # fmt: skip
    assert not {"fastapi", "starlette", "aiohttp", "numpy", "flet_web"} & set(done.stdout.split())
