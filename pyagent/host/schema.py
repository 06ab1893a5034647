"""Every setting once, in one table, so that checking, the JSON Schema and the docs cannot drift apart."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["text", "integer", "number", "flag", "path", "model", "names", "paths", "table"]
Key = tuple[str, ...]
DEFAULT_MODEL = "smollm2-135m"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its dotted ``name`` (``*`` is a name that the user gives) and what it may hold.

    ``kind`` "model" is a model's name or a path to a GGUF file. ``guarded`` settings of a project's file take
    effect only after `pyagent trust`; ``leaving`` ones are also the user's to allow, when what they choose would
    be asked elsewhere than on this machine.
    """

    name: str
    kind: Kind
    help: str
    default: Any = None
    minimum: float | None = None
    choices: tuple[str, ...] = ()
    guarded: bool = False
    leaving: bool = False


SETTINGS: tuple[Setting, ...] = (
    Setting("swarm.model", "model", "The model to ask: a name under [models], or a GGUF file.", leaving=True),
    Setting("swarm.base_url", "text", "An OpenAI-compatible endpoint for every call.", guarded=True),
    Setting("swarm.agent", "text", "The agent that answers tasks which name none.", leaving=True),
    Setting("swarm.system", "text", "The system prompt of tasks which have none."),
    Setting("swarm.jobs", "integer", "Tasks in flight; what the engine likes when not set.", minimum=1),
    Setting("swarm.workers", "integer", "Engine processes; one a core when not set.", minimum=1),
    Setting("swarm.max_tokens", "integer", "The longest answer, in tokens.", 512, minimum=1),
    Setting("swarm.temperature", "number", "0 is greedy.", 0.0, minimum=0),
    Setting("swarm.seed", "integer", "Makes sampling repeatable."),
    Setting("swarm.retries", "integer", "Further tries after a passing error.", 3, minimum=0),
    Setting("swarm.repairs", "integer", "Further tries after an answer that misses its schema.", 2, minimum=0),
    Setting("swarm.timeout", "number", "Seconds for one call.", 300.0, minimum=0),
    Setting("swarm.deterministic", "flag", "The same answers at any number of jobs.", False),
    Setting("swarm.max_cost", "number", "The run stops before it costs more, in USD.", minimum=0),
    Setting("swarm.max_total_tokens", "integer", "The run stops before it uses more tokens.", minimum=1),
    Setting("swarm.max_time", "number", "The run stops after so many seconds.", minimum=0),
    Setting("swarm.quality", "number", "Where no model is named: the share of the best to reach.", 0.95, minimum=0),
    Setting("swarm.require_measured", "flag", "Ask no model that was not measured.", False),
    Setting("swarm.fail_fast", "flag", "Stop at the first failed task.", False),
    Setting("swarm.fail_on", "text", "Failures to bear before the exit code is 1: N or N%."),
    Setting("swarm.record_prompts", "flag", "Keep the messages of each call in the trace.", True),
    Setting("swarm.ordered", "flag", "Results in the order of the file.", False),
    Setting("swarm.format", "text", "The shape of results.", "jsonl", choices=("jsonl", "json", "csv", "table")),
    Setting("models.*.path", "path", "A GGUF file."),
    Setting("models.*.engine", "text", "How it is asked; the provider's kind when not set, else llama."),
    Setting("models.*.provider", "text", "Who is asked: a name under [providers], or a known service."),
    Setting("models.*.remote", "text", "The provider's own name for the model."),
    Setting("models.*.context", "integer", "Tokens that fit.", minimum=1),
    Setting("models.*.input_price", "number", "USD for a million input tokens.", minimum=0),
    Setting("models.*.output_price", "number", "USD for a million output tokens.", minimum=0),
    Setting("models.*.can", "names", "What it does besides text: tools, json, image, audio, video, languages."),
    Setting("models.*.options", "table", "What the engine alone understands."),
    Setting("providers.*.kind", "text", "The API it speaks, an engine kind.", "openai", guarded=True),
    Setting("providers.*.base_url", "text", "Where it answers.", guarded=True),
    Setting("providers.*.key_env", "text", "The environment variable with the key.", guarded=True),
    Setting("providers.*.requests_per_minute", "integer", "Its limit of requests.", minimum=1, guarded=True),
    Setting("providers.*.tokens_per_minute", "integer", "Its limit of tokens.", minimum=1, guarded=True),
    Setting("providers.*.width", "integer", "The most requests in flight.", minimum=1, guarded=True),
    Setting("tools.allow", "paths", "Folders that file tools may read.", (), guarded=True),
    Setting(
        "approvals.tools",
        "names",
        "Tools that need a person: patterns of names, destructiveHint, openWorldHint.",
        (),
        guarded=True,
    ),
    Setting("approvals.cost_usd", "number", "A task that may cost more needs a person first.", minimum=0, guarded=True),
    Setting(
        "approvals.risk",
        "text",
        "The least risk at which any tool needs a person.",
        choices=("low", "medium", "high"),
        guarded=True,
    ),
    Setting("approvals.escalate_to", "model", "The model that answers what a person escalates.", guarded=True),
    Setting("plugins.block", "names", "Plugins that are never imported.", (), guarded=True),
)
SECTIONS = {
    "swarm": "Defaults of a run.",
    "models": "Models by name.",
    "providers": "Services by name.",
    "tools": "What tools may touch.",
    "approvals": "What waits for a person.",
    "plugins": "The plugins; [plugins.NAME] is the plugin's own.",
}
TRUST = (
    "† In a project's file it takes effect after `pyagent trust`.",
    "",
    "‡ In a project's file it takes effect at once where the model runs on this machine; one that is asked elsewhere",
    "is refused until `pyagent trust`. Nor does a project send a model's name that you have to another provider.",
)
_BY_NAME = {setting.name: setting for setting in SETTINGS}


