"""A check as a test report: a suite for each model, a case for each dimension, a failure for each real loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from pyagent.report.text import plain
from pyagent_plugins.capability.check.checker import Ended
from pyagent_plugins.capability.registry.rows import Alert


def document(ended: Sequence[Ended], alerts: Sequence[Alert], failed: Mapping[str, str]) -> str:
    """The whole document. ``failed`` are models that could not be checked at all, with why."""
    suites = [_suite(each, [alert for alert in alerts if alert.model == each.model]) for each in ended]
    suites += [_unable(name, why) for name, why in failed.items()]
    return '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n' + "".join(suites) + "</testsuites>\n"


def _suite(ended: Ended, alerts: Sequence[Alert]) -> str:
    if ended.status != "valid":
        return _unable(ended.model, ended.reason)
    grave = {alert.dim: alert for alert in alerts if alert.severity == "regression"}
    cases = [_case("overall", ended.model, grave.pop("", None), "")]
    for cell in ended.cells:
        said = f"solved {cell.solved:.3f} [{cell.low:.3f}, {cell.high:.3f}], n={cell.n}, complied {cell.complied:.3f}"
        cases.append(_case(cell.dim, ended.model, grave.pop(cell.dim, None), said, cell.applicable))
    # What belongs to no case of its own: an alert about one template, say.
    cases += [_case(dim, ended.model, alert, "") for dim, alert in grave.items()]
    return _around(ended.model, cases)


def _case(dim: str, model: str, alert: Alert | None, said: str, applicable: bool = True) -> str:
    inside = f"      <failure message={_quoted(alert.message)} type={_quoted(alert.kind)}/>\n" if alert else ""
    inside += "" if applicable else '      <skipped message="longer than the model\'s context"/>\n'
    inside += f"      <system-out>{escape(plain(said))}</system-out>\n" if said else ""
    return f"    <testcase classname={_quoted(model)} name={_quoted(dim)}>\n{inside}    </testcase>\n"


def _unable(model: str, why: str) -> str:
    head = f'    <testcase classname={_quoted(model)} name="check">\n'
    case = f"{head}      <error message={_quoted(why)}/>\n    </testcase>\n"
    return _around(model, [case])


def _around(model: str, cases: Sequence[str]) -> str:
    count = {what: sum(f"<{what} " in case for case in cases) for what in ("failure", "error", "skipped")}
    return (
        f'  <testsuite name={_quoted(model)} tests="{len(cases)}" failures="{count["failure"]}" '
        f'errors="{count["error"]}" skipped="{count["skipped"]}">\n{"".join(cases)}  </testsuite>\n'
    )


def _quoted(text: str) -> str:
    return quoteattr(plain(text))
