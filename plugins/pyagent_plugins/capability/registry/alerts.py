"""From a comparison to what a person must know: each alert once, and those that stop a CI job."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pyagent_plugins.capability.registry.change import Change, Drift, Report
from pyagent_plugins.capability.registry.compare import compare
from pyagent_plugins.capability.registry.rows import Alert, Severity

if TYPE_CHECKING:
    from pyagent_plugins.capability.registry.registry import Registry

# Share of a local model's answers that may be others without being news: a tie between two tokens may fall otherwise.
CHANGED = 0.01


def compared(registry: Registry, model: str, before: str, after: str) -> Report:
    """``compare`` with its alerts, stored in the registry, each (model, week, kind, dimension) once."""
    report = compare(registry, model, before, after)
    alerts = tuple(alerts_of(report))
    for alert in alerts:
        registry.alert(alert)
    return replace(report, alerts=alerts)


def regressions(registry: Registry, model: str, week: str) -> list[Alert]:
    """What ``check --fail-on-regression`` stops for: losses of that week against the baseline or the week before.

    None when there is nothing earlier to hold it against.
    """
    before = against(registry, model, week)
    if before is None:
        return []
    return [alert for alert in compared(registry, model, before, week).alerts if alert.severity == "regression"]


def against(registry: Registry, model: str, week: str) -> str | None:
    """The week that ``week`` is held against: the accepted one, else the last one measured before it."""
    accepted = registry.baseline(model)
    if accepted is not None and accepted < week:
        return accepted
    return max((other for other in registry.weeks(model) if other < week), default=None)


def alerts_of(report: Report) -> list[Alert]:
    """The alerts of a report, the gravest first."""
    found = [_change(report, change) for change in (report.overall, *report.changes) if change.real]
    found += [behaviour] if (behaviour := _behaviour(report)) else []
    found += [_drift(report, drift) for drift in report.drift if drift.alarmed]
    for gap in report.memory:
        if gap.memorised:
            text = (
                f"anchors are solved {points(gap.gap)} more often than fresh items of the same level"
                f" [{points(gap.low)}, {points(gap.high)}], n={gap.anchors}+{gap.fresh}: memorised"
            )
            found.append(Alert(report.model, report.after, "memorised", text, gap.dim, delta=gap.gap))
    for bias in report.bias:
        text = (
            f"{bias.cluster}: answers {bias.said!r} to {bias.share:.0%} of {bias.n} items; {bias.solved:.0%} are right"
        )
        found.append(Alert(report.model, report.after, "bias", text, f"{bias.dim}/{bias.cluster}"))
    return sorted(found, key=lambda alert: ("regression", "warning", "info").index(alert.severity))


def points(share: float) -> str:
    """A share as points with its sign: +3.5, -12.0."""
    return f"{100 * share:+.1f}"


def name(dim: str) -> str:
    return dim or "overall"


def _change(report: Report, change: Change) -> Alert:
    text = (
        f"{name(change.dim)}: {points(change.delta)} points [{points(change.low)}, {points(change.high)}]"
        f" since {report.before}"
    )
    if change.test == "mcnemar":
        text += f": {change.lost} lost, {change.won} won of {change.paired} paired items, p={change.p:.2g}"
    worse = change.verdict == "regression"
    return Alert(
        report.model, report.after, change.verdict, text, change.dim, "regression" if worse else "info",
        change.delta, change.p, change.q, change.log_e,
    )  # fmt: skip


def _behaviour(report: Report) -> Alert | None:
    """A local model that answers otherwise; grave when nothing of its identity says why."""
    if not report.exact or not report.paired or report.changed <= CHANGED * report.paired:
        return None
    share = report.changed / report.paired
    why = f"{', '.join(report.identity)} changed" if report.identity else "though weights and engine are the same"
    text = f"{report.changed} of {report.paired} answers ({share:.0%}) are others than in {report.before}, {why}"
    severity: Severity = "warning" if report.identity else "regression"
    return Alert(report.model, report.after, "behaviour_change", text, severity=severity, delta=share)


def _drift(report: Report, drift: Drift) -> Alert:
    text = (
        f"{name(drift.dim)}: {drift.solved:.1%} of {drift.n} fresh items in {drift.weeks} weeks, expected"
        f" {drift.expected:.1%} from {drift.since}"
    )
    delta = drift.solved - drift.expected
    return Alert(report.model, report.after, "drift", text, drift.dim, "regression", delta, cusum=drift.cusum)
