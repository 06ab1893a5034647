"""The application: folders, settings and plugins, built once by whoever starts and passed down; no globals."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyagent.errors import ConfigError, ModelMissing, UsageError
from pyagent.host.paths import Paths, writable
from pyagent.host.schema import DEFAULT_MODEL as DEFAULT_MODEL
from pyagent.host.schema import nearest

if TYPE_CHECKING:
    from pyagent.engine.base import Engine, EngineKind, EngineOptions, Tool
    from pyagent.event import Event
    from pyagent.host.hookspecs import Check, Context, Reporter, ScheduledJob
    from pyagent.host.plugins import Plugins, Source
    from pyagent.host.settings import Settings
    from pyagent.model import Model
    from pyagent.run.pipeline import Step
    from pyagent.run.pricelist import PriceList


@dataclass
class App:
    """Everything is read when it is first asked for, so that `config` and `doctor` work with a broken file.

    ``store`` moves the database; ``only`` is `--plugins` (an empty tuple: `--no-plugins`); ``note`` takes
    a line for the user; ``commands`` are the core's command names, which no plugin may take.
    """

    cwd: Path = field(default_factory=Path.cwd)
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    store: str | None = None
    only: Sequence[str] | None = None
    note: Callable[[str], None] = lambda text: None
    commands: Iterable[str] = ()
    sources: Iterable[Source] | None = None

    @cached_property
    def paths(self) -> Paths:
        return Paths.find(self.env, self.store)

    @cached_property
    def settings(self) -> Settings:
        """Raises ConfigError (78). What waits for `pyagent trust` is noted once."""
        from pyagent.host.settings import Settings

        settings = Settings.load(self.paths, self.cwd, self.env)
        if settings.ignored:
            self.note(f"ignored until you run `pyagent trust`: {', '.join(settings.ignored)}")
        return settings

    @cached_property
    def plugins(self) -> Plugins:
        """Raises ConfigError (78) when the settings cannot be read: they say what must not be imported."""
        from pyagent.host.plugins import Plugins, installed

        sources = list(installed() if self.sources is None else self.sources)
        for name in self.only or ():
            if name not in (known := [source.name for source in sources]):
                raise UsageError(f"no plugin {name!r}", nearest(name, known) or f"installed: {', '.join(known)}")
        block = self.settings.get("plugins.block")
        return Plugins(sources, only=self.only, block=block, core=self.commands, note=self.note)

    # ---- folders

    @property
    def data_dir(self) -> Path:
        """The user's data folder, made if need be; StoreError (74) when it cannot be written."""
        return writable(self.paths.data)

    @property
    def cache_dir(self) -> Path:
        return writable(self.paths.cache)

    @property
    def db_path(self) -> Path:
        """The store's file, in a folder that can be written."""
        return writable(self.paths.db.parent) / self.paths.db.name

    @property
    def project_dir(self) -> Path:
        """The folder of the project's file, else where the command was started."""
        return self.settings.project.parent if self.settings.project else self.cwd

    def agent_folders(self) -> list[Path]:
        """Where recipes lie, in `agents/` below each: the project's before the user's."""
        return [self.project_dir, self.paths.config]

    def move_store(self, place: str) -> None:
        """Keep runs in ``place``, a file or a folder: `--store`."""
        self.store = place
        self.__dict__.pop("paths", None)

    def with_flags(self, flags: Mapping[str, Any]) -> App:
        """The same application with command-line values on top: ``{"swarm.jobs": 4}``; None means not given."""
        copy = replace(self)
        copy.__dict__.update(self.__dict__)
        copy.__dict__["settings"] = self.settings.with_flags(flags, self.cwd)
        return copy

    # ---- models and engines

    def models(self) -> dict[str, Model]:
        """Every model by name: the bundled one, the plugins', and the configured ones, which win."""
        from pyagent.model import Model

        bundled = Model(DEFAULT_MODEL, "llama", input_price=0.0, output_price=0.0)
        given = {model.name: model for model in self.plugins.models(self.context, [DEFAULT_MODEL])}
        return {DEFAULT_MODEL: bundled, **given, **self.settings.models}

    def model(self, name: str | None = None, base_url: str | None = None) -> Model:
        """The model that ``name`` means: a configured name, a GGUF file, or PROVIDER/NAME.

        Without a name it is ``swarm.model``, else the bundled one. With ``base_url`` (or ``swarm.base_url``)
        any name is asked there. Raises ModelMissing (4), also where an untrusted project chose a model that leaves
        this machine: prompts must not go out, at the user's cost, at a clone's word.
        """
        chosen = self.settings.get("swarm.model")
        name = name or chosen
        base_url = base_url or self.settings.get("swarm.base_url")
        models = self.models()
        if base_url:
            return self._elsewhere(name, base_url, models)
        name = name or DEFAULT_MODEL
        model = models.get(name) or self.file_model(name) or self._service(name) or self._missing(name, models)
        if name == chosen:
            self.refuse_unasked("swarm.model", model)
        return model

    def refuse_unasked(self, setting: str, model: Model) -> None:
        """Raises ModelMissing when an untrusted project's ``setting`` would send prompts off this machine."""
        if self.settings.unasked(setting) and not self.engine_kind(model).local:
            raise ModelMissing(
                f"{self.settings.origin(setting)}: {setting} asks {model.name}, which does not run on this machine",
                f"run `pyagent trust` to let it, or {_instead(setting)}",
            )

    def open_engine(self, model: Model, options: EngineOptions) -> Engine:
        """Open the engine of ``model``; raises ConfigError (78) for an unknown kind or a missing package."""
        if model.provider is not None:
            from pyagent.host.keys import lend

            lend(model.provider.key_env, self.paths.keys_file)
        return self.engine_kind(model).open(model, options)

    def engine_kind(self, model: Model) -> EngineKind:
        """How ``model`` is asked; ``local`` kinds need no network and cost nothing by the token."""
        from pyagent.host.engines import pick

        return pick(model.engine, self.engine_kinds(), model)

    @cached_property
    def prices(self) -> PriceList:
        """The table of prices: the one that `pyagent model price --refresh` fetched, else the shipped one."""
        from pyagent.run.pricelist import FILE, PriceList

        return PriceList(self.paths.cache / FILE)

    def priced(self, model: Model) -> Model:
        """``model`` with its prices, as far as they are known."""
        from pyagent.run.prices import price

        return price(model, local=self.engine_kind(model).local, prices=self.prices)

    def engine_kinds(self) -> list[EngineKind]:
        from pyagent.host.engines import CORE

        return [*CORE, *self.plugins.engines(self.context, [kind.kind for kind in CORE])]

    # ---- what plugins add to a run

    def steps(self) -> list[Step]:
        """The plugins' layers of the pipeline; the core's own stand in ``pyagent.run.steps``."""
        return [step for _, step in self.plugin_steps()]

    def plugin_steps(self) -> list[tuple[str, Step]]:
        """The same as (plugin, layer), outermost first."""
        from pyagent.run.steps import core_steps

        return self.plugins.owned_steps(self.context, [step.name for step in core_steps()])

    def tools(self) -> dict[str, Tool]:
        return {tool.spec.name: tool for tool in self.plugins.tools(self.context)}

    def checks(self) -> list[Check]:
        return self.plugins.checks(self.context)

    def jobs(self) -> list[ScheduledJob]:
        """What recurs, by name; raises UsageError for one with a time that is none."""
        jobs = self.plugins.jobs(self.context)
        for job in jobs:
            _ = job.when
        return jobs

    def reports(self) -> dict[str, Reporter]:
        from pyagent.report.formats import FORMATS

        return {report.name: report for report in self.plugins.reports(self.context, FORMATS)}

    def observe(self, event: Event) -> None:
        """Show a recorded event to the plugins that watch."""
        self.plugins.observe(event)

    def context(self, plugin: str) -> Context:
        """What a registering hook of ``plugin`` may look at: its options with their defaults, and the folders."""
        from pyagent.host.hookspecs import Context

        allow = tuple(str(folder) for folder in self.settings.get("tools.allow") or ())
        folders = (str(self.paths.data), str(self.paths.cache), str(self.project_dir))
        engine = partial(self._engine_for, plugin)
        return Context(self.plugin_settings(plugin), *folders, allow=allow, engine=engine, note=self.note)

    def _engine_for(self, plugin: str, setting: str) -> tuple[Engine, Model]:
        """The model that a plugin's own setting names, opened with one process at most."""
        from pyagent.engine.base import EngineOptions

        name = self.plugin_settings(plugin)[setting]
        # A known model is asked where it lives, also when the run's own is asked at --base-url.
        known = self.models().get(name) or self.file_model(name) or self._service(name)
        model = known or self.model(name)
        self.refuse_unasked(f"plugins.{plugin}.{setting}", model)
        options = EngineOptions(workers=1, cache_dir=str(self.cache_dir), home=str(self.data_dir))
        return self.open_engine(model, options), model

    def plugin_settings(self, name: str) -> dict[str, Any]:
        """``[plugins.NAME]`` over the plugin's defaults; ConfigError for an option that it does not have."""
        plugin = self.plugins.get(name)
        options = {option.name: option for option in plugin.options} if plugin else {}
        given = self.settings.plugin(name)
        for key, value in given.items() if options else ():
            place = self.settings.origin(f"plugins.{name}.{key}")
            if key not in options:
                hint = nearest(key, options) or f"known here: {', '.join(options)}"
                raise ConfigError(f"{place}: the plugin {name} has no setting {key}", hint)
            _like(options[key].default, value, f"{place}: plugins.{name}.{key}")
        return {**{key: option.default for key, option in options.items()}, **given}

    # ---- the ways to a model

    def _elsewhere(self, name: str | None, base_url: str, models: Mapping[str, Model]) -> Model:
        from pyagent.model import Model, Provider

        if name is None:
            raise ModelMissing("no model is named for the endpoint", "name one with -m")
        known = models.get(name)
        if known is not None and known.provider is not None:
            return replace(known, engine="openai", provider=replace(known.provider, base_url=base_url))
        provider = Provider("base-url", "openai", base_url, "OPENAI_API_KEY")
        return Model(name, "openai", provider=provider, remote=name)

    def file_model(self, name: str) -> Model | None:
        """The model in a GGUF file; None when ``name`` is no file and does not look like one."""
        from pyagent.model import Model

        path = self.cwd / Path(name).expanduser()
        if not name.endswith(".gguf") and not path.is_file():
            return None
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "does not exist"
            raise ModelMissing(f"the model file {path} {what}", "give the path of a GGUF file")
        return Model(name, "llama", path=str(path.resolve()), input_price=0.0, output_price=0.0)

    def _service(self, name: str) -> Model | None:
        from pyagent.model import Model

        service, slash, remote = name.partition("/")
        provider = self.settings.providers.get(service)
        if not slash or provider is None:
            return None
        return Model(name, provider.kind, provider=provider, remote=remote)

    def _missing(self, name: str, models: Mapping[str, Model]) -> Model:
        if name in self.settings.waiting:
            raise ModelMissing(f"the model {name} needs a provider that is not trusted", "run `pyagent trust`")
        hint = nearest(name, models) or f"known: {', '.join(sorted(models))}"
        raise ModelMissing(f"no model {name!r}", f"{hint} (`pyagent model list`, `pyagent model add`)")


def _instead(setting: str) -> str:
    """How to choose another model than the setting's."""
    group, _, name = setting.partition(".")
    return f"give another --{name}" if group == "swarm" else f"set {setting} in your own settings"


def _like(default: Any, value: Any, place: str) -> None:
    """Refuse a value of another type than the option's default; a whole number may stand for a number."""
    kinds: tuple[type, ...] = {float: (float, int), tuple: (tuple, list)}.get(type(default), (type(default),))
    # bool is an int in Python, but `threshold = true` is a mistake.
    if default is None or (isinstance(value, kinds) and isinstance(value, bool) == isinstance(default, bool)):
        return
    raise ConfigError(f"{place} must be like {default!r}, not {value!r}", "correct the value")
