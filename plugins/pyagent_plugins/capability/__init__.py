"""What each model can do: measured every week on questions that a program grades, kept with its evidence."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyagent.plugin import Command, Context, Option, ScheduledJob, hookimpl

if TYPE_CHECKING:
    from pyagent.run.pipeline import Step
    from pyagent_plugins.capability.route.router import Router as Router

PYAGENT_API = 1

HOME = "pyagent_plugins.capability.cli"


@hookimpl
def pyagent_commands() -> Iterable[Command]:
    yield Command("capability", f"{HOME}:app", "What each model can do, measured.")
    yield Command("price", f"{HOME}.price:price", "What models cost, and since when.", "model")
    yield Command("chart", f"{HOME}.chart:chart", "Pictures of what was measured.", "capability")
    yield Command("schedule", f"{HOME}.schedule:schedule", "The weekly check, for cron or systemd.", "capability")
    yield Command("needs", f"{HOME}.needs:needs", "What a prompt needs of a model.")
    yield Command("route", f"{HOME}.route:route", "Which model a prompt would get, and why.")
    yield Command("check", f"{HOME}.check:check", "Measure models on questions that a program grades.", "capability")
    yield Command("list", f"{HOME}.list:list_", "Who was measured, when, and how well.", "capability")
    yield Command("show", f"{HOME}.show:show", "What a model can do, with intervals.", "capability")
    yield Command("compare", f"{HOME}.compare:compare", "What changed since last week, and is it real.", "capability")
    yield Command("accept", f"{HOME}.accept:accept", "Make a week the baseline for later ones.", "capability")


@hookimpl
def pyagent_jobs(context: Context) -> Iterable[ScheduledJob]:
    settings = context.settings
    argv = ("capability", "check", "--profile", settings["profile"])
    yield ScheduledJob("capability-check", argv, settings["schedule"], "Measure what each model can do")


@hookimpl
def pyagent_config() -> Iterable[Option]:
    yield Option("profile", "weekly", "How much `capability check` asks: smoke, weekly or full.")
    yield Option("schedule", "mon 03:17", "When the check recurs: a weekday and a time.")
    yield Option("max_age_days", 10, "Measurements older than this are stale.")


@hookimpl
def pyagent_stats(context: Context) -> Iterable[tuple[str, Any]]:
    from pyagent_plugins.capability.glance import glance

    yield from glance(Path(context.data_dir) / "capability.db")


@hookimpl
def pyagent_steps(context: Context) -> Iterable[Step]:
    from pyagent_plugins.capability.route.step import Route

    yield Route(Path(context.data_dir) / "capability.db", context.note)


def __getattr__(name: str) -> Any:
    # The library's door; numpy stays out of every start that routes nothing.
    if name == "Router":
        from pyagent_plugins.capability.route.router import Router

        return Router
    raise AttributeError(f"{__name__} has no {name}")
