"""One server for the tests that only knock at it, and one of its own for those that need more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.web.server import Served, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with an empty store, shared by a module."""
    with serving(tmp_path_factory.mktemp("served-home"), tmp_path_factory.mktemp("served-folder")) as server:
        yield server


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[httpx.Client]:
    """Signed in with every scope."""
    with served.sign_in() as signed_in:
        yield signed_in


@pytest.fixture
def place(home: Path, tmp_path: Path) -> tuple[Path, Path]:
    """(home, folder) of a server of its own."""
    return home, tmp_path
