"""A thumb on a phone: Chromium in a phone's size, touched through the DevTools protocol, looked at by its semantics."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pyagent.run.approvals import Approval, Approvals, question
from pyagent.store.db import Store
from tests.web.browser.tab import OPTIONS, program

SIZE = {"width": 390, "height": 844}
WAYS = {"approve": (1, 0), "reject": (-1, 0), "escalate": (0, -1), "later": (0, 1)}
DECIDED = {"approve": "approved", "reject": "rejected", "escalate": "escalated", "later": "later"}
TITLES = (
    "Send the summary to the customer", "Run the query on the archive", "Publish the translated page",
    "Ask the larger model for this one", "Write the file report.md", "Answer the question about refunds",
)  # fmt: skip


def deal(home: Path, number: int, risks: tuple[str, ...] = ("low", "medium"), seed: int = 0) -> list[Approval]:
    """Put ``number`` questions into the store of ``home``."""
    chance = random.Random(seed)
    dealt = []
    with Store.open(home / "pyagent.db") as store:
        approvals = Approvals(store)
        for n in range(number):
            title = f"{chance.choice(TITLES)} ({seed}.{n})"
            detail = "The agent came to this answer:\n\n" + "It follows from the second paragraph. " * chance.randint(
                2, 9
            )
            name = seed * 1000 + n
            asked, row = question(
                "r1",
                f"task-{n}",
                "ab" * 32,
                name,
                "answer",
                title,
                detail,
                chance.choice(risks),  # type: ignore[arg-type]
            )
            approvals.ask(row)
            dealt.append(asked)
    return dealt


@dataclass
class Phone:
    """``foreign`` are requests that left for another host, ``answers`` all that came."""

    page: Any
    touch: Any
    url: str
    foreign: list[str] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)

    def semantics(self) -> None:
        """Flutter draws on a canvas; its tree for screen readers is there when somebody asks for it."""
        self.page.wait_for_selector("flutter-view", state="attached", timeout=60_000)
        self.page.wait_for_selector("flt-semantics-placeholder", state="attached", timeout=60_000)
        self.page.evaluate("document.querySelector('flt-semantics-placeholder').click()")
        self.page.wait_for_selector("flt-semantics", state="attached", timeout=60_000)

    def sees(self, text: str, seconds: float = 20) -> None:
        """Wait until ``text`` is on the screen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if text in self.text():
                return
            time.sleep(0.05)
        raise AssertionError(f"{text!r} is not on the screen, but: {self.text()}")

    def text(self) -> str:
        said: str = self.page.evaluate(
            """() => [...document.querySelectorAll('flt-semantics, flt-semantics *')].map(
                 e => (e.getAttribute('aria-label') || '') + ' ' +
                      [...e.childNodes].filter(c => c.nodeType === 3).map(c => c.textContent).join(' ')).join('\\n')"""
        )
        return said

    def top(self) -> str | None:
        """The id of the card on top."""
        found: str | None = self.page.evaluate(
            """() => document.querySelector('[flt-semantics-identifier^="card-"]')
                       ?.getAttribute('flt-semantics-identifier').slice(5)"""
        )
        return found

    def shows(self, *ids: str, seconds: float = 20) -> str:
        """Wait until one of these cards is on top; gives its id."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            top = self.top()
            if top in ids:
                return top
            time.sleep(0.02)
        raise AssertionError(f"none of {ids} is on top, but {self.top()}: {self.text()}")

    def tap(self, name: str, role: str = "button", exact: bool = False) -> None:
        self.page.get_by_role(role, name=name, exact=exact).first.click(timeout=20_000)

    def swipe(self, verb: str, at: tuple[float, float] = (195, 360), far: float = 240, steps: int = 12) -> None:
        """The thumb goes down on the card, along, and up."""
        (x, y), (dx, dy) = at, WAYS[verb]
        self._touch("touchStart", x, y)
        for step in range(1, steps + 1):
            self._touch("touchMove", x + dx * far * step / steps, y + dy * far * step / steps)
            time.sleep(0.02)
        self._touch("touchEnd")

    def hold(self, x: float, y: float, seconds: float) -> None:
        self._touch("touchStart", x, y)
        time.sleep(seconds)
        self._touch("touchEnd")

    def middle(self, name: str, role: str = "button") -> tuple[float, float]:
        box = self.page.get_by_role(role, name=name).first.bounding_box(timeout=20_000)
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def _touch(self, kind: str, *at: float) -> None:
        points = [{"x": at[0], "y": at[1]}] if at else []
        self.touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def missing() -> str | None:
    """Why a phone cannot be played here, if it cannot."""
    try:
        import flet_web  # noqa: F401
        import playwright.sync_api  # noqa: F401
    except ImportError as error:
        return f"{error.name} is not installed (`make setup` does)"
    return None if program() else "there is no Chromium (Debian: apt-get install chromium)"


@contextmanager
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program(), args=[*OPTIONS, "--ignore-certificate-errors"])
        yield started
        started.close()


@contextmanager
def phone(browser: Any, url: str, dark: bool = False, sharp: bool = False) -> Iterator[Phone]:
    """A phone of its own, with nothing in its cache. ``sharp`` is for pictures: twice as much to draw."""
    context = browser.new_context(
        viewport=SIZE, has_touch=True, is_mobile=True, device_scale_factor=1.5 if sharp else 1, locale="en-US",
        ignore_https_errors=True, color_scheme="dark" if dark else "light",
    )  # fmt: skip
    page = context.new_page()
    held = Phone(page, context.new_cdp_session(page), url)
    own = urlsplit(url).netloc

    def left(request: Any) -> None:
        where = urlsplit(request.url)
        if where.scheme not in ("data", "blob") and where.netloc != own:
            held.foreign.append(f"{request.url} ({request.failure})")

    def failed(request: Any) -> None:
        # What the Content-Security-Policy stops does not leave the browser: Flutter's Rive asks its CDN.
        if request.failure != "csp":
            left(request)

    context.on("requestfinished", left)
    context.on("requestfailed", failed)
    context.on("response", lambda answer: held.answers.append(answer))
    try:
        yield held
    finally:
        context.close()


def state(approvals: Approvals, id: str, wanted: str, seconds: float = 20) -> float:
    """Wait until the card is in a state in the core; gives the milliseconds that it took."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if approvals.get(id).state == wanted:
            return (time.monotonic() - began) * 1000
        time.sleep(0.003)
    raise AssertionError(f"{id} is {approvals.get(id).state}, not {wanted}")


