"""Endpoints that know the answers, and a user's configuration that names one as a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyagent_plugins.capability.registry.registry import FILE, Registry
from tests.capability import oracle as oracle_file
from tests.program import Server, servers

PRICES = "input_price = 1.0\noutput_price = 2.0\n"
Start = Callable[..., Server]


@pytest.fixture
def oracle() -> Iterator[Start]:
    """Start endpoints with these options (see tests/capability/oracle.py); all end with the test."""
    with servers(oracle_file.__file__) as start:
        yield start


@pytest.fixture
def configured(home: Path) -> Callable[..., None]:
    """Name an endpoint as the model `far`."""

    def write(server: Server, more: str = PRICES) -> None:
        (home / "config.toml").write_text(
            f"[providers.there]\nkind = 'openai'\nbase_url = '{server.url}'\nwidth = 4\n"
            f"[models.far]\nprovider = 'there'\nremote = 'big-1'\n{more}"
        )

    return write


@pytest.fixture
def registry(home: Path) -> Iterator[Registry]:
    with Registry.open(home / FILE) as opened:
        yield opened
