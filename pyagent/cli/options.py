"""Each option that several commands share, defined once, and the global ones that every command takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import typer

from pyagent.cli.context import State

Model = Annotated[
    str | None,
    typer.Option("-m", "--model", metavar="MODEL", help="A model's name, a GGUF file or PROVIDER/NAME."),
]
BaseUrl = Annotated[
    str | None,
    typer.Option("--base-url", metavar="URL", help="Ask this OpenAI-compatible endpoint."),
]
Jobs = Annotated[
    int | None,
    typer.Option("-j", "--jobs", min=1, metavar="N", help="Tasks in flight."),
]
OutFile = Annotated[
    str | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write results to this file."),
]
Format = Annotated[
    Literal["jsonl", "json", "csv", "table"] | None,
    typer.Option("--format", help="The shape of results."),
]


@dataclass(frozen=True, slots=True)
class Global:
    """A global option: it is taken before the noun and, when ``anywhere``, after the verb too."""

    names: tuple[str, ...]
    help: str
    apply: Callable[[State, Any], None]
    metavar: str = ""
    variable: str = ""
    anywhere: bool = True

    @property
    def flag(self) -> bool:
        return not self.metavar


def _json(state: State, on: Any) -> None:
    state.output.json = on


def _quiet(state: State, on: Any) -> None:
    state.output.quiet = on


def _verbose(state: State, on: Any) -> None:
    state.output.verbose = on


def _no_color(state: State, on: Any) -> None:
    state.output.plain = on


def _no_input(state: State, on: Any) -> None:
    state.output.no_input = on


def _debug(state: State, on: Any) -> None:
    state.debug = on


def _store(state: State, path: Any) -> None:
    state.app.move_store(path)


def _plugins(state: State, names: Any) -> None:
    state.app.only = tuple(name.strip() for name in names.split(",") if name.strip())


def _no_plugins(state: State, on: Any) -> None:
    state.app.only = ()


GLOBALS: tuple[Global, ...] = (
    Global(("--json",), "Results and errors as JSON.", _json, variable="PYAGENT_JSON"),
    Global(("-q", "--quiet"), "No notes, no progress.", _quiet, variable="PYAGENT_QUIET"),
    Global(("-v", "--verbose"), "More notes.", _verbose),
    Global(("--no-color",), "Plain text.", _no_color, variable="PYAGENT_NO_COLOR"),
    Global(("--no-input",), "Never ask.", _no_input, variable="PYAGENT_NO_INPUT"),
    Global(("--debug",), "Show the traceback of an error.", _debug, variable="PYAGENT_DEBUG"),
    Global(("--store",), "Keep runs in this file or folder.", _store, "PATH"),
    Global(("--plugins",), "Load only these plugins.", _plugins, "A,B", variable="PYAGENT_PLUGINS", anywhere=False),
    Global(("--no-plugins",), "Load no plugin.", _no_plugins, variable="PYAGENT_NO_PLUGINS", anywhere=False),
)
