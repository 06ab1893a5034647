"""What the user wants, from five layers, with the origin of every value.

Flags > PYAGENT_* > the project's pyagent.toml > the user's config.toml > defaults.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyagent.errors import ConfigError, UsageError
from pyagent.host import schema
from pyagent.host.layer import Layer, Value, project_file, read_layer, unknown
from pyagent.host.paths import Paths
from pyagent.host.schema import DEFAULT_MODEL, Key
from pyagent.host.trust import Trust

if TYPE_CHECKING:
    from pyagent.model import Model, Provider

# Variables that are not settings: folders, and the global options of the command line.
OTHER_VARIABLES = ("HOME", "STORE", "DEBUG", "PLUGINS", "NO_PLUGINS", "NO_INPUT", "NO_COLOR", "JSON", "QUIET")

# What of a model says who is asked.
ELSEWHERE = ("engine", "provider", "remote")

# Services that need no configuration: kind, address, variable with the key.
KNOWN_PROVIDERS = {
    "openai": ("openai", "https://api.openai.com/v1", "OPENAI_API_KEY"),
    "anthropic": ("anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY"),
    "google": ("google", "https://generativelanguage.googleapis.com", "GEMINI_API_KEY"),
}


@dataclass(frozen=True)
class Settings:
    """The merged layers. ``project`` is the project's file, ``ignored`` what of it waits for `pyagent trust`."""

    values: Mapping[Key, Value]
    user: Path
    project: Path | None = None
    ignored: tuple[str, ...] = ()
    trusted: bool = True
    _unread: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def load(cls, paths: Paths, cwd: Path, env: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> Settings:
        """Read every layer. Raises ConfigError (78) naming file and line, or the variable."""
        values = {schema.split(s.name): Value(s.default, "default") for s in schema.SETTINGS if "*" not in s.name}
        if user := read_layer(paths.config_file):
            values |= user.values
        path = project_file(cwd)
        project = read_layer(path) if path and path != paths.config_file else None
        taken = {DEFAULT_MODEL, *(key[1] for key in values if key[0] == "models")}
        kept, ignored, trusted = _trusted(project, Trust(paths.trust_file), taken)
        values |= kept
        values |= _from_env(env, cwd)
        settings = cls(
            values,
            paths.config_file,
            project.path if project else None,
            tuple(f"{'.'.join(key)} ({value.origin})" for key, value in ignored.items()),
            trusted,
            frozenset(key[1] for key in ignored if key[0] == "providers"),
        )
        return settings.with_flags(flags or {}, cwd)

    def with_flags(self, flags: Mapping[str, Any], cwd: Path | None = None) -> Settings:
        """The same with ``{"swarm.jobs": 4}`` on top; None means: not given. UsageError (2)."""
        over: dict[Key, Value] = {}
        for name, value in flags.items():
            if value is not None:
                try:
                    checked = _check(name, value, cwd or Path.cwd(), "the option")
                except ConfigError as error:
                    raise UsageError(str(error), error.hint) from None
                over[schema.split(name)] = Value(checked, "flag")
        return replace(self, values={**self.values, **over})

    def get(self, name: str) -> Any:
        """The value of ``section.name``; ConfigError for a name that does not exist."""
        return self._find(name).value

    def origin(self, name: str) -> str:
        """Where the value came from: ``default``, ``FILE:LINE``, a variable's name or ``flag``."""
        return self._find(name).origin

    def unasked(self, name: str) -> bool:
        """Whether the value is the choice of a project's file that the user has not trusted."""
        return not self.trusted and self.origin(name).startswith(f"{self.project}")

    def flat(self) -> Iterator[tuple[str, Value]]:
        """Every value by its dotted name, sorted."""
        for key in sorted(self.values):
            yield ".".join(key), self.values[key]

    def plugin(self, name: str) -> Mapping[str, Any]:
        """What ``[plugins.NAME]`` holds."""
        return self._table("plugins", name)

    @property
    def providers(self) -> Mapping[str, Provider]:
        """The known services with what was configured of them, and the user's own."""
        from pyagent.model import Provider

        found = {name: Provider(name, *facts) for name, facts in KNOWN_PROVIDERS.items()}
        for name in self._names("providers"):
            base = found.get(name, Provider(name))
            found[name] = replace(base, **self._table("providers", name))
        return found

    @property
    def models(self) -> Mapping[str, Model]:
        """The configured models. One whose provider waits for `pyagent trust` is left out."""
        providers = self.providers
        found = {}
        for name in self._names("models"):
            table = self._table("models", name)
            if table.get("provider") not in self._unread:
                found[name] = self._model(name, table, providers)
        return found

    @property
    def waiting(self) -> frozenset[str]:
        """Models that need a provider which is not trusted yet."""
        names = self._names("models")
        return frozenset(n for n in names if self._table("models", n).get("provider") in self._unread)

    def _model(self, name: str, table: Mapping[str, Any], providers: Mapping[str, Provider]) -> Model:
        from pyagent.model import Model

        fields = dict(table)
        asked = fields.pop("provider", None)
        provider = providers.get(asked) if asked else None
        if asked and provider is None:
            hint = schema.nearest(asked, providers) or f"add [providers.{asked}]"
            raise ConfigError(f"{self._origin('models', name, 'provider')}: no provider {asked!r}", hint)
        local = provider is None
        fields.setdefault("engine", provider.kind if provider else "llama")
        if local and fields["engine"] == "llama":
            if "context" in fields:
                fields["options"] = {"context": fields["context"], **fields.get("options", {})}
            fields.setdefault("input_price", 0.0)
            fields.setdefault("output_price", 0.0)
        return Model(name, provider=provider, **{"remote": None if local else name, **fields})

    def _find(self, name: str) -> Value:
        key = schema.split(name)
        if key in self.values:
            return self.values[key]
        if schema.find(key) is not None:
            return Value(None, "default")
        raise unknown(key, "settings")

    def _names(self, section: str) -> list[str]:
        return list(dict.fromkeys(key[1] for key in self.values if key[0] == section and len(key) == 3))

    def _table(self, section: str, name: str) -> dict[str, Any]:
        return {key[2]: v.value for key, v in self.values.items() if key[:2] == (section, name) and len(key) == 3}

    def _origin(self, *key: str) -> str:
        return self.values[key].origin


def guarded(layer: Layer) -> dict[Key, Value]:
    """What of a project's file needs the user's word."""
    return {k: v for k, v in layer.values.items() if (s := schema.find(k)) is not None and s.guarded}


def leaving(layer: Layer) -> dict[Key, Value]:
    """What of a project's file may choose who is asked."""
    found = {k: v for k, v in layer.values.items() if (s := schema.find(k)) is not None and s.leaving}
    return found | {k: v for k, v in layer.values.items() if k[0] == "models" and k[-1] in ELSEWHERE}


def _trusted(
    layer: Layer | None, trust: Trust, taken: Container[str]
) -> tuple[dict[Key, Value], dict[Key, Value], bool]:
    """The project's values that take effect, those that wait, and whether the user trusts the file.

    A model that is ``taken``, by the user or by us, does not go elsewhere at a project's word.
    """
    if layer is None or trust.holds(layer.path, layer.digest):
        return dict(layer.values) if layer else {}, {}, True
    waiting = guarded(layer)
    waiting |= {k: v for k, v in layer.values.items() if k[0] == "models" and k[1] in taken and k[-1] in ELSEWHERE}
    return {key: value for key, value in layer.values.items() if key not in waiting}, waiting, False


def _from_env(env: Mapping[str, str], cwd: Path) -> dict[Key, Value]:
    """PYAGENT_JOBS is swarm.jobs; PYAGENT_TOOLS__ALLOW is tools.allow."""
    found: dict[Key, Value] = {}
    for variable in sorted(env):
        rest = variable.removeprefix("PYAGENT_")
        if rest == variable or rest in OTHER_VARIABLES:
            continue
        name = rest.lower().replace("__", ".")
        name = name if "." in name else f"swarm.{name}"
        if schema.find(schema.split(name)) is None:
            _refuse_typo(variable, rest)
            continue
        found[schema.split(name)] = Value(_check(name, env[variable], cwd, variable, text=True), variable)
    return found


def _refuse_typo(variable: str, rest: str) -> None:
    """A near miss must not be silently without effect: PYAGENT_MAX_COTS=5 would cost money. Others pass."""
    known: Iterable[str] = [*(name.upper() for name in schema.siblings("swarm")), *OTHER_VARIABLES]
    from difflib import get_close_matches

    if close := get_close_matches(rest, list(known), 1, 0.8):
        raise ConfigError(f"no setting for the variable {variable}", f"did you mean PYAGENT_{close[0]}?")


def _check(name: str, value: Any, cwd: Path, place: str, text: bool = False) -> Any:
    key = schema.split(name)
    setting = schema.find(key)
    if setting is None:
        raise unknown(key, place)
    if key[0] == "plugins" and len(key) > 2:
        return value
    try:
        return schema.check(setting, schema.read(setting, value) if text else value, cwd)
    except ValueError as error:
        raise ConfigError(f"{place}: {name} {error}", "correct the value") from None
