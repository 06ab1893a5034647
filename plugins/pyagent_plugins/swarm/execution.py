"""One `swarm run` from the task file to the exit code: all that a run needs, put together in the order of its way."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyagent.cli.progress import Progress, describe
from pyagent.engine.base import EngineOptions
from pyagent.errors import ApprovalsPending, BudgetExceeded, Interrupted, PyAgentError, UsageError
from pyagent.event import Event
from pyagent.host.app import App
from pyagent.model import Model, Task
from pyagent.run.agents import check_tools, load_agents, reachable
from pyagent.run.approvals import Approvals
from pyagent.run.budget import Budget
from pyagent.run.control import attend, obey
from pyagent.run.engines import Engines
from pyagent.run.gate import Gate
from pyagent.run.journal import Journal
from pyagent.run.pipeline import Job, Step, fold
from pyagent.run.plan import Ask as Question
from pyagent.run.plan import Defaults, Plan
from pyagent.run.policy import Policy
from pyagent.run.runner import Runner
from pyagent.run.steps.approve import Afford, Approve, better_job
from pyagent.run.steps.attempt import Attempt
from pyagent.run.steps.budget import Reserve
from pyagent.run.steps.engine import Ask
from pyagent.run.steps.journal import Remember
from pyagent.run.steps.retry import Retry
from pyagent.run.steps.turns import Turns
from pyagent.run.steps.vote import Vote
from pyagent.run.stream import Stream
from pyagent.run.tasks import TaskIndex
from pyagent.store.db import Store
from pyagent.store.lock import RunLock
from pyagent.store.writer import Writer
from pyagent_plugins.swarm.among import among, within
from pyagent_plugins.swarm.options import RunOptions
from pyagent_plugins.swarm.outputs import Lines, OutputClosed, in_order
from pyagent_plugins.swarm.reports import shapes, write_reports
from pyagent_plugins.swarm.source import Source, open_source, run_names


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that is understood but not begun."""

    source: Source
    id: str
    name: str
    index: TaskIndex
    mine: range | list[int]
    plan: Plan
    policy: Policy


def prepare(app: App, options: RunOptions) -> Prepared:
    """Read and check the whole file; raises TaskFileError, ModelMissing or UsageError before anything is asked."""
    source = open_source(options.tasks, Path(app.data_dir))
    id, name = run_names(source, options)
    folder = source.path.parent if options.tasks != "-" else Path.cwd()
    plan = Plan(
        defaults=Defaults(
            model=options.model,
            system=options.system,
            schema=options.schema,
            max_tokens=options.answer_tokens,
            temperature=options.temperature,
            seed=options.seed,
            agent=options.agent,
            deterministic=options.deterministic,
        ),
        model=lambda wanted: priced(app, app.model(wanted, options.base_url)),
        identity=lambda model: app.engine_kind(model).identity(model),
        agents=load_agents([folder, *app.agent_folders()]),
        tools=app.tools(),
        folder=folder,
    )
    capped = options.max_cost is not None or app.settings.get("approvals.cost_usd") is not None
    plan.among = among(app, options, lambda model: priced(app, model), capped)
    index = TaskIndex.scan(source.path, plan.key, format=options.input_format, shown_as=source.shown)
    mine = sorted(index.shard(*options.shard)) if options.shard else range(len(index))
    check_agents(app, plan)
    policy = read_policy(app, plan)
    refuse_unknown_price(options, policy, plan)
    return Prepared(source, id, name, index, mine, plan, policy)


def read_policy(app: App, plan: Plan) -> Policy:
    """``[approvals]``; raises ModelMissing when there is no such model as ``escalate_to``."""
    said = {key: app.settings.get(f"approvals.{key}") for key in ("tools", "cost_usd", "risk", "escalate_to")}
    policy = Policy(**said)
    if policy.escalate_to:
        plan.resolve(policy.escalate_to)
    return policy


def priced(app: App, model: Model) -> Model:
    return app.priced(model)


def check_agents(app: App, plan: Plan) -> None:
    """An agent that may take part has its tools and its model, or the run is not begun.

    One that an untrusted project chose asks no model elsewhere.
    """
    chosen = app.settings.get("swarm.agent")
    for agent in plan.used():
        heirs = reachable(agent, plan.agents)
        check_tools(heirs, plan.tools)
        for heir in heirs:
            if heir.model:
                model = plan.resolve(heir.model)
                if agent.name == chosen:
                    app.refuse_unasked("swarm.agent", model)


