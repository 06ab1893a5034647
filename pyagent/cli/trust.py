"""`pyagent trust`: the user's word that a project's file may name endpoints, plugins, tools and hooks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pyagent.cli import context
from pyagent.errors import UsageError


def trust(
    ctx: typer.Context,
    path: Annotated[
        str | None,
        typer.Argument(metavar="[FILE]", help="The project's file; the nearest one when not given."),
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="List what is trusted, and change nothing.")] = False,
    revoke: Annotated[bool, typer.Option("--revoke", help="Trust that file no longer.")] = False,
) -> None:
    """Let a project's endpoints, providers, plugins and tools take effect. A changed file is asked about again."""
    from pyagent.host.layer import project_file, read_layer
    from pyagent.host.settings import guarded, leaving
    from pyagent.host.trust import Trust

    host, out = context.app(ctx), context.output(ctx)
    known = Trust(host.paths.trust_file)
    if show:
        return out.table([{"path": k, "sha256": v} for k, v in sorted(known.all().items())], ["path", "sha256"])
    file = (host.cwd / path).resolve() if path else project_file(host.cwd)
    if file is None:
        raise UsageError("no pyagent.toml here or above", "go into the project, or name the file")
    if revoke:
        out.note(f"{file} is no longer trusted" if known.remove(file) else f"{file} was not trusted")
        return None
    layer = read_layer(Path(file))
    if layer is None:
        raise UsageError(f"{file} is not there, or has no settings for pyagent", "name the project's file")
    known.add(file, layer.digest)
    agreed = {**guarded(layer), **leaving(layer)}
    named = [{"setting": ".".join(key), "value": _plain(value.value)} for key, value in agreed.items()]
    out.table(named, ["setting", "value"])
    out.note(f"{file} is trusted until it changes")
    return None


def _plain(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else value
