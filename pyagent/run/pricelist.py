"""The table of prices: the one that genai-prices ships, or a newer one that the user fetched once.

A fetched table is a file in the cache folder; nothing is fetched unless somebody asks for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyagent.errors import EngineUnreachable, PyAgentError
from pyagent.model import LongPrice

FILE = "prices.json"
SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Listed:
    """What the table says of a model: USD for a million tokens (None: unknown), and whether it is to go.

    ``long`` is what longer prompts cost.
    """

    input: float | None
    output: float | None
    context: int | None
    deprecated: bool
    long: tuple[LongPrice, ...] = ()


class PriceList:
    """Looks models up by the provider's address and name. ``path`` may hold a fetched table."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._snapshot: Any = None

    @property
    def source(self) -> str:
        """Which table it is, with its date."""
        if self._path is not None and self._path.exists():
            day = datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
            return f"genai-prices, fetched {day:%Y-%m-%d}"
        from importlib.metadata import version

        return f"genai-prices {version('genai-prices')}"

    def find(self, url: str, remote: str) -> Listed | None:
        """The model at a public address, None where the table does not know it."""
        try:
            _, info = self._table().find_provider_model(remote, None, None, url)
        except LookupError:
            return None
        prices = info.get_prices(datetime.now(UTC))
        given, made = prices.input_mtok, prices.output_mtok
        long = tuple(_long(given, made)) if given is not None and made is not None else ()
        return Listed(_dollars(given), _dollars(made), info.context_window, bool(info.deprecated), long)

    def fetch(self, url: str | None = None) -> None:
        """Take the newest table from ``url`` (default: its home). Raises EngineUnreachable (69); the old one stays."""
        import httpx
        from genai_prices import UpdatePrices

        assert self._path is not None, "a table that is fetched needs a place"
        url = url or UpdatePrices().url
        try:
            with httpx.Client(timeout=SECONDS, follow_redirects=True) as client:
                raw = client.get(url).raise_for_status().content
            _parsed(raw)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, PyAgentError) as error:
            raise EngineUnreachable(
                f"no price table at {url} ({error or type(error).__name__})",
                f"the one at hand is {self.source}; try later, or name another address with --from",
            ) from error
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(raw)
        os.replace(part, self._path)
        self._snapshot = None

    def _table(self) -> Any:
        if self._snapshot is None:
            from genai_prices.data_snapshot import get_snapshot

            self._snapshot = get_snapshot()
            if self._path is not None and self._path.exists():
                # Written by a newer format, or torn: the shipped table is always there.
                with suppress(ValueError, OSError, PyAgentError):
                    self._snapshot = _parsed(self._path.read_bytes())
        return self._snapshot


def _parsed(raw: bytes) -> Any:
    """A table from JSON; ValueError for anything else."""
    from genai_prices.data_snapshot import DataSnapshot

    # The one private name: the public way fetches and parses in one, always from the network.
    from genai_prices.types import _providers_from_raw

    rows = json.loads(raw)
    if not isinstance(rows, list):
        raise ValueError("it is no list of providers")
    try:
        return DataSnapshot(_providers_from_raw(rows), from_auto_update=True)
    except Exception as error:
        raise ValueError(f"it is not in the format of genai-prices: {' '.join(str(error).split())[:120]}") from error


def _dollars(price: Any) -> float | None:
    """A price is a number, or tiers by the prompt's length above a base; None where nothing is said."""
    base = getattr(price, "base", price)
    return None if base is None else float(base)


def _long(given: Any, made: Any) -> Iterator[LongPrice]:
    """The steps of both prices: passing one makes the whole request dearer."""
    for above in sorted({tier.start for price in (given, made) for tier in getattr(price, "tiers", ())}):
        yield LongPrice(above, _above(given, above), _above(made, above))


def _above(price: Any, above: int) -> float:
    reached = [tier.price for tier in getattr(price, "tiers", ()) if tier.start <= above]
    return float(reached[-1] if reached else getattr(price, "base", price))
