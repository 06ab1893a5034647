"""The kinds of engine by name, each imported when a model of that kind is opened and no sooner."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import cast

from pyagent.engine.base import Engine, EngineKind, EngineOptions
from pyagent.errors import ConfigError
from pyagent.host.schema import nearest
from pyagent.model import Model

Open = Callable[[Model, EngineOptions], Engine]


def lazy(target: str, needs: str) -> Open:
    """An opener that imports ``module:function`` when called; ``needs`` says how to get what is missing."""

    def open(model: Model, options: EngineOptions) -> Engine:
        module, _, name = target.partition(":")
        try:
            opener = cast(Open, getattr(import_module(module), name))
            return opener(model, options)
        except ImportError as error:
            raise ConfigError(f"the engine of {model.name} cannot be loaded: {error}", needs) from error

    return open


def weights(model: Model) -> str:
    """What answers for a local model: its weights, whatever the file is called."""
    from pyagent.engine.llama.files import bundled_source
    from pyagent.engine.llama.gguf import weights_digest

    return f"llama:{weights_digest(Path(model.path) if model.path else bundled_source())}"


CORE: tuple[EngineKind, ...] = (
    EngineKind(
        "llama",
        lazy("pyagent.engine.llama.engine:open_llama", "install it with: pip install 'pyagent-swarm[local]'"),
        local=True,
        identity=weights,
    ),
    *(
        EngineKind(kind, lazy(f"pyagent.engine.http.{kind}:open_{kind}", "reinstall pyagent-swarm"))
        for kind in ("openai", "anthropic", "google")
    ),
)


def pick(kind: str, kinds: Iterable[EngineKind], model: Model) -> EngineKind:
    """The kind by name; ConfigError with the nearest one when nothing provides it."""
    known = {each.kind: each for each in kinds}
    if kind not in known:
        hint = nearest(kind, known) or f"known kinds: {', '.join(sorted(known))}"
        raise ConfigError(f"no engine {kind!r} for the model {model.name}", hint)
    return known[kind]
