"""Prices over time: a table that is fetched, what it changes, and what is not known."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyagent.errors import EngineUnreachable
from pyagent.run.pricelist import PriceList
from pyagent_plugins.capability.prices import Quote, keep
from pyagent_plugins.capability.registry.registry import FILE, Registry
from tests.program import pyagent

OPENAI = "https://api.openai.com/v1"
WEEK = "2026-W48"


def table(price: float, deprecated: bool = False) -> bytes:
    """A whole price table with one provider and one model."""
    model = {
        "id": "gpt-4o-mini",
        "match": {"equals": "gpt-4o-mini"},
        "context_window": 128_000,
        "deprecated": deprecated,
        "prices": {"input_mtok": price, "output_mtok": 4 * price},
    }
    provider = {"id": "openai", "name": "OpenAI", "api_pattern": r"https://api\.openai\.com", "models": [model]}
    return json.dumps([provider]).encode()


@pytest.fixture
def site() -> Iterator[Any]:
    """A web server that gives what ``site.body`` holds."""

    class Site(http.server.ThreadingHTTPServer):
        body = b""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.server.body  # type: ignore[attr-defined]
            self.send_response(200 if body else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = Site(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.url = f"http://127.0.0.1:{server.server_port}/prices.json"  # type: ignore[attr-defined]
    yield server
    server.shutdown()
    server.server_close()


def test_a_fetched_table_is_used_from_then_on(site: Any, tmp_path: Path) -> None:
    site.body = table(123.0)
    path = tmp_path / "prices.json"
    PriceList(path).fetch(site.url)
    listed = PriceList(path).find(OPENAI, "gpt-4o-mini")
    assert listed is not None
    assert (listed.input, listed.output) == (123.0, 492.0)
    assert "fetched" in PriceList(path).source


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'[{"id": 1}]'])
def test_rubbish_leaves_the_old_table(site: Any, tmp_path: Path, body: bytes) -> None:
    site.body = table(1.0)
    prices = PriceList(tmp_path / "prices.json")
    prices.fetch(site.url)
    site.body = body
    with pytest.raises(EngineUnreachable):
        prices.fetch(site.url)
    listed = prices.find(OPENAI, "gpt-4o-mini")
    assert listed is not None
    assert listed.input == 1.0


def test_a_torn_table_falls_back_to_the_shipped_one(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_bytes(table(1.0)[:50])
    listed = PriceList(path).find(OPENAI, "gpt-4o-mini")
    assert listed is not None
    assert listed.input


def test_changes_are_alerts_once(tmp_path: Path) -> None:
    with Registry.open(tmp_path / FILE) as held:
        assert keep(held, [Quote("m", 1.0, 2.0, "a table")], WEEK) == []
        assert keep(held, [Quote("m", 1.0, 2.0, "a table")], WEEK) == []
        dearer = keep(held, [Quote("m", 1.5, 2.0, "a table")], WEEK)
        assert [(alert.kind, alert.delta) for alert in dearer] == [("price_up", 0.5)]
        assert keep(held, [Quote("m", 1.5, 2.0, "a table")], WEEK) == []
        cheaper = keep(held, [Quote("m", 0.5, 2.0, "a table")], WEEK)
        assert [alert.kind for alert in cheaper] == ["price_down"]
        gone = keep(held, [Quote("m", 0.5, 2.0, "a table", deprecated=True)], WEEK)
        assert [alert.kind for alert in gone] == ["deprecated"]
        assert [price.input for price in held.prices("m")] == [1.0, 1.5, 0.5]


def test_a_price_that_is_no_longer_listed_is_unknown_and_not_nothing(tmp_path: Path) -> None:
    with Registry.open(tmp_path / FILE) as held:
        keep(held, [Quote("m", 1.0, 2.0, "a table")], WEEK)
        (alert,) = keep(held, [Quote("m", None, None, "unknown")], WEEK)
        assert "unknown" in alert.message
        assert held.prices("m")[-1].input is None


def test_the_command_refreshes_and_says_what_changed(site: Any, home: Path) -> None:
    (home / "config.toml").write_text('[models.cloud]\nengine = "openai"\nremote = "gpt-4o-mini"\n')
    first = json.loads(pyagent("--json", "model", "price", "cloud").out)
    assert first["prices"][0]["input"] > 0
    site.body = table(99.0, deprecated=True)
    second = json.loads(pyagent("--json", "model", "price", "cloud", "--refresh", "--from", site.url).out)
    assert second["prices"][0]["input"] == 99.0
    assert {alert["kind"] for alert in second["alerts"]} == {"price_up", "deprecated"}
    plain = pyagent("model", "price", "--history")
    assert plain.code == 0
    assert "99" in plain.out


def test_an_unreachable_table_is_one_line(home: Path) -> None:
    done = pyagent("model", "price", "--refresh", "--from", "http://127.0.0.1:9/none")
    assert done.code == 69
    assert len(done.err.strip().splitlines()) == 2


def test_a_model_that_no_table_lists_is_shown_as_unknown(home: Path) -> None:
    (home / "config.toml").write_text('[models.mine]\nengine = "openai"\nremote = "nobody-knows-this"\n')
    told = json.loads(pyagent("--json", "model", "price", "mine").out)
    assert told["prices"][0]["input"] is None
    assert told["prices"][0]["source"] == "unknown"
