"""Each panel over a real run of the real model: nothing for axe to complain of, and a picture for the docs.

``PYAGENT_PICTURES=docs/pictures python -m pytest tests/web/browser/test_pages.py`` makes the pictures anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MODELS
from tests.program import start_pyagent
from tests.web.browser.tab import Tab
from tests.web.server import Served, serving, until

ROOT = Path(__file__).resolve().parents[3]
AXE = ROOT / "webui" / "node_modules" / "axe-core" / "axe.min.js"
# Where each page is, and what stands on it and on no other.
PAGES = {
    "overview": ("overview", "main .now .card:nth-child(2)"),
    "swarm": ("swarm", "main .grid-view canvas"),
    "approvals": ("approvals", "main .deck-card"),
    "runs": ("runs", "main [role=grid][aria-label=Runs]"),
    "run": ("runs/tickets", "main [role=grid][aria-label=Tasks] .row"),
    "trace": ("runs/tickets/report", "main .waterfall"),
    "statistics": ("statistics", "main .columns canvas"),
    "models": ("models", "main [role=grid][aria-label=Models]"),
    "schedules": ("schedules", 'main [role=grid][aria-label=Schedules], main h3:text("Nothing is scheduled")'),
    "plugins": ("settings/plugins", "main [role=grid][aria-label=Plugins]"),
    "settings": ("settings/settings", "main [role=grid][aria-label=Settings]"),
    "panels": ("settings/panels", "main [role=switch]"),
    "tokens": ("settings/tokens", "main >> text=New token"),
    "logs": ("logs", "main [role=grid][aria-label=Logs]"),
    "audit": ("audit", "main [role=grid][aria-label=Audit]"),
}
# Those that the docs show dark too.
DARK = ("overview", "swarm", "trace", "approvals")
ASKING = [
    {"id": "refund-4412", "prompt": "Tell the customer in two sentences that order 4412 is refunded.", "approve": True},
    {"id": "newsletter", "prompt": "Write one sentence about the new opening hours.", "approve": True},
    {"id": "press", "prompt": "Answer the journalist who asks about the outage, in one sentence.", "approve": True},
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server over a finished run of the bundled model, and one that waits for a person."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("folder")
    (home / "cache").mkdir()
    for made_once in ("models", "kernels"):
        (home / "cache" / made_once).symlink_to(MODELS / made_once)
    asking = folder / "asking.jsonl"
    asking.write_text("".join(json.dumps(task) + "\n" for task in ASKING))
    # The tests' own home is another for each test; these runs live as long as the module.
    env = {**os.environ, "PYAGENT_HOME": str(home), "PYAGENT_MODEL": ""}
    env.pop("PYAGENT_MODEL")
    run = start_pyagent("swarm", "run", str(tickets(folder)), "--run", "tickets", env=env)
    assert run.wait(timeout=240) == 0
    run.communicate()
    with serving(home, folder) as served, busy(folder, env):
        waiting = start_pyagent("swarm", "run", str(asking), "--run", "outbox", env=env)
        with served.sign_in() as client:
            served.said["cookies"] = [
                {"name": one.name, "value": one.value or "", "url": served.url} for one in client.cookies.jar
            ]
            until(lambda: client.get("/api/v1/overview").json()["approvals_waiting"] == len(ASKING), 120)
        yield served
        waiting.terminate()
        waiting.communicate(timeout=30)


def tickets(folder: Path) -> Path:
    """The example for the pictures; the tests do with three of its tasks."""
    example = ROOT / "examples" / "tickets.jsonl"
    if "PYAGENT_PICTURES" in os.environ:
        return example
    few = folder / "tickets.jsonl"
    report = {"id": "report", "prompt": "Say good morning.", "max_tokens": 12}
    few.write_text("".join(example.read_text().splitlines(keepends=True)[:2]) + json.dumps(report) + "\n")
    return few


@contextmanager
def busy(folder: Path, env: dict[str, str]) -> Iterator[None]:
    """For the pictures of the docs: a swarm at work for four minutes, of which the tests would only be slower."""
    if "PYAGENT_PICTURES" not in os.environ:
        yield
        return
    towns = ("Oslo", "Lima", "Cairo", "Quito", "Hanoi", "Perth", "Turin", "Kyoto", "Porto", "Delhi")
    tasks = [
        {"id": f"{town.lower()}-{n}", "prompt": f"Name sight {n} of {town}."} for n in range(240) for town in towns
    ]
    path = folder / "sights.jsonl"
    path.write_text("".join(json.dumps({**task, "max_tokens": 24}) + "\n" for task in tasks))
    # Into a file: nobody reads its output here, and a full pipe would hold it up.
    out = ("-o", str(folder / "sights.out"))
    run = start_pyagent("swarm", "run", str(path), "--run", "sights", "--answer-tokens", "24", *out, env=env)
    yield
    run.terminate()
    run.communicate(timeout=30)


def visit(tab: Tab, name: str) -> None:
    """Go to a page, and wait until what is read is there: no place is held for it any more."""
    address, shows = PAGES[name]
    tab.go(address)
    tab.page.locator(shows).first.wait_for()
    tab.page.locator("main .skeleton, main [aria-busy]").first.wait_for(state="detached")
    tab.page.evaluate("document.fonts.ready.then(() => true)")


def complaints(tab: Tab) -> list[str]:
    """What axe finds critical or serious, with where it is."""
    if not tab.page.evaluate("typeof axe === 'object'"):
        tab.page.evaluate(AXE.read_text())
    found: dict[str, Any] = tab.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        if one["impact"] in ("critical", "serious")
        for node in one["nodes"]
    ]


@pytest.mark.skipif(not AXE.is_file(), reason="the packages of webui/ are not installed (`make web`)")
@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
def test_every_page_is_usable_by_everybody(theme: str, house: Served, chromium: Any) -> None:
    tab = Tab.open(chromium, house, theme=theme)
    found = {}
    for name in PAGES:
        visit(tab, name)
        if wrong := complaints(tab):
            found[name] = wrong
    for name, keys in (("palette", "Control+k"), ("help", "?"), ("new run", "n")):
        visit(tab, "overview")
        tab.press(keys)
        tab.page.locator("dialog[open]").wait_for()
        if wrong := complaints(tab):
            found[name] = wrong
        tab.press("Escape")
    tab.close()
    assert found == {}
    assert tab.errors == []
    assert tab.foreign == []


@pytest.mark.parametrize("width", [390, 768])
def test_no_page_is_wider_than_a_narrow_window(width: int, house: Served, chromium: Any) -> None:
    tab = Tab.open(chromium, house, size=(width, 844))
    too_wide = {}
    for name in PAGES:
        visit(tab, name)
        over = tab.page.evaluate(
            "document.querySelector('main').scrollWidth - document.querySelector('main').clientWidth"
        )
        if over > 0 or tab.page.evaluate("document.documentElement.scrollWidth") > width:
            too_wide[name] = over
    tab.close()
    assert too_wide == {}


def test_pictures_of_every_panel(house: Served, chromium: Any, tmp_path: Path) -> None:
    folder = Path(os.environ.get("PYAGENT_PICTURES", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    # The dark ones are only for the docs; what could go wrong in them axe has looked at above.
    for theme in ("light", "dark") if "PYAGENT_PICTURES" in os.environ else ("light",):
        pages = (
            PAGES if theme == "light" else {name: PAGES[name] for name in ("overview", "swarm", "trace", "approvals")}
        )
        tab = Tab.open(chromium, house, size=(1440, 900), theme=theme)
        if "PYAGENT_PICTURES" in os.environ:
            # Two minutes of work to look at.
            tab.page.wait_for_timeout(60_000)
        for name in pages:
            visit(tab, name)
            tab.page.wait_for_timeout(400)
            tab.page.screenshot(path=str(folder / f"{name}-{theme}.png"))
        tab.close()
        assert tab.errors == []
    assert len(list(folder.glob("*-light.png"))) >= len(PAGES)
    assert all(path.stat().st_size > 10_000 for path in folder.glob("*.png"))
