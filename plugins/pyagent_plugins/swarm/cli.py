"""`pyagent swarm`: answer a file of tasks, and look after runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from pyagent.cli import context
from pyagent.errors import UsageError
from pyagent_plugins.swarm.agents import agents_app
from pyagent_plugins.swarm.approve import approve
from pyagent_plugins.swarm.options import RERUN, RunOptions, one_of, parse_schema, parse_shard, read_text
from pyagent_plugins.swarm.runs import pause, results, resume, scale, status, stop

app = typer.Typer(no_args_is_help=True, help="Answer a file of tasks with a swarm of agents, and look after runs.")
app.add_typer(agents_app, name="agents")

ASK, LIMIT, FLOW, OUT = "What is asked", "Limits", "Which tasks", "Results"
Text: TypeAlias = str | None
Whole: TypeAlias = int | None
Number: TypeAlias = float | None
Flag: TypeAlias = bool | None
File: TypeAlias = Path | None


@app.command()
def run(
    ctx: typer.Context,
    tasks: Annotated[str, typer.Argument(metavar="TASKS", help="A JSONL, CSV or text file, or - for standard input.")],
    model: Annotated[
        Text, typer.Option("-m", "--model", metavar="MODEL", help="A model's name or a GGUF file.", rich_help_panel=ASK)
    ] = None,
    base_url: Annotated[
        Text, typer.Option(metavar="URL", help="Ask this OpenAI-compatible endpoint.", rich_help_panel=ASK)
    ] = None,
    quality: Annotated[
        Number,
        typer.Option(min=0, max=1, help="Without -m: the share of the best to reach, cheaply.", rich_help_panel=ASK),
    ] = None,
    require_measured: Annotated[
        Flag, typer.Option("--require-measured", help="Ask no model that was not measured.", rich_help_panel=ASK)
    ] = None,
    system: Annotated[
        Text, typer.Option(metavar="TEXT|@FILE", help="System prompt of tasks without one.", rich_help_panel=ASK)
    ] = None,
    schema: Annotated[
        Text,
        typer.Option(metavar="FILE|JSON", help="JSON Schema of the answers of tasks without one.", rich_help_panel=ASK),
    ] = None,
    agent: Annotated[
        Text, typer.Option(metavar="NAME", help="The recipe in agents/NAME.toml that works.", rich_help_panel=ASK)
    ] = None,
    temperature: Annotated[Number, typer.Option(min=0, help="0 is greedy.", rich_help_panel=ASK)] = None,
    answer_tokens: Annotated[
        Whole, typer.Option(min=1, metavar="N", help="The longest answer, in tokens.", rich_help_panel=ASK)
    ] = None,
    seed: Annotated[Whole, typer.Option(min=0, help="Makes sampling repeatable.", rich_help_panel=ASK)] = None,
    deterministic: Annotated[
        Flag,
        typer.Option("--deterministic", help="The same answers at any -j, at some cost in speed.", rich_help_panel=ASK),
    ] = None,
    jobs: Annotated[
        Whole, typer.Option("-j", "--jobs", min=1, metavar="N", help="Tasks in flight.", rich_help_panel=LIMIT)
    ] = None,
    workers: Annotated[
        Whole, typer.Option(min=1, metavar="N", help="Local engine processes.", rich_help_panel=LIMIT)
    ] = None,
    max_cost: Annotated[
        Number, typer.Option(min=0, metavar="USD", help="Never cost more, over the whole run.", rich_help_panel=LIMIT)
    ] = None,
    max_tokens: Annotated[
        Whole, typer.Option(min=1, metavar="N", help="Never use more, over the whole run.", rich_help_panel=LIMIT)
    ] = None,
    max_time: Annotated[
        Number, typer.Option(min=0, metavar="SECONDS", help="Stop after so long; go on later.", rich_help_panel=LIMIT)
    ] = None,
    retries: Annotated[
        Whole, typer.Option(min=0, metavar="N", help="Further tries after a passing fault.", rich_help_panel=LIMIT)
    ] = None,
    repairs: Annotated[
        Whole,
        typer.Option(min=0, metavar="N", help="Further tries for a schema that is missed.", rich_help_panel=LIMIT),
    ] = None,
    timeout: Annotated[
        Number, typer.Option(min=0.001, metavar="SECONDS", help="For one call.", rich_help_panel=LIMIT)
    ] = None,
    fail_fast: Annotated[
        Flag,
        typer.Option("--fail-fast", help="Stop at the first failed task.", rich_help_panel=LIMIT),
    ] = None,
    fail_on: Annotated[
        Text, typer.Option(metavar="N|N%", help="Bear so many failures before exit 1.", rich_help_panel=LIMIT)
    ] = None,
    name: Annotated[Text, typer.Option("--run", metavar="NAME", help="Name the run.", rich_help_panel=FLOW)] = None,
    cache: Annotated[
        Text,
        typer.Option(
            metavar="use|refresh|only|off",
            help="Kept answers: use, make anew, never ask, or none.",
            rich_help_panel=FLOW,
        ),
    ] = None,
    cache_risk: Annotated[
        Number,
        typer.Option(
            min=0, metavar="SHARE", help="Wrong answers to bear among those by meaning.", rich_help_panel=FLOW
        ),
    ] = None,
    input_format: Annotated[
        Text, typer.Option(metavar="FORMAT", help="jsonl, csv or text, when not as it looks.", rich_help_panel=FLOW)
    ] = None,
    rerun: Annotated[Text, typer.Option(metavar="failed|all", help="Ask these again.", rich_help_panel=FLOW)] = None,
    shard: Annotated[
        Text, typer.Option(metavar="I/N", help="Only the i-th of n shares; see swarm merge.", rich_help_panel=FLOW)
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for another process of this run, and for people.", rich_help_panel=FLOW)
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Run again whenever the file changes.", rich_help_panel=FLOW)
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be asked and cost; ask nobody.", rich_help_panel=FLOW)
    ] = False,
    show_prompts: Annotated[
        bool, typer.Option("--show-prompts", help="With --dry-run: exactly what would be sent.", rich_help_panel=FLOW)
    ] = False,
    output: Annotated[
        File, typer.Option("-o", "--output", metavar="FILE", help="Instead of stdout.", rich_help_panel=OUT)
    ] = None,
    format: Annotated[
        Text, typer.Option(metavar="FORMAT", help="jsonl (default), json, csv or table.", rich_help_panel=OUT)
    ] = None,
    ordered: Annotated[
        Flag,
        typer.Option("--ordered", help="In the order of the file, not of completion.", rich_help_panel=OUT),
    ] = None,
    stream: Annotated[
        bool, typer.Option("--stream", help="Also a line for each piece of an answer.", rich_help_panel=OUT)
    ] = False,
    junit: Annotated[File, typer.Option(metavar="FILE", help="JUnit XML, for CI.", rich_help_panel=OUT)] = None,
    summary: Annotated[File, typer.Option(metavar="FILE", help="A summary in Markdown.", rich_help_panel=OUT)] = None,
    sarif: Annotated[
        File, typer.Option(metavar="FILE", help="SARIF, of answers that name file and line.", rich_help_panel=OUT)
    ] = None,
) -> None:
    """Answer every task of a file, each once.

    The same command again does only what is missing: a run is named by its file and by the settings that change
    answers. Results go to stdout, one JSON object a line; progress goes to stderr.
    """
    flags = {
        "model": model, "base_url": base_url, "system": read_text(system), "agent": agent, "temperature": temperature,
        "max_tokens": answer_tokens, "seed": seed, "deterministic": deterministic, "jobs": jobs, "workers": workers,
        "max_cost": max_cost, "max_total_tokens": max_tokens, "max_time": max_time, "retries": retries,
        "repairs": repairs, "timeout": timeout, "fail_fast": fail_fast, "fail_on": fail_on, "ordered": ordered,
        "record_prompts": None, "quality": quality, "require_measured": require_measured,
    }  # fmt: skip
    host = context.app(ctx).with_flags({f"swarm.{key}": value for key, value in flags.items()})
    # A run whose answers must be the same at any -j takes none that was made for another wording.
    meaning = False if host.settings.get("swarm.deterministic") else None
    # To ask again means to ask: a kept answer would only be the same one.
    mode = cache or ("refresh" if rerun else None)
    for key, value in {"mode": mode, "risk": cache_risk, "meaning": meaning}.items():
        host = host.with_flags({f"plugins.cache.{key}": value})
    settings = {key: host.settings.get(f"swarm.{key}") for key in flags}
    # Not through the settings, which know the core's shapes only: a plugin may add some.
    settings["format"] = format or host.settings.get("swarm.format")
    settings["fail_on"] = settings["fail_on"] or "0"
    settings["answer_tokens"] = settings.pop("max_tokens")
    settings["max_tokens"] = settings.pop("max_total_tokens")
    options = RunOptions(
        tasks=tasks,
        name=name,
        input_format=input_format and one_of("--input-format", input_format, ("jsonl", "csv", "text")),
        schema=parse_schema(schema),
        cache_only=host.settings.plugin("cache").get("mode") == "only",
        rerun=rerun and one_of("--rerun", rerun, RERUN),
        shard=parse_shard(shard),
        wait=wait,
        dry_run=dry_run,
        show_prompts=show_prompts,
        output=output,
        stream=stream,
        junit=junit,
        summary=summary,
        sarif=sarif,
        **settings,
    )
    options.tolerated(100)
    if show_prompts and not dry_run:
        raise UsageError("--show-prompts goes with --dry-run", "add --dry-run: it asks nobody")
    raise typer.Exit(_run(ctx, host, options, watch))


def _run(ctx: typer.Context, host: Any, options: RunOptions, watch: bool) -> int:
    # Imported here: `swarm --help` and `swarm status` do without the pipeline.
    from pyagent_plugins.swarm.execution import Execution, prepare
    from pyagent_plugins.swarm.reports import shapes

    out = context.output(ctx)
    shapes(host, options.format)
    if options.dry_run:
        from pyagent_plugins.swarm.dry import dry_run

        return dry_run(host, options, out)
    if watch:
        from pyagent_plugins.swarm.watch import keep_running

        return keep_running(host, options, out, sys.argv[1:])
    return Execution(host, options, prepare(host, options), progress=not out.quiet).execute(sys.argv[1:])


@app.command()
def merge(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="RESULTS...", help="Result files of shards.")],
    tasks: Annotated[File, typer.Option(metavar="FILE", help="Put results in this task file's order.")] = None,
    output: Annotated[File, typer.Option("-o", "--output", metavar="FILE", help="Instead of stdout.")] = None,
    format: Annotated[str, typer.Option(metavar="FORMAT", help="jsonl, json, csv or table.")] = "jsonl",
) -> None:
    """Put the results of shards together: one line a task, a good one before a failed one."""
    from pyagent_plugins.swarm.merge import merge_files
    from pyagent_plugins.swarm.reports import shapes

    raise typer.Exit(merge_files(files, tasks, output, format, shapes(context.app(ctx), format)))


app.command()(approve)
app.command()(status)
app.command()(results)
app.command()(resume)
app.command()(pause)
app.command()(stop)
app.command()(scale)
