"""A tab of a real Chromium at a real server, that remembers what went wrong in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.web.server import Served

DIST = Path(__file__).resolve().parents[3] / "pyagent" / "web" / "_dist"
OPTIONS = (
    "--no-sandbox",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The machine of a test has no display; drawing in software is what it can.
    "--disable-gpu",
)


def program() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def missing() -> str | None:
    """Why the stories in a browser cannot run here, if they cannot."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "playwright is not installed (`make setup` does)"
    if program() is None:
        return "there is no Chromium (Debian: apt-get install chromium)"
    if not (DIST / "index.html").is_file():
        return "the web pages are not built (`make web`)"
    return None


@contextmanager
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program(), args=list(OPTIONS))
        yield started
        started.close()


@dataclass
class Tab:
    """``page`` is Playwright's. ``errors`` are exceptions and complaints of the page, but for those ``expected``."""

    page: Any
    served: Served
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    @classmethod
    def open(
        cls,
        chromium: Any,
        served: Served,
        at: str = "overview",
        size: tuple[int, int] = (1280, 800),
        theme: str = "light",
        locale: str = "en-US",
        link: str | None = None,
    ) -> Tab:
        """Sign in by a launch link and go to a panel."""
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, locale=locale, reduced_motion="reduce"
        )
        context.add_init_script(
            f"localStorage.getItem('pyagent.theme') ?? localStorage.setItem('pyagent.theme', '{theme}')"
        )
        tab = cls(context.new_page(), served)
        tab.page.set_default_timeout(20_000)
        tab._listen()
        _sign_in(context, served, link)
        tab.go(at)
        tab.page.locator(".shell main").wait_for()
        return tab

    def go(self, where: str) -> None:
        self.page.goto(f"{self.served.url}/#/{where}")

    def close(self) -> None:
        self.page.context.close()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def text(self, selector: str = "main") -> str:
        text: str = self.page.locator(selector).first.inner_text()
        return text

    def see(self, text: str, within: str = "body") -> None:
        """Wait until there is this text."""
        self.page.locator(within).get_by_text(text).first.wait_for()

    def button(self, name: str, within: str = "body") -> Any:
        return self.page.locator(within).get_by_role("button", name=name, exact=True).first

    def _listen(self) -> None:
        self.page.on("pageerror", lambda error: self._note(str(error)))
        self.page.on("console", lambda said: said.type == "error" and self._note(said.text))
        self.page.on("request", lambda request: self._asked(request.url))

    def _note(self, text: str) -> None:
        if not any(part in text for part in self.expected):
            self.errors.append(text)

    def _asked(self, url: str) -> None:
        if urlsplit(url).scheme in ("http", "https", "ws", "wss") and not url.startswith(self.served.url):
            self.foreign.append(url)


def _sign_in(context: Any, served: Served, link: str | None) -> None:
    """A launch link works once; further tabs get the cookie that the first one was given."""
    kept = served.said.setdefault("cookies", [])
    if link is None and kept:
        context.add_cookies(kept)
        return
    with served.sign_in() as client:
        kept[:] = [
            {"name": one.name, "value": one.value or "", "url": served.url, "httpOnly": True, "sameSite": "Strict"}
            for one in client.cookies.jar
        ]
    context.add_cookies(kept)