def find(key: Key) -> Setting | None:
    """The setting that ``key`` is an instance of, or None."""
    if key[0] == "plugins" and len(key) > 2:
        return Setting(".".join(key), "text", "A setting of the plugin.", guarded=True)
    if key[0] in ("models", "providers"):
        return _BY_NAME.get(f"{key[0]}.*.{key[-1]}") if len(key) == 3 else None
    return _BY_NAME.get(".".join(key))


def split(name: str) -> Key:
    """A dotted name as a key; a model's name may itself hold dots, as in ``models.gpt-4.1.context``."""
    parts = name.split(".")
    if parts[0] in ("models", "providers") and len(parts) > 3:
        return (parts[0], ".".join(parts[1:-1]), parts[-1])
    if parts[0] == "plugins" and len(parts) > 3:
        return (parts[0], parts[1], ".".join(parts[2:]))
    return tuple(parts)


def siblings(section: str) -> list[str]:
    """The known last names of a section, for "did you mean"."""
    return [setting.name.rsplit(".", 1)[1] for setting in SETTINGS if setting.name.startswith(section + ".")]


def check(setting: Setting, value: Any, folder: Path) -> Any:
    """``value`` in the setting's type, paths made absolute from ``folder``; ValueError says what it must be."""
    match setting.kind:
        case "text" | "model" | "path":
            text = _typed(value, str, "text")
            if setting.choices and text not in setting.choices:
                raise ValueError(f"must be one of {', '.join(setting.choices)}, not {value!r}")
            local = setting.kind == "path" or (setting.kind == "model" and text.endswith(".gguf"))
            return absolute(text, folder) if local else text
        case "integer":
            return _least(setting, _typed(value, int, "a whole number"))
        case "number":
            return _least(setting, float(_typed(value, (int, float), "a number")))
        case "flag":
            return _typed(value, bool, "true or false")
        case "names" | "paths":
            items = _typed(value, (list, tuple), "a list of texts")
            texts = tuple(_typed(item, str, "a list of texts") for item in items)
            return tuple(absolute(t, folder) for t in texts) if setting.kind == "paths" else texts
    return dict(_typed(value, Mapping, "a table"))


