"""A thumb on a real phone page, from the pairing link to decisions in the core."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flet_web", reason="the extra `mobile` is not installed")

from pyagent.run.approvals import Approvals
from pyagent.store.db import Store
from tests.mobile.phone import DECIDED, Phone, deal, phone, play, state
from tests.program import Server
from tests.web.server import MODEL, Served, serving, until


@contextmanager
def paired(chromium: Any, served: Served) -> Iterator[Phone]:
    with phone(chromium, served.url) as held:
        held.page.goto(served.said["pairing"])
        held.page.wait_for_url("**/m/", timeout=30_000)
        held.semantics()
        yield held
        assert held.foreign == [], "no request leaves the machine"


def test_each_way_of_the_thumb_is_its_decision_and_undo_takes_it_back(chromium: Any, served: Served) -> None:
    cards = deal(served.home, 6)
    (risky,) = deal(served.home, 1, ("high",), seed=1)
    with paired(chromium, served) as held, Store.open(served.home / "pyagent.db") as store:
        approvals = Approvals(store)
        for card, verb in zip(cards, ("approve", "escalate", "later"), strict=False):
            held.shows(card.id)
            held.swipe(verb)
            state(approvals, card.id, DECIDED[verb])
        fourth, fifth, sixth = cards[3:]
        held.shows(fourth.id)
        held.swipe("approve", far=60)
        held.swipe("reject")
        held.sees("Why not?")
        assert approvals.get(fourth.id).open, "half a swipe is none, and a rejection waits for its reason"
        held.tap("Too risky")
        state(approvals, fourth.id, "rejected")
        said = approvals.get(fourth.id).decision
        assert said is not None
        assert (said.reason, said.by) == ("Too risky", "phone")
        held.shows(fifth.id)
        held.tap("Undo")
        state(approvals, fourth.id, "waiting")
        approvals.decide(fifth.id, "reject", by="somebody else")
        for card in (fourth, sixth):
            held.shows(card.id)
            held.tap("Approve")
            state(approvals, card.id, "approved")
        assert approvals.get(fifth.id).state == "rejected", "what somebody else decided goes, and says nothing"
        held.shows(risky.id)
        for way in ("approve", "reject", "escalate", "later"):
            held.swipe(way)
        held.hold(*held.middle("Hold to approve"), seconds=0.8)
        time.sleep(0.8)
        assert approvals.get(risky.id).open, "no swipe and no short touch decides what is risky"
        held.hold(*held.middle("Hold to approve"), seconds=2.5)
        state(approvals, risky.id, "approved")


def test_random_decks_are_decided_as_the_thumb_went(chromium: Any, served: Served) -> None:
    with paired(chromium, served) as held:
        for seed in range(5):
            play(held, served.home, seed, size=2)


def test_a_run_is_watched_stopped_and_the_web_panels_switched_from_the_phone(
    chromium: Any, home: Path, tmp_path: Path, serve: Callable[..., Server]
) -> None:
    (home / "config.toml").write_text(MODEL.format(url=serve("--latency", "0.5", "--answer", "all well").url))
    with serving(home, tmp_path) as served, served.sign_in() as client:
        lines = "".join(json.dumps({"id": f"t{n}", "prompt": f"question {n}"}) + "\n" for n in range(3000))
        id = client.post("/api/v1/runs", json={"tasks": lines, "name": "watched", "jobs": 4}).json()["id"]
        with phone(chromium, served.url) as held:
            _sign_in(held, client)
            held.semantics()
            held.tap("Agents", role="tab")
            held.sees("watched")
            held.tap("Runs", role="tab")
            held.sees("running")
            held.tap("More", role="tab")
            held.tap("Web panels")
            held.tap("Show Logs", role="switch")
            until(lambda: not _panel(client, "logs")["enabled"])
            held.tap("Agents", role="tab")
            held.tap("STOP ALL")
            held.tap("Stop all", exact=True)
            until(lambda: client.get(f"/api/v1/runs/{id}").json()["status"] == "stopped")
            assert held.foreign == []
            assert _unnamed(held) == [], "what can be pressed has a name"


def test_a_phone_that_signs_out_is_told_how_to_come_back(chromium: Any, home: Path, tmp_path: Path) -> None:
    with serving(home, tmp_path) as served, served.sign_in() as client, phone(chromium, served.url) as held:
        _sign_in(held, client)
        held.semantics()
        held.tap("More", role="tab")
        held.tap("Settings")
        held.tap("Sign out")
        held.sees("Sign out?")
        held.tap("Sign out", exact=True)
        held.page.get_by_role("heading", name="You are not signed in").wait_for(timeout=20_000)
        until(lambda: client.get("/api/v1/runs").status_code == 401)


def _panel(client: Any, id: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/v1/panels/{id}").json()
    return found


def _sign_in(held: Phone, client: Any) -> None:
    """The phone gets the session that the test signed in with: a link works once."""
    cookies = [{"name": name, "value": value, "url": held.url} for name, value in client.cookies.items()]
    held.page.context.add_cookies(cookies)
    held.page.goto(f"{held.url}/m/")


def _unnamed(held: Phone) -> list[str]:
    """Buttons, tabs and switches without words."""
    found: list[str] = held.page.evaluate(
        """() => [...document.querySelectorAll('flt-semantics[role=button], flt-semantics[role=tab], [role=switch]')]
             .filter(e => !(e.getAttribute('aria-label') || e.textContent).trim()).map(e => e.outerHTML)"""
    )
    return found
