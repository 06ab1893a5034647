"""`pyagent config`: every setting with where it came from, and a way to change one without an editor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyagent.cli import context
from pyagent.errors import UsageError

if TYPE_CHECKING:
    from pyagent.host.app import App
    from pyagent.host.schema import Kind, Setting

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Show and change settings.")
Name = Annotated[str, typer.Argument(help="A setting, such as swarm.max_tokens.")]


@app.command()
def show(
    ctx: typer.Context,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value came from.")] = False,
    all_: Annotated[bool, typer.Option("--all", help="Also what is not set.")] = False,
) -> None:
    """Show the settings in effect."""
    rows = [
        {"setting": name, "value": _plain(value.value), "origin": value.origin}
        for name, value in context.app(ctx).settings.flat()
        if all_ or value.value not in (None, ())
    ]
    out = context.output(ctx)
    if out.json and not origin:
        return out.emit({row["setting"]: row["value"] for row in rows})
    return out.table(rows, ["setting", "value", "origin"] if origin else ["setting", "value"])


@app.command()
def get(ctx: typer.Context, name: Name) -> None:
    """Print one value."""
    settings, out = context.app(ctx).settings, context.output(ctx)
    _known(name)
    value = _plain(settings.get(name))
    if out.json:
        return out.emit({"setting": name, "value": value, "origin": settings.origin(name)})
    lines = value if isinstance(value, list) else [] if value is None else [value]
    for line in lines:
        out.print(str(line).lower() if isinstance(line, bool) else str(line))
    return None


@app.command("set")
def set_(
    ctx: typer.Context,
    name: Name,
    value: Annotated[str, typer.Argument(help="The value; lists with commas.")],
    project: Annotated[bool, typer.Option("--project", help="In the project's pyagent.toml.")] = False,
) -> None:
    """Write one value to the user's config.toml, or to the project's pyagent.toml."""
    from pyagent.host import schema
    from pyagent.host.edit import store

    host = context.app(ctx)
    setting = _of_plugin(host, schema.split(name)) or _known(name)
    try:
        checked = schema.check(setting, schema.read(setting, value), host.cwd)
    except ValueError as error:
        raise UsageError(f"{name} {error}", "correct the value") from None
    path = config_file(ctx, project)
    store(path, schema.split(name), checked)
    context.output(ctx).note(f"{name} is set in {path}")


@app.command()
def path(ctx: typer.Context) -> None:
    """Print where settings and data are kept."""
    from pyagent.host.layer import project_file

    host, out = context.app(ctx), context.output(ctx)
    places = {
        "user": host.paths.config_file,
        "project": project_file(host.cwd),
        "data": host.paths.data,
        "cache": host.paths.cache,
        "store": host.paths.db,
        "trust": host.paths.trust_file,
    }
    if out.json:
        return out.emit({key: str(place) if place else None for key, place in places.items()})
    for key, place in places.items():
        out.print(f"{key:<8} {place or '-'}")
    return None


@app.command()
def schema(
    ctx: typer.Context,
    markdown: Annotated[bool, typer.Option("--markdown", help="A table for the docs instead.")] = False,
) -> None:
    """Print the JSON Schema of pyagent.toml."""
    from pyagent.host import schema as table

    out = context.output(ctx)
    out.print(table.markdown().rstrip()) if markdown else out.emit(table.json_schema())


def _known(name: str) -> Setting:
    """The setting of that name; UsageError with the nearest one."""
    from pyagent.host import schema

    key = schema.split(name)
    if setting := schema.find(key):
        return setting
    known = [each.name for each in schema.SETTINGS]
    raise UsageError(f"no setting {name!r}", schema.nearest(name, known) or "see `pyagent config show --all`")


def _of_plugin(host: App, key: tuple[str, ...]) -> Setting | None:
    """A plugin's own setting, whose default says its type; None for any other. UsageError for an unknown name."""
    from pyagent.host import schema

    plugin = host.plugins.get(key[1]) if key[0] == "plugins" and len(key) == 3 else None
    if plugin is None or not plugin.options:
        return None
    defaults = {option.name: option.default for option in plugin.options}
    if key[2] not in defaults:
        hint = schema.nearest(key[2], defaults) or f"see `pyagent plugin show {key[1]}`"
        raise UsageError(f"the plugin {key[1]} has no setting {key[2]!r}", hint)
    kinds: dict[type, Kind] = {bool: "flag", int: "integer", float: "number", list: "names", tuple: "names"}
    return schema.Setting(".".join(key), kinds.get(type(defaults[key[2]]), "text"), "", guarded=True)


def config_file(ctx: typer.Context, project: bool) -> Path:
    """The file that a change goes to: the user's, or with ``project`` the project's."""
    host = context.app(ctx)
    if not project:
        return host.paths.config_file
    from pyagent.host.layer import project_file

    found = project_file(host.cwd)
    if found is not None and found.name == "pyproject.toml":
        raise UsageError(f"the project's settings are in {found}", "change [tool.pyagent] there by hand")
    return found or host.cwd / "pyagent.toml"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