def refuse_unknown_price(options: RunOptions, policy: Policy, plan: Plan) -> None:
    """A limit on money cannot be kept where the price is not known."""
    if options.max_cost is None and policy.cost_usd is None:
        return
    what = "--max-cost" if options.max_cost is not None else "[approvals] cost_usd"
    for model in plan.models.values():
        if model.input_price is None or model.output_price is None:
            raise UsageError(
                f"{what} needs the price of {model.name}, which is not known",
                f"set input_price and output_price under [models.{model.name!r}] in pyagent.toml, or use --max-tokens",
            )


def open_engines(app: App, options: RunOptions) -> Engines:
    wanted = EngineOptions(
        deterministic=options.deterministic,
        workers=options.workers,
        timeout=options.timeout,
        cache_dir=str(app.cache_dir),
        home=str(app.data_dir),
    )
    return Engines(lambda model: app.open_engine(model, wanted))


class Execution:
    """Runs what was prepared, under the run's lock."""

    def __init__(self, app: App, options: RunOptions, prepared: Prepared, progress: bool) -> None:
        self._app, self._options, self._run, self._show = app, options, prepared, progress
        self._store = Store.open(app.db_path)
        self._engines = open_engines(app, options)
        # A finished run asks nobody, unless its file was edited: its engines are opened when one is needed.
        before = self._store.run(prepared.id)
        self._idle = options.jobs is None and before is not None and before.status == "finished"

    def execute(self, argv: list[str]) -> int:
        """Give the exit code; raises what stopped the run, after everything is committed and reported."""
        run, options = self._run, self._options
        lock = RunLock(Path(self._app.data_dir) / "locks", run.id)
        lock.acquire(wait=float("inf") if options.wait else 0.0)
        try:
            if options.rerun:
                statuses = ["failed", "skipped"] if options.rerun == "failed" else None
                Approvals(self._store).forget(run.id, statuses)
                self._store.forget(run.id, statuses)
            self._store.begin_run(
                run.id, run.name, str(run.source.path), os.getcwd(), argv, options.answers(), len(run.mine)
            )
            runner = asyncio.run(self._work())
            return self._end(runner)
        finally:
            self._store.close()
            lock.release()

    async def _work(self) -> Runner:
        options, run = self._options, self._run
        writer = Writer(Path(self._app.db_path))
        spent = self._store.spent(run.id)
        journal = Journal(self._store, writer, run.id, spent.attempts, options.record_prompts, self._app.observe)
        budget = Budget(options.max_tokens, options.max_cost, spent.tokens, spent.usd)
        run.plan.among = run.plan.among and within(run.plan.among, budget, self._engines)
        gate = Gate(Approvals(self._store), journal, run.policy, run.plan.tools, options.wait)
        gate.keep_only((run.index.key(at), run.index.nth(at)) for at in run.mine)
        steps = self._steps(journal, budget, gate)
        with self._output() as (lines, deliver):
            runner = Runner(
                run.index,
                run.mine,
                run.plan,
                fold(steps),
                journal,
                deliver,
                width=1 if self._idle else self._width(),
                stream=lambda task: self._stream(task, journal, lines),
                fail_fast=options.fail_fast,
                gate=gate,
            )
            if self._idle:
                self._engines.opened = lambda: self._widen(runner)
            progress = Progress(runner.tally)
            if lines is not None:
                lines.before = progress.clear
            journal.emit(Event("run.started", run.id, data={"name": run.name, "total": len(run.mine)}))
            beside = (obey(runner, self._store, run.id), attend(runner, gate, self._store, run.id))
            async with background(*beside, progress.show() if self._show else None):
                with signals(runner), deadline(runner, options.max_time):
                    try:
                        await runner.run()
                    finally:
                        await close_all(steps)
                        await self._engines.aclose()
            progress.clear()
            journal.emit(Event("run.finished", run.id, data={"stopped": str(runner.stopped or "")}))
            try:
                await writer.close()
            except PyAgentError as error:
                runner.stop(error)
        return runner

    def _steps(self, journal: Journal, budget: Budget, gate: Gate) -> list[Step]:
        options, plan = self._options, self._run.plan
        core: list[Step] = [
            Remember(journal),
            Approve(gate, self._better()),
            Afford(gate, self._engines, options.repairs),
            Attempt(options.repairs),
            Vote(),
            Turns(plan.tools, plan.agents, plan.resolve, gate=gate),
            Retry(options.retries),
            Reserve(budget, journal, self._engines),
            Ask(self._engines, options.timeout),
        ]
        return [*core, *self._app.steps()]

    def _better(self) -> Callable[[Job], Job] | None:
        """Asks the model of ``[approvals] escalate_to`` instead; None when none is named."""
        plan, name = self._run.plan, self._run.policy.escalate_to
        if not name:
            return None
        return better_job(
            plan.resolve(name), lambda job, model: plan.scope(Question(model, job.request, job.agent, job.pure))
        )

    def _widen(self, runner: Runner) -> None:
        """There is something to ask after all: have as many agents as the engines bear."""
        self._engines.opened = lambda: None
        runner.resize(self._width())

    def _width(self) -> int:
        if self._options.jobs is not None:
            return self._options.jobs
        models: list[Model] = list(self._run.plan.models.values())
        if field := self._run.plan.among:
            # Asking what a service bears opens no process; a local model is opened when it is chosen.
            models += [model for model in field.models if model.name not in field.local]
        return max((self._engines.get(model).width for model in models), default=1)

    def _stream(self, task: Task, journal: Journal, lines: Lines | None) -> Stream | None:
        if not (self._options.stream if task.stream is None else task.stream or self._options.stream):
            return None
        sinks = [journal.chunks(task.id)]
        if self._options.stream and lines is not None:
            sinks.append(lines.frame(task.id))
        return Stream(*sinks)

    @contextmanager
    def _output(self) -> Iterator[tuple[Lines | None, Any]]:
        """(lines for stdout or None, where each Result goes). A file appears when every task is done."""
        options = self._options
        if options.format != "jsonl" or options.output is not None:
            # The whole document is written at the end, from the store.
            yield None, lambda index, result: None
            return
        lines = Lines(sys.stdout, "stdout")
        yield lines, in_order(self._run.mine, lines.result) if options.ordered else lines.result

    def _end(self, runner: Runner) -> int:
        """Reports, the run's row, one line on stderr, and the exit code."""
        run, tally = self._run, runner.tally
        stopped = runner.stopped
        if isinstance(stopped, BaseException) and not isinstance(stopped, PyAgentError):
            raise stopped
        if tally.missing == 0:
            # What an edited file no longer asks is no result of this run any more.
            recorded = self._store.run(run.id)
            if recorded is not None and sum(recorded.done.values()) > tally.total:
                names = ((bytes.fromhex(run.index.key(at)), run.index.nth(at)) for at in run.mine)
                self._store.keep_only(run.id, names)
        more, whole = shapes(self._app, self._options.format), tally.missing == 0
        write_reports(self._store, run.id, run.name, run.index, run.mine, self._options, whole, more)
        bad = tally.failed + tally.skipped
        code = stopped.exit_code if stopped else int(bad > self._options.tolerated(tally.total))
        waits = isinstance(stopped, ApprovalsPending)
        status = "finished" if tally.missing == 0 else "waiting" if waits else "stopped"
        self._store.end_run(run.id, status, code, str(stopped) if stopped else None)
        if self._show:
            print(f"{run.name}: {describe(tally)}", file=sys.stderr)
            if bad and not stopped:
                print(f"failed tasks: pyagent swarm results {run.name} --status failed", file=sys.stderr)
        if stopped is not None:
            if isinstance(stopped, OutputClosed):
                return code
            raise stopped
        return code


