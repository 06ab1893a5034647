"""`--dry-run`: the whole way of every task but the model, and what that would cost at worst."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyagent.cli.output import Output, clean
from pyagent.host.app import App
from pyagent.model import Model, Result, Usage
from pyagent.run.approvals import Approvals
from pyagent.run.journal import Journal
from pyagent.run.pipeline import Job, Proceed, Step, fold
from pyagent.run.runner import Runner
from pyagent.run.steps.journal import Remember
from pyagent.run.steps.price import Price
from pyagent.run.steps.turns import Turns
from pyagent.store.db import Store
from pyagent.store.writer import Writer
from pyagent_plugins.swarm.execution import Prepared, open_engines, prepare
from pyagent_plugins.swarm.options import RunOptions

# Ids of tasks named in a line; with --json all of them.
NAMED = 8
WAITS = {
    "answer": "will wait for a person with their answer",
    "cost": "will wait for a person before they are asked, for their cost",
    "tool": "will wait for a person when they call a tool that needs one",
}


@dataclass(slots=True)
class Estimate:
    """What one model would be asked."""

    tasks: int = 0
    usage: Usage = field(default_factory=Usage)
    usd: float | None = 0.0

    def add(self, result: Result) -> None:
        self.tasks += 1
        self.usage = self.usage + result.usage
        self.usd = None if self.usd is None or result.cost_usd is None else self.usd + result.cost_usd


@dataclass(slots=True)
class Forecast:
    """What a run would do."""

    total: int
    duplicates: int
    done: int = 0
    talks: int = 0
    models: dict[str, Estimate] = field(default_factory=lambda: defaultdict(Estimate))
    routes: dict[str, str] | None = None
    waits: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in WAITS})

    def add(self, result: Result) -> None:
        if result.known or result.source != "computed":
            self.done += 1
        else:
            self.models[result.model or "?"].add(result)
            if self.routes is not None:
                self.routes[result.id] = result.model or "?"


@dataclass(slots=True)
class WouldWait:
    """Notes which tasks would wait for a person: outside of all that makes the answer, as `Approve` is."""

    prepared: Prepared
    waits: dict[str, list[str]]

    name, order = "would-wait", 15

    async def __call__(self, job: Job, proceed: Proceed) -> Result:
        result = await proceed(job)
        policy, tools = self.prepared.policy, self.prepared.plan.tools
        if job.task.approve:
            self.waits["answer"].append(job.task.id)
        if result.source == "computed":
            if policy.cost(result.cost_usd) is not None:
                self.waits["cost"].append(job.task.id)
            if any(policy.tool(tools[spec.name]) for spec in job.request.tools if spec.name in tools):
                self.waits["tool"].append(job.task.id)
        return result


def dry_run(app: App, options: RunOptions, out: Output) -> int:
    """Print the forecast (with --show-prompts: what would be sent) to stdout; gives 0."""
    prepared = prepare(app, options)
    forecast = Forecast(len(prepared.mine), prepared.index.duplicates)
    # Where the model of each task is chosen, it is shown for each.
    field = prepared.plan.among
    forecast.routes = {} if field and len(field.models) > 1 else None
    asyncio.run(_walk(app, options, prepared, forecast, out))
    if not options.show_prompts:
        show(prepared.name, forecast, out)
        asked = _asked(app, prepared.id)
        if asked:
            out.note(
                f"{asked} approvals of this run wait already: `pyagent swarm approve --list --run {prepared.name}`"
            )
    elif forecast.done:
        out.note(f"{forecast.done} of {forecast.total} tasks are already done and would not be asked")
    return 0


async def _walk(app: App, options: RunOptions, prepared: Prepared, forecast: Forecast, out: Output) -> None:
    store, engines = Store.open(app.db_path), open_engines(app, options)
    writer = Writer(Path(app.db_path))

    def prompt(id: str, model: Model, text: str) -> None:
        out.emit({"id": id, "model": model.name, "prompt": text}) if out.json else print(
            f"--- {id} ({model.name})\n{text}"
        )

    try:
        journal = Journal(store, writer, prepared.id)
        price = Price(engines, options.repairs, prompt if options.show_prompts else None)
        steps: list[Step] = [
            Remember(journal),
            WouldWait(prepared, forecast.waits),
            Turns(prepared.plan.tools, prepared.plan.agents, prepared.plan.resolve),
            price,
        ]
        await Runner(
            prepared.index,
            prepared.mine,
            prepared.plan,
            fold([*steps, *app.steps()]),
            journal,
            lambda index, result: forecast.add(result),
            width=1,
            dry=True,
        ).run()
        forecast.talks = price.talks
    finally:
        await engines.aclose()
        await writer.close()
        store.close()


def _asked(app: App, run: str) -> int:
    with Store.open(app.db_path) as store:
        return Approvals(store).count(run)


def show(name: str, forecast: Forecast, out: Output) -> None:
    rows = [_row(model, estimate) for model, estimate in sorted(forecast.models.items())]
    if out.json:
        out.emit(
            {
                "run": name,
                "tasks": forecast.total,
                "duplicates": forecast.duplicates,
                "done": forecast.done,
                "estimated": forecast.talks,
                "models": rows,
                "waits": forecast.waits,
                **({} if forecast.routes is None else {"routes": forecast.routes}),
            }
        )
        return
    asked = sum(row["tasks"] for row in rows)
    tasks = f"{forecast.total} {'task' if forecast.total == 1 else 'tasks'}"
    duplicates = f"{forecast.duplicates} {'duplicate' if forecast.duplicates == 1 else 'duplicates'}"
    print(f"{name}: {tasks}, {duplicates}, {forecast.done} already done, {asked} to ask")
    if rows:
        print("at worst:")
        out.table(rows, ("model", "tasks", "input_tokens", "output_tokens", "cost_usd"))
    for id, model in (forecast.routes or {}).items():
        print(f"  {clean(id)} -> {clean(model)}")
    for kind, ids in forecast.waits.items():
        if ids:
            more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
            print(f"{len(ids)} {WAITS[kind]}: {', '.join(ids[:NAMED])}{more}")
    if forecast.talks:
        with_tools = "1 task" if forecast.talks == 1 else f"{forecast.talks} tasks"
        print(f"{with_tools} with tools or hand-offs: an estimate, without what tools will say; --max-cost is hard")


def _row(model: str, estimate: Estimate) -> Mapping[str, Any]:
    return {
        "model": model,
        "tasks": estimate.tasks,
        "input_tokens": estimate.usage.input_tokens,
        "output_tokens": estimate.usage.output_tokens,
        "cost_usd": None if estimate.usd is None else round(estimate.usd, 6),
    }
