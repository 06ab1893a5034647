"""What changed and is it real: told from a real registry, by the same path that the command takes."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pyagent.errors import UsageError
from pyagent_plugins.capability.registry.alerts import against, compared, regressions
from pyagent_plugins.capability.registry.compare import compare
from pyagent_plugins.capability.registry.registry import Registry
from pyagent_plugins.capability.words import Item
from tests.capability.weeks import CLOUD, DIMS, LOCAL, able, check, noisy
from tests.program import pyagent

WEEKS = ("2026-W45", "2026-W46", "2026-W47", "2026-W48")


@pytest.fixture
def registry(home: Path) -> Registry:
    return Registry.open(home / "capability.db")


def test_an_unchanged_local_model_is_no_news(registry: Registry) -> None:
    for week in WEEKS:
        check(registry, LOCAL, week, able(-1))
    assert [regressions(registry, "tiny", week) for week in WEEKS] == [[]] * 4
    report = compared(registry, "tiny", *WEEKS[-2:])
    assert (report.paired, report.changed, report.alerts, report.exact) == (200, 0, (), True)
    assert {change.verdict for change in report.changes} == {"same"}
    assert report.overall.low <= 0 <= report.overall.high


def test_a_local_model_that_answers_otherwise_is_news_even_when_it_is_as_good(registry: Registry) -> None:
    """A changed template or sampling: other words for the same score."""
    check(registry, LOCAL, WEEKS[0], able(0))

    def reworded(item: Item) -> tuple[float, str]:
        solved, said = able(0)(item)
        return solved, said + "!" if item.id.endswith("7") else said

    check(registry, LOCAL, WEEKS[1], reworded)
    (alert,) = regressions(registry, "tiny", WEEKS[1])
    assert (alert.kind, alert.delta) == ("behaviour_change", pytest.approx(0.1))
    assert "though weights and engine are the same" in alert.message


def test_a_changed_identity_explains_other_answers(registry: Registry) -> None:
    check(registry, LOCAL, WEEKS[0], able(0))
    check(registry, replace(LOCAL, version="0.4.0"), WEEKS[1], able(0, seed=1))
    report = compared(registry, "tiny", *WEEKS[:2])
    assert report.identity == ("version",)
    assert [(a.kind, a.severity) for a in report.alerts if a.kind == "behaviour_change"] == [
        ("behaviour_change", "warning")
    ]


def test_a_broken_local_model_is_called(registry: Registry) -> None:
    check(registry, LOCAL, WEEKS[0], able(0.5))
    check(registry, LOCAL, WEEKS[1], able(-2.5))
    alerts = regressions(registry, "tiny", WEEKS[1])
    assert {"regression", "behaviour_change"} <= {alert.kind for alert in alerts}
    (whole,) = [alert for alert in alerts if alert.kind == "regression" and not alert.dim]
    assert whole.p is not None
    assert whole.delta is not None
    assert whole.p < 0.001
    assert whole.delta < -0.2
    assert "paired items" in whole.message


def test_a_provider_that_flips_answers_is_not_called_and_one_that_lost_is(registry: Registry) -> None:
    rng = np.random.default_rng(1)
    for week in WEEKS[:3]:
        check(registry, CLOUD, week, noisy(able(1.5), rng, 0.05))
    assert regressions(registry, "cloud", WEEKS[1]) == regressions(registry, "cloud", WEEKS[2]) == []
    check(registry, CLOUD, WEEKS[3], noisy(able(1.5), rng, 0.05, drop=0.3))
    alerts = regressions(registry, "cloud", WEEKS[3])
    assert any(alert.kind == "regression" and not alert.dim for alert in alerts)
    assert not any(alert.kind == "behaviour_change" for alert in alerts), "a provider's words differ each time"


def test_one_dimension_that_broke_is_named_with_its_evidence(registry: Registry) -> None:
    check(registry, LOCAL, WEEKS[0], able(1))

    def broken(item: Item) -> tuple[float, str]:
        return (0.0, "{") if item.dim == "format.json" else able(1)(item)

    check(registry, LOCAL, WEEKS[1], broken)
    report = compared(registry, "tiny", *WEEKS[:2])
    (json_,) = [change for change in report.changes if change.real]
    assert (json_.dim, json_.verdict, json_.test, json_.paired, json_.won) == (
        "format.json", "regression", "mcnemar", 40, 0,
    )  # fmt: skip
    assert json_.high < 0
    assert json_.q <= 0.05
    assert json_.log_e > 5
    assert [(bias.dim, bias.said, bias.share, bias.solved) for bias in report.bias] == [
        ("format.json", "{", 1.0, 0.0)
    ] * len({bias.cluster for bias in report.bias})
    assert report.bias


def test_better_is_told_and_stops_nothing(registry: Registry) -> None:
    check(registry, CLOUD, WEEKS[0], able(-2))
    check(registry, CLOUD, WEEKS[1], able(2))
    assert regressions(registry, "cloud", WEEKS[1]) == []
    report = compared(registry, "cloud", *WEEKS[:2])
    assert report.overall.verdict == "improvement"
    assert {alert.severity for alert in report.alerts} == {"info"}


def test_alerts_are_stored_once(registry: Registry) -> None:
    check(registry, LOCAL, WEEKS[0], able(1))
    check(registry, LOCAL, WEEKS[1], able(-2))
    first = regressions(registry, "tiny", WEEKS[1])
    stored = registry.alerts("tiny")
    assert regressions(registry, "tiny", WEEKS[1]) == first
    assert registry.alerts("tiny") == stored
    assert {alert.kind for alert in first} <= {alert.kind for alert in stored}


def test_the_accepted_week_is_what_counts_else_the_one_before(registry: Registry) -> None:
    check(registry, LOCAL, WEEKS[0], able(1))
    check(registry, LOCAL, WEEKS[1], able(-2))
    check(registry, LOCAL, WEEKS[2], able(-2))
    assert against(registry, "tiny", WEEKS[0]) is None
    assert regressions(registry, "tiny", WEEKS[0]) == []
    assert against(registry, "tiny", WEEKS[2]) == WEEKS[1]
    registry.accept("tiny", WEEKS[0])
    assert against(registry, "tiny", WEEKS[2]) == WEEKS[0]
    assert regressions(registry, "tiny", WEEKS[2])
    registry.accept("tiny", WEEKS[1])
    assert regressions(registry, "tiny", WEEKS[2]) == []


def test_a_slow_loss_shows_on_fresh_items_over_weeks(registry: Registry) -> None:
    """The anchors are known by heart and stay right; only fresh items tell."""
    rng, weeks = np.random.default_rng(3), [f"2026-W{n}" for n in range(30, 42)]

    def by_heart(item: Item) -> tuple[float, str]:
        solved, said = able(1.5)(item)
        return (0.0, said) if item.kind == "fresh" and rng.random() < 0.35 else (solved, said)

    for week in weeks:
        check(registry, CLOUD, week, able(1.5) if week < "2026-W33" else by_heart)
    registry.accept("cloud", "2026-W32")
    report = compared(registry, "cloud", "2026-W32", weeks[-1])
    assert report.overall.verdict == "same"
    drift = report.drift[0]
    assert drift.alarmed
    assert drift.first is not None
    assert drift.solved < drift.expected - 0.1
    assert report.memory[0].memorised
    assert {"drift", "memorised"} <= {alert.kind for alert in report.alerts}


def test_what_is_new_or_gone_is_said_and_not_called_a_change(registry: Registry) -> None:
    check(registry, LOCAL, WEEKS[0], able(0), dims=DIMS[:2])  # type: ignore[arg-type]
    check(registry, LOCAL, WEEKS[1], able(0), dims=DIMS[1:3])  # type: ignore[arg-type]
    report = compare(registry, "tiny", *WEEKS[:2])
    assert [(c.dim, c.verdict) for c in report.changes] == [
        (DIMS[0], "gone"), (DIMS[1], "same"), (DIMS[2], "new"),
    ]  # fmt: skip
    with pytest.raises(UsageError, match="no valid check in 2026-W01"):
        compare(registry, "tiny", "2026-W01", WEEKS[1])


def test_weeks_without_common_items_are_compared_by_ability(registry: Registry) -> None:
    check(registry, CLOUD, WEEKS[0], able(2), anchors=0, fresh=60)
    check(registry, CLOUD, WEEKS[1], able(-1), anchors=0, fresh=60)
    report = compare(registry, "cloud", *WEEKS[:2])
    assert report.paired == 0
    assert {change.test for change in report.changes} == {"ability"}
    assert {change.verdict for change in report.changes} == {"regression"}


def test_the_command_tells_every_number_with_its_interval(registry: Registry, tmp_path: Path) -> None:
    check(registry, LOCAL, WEEKS[0], able(1))
    check(registry, LOCAL, WEEKS[1], able(-2))
    check(registry, CLOUD, WEEKS[1], able(2))
    told = pyagent("capability", "compare", "--junit", str(tmp_path / "out.xml"))
    assert told.code == 0, told.err
    assert "tiny: 2026-W46 against 2026-W45" in told.out
    overall = next(line for line in told.out.splitlines() if line.startswith("overall"))
    assert overall.count("[") == 3
    assert overall.endswith("regression")
    assert "cloud was measured first in 2026-W46" in told.err
    suite = ET.parse(tmp_path / "out.xml").getroot()[0]
    assert suite.get("tests") == str(len(suite.findall("testcase")))
    assert "tiny/overall" in {
        case.get("name") for case in suite.findall("testcase") if case.find("failure") is not None
    }
    (report,) = json.loads(pyagent("capability", "compare", WEEKS[0], "--json").out)
    assert report["overall"]["real"]
    assert report["overall"]["low"] <= report["overall"]["delta"] <= report["overall"]["high"]
    listed = {row["model"]: row for row in json.loads(pyagent("capability", "list", "--json").out)}
    assert listed["tiny"]["index"]["n"] == 300
    assert listed["tiny"]["alerts"] >= 2
    shown = json.loads(pyagent("capability", "show", "tiny", "--json").out)
    assert [cell["dim"] for cell in shown["cells"]] == sorted(DIMS)
    assert all(cell["low"] <= cell["solved"] <= cell["high"] for cell in shown["cells"])
    assert pyagent("capability", "accept", "tiny").code == 0
    assert registry.baseline("tiny") == WEEKS[1]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("show", "tin"), 4, "did you mean tiny?"),
        (("show", "tiny", "--week", "2026"), 2, "say it like 2026-W48"),
        (("show", "tiny", "--week", "2026-W01"), 2, "weeks that have one: 2026-W45"),
        (("compare",), 2, "tiny was measured first in 2026-W45"),
        (("compare", "2026-W46", "2026-W45"), 2, "is not before"),
        (("compare", "2026-W45", "2026-W48"), 2, "has no valid check in 2026-W48"),
        (("compare", "-m", "nobody"), 4, "measured: tiny"),
        (("accept", "tiny", "2026-W44"), 2, "no valid check in 2026-W44"),
        (("accept", "nobody"), 4, "never measured"),
    ],
)
def test_a_wrong_question_gets_one_line_and_its_code(
    registry: Registry, arguments: tuple[str, ...], code: int, words: str
) -> None:
    check(registry, LOCAL, WEEKS[0], able(0), anchors=5, fresh=0)
    ended = pyagent("capability", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert words in ended.err
    assert len(ended.err.splitlines()) == 2
