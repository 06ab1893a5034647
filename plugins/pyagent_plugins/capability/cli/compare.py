"""`pyagent capability compare`: what changed since last week, and whether the change is real."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyagent.cli import context
from pyagent.errors import UsageError
from pyagent.report.text import one_line
from pyagent_plugins.capability.cli import shown

if TYPE_CHECKING:
    from pyagent.cli.output import Output
    from pyagent_plugins.capability.registry.change import Change, Report
    from pyagent_plugins.capability.registry.registry import Registry

COLUMNS = ("dimension", "before", "n", "after", "n'", "change", "paired", "test", "p", "q", "log e", "verdict")
# On a terminal of 80 characters; n stands behind the interval.
NARROW = ("dimension", "before", "after", "change", "verdict")
Week = Annotated[str | None, typer.Argument(help="Like 2026-W48.", show_default=False)]


def compare(
    ctx: typer.Context,
    before: Week = None,
    after: Week = None,
    model: Annotated[
        str | None, typer.Option("-m", "--model", metavar="MODEL", help="This one only; every model by default.")
    ] = None,
    junit: Annotated[str | None, typer.Option("--junit", metavar="FILE", help="Also write a JUnit report.")] = None,
) -> None:
    """Compare two weeks, by default the accepted one (else the one before) and the newest: what changed, is it real?"""
    from pyagent_plugins.capability.registry.alerts import compared

    app, out = context.app(ctx), context.output(ctx)
    before, after = (shown.week(week) if week else None for week in (before, after))
    if before and after:
        shown.later(before, after)
    # Read first: a question about nothing leaves no file behind.
    with shown.registry(app) as held:
        names = [shown.known(held, model)] if model else held.models()
        wanted = {name: _weeks(held, name, before, after) for name in names}
    ready = {name: pair for name, pair in wanted.items() if isinstance(pair, tuple)}
    if not ready:
        reason = next((f"{name} {why}" for name, why in wanted.items()), "nothing is measured yet")
        raise UsageError(f"nothing to compare: {reason}", "run `pyagent capability check` in two weeks")
    with shown.registry(app, readonly=False) as held:
        reports = [compared(held, name, *pair) for name, pair in ready.items()]
    if junit:
        _write_junit(Path(junit), reports)
    if out.json:
        out.emit([_emitted(report) for report in reports])
        return
    for number, report in enumerate(reports):
        _tell(out, report, first=not number)
    for name in wanted.keys() - ready.keys():
        out.note(f"{name} {wanted[name]}")


def _weeks(held: Registry, model: str, before: str | None, after: str | None) -> tuple[str, str] | str:
    """The two weeks to compare, or why there are none."""
    from pyagent_plugins.capability.registry.alerts import against

    weeks = held.weeks(model)
    after = after or (weeks[-1] if weeks else None)
    if after not in weeks:
        return f"has no valid check in {after}" if after else "has no valid check yet"
    before = before or against(held, model, after)
    if before is None:
        return f"was measured first in {after}"
    if before not in weeks:
        return f"has no valid check in {before}"
    if before >= after:
        return f"was not measured after {before}"
    return before, after


def _emitted(report: Report) -> dict[str, Any]:
    """The report with the verdicts' words, for machines."""
    told = asdict(report)
    for change, row in zip((report.overall, *report.changes), (told["overall"], *told["changes"]), strict=True):
        row["real"] = change.real
    return told


def _tell(out: Output, report: Report, first: bool) -> None:
    if not first:
        out.print("")
    out.print(f"{report.model}: {report.after} against {report.before}")
    if report.identity:
        out.print(f"not the same any more: {', '.join(report.identity)}")
    changes = (report.overall, *report.changes)
    if shown.wide(out, 145):
        out.table([_row(change) for change in changes], COLUMNS)
    else:
        out.table([_short(change) for change in changes], NARROW)
    for line in _lines(report):
        out.print(line)


def _lines(report: Report) -> Iterator[str]:
    """What the table does not hold, each with its interval and n."""
    yield "percent solved with 95 % intervals; change in points over the paired items; q after all cells of the week"
    seen = f"{100 * report.overall.visible:.1f}"
    if report.paired:
        yield f"answers: {report.changed} of {report.paired} paired ones are others; a drop of {seen} points would show"
    for gap in report.memory[:1]:
        yield f"anchors minus fresh: {shown.span(gap.gap, gap.low, gap.high)} points, n={gap.anchors}+{gap.fresh}"
    for drift in report.drift[:1]:
        yield (
            f"fresh items since {drift.since}: {drift.solved:.1%} solved, {drift.expected:.1%} expected, n={drift.n} in"
            f" {drift.weeks} weeks; evidence {drift.cusum:.1f} of {drift.threshold:.1f}"
        )
    for name, (old, new) in report.ops.items():
        if old is not None and new is not None and old != new:
            yield f"{name}: {old:.4g} -> {new:.4g}"
    for alert in report.alerts:
        yield f"{alert.severity}: {one_line(alert.message)}"
    if not report.alerts:
        yield "nothing real changed"


def _row(change: Change) -> dict[str, Any]:
    tested = change.test != "none"
    return {
        "dimension": change.dim or "overall",
        "before": shown.share(change.before),
        "n": change.before.n if change.before else None,
        "after": shown.share(change.after),
        "n'": change.after.n if change.after else None,
        "change": shown.span(change.delta, change.low, change.high) if tested else None,
        "paired": f"{change.paired} (-{change.lost} +{change.won})" if change.paired else None,
        "test": change.test if tested else None,
        "p": f"{change.p:.2g}" if tested else None,
        "q": f"{change.q:.2g}" if tested else None,
        "log e": f"{change.log_e:.1f}" if change.paired else None,
        "verdict": change.verdict,
    }


def _short(change: Change) -> dict[str, Any]:
    """The same in a few characters; whole numbers of points."""
    row = _row(change)
    if change.test != "none":
        row["change"] = f"{100 * change.delta:+.0f} [{100 * change.low:+.0f},{100 * change.high:+.0f}]"
    for key, value in (("before", change.before), ("after", change.after)):
        row[key] = f"{row[key]} {value.n}" if value else "-"
    return row


def _write_junit(path: Path, reports: Sequence[Report]) -> None:
    from pyagent.cli.files import write
    from pyagent.report.junit import junit

    lines = [line for report in reports for line in _cases(report)]
    write(path, junit(lines, "pyagent capability"))


def _cases(report: Report) -> Iterator[dict[str, Any]]:
    """One case a dimension, and one for each grave alert that is not about a dimension's change."""
    for change in (report.overall, *report.changes):
        row = _row(change)
        told = ", ".join(f"{key} {value}" for key, value in row.items() if value is not None)
        case = {"id": f"{report.model}/{row['dimension']}", "model": report.model, "output": told}
        if change.verdict == "regression":
            yield {**case, "status": "failed", "error": told}
        elif change.test == "none":
            yield {**case, "status": "skipped", "error": f"{change.verdict}: nothing to compare"}
        else:
            yield {**case, "status": "ok"}
    for alert in report.alerts:
        if alert.kind not in ("regression", "improvement"):
            case = {"id": f"{report.model}/{alert.kind} {alert.dim}".rstrip(), "model": report.model}
            status = "failed" if alert.severity == "regression" else "ok"
            yield {**case, "status": status, "error": alert.message, "output": alert.message}
