"""`pyagent capability check`: measure models, hold them against an earlier week, and say so in an exit code."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyagent.cli import context
from pyagent.cli.units import seconds
from pyagent.errors import PyAgentError, UsageError

if TYPE_CHECKING:
    from pyagent.cli.output import Output
    from pyagent.run.tally import Tally
    from pyagent_plugins.capability.check.checker import Ended, Progress
    from pyagent_plugins.capability.check.rounds import Rounds
    from pyagent_plugins.capability.registry.registry import Registry
    from pyagent_plugins.capability.registry.rows import Alert

COLUMNS = ("model", "dimension", "n", "solved", "interval", "complied")
REGRESSED = 4


def check(
    ctx: typer.Context,
    models: Annotated[list[str] | None, typer.Argument(metavar="MODEL", help="Default: every configured one.")] = None,
    profile: Annotated[
        str | None, typer.Option(metavar="smoke|weekly|full|adaptive", help="How much is asked.")
    ] = None,
    dims: Annotated[str | None, typer.Option(metavar="A,B", help="Only these dimensions, or all below a name.")] = None,
    budget_usd: Annotated[float | None, typer.Option(min=0, metavar="USD", help="Never spend more.")] = None,
    fail_on_regression: Annotated[
        bool, typer.Option("--fail-on-regression", help="Exit 4 when a model has really become worse.")
    ] = False,
    max_age: Annotated[
        str | None, typer.Option(metavar="AGE", help="Ask nobody; exit 4 when measurements are older, say 10d.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0.001, metavar="SECONDS", help="For one call; 120, local models 1800.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Ask everything again, also what this week has.")] = False,
    to_the_end: Annotated[
        bool, typer.Option("--to-the-end", help="Do not stop early with a model that is plainly worse than before.")
    ] = False,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="JUnit XML, for CI.")] = None,
) -> None:
    """Measure what models can do, on questions that a program grades.

    A check is done once a week for each model and profile; the same command again goes on where it stopped.
    `self:swarm` is PyAgent itself, `self:swarm:MODEL` with one model, `self:tools` with its tools; `self:router` is the
    choice among all, `self:sandbox` where models' programs run.
    """
    from pyagent_plugins.capability.check.checker import Checker
    from pyagent_plugins.capability.items.suite import PROFILES
    from pyagent_plugins.capability.registry.registry import FILE, Registry

    host, out = context.app(ctx), context.output(ctx)
    name = profile or host.plugin_settings("capability")["profile"]
    if name not in PROFILES:
        raise UsageError(f"no profile {name!r}", f"say one of {', '.join(PROFILES)}")
    with Registry.open(Path(host.data_dir) / FILE) as registry:
        if max_age is not None:
            raise typer.Exit(_aged(registry, out, models or list(host.models()), max_age, fail_on_regression))
        from pyagent_plugins.capability.check.rounds import Rounds

        chosen = [each.strip() for each in dims.split(",") if each.strip()] if dims else None
        rounds = Rounds(host, Checker(registry, PROFILES[name], chosen, whole=to_the_end), timeout, budget_usd, again)
        ended, failed = _checked(rounds, out, list(dict.fromkeys(models or rounds.names())))
        alerts = [alert for each in ended for alert in _compared(registry, each)]
        _show(out, ended, alerts)
        if junit:
            _write(junit, ended, alerts, failed)
    raise typer.Exit(_code(ended, alerts, failed, fail_on_regression))


def _checked(rounds: Rounds, out: Output, names: Sequence[str]) -> tuple[list[Ended], dict[str, PyAgentError]]:
    """Every model; one that cannot be checked is named and the others go on. A single one's fault is raised."""
    from pyagent_plugins.capability.check.rounds import run

    async def work() -> tuple[list[Ended], dict[str, PyAgentError]]:
        ended: list[Ended] = []
        failed: dict[str, PyAgentError] = {}
        for name in names:
            try:
                ended.append(await _one(rounds, out, name))
            except PyAgentError as error:
                if len(names) == 1:
                    raise
                failed[name] = error
                out.note(f"{name}: {error}" + (f" ({error.hint})" if error.hint else ""))
        return ended, failed

    return run(work())


async def _one(rounds: Rounds, out: Output, name: str) -> Ended:
    import asyncio

    from pyagent.cli.progress import Progress as Line
    from pyagent.run.tally import Tally

    tally = Tally(0)
    line = Line(tally)
    shown = None if out.quiet or out.json else asyncio.ensure_future(line.show())
    try:
        ended = await rounds.check(name, lambda _, progress: _tell(tally, progress))
    finally:
        if shown:
            shown.cancel()
            line.clear()
    out.note(_said(ended))
    return ended


def _tell(tally: Tally, progress: Progress) -> None:
    from pyagent.model import Usage

    tally.total, tally.known, tally.failed = progress.total, progress.known, progress.failed
    tally.ok, tally.usd = progress.done - progress.failed, progress.usd
    tally.usage = Usage(progress.tokens)


