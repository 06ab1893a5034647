"""`pyagent cache`: what is kept, what it saved, how often it was wrong, and how to be rid of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from pyagent.cli import context
from pyagent.cli.units import seconds, size
from pyagent.errors import UsageError

if TYPE_CHECKING:
    from pyagent_plugins.cache.cache import SemanticCache
    from pyagent_plugins.cache.entry import Dependency, Entry

app = typer.Typer(no_args_is_help=True, help="Answers that are kept, and how often they were right.")
T = TypeVar("T")


def _with_cache(ctx: typer.Context, work: Callable[[SemanticCache], T], embed: bool = True) -> T:
    """Open the user's cache, work on it, and let go of it."""
    import asyncio

    from pyagent_plugins.cache.reuse import open_cache

    host, out = context.app(ctx), context.output(ctx)
    settings = host.plugin_settings("cache")
    if not embed:
        settings["embedder"] = ""

    async def session() -> T:
        cache = open_cache(Path(host.data_dir) / "answers", settings, out.note)
        try:
            return work(cache)
        finally:
            await cache.aclose()

    return asyncio.run(session())


@app.command()
def stats(ctx: typer.Context) -> None:
    """Show hits, what they saved, and the measured rate of wrong ones with its bound."""
    out = context.output(ctx)
    facts = _with_cache(ctx, lambda cache: cache.stats())
    shelf, risk, tallies = facts["shelf"], facts["risk"], facts["tallies"]
    hits = {name: int(tallies.get(f"hit.{name}", 0)) for name in ("exact", "semantic")}
    hits["coalesced"] = int(tallies.get("coalesced", 0))
    asked = sum(hits.values()) + int(tallies.get("computed", 0))
    shown: dict[str, Any] = {
        "entries": shelf.entries,
        "bytes": shelf.bytes,
        "hits": hits,
        "hit_rate": round(sum(hits.values()) / asked, 4) if asked else None,
        "saved_tokens": int(tallies.get("saved.tokens", 0)),
        "saved_usd": round(tallies.get("saved.usd", 0.0), 6),
        "misses": {name[5:]: int(count) for name, count in tallies.items() if name.startswith("miss.")},
        "semantic": {
            "mode": risk.mode,
            "budget": facts["budget"].false_hit_rate,
            "threshold": risk.threshold,
            "samples": risk.samples,
            "wrong": risk.wrong,
            "rate": round(risk.wrong / risk.samples, 4) if risk.samples else None,
            "bound": round(risk.bound, 4),
            "samples_needed": risk.needed,
            "alarms": risk.alarms,
        },
        "pace": facts["pace"],
        "shadow": {name: int(tallies.get(f"shadow.{name}", 0)) for name in ("right", "wrong")},
        "index": facts["index"],
    }
    if out.json:
        out.emit(shown)
        return
    for line in _told(shown):
        out.print(line)


def _told(shown: dict[str, Any]) -> list[str]:
    hits, semantic = shown["hits"], shown["semantic"]
    rate = "-" if shown["hit_rate"] is None else f"{shown['hit_rate']:.1%}"
    lines = [
        f"entries    {shown['entries']:,} ({size(shown['bytes'])})",
        f"hits       {rate}: {hits['exact']:,} exact, {hits['semantic']:,} semantic, {hits['coalesced']:,} coalesced",
        f"saved      {shown['saved_tokens']:,} tokens, ${shown['saved_usd']:.4f}",
    ]
    if shown["misses"]:
        lines.append("misses     " + ", ".join(f"{count:,} {name}" for name, count in sorted(shown["misses"].items())))
    if semantic["mode"] == "calibrated":
        told = (
            f"served from probability {semantic['threshold']:.2f}; {semantic['wrong']} of {semantic['samples']} shadow"
            f" samples were wrong, at most {semantic['bound']:.1%} (budget {semantic['budget']:.1%}, 95 % sure)"
        )
    elif semantic["mode"] == "off":
        told = f"off: more were wrong than the budget of {semantic['budget']:.1%} allows; it is measured anew"
    else:
        told = (
            f"strict hits only, until {semantic['samples_needed']} clean shadow samples stand behind the budget of"
            f" {semantic['budget']:.1%} ({semantic['samples']} so far, {semantic['wrong']} wrong)"
        )
    lines += [f"semantic   {told}", f"index      {_recalled(shown['index'])}"]
    return [*lines, f"undeclared {_paced(shown['pace'])}"]


def _paced(pace: dict[str, Any]) -> str:
    """How long an answer lives that declares nothing, and why."""
    if not pace["budget"]:
        return "answers that declare nothing live as long as ttl_hours says"
    if pace["life"] is None:
        return "answers that declare nothing live as long as ttl_hours says: nothing declared was seen to change"
    told = (
        f"answers that declare nothing live {_span(pace['life'])} at most, so that {pace['budget']:.2%} of all answers"
        f" are stale: a declared one changed every {_span(pace['interval'])}"
    )
    if not pace["lived"]:
        return told
    return f"{told}; of undeclared ones that were made anew, {pace['differed']:g} differed in {_span(pace['lived'])}"


