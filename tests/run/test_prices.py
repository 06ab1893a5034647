"""Prices: whose word counts, and what is not known."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pyagent.engine.base import Bound
from pyagent.model import Model, Provider, Usage
from pyagent.run.prices import cost, price
from pyagent.run.steps.budget import worst_case


def at(url: str, kind: str = "openai", remote: str = "gpt-4o-mini", **more: float) -> Model:
    return price(Model("m", kind, provider=Provider("p", base_url=url), remote=remote, **more))  # type: ignore[arg-type]


def test_a_local_model_costs_nothing() -> None:
    assert cost(price(Model("m")), Usage(1000, 1000)) == 0.0
    assert cost(price(Model("m", "mine"), local=True), Usage(1000, 1000)) == 0.0


def test_an_engine_of_an_unknown_kind_has_no_price() -> None:
    assert cost(price(Model("m", "mine")), Usage(1000, 1000)) is None


def test_the_table_knows_the_public_models() -> None:
    for kind, url, remote in (
        ("openai", "", "gpt-4o-mini"),
        ("openai", "https://openrouter.ai/api/v1", "openai/gpt-4o"),
        ("anthropic", "", "claude-sonnet-4-5"),
        ("google", "", "gemini-2.5-pro"),
    ):
        model = at(url, kind, remote)
        assert model.input_price
        assert model.output_price
        assert model.output_price > model.input_price > 0


def test_the_configurations_word_wins_also_where_it_says_half() -> None:
    model = at("", input_price=7.0)
    assert model.input_price == 7.0
    assert model.output_price == at("").output_price
    assert cost(at("http://127.0.0.1:1", input_price=1.0, output_price=2.0), Usage(10**6, 10**6)) == 3.0


def test_a_long_prompt_makes_the_whole_request_dearer() -> None:
    model = at("", "google", "gemini-2.5-pro")
    (longer,) = model.long_prices
    assert longer.above == 200_000
    short, long = Usage(200_000, 1000), Usage(200_001, 1000)
    assert cost(model, short) == pytest.approx((200_000 * model.input_price + 1000 * model.output_price) / 1e6)  # type: ignore[operator]
    assert cost(model, long) == pytest.approx((200_001 * longer.input + 1000 * longer.output) / 1e6)
    assert worst_case(model, Bound(200_001, 1000)).usd == cost(model, long), "what is set aside covers the bill"
    assert at("", "google", "gemini-2.5-pro", input_price=1.0).long_prices == (), "the user's own price holds for all"


@pytest.mark.parametrize("url", ["https://api.example.com/v1", "https://nobody.example"])
def test_an_unknown_provider_or_model_has_no_price(url: str) -> None:
    assert cost(at(url), Usage(1, 1)) is None
    assert cost(at("", remote="no-such-model-at-all"), Usage(1, 1)) is None


PRIVATE = [
    "http://127.0.0.1:1/v1",
    "http://localhost",
    "http://10.1.2.3",
    "http://[::1]:1",
    "http://box.local",
    "http://gpu",
]


def test_a_private_server_has_no_price_and_the_table_is_not_even_imported() -> None:
    code = (
        "import sys; from pyagent.model import Model, Provider; from pyagent.run.prices import price\n"
        f"for url in {PRIVATE!r}:\n"
        "    assert price(Model('m', 'openai', provider=Provider('p', base_url=url))).input_price is None\n"
        "price(Model('m'))\n"
        "print('genai_prices' in sys.modules, 'httpx' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]
