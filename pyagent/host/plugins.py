"""The plugins behind typed calls: nothing else in PyAgent touches pluggy's manager.

A plugin that is blocked is never imported; one that is broken is named and left out, and the rest goes on.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import pluggy

from pyagent.errors import PluginError, PyAgentError
from pyagent.host.hookspecs import (
    API,
    PROJECT,
    Check,
    Command,
    Context,
    Mount,
    Option,
    Panel,
    Reporter,
    ScheduledJob,
    Specs,
)
from pyagent.host.schema import nearest

if TYPE_CHECKING:
    from pyagent.engine.base import EngineKind, Tool
    from pyagent.event import Event
    from pyagent.model import Model
    from pyagent.run.pipeline import Step

State = Literal["ok", "blocked", "broken", "muted"]
T = TypeVar("T")
HOOKS = tuple(name for name in vars(Specs) if name.startswith(PROJECT + "_"))
# An observer that raises this often is not asked again.
FAILURES = 3


@dataclass(frozen=True, slots=True)
class Source:
    """Where a plugin comes from: its name, how to import it, and the distribution that brings it."""

    name: str
    module: str
    load: Callable[[], Any]
    dist: str = ""
    version: str = ""

    @property
    def bundled(self) -> bool:
        return self.module.startswith("pyagent_plugins.")


@dataclass(slots=True)
class Plugin:
    """One plugin as `plugin list` shows it; ``reason`` says why it is blocked, broken or muted."""

    source: Source
    state: State = "ok"
    reason: str = ""
    hooks: tuple[str, ...] = ()
    commands: tuple[Command, ...] = ()
    options: tuple[Option, ...] = ()
    failures: int = 0

    @property
    def name(self) -> str:
        return self.source.name


def installed() -> list[Source]:
    """The entry points of group ``pyagent``, the bundled first, each by name. Imports no plugin."""
    # Imported here: it costs three times a start of Python, and `--version` does without it.
    from importlib.metadata import entry_points

    found = [
        Source(ep.name, ep.value.partition(":")[0], ep.load, ep.dist.name, ep.dist.version)
        if ep.dist
        else Source(ep.name, ep.value.partition(":")[0], ep.load)
        for ep in entry_points(group=PROJECT)
    ]
    return sorted(found, key=lambda source: (not source.bundled, source.name, source.dist))


class Plugins:
    """Every plugin found, and what the good ones provide, as flat lists sorted by name.

    ``only`` loads no others; ``block`` imports none of these; ``core`` are command names that are taken.
    ``note`` gets one line when an observer is muted.
    """

    def __init__(
        self,
        sources: Iterable[Source] | None = None,
        *,
        only: Sequence[str] | None = None,
        block: Sequence[str] = (),
        core: Iterable[str] = (),
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._pm = pluggy.PluginManager(PROJECT)
        self._pm.add_hookspecs(Specs)
        self._note = note
        self._told: set[tuple[str, str]] = set()
        self._taken: dict[tuple[str | None, str], str] = {(None, name): "the core" for name in core}
        self.all: list[Plugin] = []
        for source in installed() if sources is None else sources:
            self._add(Plugin(source), only, block)
        self._observers = self._implementations("pyagent_event")

    def get(self, name: str) -> Plugin | None:
        return next((plugin for plugin in self.all if plugin.name == name), None)

    @property
    def loaded(self) -> list[Plugin]:
        return [plugin for plugin in self.all if plugin.state in ("ok", "muted")]

    @property
    def broken(self) -> list[Plugin]:
        return [plugin for plugin in self.all if plugin.state == "broken"]

    # ---- what the plugins provide; PluginError (78) names the plugin that fails

    def commands(self) -> list[Command]:
        """Groups, and verbs for other groups."""
        rows = (command for plugin in self.loaded for command in plugin.commands)
        return sorted(rows, key=lambda command: (command.group or "", command.name))

    def steps(self, context: Callable[[str], Context], taken: Iterable[str] = ()) -> list[Step]:
        """Layers, outermost first; ``taken`` are the core's names."""
        return [step for _, step in self.owned_steps(context, taken)]

    def owned_steps(self, context: Callable[[str], Context], taken: Iterable[str] = ()) -> list[tuple[str, Step]]:
        """(plugin, layer), outermost first."""
        pairs = self._owned("step", "pyagent_steps", context, lambda step: step.name, taken)
        return sorted(pairs, key=lambda pair: (pair[1].order, pair[1].name))

    def engines(self, context: Callable[[str], Context], taken: Iterable[str] = ()) -> list[EngineKind]:
        return self._unique("engine", "pyagent_engines", context, lambda kind: kind.kind, taken)

    def models(self, context: Callable[[str], Context], taken: Iterable[str] = ()) -> list[Model]:
        return self._unique("model", "pyagent_models", context, lambda model: model.name, taken)

    def tools(self, context: Callable[[str], Context]) -> list[Tool]:
        return self._unique("tool", "pyagent_tools", context, lambda tool: tool.spec.name)

    def checks(self, context: Callable[[str], Context]) -> list[Check]:
        return self._unique("check", "pyagent_checks", context, lambda check: check.name)

    def reports(self, context: Callable[[str], Context], taken: Iterable[str] = ()) -> list[Reporter]:
        return self._unique("format", "pyagent_reports", context, lambda report: report.name, taken)

    def jobs(self, context: Callable[[str], Context]) -> list[ScheduledJob]:
        return self._unique("job", "pyagent_jobs", context, lambda job: job.name)

    # ---- for the web server: a plugin that fails is noted, and the rest is shown

    def panels(self, context: Callable[[str], Context], note: Callable[[str], None]) -> list[tuple[str, Panel]]:
        """(plugin, panel)."""
        return list(self._borne("pyagent_web_panels", context, note))

    def mounts(self, context: Callable[[str], Context], core: Any, note: Callable[[str], None]) -> list[Mount]:
        return [mount for _, mount in self._borne("pyagent_web_mounts", context, note, core=core)]

    def stats(self, context: Callable[[str], Context]) -> dict[str, Any]:
        """What the plugins add to the statistics, by name."""
        return dict(pair for _, pair in self._borne("pyagent_stats", context, self._note))

    def _borne(
        self, hook: str, context: Callable[[str], Context], note: Callable[[str], None], **more: Any
    ) -> Iterator[tuple[str, Any]]:
        for plugin in (each for each in self.loaded if hook in each.hooks):
            try:
                yield from [
                    (plugin.name, item)
                    for item in self._collect(plugin.name, hook, context=context(plugin.name), **more)
                ]
            except PyAgentError as error:
                # Statistics are asked for every few seconds.
                if (hook, plugin.name) not in self._told:
                    self._told.add((hook, plugin.name))
                    note(str(error))

    def observe(self, event: Event) -> None:
        """Show an event to every observer, one by one: one that fails stops neither the others nor the run."""
        for name, function in self._observers:
            try:
                function(event=event)
            except Exception as error:
                self._failed(name, error)

    # ---- loading

    def _add(self, plugin: Plugin, only: Sequence[str] | None, block: Sequence[str]) -> None:
        self.all.append(plugin)
        name = plugin.name
        if name in block:
            plugin.state, plugin.reason = "blocked", "by [plugins] block"
        elif only is not None and name not in only:
            plugin.state, plugin.reason = "blocked", "by --plugins or --no-plugins"
        elif other := self._pm.get_plugin(name):
            where = self._owner(other)
            self._break(plugin, f"the name is taken by {where.dist or where.module}, which is loaded")
        else:
            self._load(plugin)

    def _load(self, plugin: Plugin) -> None:
        """Import, check and register; whatever goes wrong is the plugin's ``reason``."""
        # A plugin may do anything while it is imported, also call sys.exit.
        try:
            module = plugin.source.load()
        except (Exception, SystemExit) as error:
            return self._break(plugin, f"cannot be imported: {type(error).__name__}: {error}")
        if reason := self._fault(module):
            return self._break(plugin, reason)
        try:
            self._pm.register(module, plugin.name)
        except (ValueError, pluggy.PluginValidationError) as error:
            self._forget(plugin)
            return self._break(plugin, " ".join(str(error).split()))
        try:
            plugin.hooks = tuple(hook for hook in HOOKS if self._own(plugin.name, hook))
            plugin.options = tuple(self._collect(plugin.name, "pyagent_config"))
            plugin.commands = tuple(self._collect(plugin.name, "pyagent_commands"))
            self._claim(plugin)
        except PluginError as error:
            self._forget(plugin)
            self._break(plugin, str(error))
        return None

    def _fault(self, module: Any) -> str:
        """Why a module cannot be a plugin of this version, or nothing."""
        wants = getattr(module, "PYAGENT_API", API)
        if not isinstance(wants, int):
            return f"PYAGENT_API is {wants!r}, and must be a whole number"
        if wants > API:
            return f"needs plugin API {wants}, and this PyAgent has {API}"
        for name, function in inspect.getmembers(module, inspect.isroutine):
            if not name.startswith(PROJECT + "_"):
                continue
            if name not in HOOKS:
                return f"{name} is no hook; {nearest(name, HOOKS) or 'known: ' + ', '.join(HOOKS)}"
            options = self._pm.parse_hookimpl_opts(module, name)
            if options is None:
                return f"{name} is not marked with @hookimpl"
            if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
                return f"{name} is async, and hooks are synchronous"
            if options.get("hookwrapper") or options.get("wrapper"):
                return f"{name} is a wrapper, and hooks are called one by one"
        return ""

    def _claim(self, plugin: Plugin) -> None:
        """Take the plugin's command names, all or none."""
        claims = [(command.group, command.name) for command in plugin.commands]
        for group, name in claims:
            if owner := self._taken.get((group, name)):
                words = f"{group} {name}" if group else name
                raise PluginError(f"its command `{words}` belongs to {owner}")
        self._taken |= dict.fromkeys(claims, f"the plugin {plugin.name}")

    def _break(self, plugin: Plugin, reason: str) -> None:
        plugin.state, plugin.reason = "broken", reason
        plugin.hooks, plugin.commands, plugin.options = (), (), ()

    def _forget(self, plugin: Plugin) -> None:
        if self._pm.get_plugin(plugin.name) is not None:
            self._pm.unregister(name=plugin.name)

    def _owner(self, module: Any) -> Source:
        name = self._pm.get_name(module)
        return next(plugin.source for plugin in self.all if plugin.name == name)

    # ---- calling

    def _implementations(self, hook: str) -> list[tuple[str, Callable[..., Any]]]:
        """(plugin, function) of one hook, by the plugin's name."""
        found = []
        for impl in getattr(self._pm.hook, hook).get_hookimpls():
            found.append((impl.plugin_name, _accepting(impl.function, impl.argnames)))
        return sorted(found, key=lambda pair: pair[0])

    def _own(self, plugin: str, hook: str) -> list[Callable[..., Any]]:
        return [function for name, function in self._implementations(hook) if name == plugin]

    def _collect(self, plugin: str, hook: str, **arguments: Any) -> Iterator[Any]:
        """What one plugin gives for one hook, checked to be of the hook's type."""
        for function in self._own(plugin, hook):
            try:
                items = list(function(**arguments) or ())
            except PluginError:
                raise
            except Exception as error:
                raise _named(plugin, f"{hook} raised {type(error).__name__}: {error}") from error
            for item in items:
                if lacks := _lacks(hook, item):
                    raise _named(plugin, f"{hook} gave {item!r}, which {lacks}")
                yield item

    def _unique(self, *query: Any) -> list[Any]:
        return [item for _, item in self._owned(*query)]

    def _owned(
        self,
        noun: str,
        hook: str,
        context: Callable[[str], Context],
        name_of: Callable[[Any], str],
        taken: Iterable[str] = (),
    ) -> list[tuple[str, Any]]:
        """Everything the plugins give for ``hook``, by name; the same name twice is refused."""
        owners = dict.fromkeys(taken, "the core")
        found: dict[str, tuple[str, Any]] = {}
        for plugin in (each for each in self.loaded if hook in each.hooks):
            for item in self._collect(plugin.name, hook, context=context(plugin.name)):
                name = name_of(item)
                if owner := owners.get(name):
                    raise _named(plugin.name, f"its {noun} {name!r} is already given by {owner}")
                owners[name] = f"the plugin {plugin.name}"
                found[name] = (plugin.name, item)
        return [found[name] for name in sorted(found)]

    def _failed(self, name: str, error: Exception) -> None:
        plugin = self.get(name)
        if plugin is None:
            return
        plugin.failures += 1
        if plugin.failures == FAILURES:
            plugin.state = "muted"
            plugin.reason = f"pyagent_event raised {FAILURES} times, last {type(error).__name__}: {error}"
            self._observers = [pair for pair in self._observers if pair[0] != name]
            self._note(f"the plugin {name} sees no more events: {plugin.reason}")


