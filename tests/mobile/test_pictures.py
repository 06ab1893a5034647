"""Pictures of the phone for the docs, from a real run of the real model.

``PYAGENT_PICTURES=docs/pictures python -m pytest tests/mobile/test_pictures.py`` makes them anew.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flet_web", reason="the extra `mobile` is not installed")

from pyagent.run.approvals import Approvals
from pyagent.store.db import Store
from tests.mobile.phone import Phone, phone
from tests.program import start_pyagent, write_tasks
from tests.web.server import serving, until

PROMPTS = {
    "refund-mail": "Write a short, friendly mail to a customer who asks for a refund of a broken lamp.",
    "release-note": "Write two sentences for a release note: exports are now twice as fast.",
    "summary": "Say in two sentences what a lighthouse is for.",
    "apology": "Write one sentence that says sorry for a late delivery.",
}
LARGEST = 150_000

pytestmark = [
    pytest.mark.local,
    pytest.mark.skipif("PYAGENT_PICTURES" not in os.environ, reason="PYAGENT_PICTURES says where to"),
]


def test_pictures_of_the_phone(chromium: Any, home: Path, tmp_path: Path) -> None:
    folder = Path(os.environ["PYAGENT_PICTURES"]).absolute()
    asked = [{"id": id, "prompt": text, "max_tokens": 70, "approve": True} for id, text in PROMPTS.items()]
    plain = [{"id": f"fact-{n}", "prompt": f"One fact about the number {n}.", "max_tokens": 40} for n in range(2, 40)]
    write_tasks(tmp_path / "letters.jsonl", *asked, *plain)
    run = start_pyagent("swarm", "run", "letters.jsonl", "--run", "letters", "--wait", "-j", "2", cwd=tmp_path)
    try:
        with serving(home, tmp_path, "--phone") as served, Store.open(home / "pyagent.db") as store:
            approvals = Approvals(store)
            until(lambda: approvals.count() == len(PROMPTS), 90)
            for dark in (False, True):
                with phone(chromium, served.url, dark, sharp=True) as held:
                    if not dark:
                        held.page.goto(served.said["pairing"])
                        held.page.wait_for_url("**/m/", timeout=30_000)
                        cookies = held.page.context.cookies()
                    held.page.context.add_cookies(cookies)
                    _look(held, approvals, folder, dark)
    finally:
        run.terminate()
        run.communicate()
    for picture in folder.glob("phone-*.png"):
        assert picture.stat().st_size < LARGEST, picture


def _look(held: Phone, approvals: Approvals, folder: Path, dark: bool) -> None:
    def take(name: str) -> None:
        time.sleep(3 if "triage" in name else 1.5)
        held.page.screenshot(path=str(folder / f"phone-{name}.png"))

    held.page.goto(f"{held.url}/m/")
    held.semantics()
    waiting = approvals.waiting()
    held.shows(waiting[0].id)
    if dark:
        take("triage-dark")
        return
    take("triage")
    held._touch("touchStart", 120, 360)
    for step in range(1, 11):
        held._touch("touchMove", 120 + 15 * step, 360)
        time.sleep(0.02)
    take("swipe")
    held._touch("touchMove", 121, 360)
    held._touch("touchEnd")
    time.sleep(1)
    held.swipe("escalate")
    held.shows(waiting[1].id)
    take("undo")
    held.swipe("reject")
    held.sees("Why not?")
    take("reason")
    held.tap("Not needed")
    for tab in ("Agents", "Statistics", "Runs"):
        held.tap(tab, role="tab")
        held.page.mouse.move(1, 1)
        held.page.mouse.click(380, 120)
        time.sleep(2.5)
        take(tab.lower())
    held.page.touchscreen.tap(150, 215)
    held.sees("fact-3")
    take("run")
    held.tap("More", role="tab")
    held.tap("Web panels")
    held.sees("Switch off")
    take("panels")
    held.tap("Triage", role="tab")
    until(lambda: approvals.get(waiting[0].id).admin, 20)
    for card in waiting[1:]:
        if approvals.get(card.id).open:
            approvals.decide(card.id, "later", by="pictures")
    held.shows(waiting[0].id)
    time.sleep(9)
    take("high-risk")