def _said(ended: Ended) -> str:
    if ended.status == "invalid":
        return f"{ended.model}: invalid, not scored: {ended.reason}"
    cost = "cost unknown" if ended.cost_usd is None else f"${ended.cost_usd:.4f}"
    known = "" if ended.fresh else ", measured earlier this week (--again asks anew)"
    return f"{ended.model}: {ended.asked} answers in {ended.week}, {ended.suite}, {cost}{known}"


def _compared(registry: Registry, ended: Ended) -> list[Alert]:
    """The check's own alerts, and for a valid one what it says beside the week that it is held against."""
    from pyagent_plugins.capability.registry.alerts import against, compared

    if ended.status != "valid":
        return list(ended.alerts)
    before = against(registry, ended.model, ended.week)
    found = compared(registry, ended.model, before, ended.week).alerts if before else ()
    return [*ended.alerts, *found]


def _show(out: Output, ended: Sequence[Ended], alerts: Sequence[Alert]) -> None:
    if out.json:
        out.emit([_document(each, alerts) for each in ended])
        return
    out.table([row for each in ended for row in _rows(each)], COLUMNS)
    for each in ended:
        if each.ops:
            out.note(f"{each.model}: " + ", ".join(f"{name} {value:.4g}" for name, value in sorted(each.ops.items())))
    for alert in alerts:
        out.note(f"{alert.severity}: {alert.model}: {alert.message}")


def _rows(ended: Ended) -> Iterator[dict[str, Any]]:
    if ended.status != "valid":
        yield {"model": ended.model, "dimension": f"{ended.status}: {ended.reason}"}
    for cell in ended.cells:
        row = {"model": cell.model, "dimension": cell.dim, "n": cell.n}
        if not cell.applicable:
            yield {**row, "solved": "not applicable"}
            continue
        interval = f"{cell.low:.2f}-{cell.high:.2f}"
        yield {**row, "solved": f"{cell.solved:.2f}", "interval": interval, "complied": f"{cell.complied:.2f}"}


def _document(ended: Ended, alerts: Sequence[Alert]) -> dict[str, Any]:
    return {
        "model": ended.model,
        "week": ended.week,
        "suite": ended.suite,
        "status": ended.status,
        "reason": ended.reason,
        "fresh": ended.fresh,
        "answers": ended.asked,
        "cost_usd": ended.cost_usd,
        "dimensions": {
            cell.dim: {
                "n": cell.n,
                "solved": cell.solved,
                "low": cell.low,
                "high": cell.high,
                "complied": cell.complied,
                "theta": cell.theta,
                "theta_se": cell.theta_se,
                "applicable": cell.applicable,
            }
            for cell in ended.cells
        },
        "ops": dict(ended.ops),
        "alerts": [
            {"kind": alert.kind, "severity": alert.severity, "dim": alert.dim, "message": alert.message}
            for alert in alerts
            if alert.model == ended.model
        ],
    }


def _code(
    ended: Sequence[Ended], alerts: Sequence[Alert], failed: dict[str, PyAgentError], fail_on_regression: bool
) -> int:
    """What could not be measured first, then what is broken, then what got worse."""
    if failed:
        return next(iter(failed.values())).exit_code
    if any(each.status == "invalid" for each in ended):
        return REGRESSED
    worse = any(alert.severity == "regression" for alert in alerts)
    return REGRESSED if fail_on_regression and worse else 0


def _aged(registry: Registry, out: Output, names: Sequence[str], max_age: str, fail_on_regression: bool) -> int:
    """Judge by what was measured before: exit 4 for a model that is unmeasured, stale or (if asked) regressed."""
    from pyagent_plugins.capability.registry.alerts import regressions

    limit, now = seconds(max_age), time.time()
    rows = []
    for name in names:
        valid = [row for row in registry.checks(name) if row.status == "valid" and row.finished is not None]
        last = max(valid, key=lambda row: row.finished or 0.0, default=None)
        age = None if last is None else now - (last.finished or 0.0)
        worse = (
            [alert.message for alert in regressions(registry, name, last.week)] if last and fail_on_regression else []
        )
        state = "never measured" if age is None else "stale" if age > limit else "regressed" if worse else "ok"
        days = None if age is None else round(age / 86400, 1)
        rows.append({"model": name, "week": last.week if last else None, "days": days, "state": state})
        for message in worse:
            out.note(f"regression: {name}: {message}")
    out.table(rows, ("model", "week", "days", "state"))
    return REGRESSED if any(row["state"] != "ok" for row in rows) else 0


def _write(path: Path, ended: Sequence[Ended], alerts: Sequence[Alert], failed: dict[str, PyAgentError]) -> None:
    from pyagent_plugins.capability.check.junit import document

    try:
        path.write_text(document(ended, alerts, {name: str(error) for name, error in failed.items()}), "utf-8")
    except OSError as error:
        from pyagent.errors import StoreError

        raise StoreError(f"--junit: {path} cannot be written ({error.strerror})", "name another file") from None
