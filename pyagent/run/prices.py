"""What a model costs: the configuration's word first, then nothing for the user's own engines, then genai-prices.

genai-prices ships its table; nothing is downloaded. It is imported only for a public provider whose price the
configuration does not give: that costs 110 ms.
"""

from __future__ import annotations

from dataclasses import replace

from pyagent.engine.http.address import private
from pyagent.model import Model, Usage
from pyagent.run.pricelist import PriceList

# Where a kind of engine asks when no base_url is given.
OFFICIAL = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com/v1",
    "google": "https://generativelanguage.googleapis.com/v1beta",
}


def price(model: Model, local: bool | None = None, prices: PriceList | None = None) -> Model:
    """``model`` with its prices in USD for a million tokens. A price the configuration gives stays.

    A ``local`` engine (default: whether it is llama) costs 0. A server on this machine or a private network has
    no known price: it stays None, as does a model that the table does not know. What a provider takes for long
    prompts comes with the price. ``prices`` is the table; the shipped one when not given.
    """
    if model.input_price is not None and model.output_price is not None:
        return model
    if model.engine == "llama" if local is None else local:
        return _with(model, 0.0, 0.0)
    url = public(model)
    listed = (prices or PriceList()).find(url, model.remote or model.name) if url else None
    if listed is None:
        return model
    ours = model.input_price is not None or model.output_price is not None
    return replace(_with(model, listed.input, listed.output), long_prices=() if ours else listed.long)


def public(model: Model) -> str | None:
    """The public address where a model is asked; None for a server on this machine or a private network."""
    url = (model.provider.base_url if model.provider else "") or OFFICIAL.get(model.engine, "")
    return url if url and not private(url) else None


def cost(model: Model, usage: Usage) -> float | None:
    """USD for ``usage``, None when the price is not known. Cached input counts in full: never less than the bill."""
    return model.cost(usage)


def _with(model: Model, given: float | None, made: float | None) -> Model:
    return replace(
        model,
        input_price=given if model.input_price is None else model.input_price,
        output_price=made if model.output_price is None else model.output_price,
    )