def play(held: Phone, home: Path, seed: int, size: int) -> list[float]:
    """Deal a deck and go through it with a random thumb, that sometimes takes an answer back.

    Raises AssertionError for a decision that nobody made, one made twice, or one that undo did not restore. Gives the
    milliseconds from the end of each swipe to its decision in the core.
    """
    chance, took = random.Random(seed), []
    dealt = {card.id: card for card in deal(home, size, seed=seed)}
    told: dict[str, list[str]] = {id: [] for id in dealt}
    left, last = set(dealt), ""
    with Store.open(home / "pyagent.db") as store:
        approvals = Approvals(store)
        while left:
            # The decision is in the core a moment before the next card is on the screen.
            last = id = held.shows(*(dealt.keys() - {last}))
            verb = chance.choice(list(WAYS))
            if approvals.get(id).admin:
                # It was escalated more than ten seconds ago and came back, for an administrator.
                verb = "reject"
                held.tap("Reject")
            else:
                held.swipe(verb)
            if verb == "reject":
                assert approvals.get(id).open, "a rejection waits for its reason"
                held.sees("Why not?")
                held.tap(chance.choice(("Wrong", "Too risky", "Too expensive", "Not needed")))
                state(approvals, id, "rejected")
            else:
                took.append(state(approvals, id, DECIDED[verb]))
            told[id].append(verb)
            left.discard(id)
            if chance.random() < 0.2:
                held.sees(f" · {dealt[id].title}")
                held.tap("Undo")
                if _too_late(approvals, id):
                    # On a machine that is busy elsewhere the ten seconds may be over: then the decision stands.
                    continue
                state(approvals, id, "waiting")
                told[id].append("undo")
                left.add(id)
                held.shows(id)
                last = ""
        _check(approvals, told)
        with store.write() as db:
            db.execute("DELETE FROM approval")
    return took


def _too_late(approvals: Approvals, id: str) -> bool:
    """Whether the ten seconds were over when the press arrived, so that the decision stands."""
    said = approvals.get(id).decision
    if said is None or time.time() < said.effective_at - 1:
        return False
    time.sleep(2)
    return approvals.get(id).decision is not None


def _check(approvals: Approvals, told: dict[str, list[str]]) -> None:
    """What the journal holds is what the thumb said, in that order and nothing else."""
    happened: dict[str, list[str]] = {id: [] for id in told}
    for event in approvals.store.events("r1"):
        if event.data.get("id") in told and event.kind in ("approval.decided", "approval.undone"):
            happened[event.data["id"]].append("undo" if event.kind == "approval.undone" else event.data["verb"])
    assert happened == told
