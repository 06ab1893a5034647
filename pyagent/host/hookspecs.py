"""What a plugin may say to the host: every hook, its argument and its answer.

Hooks are synchronous and only register objects, decide, or observe. Work is done by the objects they return.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from pyagent.engine.base import EngineKind, Tool
    from pyagent.event import Event
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


@dataclass(frozen=True, slots=True)
class Context:
    """What a registering hook may look at: settings of the plugin itself, and the folders.

    ``allow`` are the absolute folders that tools may read, from ``[tools] allow``; empty: none.
    """

    settings: Mapping[str, Any]
    data_dir: str
    cache_dir: str
    project_dir: str
    allow: tuple[str, ...] = ()


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
    def pyagent_event(self, event: Event) -> None:
        """See an event, after it is recorded. An observer that raises three times is muted."""
        raise NotImplementedError
