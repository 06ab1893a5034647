"""The same work is never done twice: answers by meaning, with windows, freshness and a budget for wrong ones.

The library is ``pyagent_plugins.cache.cache.SemanticCache``; `pyagent cache` looks after the user's own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyagent.plugin import Command, Context, Option, hookimpl

if TYPE_CHECKING:
    from pyagent.run.pipeline import Step


@hookimpl
def pyagent_commands() -> Iterable[Command]:
    yield Command("cache", "pyagent_plugins.cache.cli:app", "Answers that are kept, and how often they were right.")


@hookimpl
def pyagent_config() -> Iterable[Option]:
    yield Option("mode", "use", "use, refresh (keep only), only (never ask) or off.")
    yield Option("embedder", "minilm", "What tells meaning; empty for exact matches only.")
    yield Option("risk", 0.02, "The most wrong answers among semantic hits, as a share.")
    yield Option("meaning", True, "Match by meaning; false for exact matches only, also in flight.")
    yield Option("window", 50_000, "Entries of the newest window.")
    yield Option("generations", 8, "Windows kept, the newest included.")
    yield Option("window_hours", 0.0, "Hours after which an answer leaves the window, whatever else holds; 0: never.")
    yield Option("max_entries", 400_000, "The most entries.")
    yield Option("max_bytes", 1 << 30, "The most bytes.")
    yield Option("ttl_hours", 24.0, "How long an answer lives that declares nothing it was made from.")
    yield Option(
        "stale_budget",
        0.0,
        "The most stale answers, as a share of all, where nothing is declared (0.0001); 0: ttl_hours alone.",
    )
    yield Option("stale", False, "Give an answer past its time while it is made anew.")
    yield Option("judge", "", "A model that says whether would-be hits were right; empty: the answers are compared.")


@hookimpl
def pyagent_stats(context: Context) -> Iterable[tuple[str, Any]]:
    from pyagent_plugins.cache.glance import glance

    yield "cache", glance(Path(context.data_dir) / "answers")


@hookimpl
def pyagent_steps(context: Context) -> Iterable[Step]:
    from pyagent.errors import ConfigError
    from pyagent_plugins.cache.modes import MODES

    settings = context.settings
    if settings["mode"] not in MODES:
        raise ConfigError(f"the cache has no mode {settings['mode']!r}", f"say one of {', '.join(MODES)}")
    if settings["mode"] == "off":
        return
    from pyagent_plugins.cache.reuse import Reuse, open_cache

    def warn(text: str) -> None:
        print(f"cache: {text}", file=sys.stderr)

    judge = None
    if settings["judge"]:
        from pyagent_plugins.cache.judge import ModelJudge

        judge = ModelJudge(lambda: context.engine("judge"))
    yield Reuse(
        lambda: open_cache(Path(context.data_dir) / "answers", settings, warn, judge),
        settings["mode"],
        settings["meaning"],
        warn,
        settings["stale"],
        judge,
    )
