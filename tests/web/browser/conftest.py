"""A real Chromium for the stories in a browser; where there is none, they are skipped and say so."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.program import Server
from tests.web.browser.tab import Tab, browser, missing
from tests.web.server import MODEL, Served, serving


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    """One browser for a file. Its event loop ends with it, so that `asyncio.run` works in the next one."""
    if reason := missing():
        pytest.skip(reason)
    with browser() as started:
        yield started


@pytest.fixture
def website(home: Path, tmp_path: Path, serve: Callable[..., Server]) -> Iterator[Callable[..., Served]]:
    """Start a server whose default model is a stub with these options."""
    stack: list[object] = []

    def start(*stub: str, python_path: Path | None = None) -> Served:
        (home / "config.toml").write_text(MODEL.format(url=serve(*stub).url))
        if python_path is not None:
            os.environ["PYTHONPATH"] = str(python_path)
        manager = serving(home, tmp_path)
        stack.append(manager)
        return manager.__enter__()

    before = os.environ.get("PYTHONPATH")
    yield start
    for manager in stack:
        manager.__exit__(None, None, None)  # type: ignore[attr-defined]
    if before is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = before


@pytest.fixture
def tab(chromium: object) -> Iterator[Callable[..., Tab]]:
    """Open tabs; a test fails when one of them met an error or asked another machine."""
    opened: list[Tab] = []

    def open_tab(served: Served, at: str = "overview", **more: object) -> Tab:
        opened.append(Tab.open(chromium, served, at, **more))
        return opened[-1]

    yield open_tab
    for one in opened:
        one.close()
    for one in opened:
        assert one.foreign == [], f"the page asked another machine: {one.foreign}"
        assert one.errors == [], f"the page met errors: {one.errors}"