def modules(named: Mapping[str, ModuleType]) -> list[Source]:
    """Sources of modules that are already imported: for tests and for embedding."""
    return [Source(name, module.__name__, partial(_self, module)) for name, module in named.items()]


def _self(module: ModuleType) -> ModuleType:
    return module


def _accepting(function: Callable[..., Any], names: Sequence[str]) -> Callable[..., Any]:
    """``function`` with only the arguments that it names: pluggy lets an implementation take fewer."""
    return lambda **arguments: function(**{name: arguments[name] for name in names})


def _named(plugin: str, what: str) -> PluginError:
    return PluginError(f"the plugin {plugin} is broken: {what}", f"leave it out with [plugins] block = [{plugin!r}]")


def _lacks(hook: str, item: Any) -> str:
    """What is wrong with an item's type for the hook, or nothing."""
    records = {
        "pyagent_commands": Command,
        "pyagent_config": Option,
        "pyagent_checks": Check,
        "pyagent_jobs": ScheduledJob,
        "pyagent_reports": Reporter,
        "pyagent_web_panels": Panel,
        "pyagent_web_mounts": Mount,
        "pyagent_stats": tuple,
    }
    kind = records.get(hook)
    if kind is not None:
        return "" if isinstance(item, kind) else f"is no {kind.__name__}"
    needed = {
        "pyagent_steps": ("name", "order", "__call__"),
        "pyagent_engines": ("kind", "open"),
        "pyagent_models": ("name", "engine"),
        "pyagent_tools": ("spec", "run"),
    }
    missing = [name for name in needed.get(hook, ()) if not hasattr(item, name)]
    return f"lacks {', '.join(missing)}" if missing else ""