def read(setting: Setting, text: str) -> Any:
    """A value as written in a variable or on the command line, not yet checked; ValueError as ``check``."""
    match setting.kind:
        case "integer":
            return _number(text, int, "a whole number")
        case "number":
            return _number(text, float, "a number")
        case "flag":
            words = {"1": True, "true": True, "yes": True, "on": True}
            words |= {"0": False, "false": False, "no": False, "off": False, "": False}
            if text.lower() not in words:
                raise ValueError(f"must be true or false, not {text!r}")
            return words[text.lower()]
        case "names":
            return [part.strip() for part in text.split(",") if part.strip()]
        case "paths":
            return [part for part in text.split(os.pathsep) if part]
        case "table":
            return _table(text)
    return text


def absolute(text: str, folder: Path) -> str:
    return os.path.normpath(folder / Path(text).expanduser())


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of `pyagent.toml` and of the user's config.toml."""
    sections = {name: _section(name, help) for name, help in SECTIONS.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "PyAgent settings",
        "type": "object",
        "properties": sections,
        "additionalProperties": False,
    }


def markdown() -> str:
    """The table of all settings, for the docs."""
    rows = ["| setting | type | default | what it is |", "|---|---|---|---|"]
    for s in SETTINGS:
        default = "" if s.default in (None, ()) else f"`{_plain(s.default)}`"
        mark = " †" if s.guarded else " ‡" if s.leaving else ""
        rows.append(f"| `{s.name.replace('*', 'NAME')}`{mark} | {s.kind} | {default} | {s.help} |")
    return "\n".join([*rows, "", *TRUST, ""])


def page() -> str:
    """The page docs/settings.md."""
    return f"""# Settings

Flags > `PYAGENT_*` > the project's `pyagent.toml` (or `[tool.pyagent]` in its `pyproject.toml`) > the user's
`config.toml` > defaults. `pyagent config show --origin` says where each value came from, `pyagent config path`
where the files are. Relative paths are relative to their file. A variable is named after its setting:
`PYAGENT_JOBS` is `swarm.jobs`, `PYAGENT_TOOLS__ALLOW` is `tools.allow`.

This table is generated by `python -m pyagent.host.schema`.

{markdown()}"""


def _section(name: str, help: str) -> dict[str, Any]:
    fields = {s.name.rsplit(".", 1)[1]: _property(s) for s in SETTINGS if s.name.startswith(name + ".")}
    inner = {"type": "object", "properties": fields, "additionalProperties": False}
    if name in ("models", "providers"):
        return {"description": help, "type": "object", "additionalProperties": inner}
    return {"description": help, **inner, "additionalProperties": {"type": "object"} if name == "plugins" else False}


def _property(setting: Setting) -> dict[str, Any]:
    names = {"integer": "integer", "number": "number", "flag": "boolean", "table": "object"}
    schema: dict[str, Any] = {"description": setting.help, "type": names.get(setting.kind, "string")}
    if setting.kind in ("names", "paths"):
        schema |= {"type": "array", "items": {"type": "string"}}
    if setting.default is not None:
        schema["default"] = _plain(setting.default)
    if setting.minimum is not None:
        schema["minimum"] = setting.minimum
    if setting.choices:
        schema["enum"] = list(setting.choices)
    return schema


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _typed(value: Any, kind: type | tuple[type, ...], words: str) -> Any:
    # bool is an int in Python, but `jobs = true` is a mistake.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"must be {words}, not {value!r}")
    return value


def _least(setting: Setting, value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"must be a finite number, not {value!r}")
    if setting.minimum is not None and value < setting.minimum:
        raise ValueError(f"must be at least {setting.minimum:g}, not {value!r}")
    return value


def _number(text: str, kind: type[int] | type[float], words: str) -> int | float:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"must be {words}, not {text!r}") from None


def _table(text: str) -> Any:
    import tomllib

    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        raise ValueError(f"must be a TOML table like {{ key = 1 }}, not {text!r}") from None


def nearest(name: str, known: Iterable[str]) -> str:
    """``did you mean X?`` for a name that is not known, or nothing."""
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), 1)
    return f"did you mean {close[0]}?" if close else ""


def _write(root: Path) -> None:
    """Bring what is generated from the table up to date: the schema that ships, and the page in the docs."""
    import json

    text = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    Path(__file__).with_name("pyagent.schema.json").write_text(text, "utf-8")
    (root / "docs" / "settings.md").write_text(page(), "utf-8")


if __name__ == "__main__":
    _write(Path.cwd())
