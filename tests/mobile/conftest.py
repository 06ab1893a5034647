"""What the phone's tests stand on: one Chromium, and servers with a store of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mobile.phone import chromium as start
from tests.mobile.phone import missing
from tests.web.server import Served, serving


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    """One browser for a file; its event loop ends with it, so that `asyncio.run` works in the next one. Without a
    browser the stories are skipped and say so."""
    if reason := missing():
        pytest.skip(reason)
    with start() as browser:
        yield browser


@pytest.fixture
def served(home: Path, tmp_path: Path) -> Iterator[Served]:
    """As for a phone: with TLS, at the address of this machine in its network."""
    with serving(home, tmp_path, "--phone") as server:
        yield server


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server for those that only knock at it."""
    with serving(tmp_path_factory.mktemp("phone-home"), tmp_path_factory.mktemp("phone-folder")) as server:
        yield server
