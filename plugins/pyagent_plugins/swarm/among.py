"""Who may answer tasks for which nobody named a model: every model that could be asked right now, with its price."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pyagent.engine.base import Bound, Request
from pyagent.engine.http.address import private
from pyagent.errors import ConfigError, UsageError
from pyagent.host.app import App
from pyagent.host.keys import lend
from pyagent.host.settings import ELSEWHERE
from pyagent.model import Model
from pyagent.run.budget import Budget
from pyagent.run.engines import Engines
from pyagent.run.pipeline import Among
from pyagent.run.steps.budget import worst_case
from pyagent_plugins.swarm.options import RunOptions


def among(app: App, options: RunOptions, priced: Callable[[Model], Model], capped: bool) -> Among | None:
    """None where the user named the model or no plugin chooses. ``capped``: there is a limit on
    money, so that a model without a known price cannot be asked."""
    if not 0 <= options.quality <= 1:
        raise UsageError(f"--quality must lie between 0 and 1, not {options.quality:g}", "0.95 is the default")
    named = options.model is not None or options.base_url is not None
    if (named and not options.require_measured) or not any(step.name == "route" for step in app.steps()):
        if options.require_measured and not named:
            raise UsageError(
                "--require-measured needs the plugin capability", "`pyagent plugin list` says why it is off"
            )
        return None
    default = priced(app.model(options.model, options.base_url))
    others = [] if named else [priced(m) for m in app.models().values() if m.name != default.name and usable(app, m)]
    known = [m for m in others if not capped or None not in (m.input_price, m.output_price)]
    models = (default, *known)
    local = frozenset(model.name for model in models if app.engine_kind(model).local)
    return Among(models, options.quality, local, measured=options.require_measured, deterministic=options.deterministic)


def usable(app: App, model: Model) -> bool:
    """Whether a model can be asked: its engine is there, its file or its key, and the user's word where it leaves."""
    try:
        local = app.engine_kind(model).local
    except ConfigError:
        return False
    if local:
        return model.path is None or Path(model.path).is_file()
    if any(app.settings.unasked(f"models.{model.name}.{part}") for part in ELSEWHERE):
        return False
    provider = model.provider
    if provider is None or not provider.key_env or (provider.base_url and private(provider.base_url)):
        return True
    lend(provider.key_env, app.paths.keys_file)
    return bool(os.environ.get(provider.key_env))


def within(field: Among, budget: Budget, engines: Engines) -> Among:
    """The same, asking only whom the run's budget can still pay."""

    def affords(model: Model, request: Request) -> bool:
        if not budget.limited:
            return True
        asked = replace(request, model=model.remote or model.name)
        if model.name in field.local:
            # Not opened for the question alone; a token is never shorter than a byte.
            size = sum(len(message.content.encode()) + 16 for message in request.messages)
            bound = Bound(size, request.max_tokens * request.samples)
        else:
            bound = engines.get(model).bound(asked)
        return budget.room(worst_case(model, bound))

    return replace(field, affords=affords)