def _span(seconds: float) -> str:
    for length, unit in ((86_400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:,.3g} s"


def _recalled(index: dict[str, Any] | None) -> str:
    """Look-ups take bounded time; what they may miss for it is told beside, always."""
    if index is None:
        return "none: answers are matched by their exact text"
    windows = len(index["sealed"])
    told = f"{index['entries']:,} by meaning, {windows} sealed window{'' if windows == 1 else 's'}"
    if (found := index["recall"]) is None:
        return f"{told}; recall not measured: the newest window is empty"
    looked = f"{found['samples']} look-ups at cosine {found['cosine']:g} among {found['entries']:,}"
    return f"{told}; measured recall {found['recall']:.3f} of the newest window ({looked})"


@app.command()
def show(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="An entry's number, or how its key begins.")],
) -> None:
    """Show an entry with what it was made from, and whether it is still fresh."""
    out = context.output(ctx)
    rows = _with_cache(ctx, lambda cache: [_row(cache, entry) for entry in cache.shelf.find(key)], embed=False)
    if not rows:
        raise UsageError(
            f"no entry {key!r}", "an entry's number stands in `pyagent trace show`, as seq of answer.reused"
        )
    if out.json:
        out.emit(rows)
        return
    for row in rows:
        for name, value in row.items():
            out.print(f"{name:<11} {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")


def _row(cache: SemanticCache, entry: Entry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "key": entry.exact.hex(),
        "prompt": entry.prompt,
        "answer": json.loads(entry.answer),
        "model": entry.model,
        "created": datetime.fromtimestamp(entry.created).isoformat(" ", "seconds"),
        "expires": datetime.fromtimestamp(entry.expires).isoformat(" ", "seconds") if entry.expires else None,
        "made_from": [f"{dep.kind} {dep.key}" for dep in entry.dependencies],
        "state": cache.depends.changed(entry) or "fresh",
    }


@app.command()
def invalidate(
    ctx: typer.Context,
    depends_on: Annotated[
        list[str], typer.Option("--depends-on", metavar="PATH|URL|TAG", help="What changed; may be given again.")
    ],
) -> None:
    """Kill exactly what was made from this, in every process, from the next look-up on."""
    from pyagent_plugins.cache.reuse import dependencies

    def work(cache: SemanticCache) -> int:
        named: list[Dependency] = [*dependencies(depends_on, str(Path.cwd()))]
        # What was declared by another path or as a tag of the same spelling is meant, too.
        from pyagent_plugins.cache.entry import Dependency

        named += [Dependency("tag", name) for name in depends_on]
        return len(set(cache.invalidate(*named)))

    gone = _with_cache(ctx, work, embed=False)
    context.output(ctx).note(f"{gone} kept {'answer is' if gone == 1 else 'answers are'} gone")


@app.command()
def verify(ctx: typer.Context) -> None:
    """Read everything, name each fault, and build anew what can be."""
    faults = _with_cache(ctx, lambda cache: cache.verify())
    for fault in faults:
        context.output(ctx).print(fault)
    if faults:
        raise typer.Exit(1)
    context.output(ctx).note("the cache is whole")


@app.command()
def export(
    ctx: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE", help="JSONL; .gz compresses it.")]
) -> None:
    """Write every living entry to a file, to be imported elsewhere."""
    from pyagent_plugins.cache.shelf.portable import export as write

    count = _with_cache(ctx, lambda cache: write(cache.shelf, file), embed=False)
    context.output(ctx).note(f"{count:,} entries are in {file}")


@app.command("import")
def import_(
    ctx: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE", help="What `cache export` wrote.")]
) -> None:
    """Take in what was exported; nothing newer is replaced, and a damaged line is named."""
    from pyagent_plugins.cache.shelf.portable import import_ as read

    def work(cache: SemanticCache) -> Any:
        index, name = cache.index, cache.embedder
        if index is None:
            return read(cache.shelf, file, cache.depends, None, name)
        taken = read(cache.shelf, file, cache.depends, index.add, name, above=lambda: index.high)
        index.settle()
        return taken

    taken = _with_cache(ctx, work)
    out = context.output(ctx)
    for problem in taken.problems:
        out.note(problem)
    left = f"{taken.known:,} were there, {taken.over:,} have ended, {taken.refused:,} are too large"
    out.note(f"{taken.kept:,} entries are new here; {left}")
    if taken.problems:
        raise typer.Exit(1)


@app.command()
def clear(
    ctx: typer.Context,
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="AGE", help="Only what is older: 30d, 12h, 2w.")
    ] = None,
) -> None:
    """Delete entries. What was learned about wrong hits stays."""

    def work(cache: SemanticCache) -> int:
        if older_than is None:
            return cache.shelf.clear()
        return cache.shelf.clear(older_than=cache.shelf.clock.now() - seconds(older_than))

    started = time.monotonic()
    gone = _with_cache(ctx, work, embed=False)
    context.output(ctx).note(f"{gone:,} entries are deleted ({time.monotonic() - started:.1f} s)")
