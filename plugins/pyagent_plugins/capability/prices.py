"""What the user's models cost, compared with what they cost when somebody last looked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyagent.errors import PyAgentError
from pyagent.run.prices import public
from pyagent_plugins.capability.registry.begun import week_of
from pyagent_plugins.capability.registry.rows import Alert, Price

if TYPE_CHECKING:
    from pyagent.host.app import App
    from pyagent.model import Model
    from pyagent_plugins.capability.registry.registry import Registry

# A change that is smaller is rounding in somebody's table.
CHANGE = 0.005


@dataclass(frozen=True, slots=True)
class Quote:
    """A model's price in USD for a million tokens (None: unknown), whose word it is, and whether it is to go."""

    model: str
    input: float | None
    output: float | None
    source: str
    deprecated: bool = False


def quotes(app: App, models: Iterable[Model]) -> list[Quote]:
    """Today's price of each model; the configuration's word wins, field by field."""
    return [_quote(app, model) for model in models]


def _quote(app: App, model: Model) -> Quote:
    if model.input_price is not None and model.output_price is not None:
        local = model.input_price == model.output_price == 0.0
        return Quote(model.name, model.input_price, model.output_price, "free" if local else "configuration")
    try:
        known = app.priced(model)
    except PyAgentError:
        return Quote(model.name, None, None, "unknown")
    url = public(model)
    listed = app.prices.find(url, model.remote or model.name) if url else None
    if listed is not None:
        return Quote(model.name, known.input_price, known.output_price, app.prices.source, listed.deprecated)
    free = known.input_price == 0.0 and known.output_price == 0.0
    return Quote(model.name, known.input_price, known.output_price, "local" if free else "unknown")


def keep(held: Registry, found: Iterable[Quote], week: str) -> list[Alert]:
    """Append what changed to the history and give the alerts that are new: dearer, cheaper, no longer known, to go."""
    week_of(week)
    alerts = []
    for quote in found:
        history = held.prices(quote.model)
        held.price(quote.model, quote.input, quote.output, quote.source)
        raised = [_changed(quote, history[-1], week)] if history else []
        raised += [_deprecated(quote, week)] if quote.deprecated else []
        alerts += [alert for alert in raised if alert is not None and held.alert(alert)]
    return alerts


def _changed(quote: Quote, before: Price, week: str) -> Alert | None:
    pairs = [("input", before.input, quote.input), ("output", before.output, quote.output)]
    moved = [(side, old, new) for side, old, new in pairs if _moved(old, new)]
    if not moved:
        return None
    told = "; ".join(f"{side} {_usd(old)} -> {_usd(new)}" for side, old, new in moved)
    up = any(old is not None and (new is None or new > old) for _, old, new in moved)
    kind, lost = ("price_up", any(new is None for *_, new in moved)) if up else ("price_down", False)
    _, old, new = moved[0]
    delta = (new - old) / old if old and new is not None else None
    message = f"{quote.model}: {told} USD for a million tokens" + (" (no longer listed)" if lost else "")
    return Alert(quote.model, week, kind, message, severity="warning" if up else "info", delta=delta)


def _deprecated(quote: Quote, week: str) -> Alert:
    message = f"{quote.model} is marked as deprecated in {quote.source}"
    return Alert(quote.model, week, "deprecated", message, severity="warning")


def _moved(old: float | None, new: float | None) -> bool:
    if old is None or new is None:
        return old is not None or new is not None
    return abs(new - old) > CHANGE * max(old, new)


def _usd(price: float | None) -> str:
    return "unknown" if price is None else f"{price:g}"