async def close_all(steps: list[Step]) -> None:
    """Let every step that holds something let go of it."""
    for step in steps:
        if (aclose := getattr(step, "aclose", None)) is not None:
            await aclose()


@contextmanager
def signals(runner: Runner) -> Iterator[None]:
    """The first SIGINT or SIGTERM stops the run cleanly, the second at once."""
    loop = asyncio.get_running_loop()

    def first(number: int) -> None:
        loop.remove_signal_handler(number)
        signal.signal(number, lambda *_: os._exit(128 + number))
        told = f"stopped by {signal.Signals(number).name}; what is done is saved"
        runner.stop(Interrupted(told, "run the same command again to go on", number), cancel=True)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, first, number)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(ValueError):
                loop.remove_signal_handler(number)
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


@contextmanager
def deadline(runner: Runner, seconds: float | None) -> Iterator[None]:
    """`--max-time`: calls in flight are given up when it is over."""
    if seconds is None:
        yield
        return
    over = BudgetExceeded(f"stopped by --max-time {seconds:g}", "run the same command again to go on")
    timer = asyncio.get_running_loop().call_later(seconds, lambda: runner.stop(over, cancel=True))
    try:
        yield
    finally:
        timer.cancel()


class background:
    """Runs coroutines beside a block and ends them with it; one that breaks does not touch the run."""

    def __init__(self, *coroutines: Any) -> None:
        self._coroutines = [coroutine for coroutine in coroutines if coroutine is not None]
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> None:
        self._tasks = [asyncio.create_task(coroutine) for coroutine in self._coroutines]

    async def __aexit__(self, *exc: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
