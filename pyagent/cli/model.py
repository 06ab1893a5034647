"""`pyagent model`: which models can be asked, and one short question to see that one answers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyagent.cli import context
from pyagent.cli.options import BaseUrl
from pyagent.errors import ModelMissing, UsageError
from pyagent.host.app import DEFAULT_MODEL, App

if TYPE_CHECKING:
    from pyagent.engine.base import Reply
    from pyagent.model import Model

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The models that can be asked.")
QUESTION = "Say hello."


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List every model by name; the default one is marked."""
    host = context.app(ctx)
    chosen = host.settings.get("swarm.model") or DEFAULT_MODEL
    rows = [{**_row(model), "default": model.name == chosen} for model in host.models().values()]
    columns = ["name", "default", "engine", "provider", "asks", "context", "input_price", "output_price"]
    context.output(ctx).table(sorted(rows, key=lambda row: str(row["name"])), columns)


@app.command()
def show(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="A model; the default one when not given.")] = None,
) -> None:
    """Show one model: who is asked, where, and at what price."""
    host, out = context.app(ctx), context.output(ctx)
    model = host.model(name)
    facts = {**_row(model), "local": host.engine_kind(model).local, "options": dict(model.options)}
    if model.provider:
        facts |= {"base_url": model.provider.base_url, "key_env": model.provider.key_env or None}
    if out.json:
        return out.emit(facts)
    for key, value in facts.items():
        if value not in (None, {}):
            out.print(f"{key:<13} {value}")
    return None


@app.command()
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="What you want to call it.")],
    path: Annotated[str | None, typer.Option(metavar="FILE", help="A GGUF file.")] = None,
    provider: Annotated[str | None, typer.Option(help="openai, anthropic, google, or yours.")] = None,
    remote: Annotated[str | None, typer.Option(help="The provider's name for it.")] = None,
    window: Annotated[int | None, typer.Option("--context", min=1, help="Tokens that fit.")] = None,
    input_price: Annotated[float | None, typer.Option(min=0, help="USD a million tokens.")] = None,
    output_price: Annotated[float | None, typer.Option(min=0, help="USD a million tokens.")] = None,
    project: Annotated[bool, typer.Option("--project", help="In the project's pyagent.toml.")] = False,
) -> None:
    """Give a GGUF file or a provider's model a name."""
    from pyagent.cli.config import config_file
    from pyagent.host.edit import store

    host = context.app(ctx)
    if (path is None) == (provider is None):
        raise UsageError("a model is either a file or a provider's", "give --path FILE or --provider NAME")
    if path is not None:
        model = host.file_model(path)
        if model is None:
            raise ModelMissing(f"no file {path!r}", "give the path of a GGUF file")
        path = model.path
    elif provider not in host.settings.providers:
        known = ", ".join(sorted(host.settings.providers))
        raise UsageError(f"no provider {provider!r}", f"known: {known}; or add [providers.{provider}]")
    file = config_file(ctx, project)
    fields: dict[str, Any] = {"path": path, "provider": provider, "remote": remote, "context": window}
    fields |= {"input_price": input_price, "output_price": output_price}
    for key, value in fields.items():
        if value is not None:
            store(file, ("models", name, key), value)
    context.output(ctx).note(f"{name} is in {file}; try it with `pyagent model test {name}`")


@app.command("test")
def try_(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="A model; the default one when not given.")] = None,
    base_url: BaseUrl = None,
) -> None:
    """Ask one short question and show the answer, the tokens and the time."""
    import asyncio

    host, out = context.app(ctx), context.output(ctx)
    model = host.model(name, base_url)
    began = time.monotonic()
    reply = asyncio.run(_ask(host, model))
    row = {
        "model": model.name,
        "answer": reply.choices[0].text.strip(),
        "input_tokens": reply.usage.input_tokens,
        "output_tokens": reply.usage.output_tokens,
        "seconds": round(time.monotonic() - began, 2),
    }
    if out.json:
        return out.emit(row)
    out.print(str(row["answer"]))
    out.note("{model}: {input_tokens} + {output_tokens} tokens in {seconds} s".format(**row))
    return None


async def _ask(host: App, model: Model) -> Reply:
    from pyagent.engine.base import EngineOptions, Request
    from pyagent.model import Message

    options = EngineOptions(
        workers=1,
        timeout=host.settings.get("swarm.timeout"),
        cache_dir=str(host.cache_dir),
        home=str(host.data_dir),
    )
    engine = host.open_engine(model, options)
    try:
        request = Request(model.remote or model.name, (Message("user", QUESTION),), max_tokens=24)
        return await engine.generate(request)
    finally:
        await engine.aclose()


def _row(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "engine": model.engine,
        "provider": model.provider.name if model.provider else None,
        "asks": model.path or model.remote,
        "context": model.context,
        "input_price": model.input_price,
        "output_price": model.output_price,
    }
