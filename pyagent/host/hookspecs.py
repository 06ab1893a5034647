"""What a plugin may say to the host: every hook, its argument and its answer.

Hooks are synchronous and only register objects, decide, or observe. Work is done by the objects they return.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pluggy

from pyagent.errors import ModelMissing

if TYPE_CHECKING:
    from pyagent.engine.base import Engine, EngineKind, Tool
    from pyagent.event import Event
    from pyagent.host.calendar import When
    from pyagent.model import Model
    from pyagent.run.pipeline import Step

API = 1
PROJECT = "pyagent"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True, slots=True)
class Command:
    """A group of the command line, or a verb for another's group when ``group`` is set.

    ``target`` is an import path ``module:attribute`` of a ``typer.Typer`` (group) or function (verb), imported
    only when it is used; ``help`` is the row in the list.
    """

    name: str
    target: str
    help: str
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """A setting of a plugin under ``[plugins.NAME]``: its type by the default, and what it is for."""

    name: str
    default: Any
    help: str


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `pyagent doctor`: ``probe`` gives (state, reason, remedy); state is ok, warn or fail."""

    name: str
    probe: Callable[[], tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Reporter:
    """A report by format name: ``render`` takes result lines and gives the whole document."""

    name: str
    render: Callable[[Iterable[Mapping[str, Any]]], str]


def _no_engine(setting: str) -> tuple[Engine, Model]:
    raise ModelMissing(f"no model can be opened for {setting!r} here", "ask within a run")


@dataclass(frozen=True, slots=True)
class Context:
    """What a registering hook may look at: settings of the plugin itself, and the folders.

    ``allow`` are the absolute folders that tools may read, from ``[tools] allow``; empty: none. ``engine`` opens the
    model that the plugin's setting of this name names (its caller closes the engine); raises ModelMissing, also where
    an untrusted project chose a model that leaves this machine. ``note`` takes a line for the user.
    """

    settings: Mapping[str, Any]
    data_dir: str
    cache_dir: str
    project_dir: str
    allow: tuple[str, ...] = ()
    engine: Callable[[str], tuple[Engine, Model]] = _no_engine
    note: Callable[[str], None] = lambda text: None


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    """What recurs: ``pyagent *argv`` at ``at`` (`mon 03:17`, `daily 03:17`, `hourly :17`, local time).

    It runs in a process of its own; a time that was missed is caught up once.
    """

    name: str
    argv: tuple[str, ...]
    at: str
    help: str

    @property
    def when(self) -> When:
        """Raises UsageError for words that are no time."""
        from pyagent.host.calendar import When

        return When.parse(self.at)


@dataclass(frozen=True, slots=True)
class Panel:
    """A page of the web front-end.

    ``module`` is the absolute path of an ES module that exports ``mount(element, context)``; ``style`` a CSS file
    beside it; all files of that folder are served. ``router`` is a FastAPI router, mounted at ``/api/v1/p/ID``;
    its unsafe methods need the scope ``approve``. ``icon`` is a name that the front-end knows, ``scopes`` what a
    person needs to see it.
    """

    id: str
    title: str
    module: str
    icon: str = "puzzle"
    style: str | None = None
    router: Any = None
    scopes: tuple[str, ...] = ("read",)
    api_version: int = 1

    def __post_init__(self) -> None:
        # It stands in addresses.
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", self.id):
            raise ValueError(f"a panel's id is lower-case letters, digits and dashes, not {self.id!r}")


@dataclass(frozen=True, slots=True)
class Mount:
    """An ASGI application under ``path`` of the web server, behind the same guard, with its own
    Content-Security-Policy; its lifespan runs with the server's."""

    path: str
    app: Any
    csp: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"/[a-z][a-z0-9-]{0,31}", self.path) or self.path in ("/api", "/assets", "/plugins"):
            raise ValueError(f"a mount's path is a free one like /m, not {self.path!r}")


class Specs:
    """The hooks. A plugin module implements any of them with ``@hookimpl``."""

    @hookspec
    def pyagent_commands(self) -> Iterable[Command]:
        """Groups and verbs for the command line."""
        raise NotImplementedError

    @hookspec
    def pyagent_config(self) -> Iterable[Option]:
        """Settings that ``[plugins.NAME]`` may hold."""
        raise NotImplementedError

    @hookspec
    def pyagent_steps(self, context: Context) -> Iterable[Step]:
        """Layers for the way of a task."""
        raise NotImplementedError

    @hookspec
    def pyagent_engines(self, context: Context) -> Iterable[EngineKind]:
        """Kinds of engine, for ``engine = "KIND"`` of a model."""
        raise NotImplementedError

    @hookspec
    def pyagent_models(self, context: Context) -> Iterable[Model]:
        """Models that exist without configuration."""
        raise NotImplementedError

    @hookspec
    def pyagent_tools(self, context: Context) -> Iterable[Tool]:
        """Tools that a task or agent may name."""
        raise NotImplementedError

    @hookspec
    def pyagent_checks(self, context: Context) -> Iterable[Check]:
        """Lines for `pyagent doctor`."""
        raise NotImplementedError

    @hookspec
    def pyagent_reports(self, context: Context) -> Iterable[Reporter]:
        """Shapes for ``--format``."""
        raise NotImplementedError

    @hookspec
    def pyagent_jobs(self, context: Context) -> Iterable[ScheduledJob]:
        """What recurs; see `pyagent schedule list`."""
        raise NotImplementedError

    @hookspec
    def pyagent_event(self, event: Event) -> None:
        """See an event, after it is recorded. An observer that raises three times is muted."""
        raise NotImplementedError

    @hookspec
    def pyagent_web_panels(self, context: Context) -> Iterable[Panel]:
        """Pages for the web front-end."""
        raise NotImplementedError

    @hookspec
    def pyagent_web_mounts(self, context: Context, core: Any) -> Iterable[Mount]:
        """Applications for the web server; ``core`` is its ``pyagent.web.core.Core``."""
        raise NotImplementedError

    @hookspec
    def pyagent_stats(self, context: Context) -> Iterable[tuple[str, Any]]:
        """(name, JSON value) for the statistics: ``cache``, ``routing``, ``capability``, ``schedules``, or others.
        Called every few seconds while somebody looks: cheap, and from any thread."""
        raise NotImplementedError
