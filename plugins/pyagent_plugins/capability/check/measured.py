"""Who is measured: a name alone may stand for other weights next week, so that the identity is looked up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyagent.host.app import App
from pyagent.model import Model
from pyagent_plugins.capability.words import Measured


def measured(app: App, model: Model) -> Measured:
    """The identity of a model: hash of its weights or its endpoint, the engine's version, how it is stored."""
    kind = app.engine_kind(model)
    version, quant, context = "", "", model.context
    if model.engine == "llama":
        version, quant, context = _local(model)
    return Measured(model.name, model.engine, kind.identity(model), version, quant, context, declared(model))


def declared(model: Model) -> dict[str, Any]:
    """What the configuration claims; nobody measured it."""
    return {
        "remote": model.remote,
        "context": model.context,
        "input_price": model.input_price,
        "output_price": model.output_price,
        "options": dict(model.options),
    }


def _local(model: Model) -> tuple[str, str, int | None]:
    from importlib.metadata import PackageNotFoundError, version

    from pyagent.engine.llama.files import bundled_source, check_gguf

    info = check_gguf(Path(model.path) if model.path else bundled_source())
    try:
        engine = f"llama-cpp-python {version('llama-cpp-python')}"
    except PackageNotFoundError:
        engine = ""
    # The bundled file is made into Q8_0 before it runs.
    return engine, info.quant if model.path else "Q8_0", model.context or info.context or None
