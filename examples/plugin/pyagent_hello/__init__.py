"""What this plugin adds to PyAgent. Imported at each start, so it stays thin: the work is in the other modules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pyagent.plugin import Check, Command, Context, Option, hookimpl

if TYPE_CHECKING:
    from pyagent.plugin import EngineKind, Model, Panel, Step

# The version of the hooks that this plugin is written for.
PYAGENT_API = 1


@hookimpl
def pyagent_commands() -> Iterable[Command]:
    yield Command("hello", "pyagent_hello.cli:app", "Say hello.")
    yield Command("greet", "pyagent_hello.cli:greet", "Say hello from another's group.", group="plugin")


@hookimpl
def pyagent_config() -> Iterable[Option]:
    yield Option("greeting", "Hello", "What `pyagent hello greet` says.")


@hookimpl
def pyagent_engines(context: Context) -> Iterable[EngineKind]:
    from pyagent.plugin import EngineKind
    from pyagent_hello.engine import open_parrot

    yield EngineKind("parrot", open_parrot, local=True)


@hookimpl
def pyagent_models(context: Context) -> Iterable[Model]:
    from pyagent.plugin import Model

    yield Model("parrot", "parrot", input_price=0.0, output_price=0.0)


@hookimpl
def pyagent_steps(context: Context) -> Iterable[Step]:
    from pyagent_hello.steps import Loud

    yield Loud()


@hookimpl
def pyagent_checks(context: Context) -> Iterable[Check]:
    greeting = context.settings["greeting"]
    yield Check("hello", lambda: ("ok", f"says {greeting}", ""))


@hookimpl
def pyagent_web_panels(context: Context) -> Iterable[Panel]:
    # Imported here: only `pyagent serve` has FastAPI loaded.
    from pyagent_hello.panel import panel

    yield panel(context.settings)
