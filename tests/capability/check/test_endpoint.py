"""Checks of an endpoint, good and bad: what was answered is kept, what is broken is named, nothing is asked twice."""

from __future__ import annotations

import json
import time
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from pyagent_plugins.capability.check.checker import week_of
from pyagent_plugins.capability.check.sanity import QUESTIONS
from pyagent_plugins.capability.registry.registry import Registry
from tests.program import Server, pyagent, start_pyagent

WEEK = week_of(time.time())
Start = Callable[..., Server]
Configure = Callable[..., None]
CHECK = ("capability", "check", "far", "--profile", "smoke", "--dims", "know,text,lang")


def asked(server: Server) -> dict[str, int]:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/asked") as reply:
        counts: dict[str, int] = json.load(reply)
    return counts


def test_a_model_that_knows_everything_is_measured_so(
    oracle: Start, configured: Configure, registry: Registry, tmp_path: Path
) -> None:
    server = oracle("--week", WEEK)
    configured(server)
    done = pyagent(*CHECK, "--json", "--junit", str(tmp_path / "report.xml"))
    assert done.code == 0, done.err
    (told,) = json.loads(done.out)
    assert told["status"] == "valid"
    assert {dim: row["solved"] for dim, row in told["dimensions"].items()} == dict.fromkeys(
        ("know.general", "lang.multi", "text.extract", "text.transform"), 1.0
    )
    assert told["ops"]["op.error_rate"] == 0
    assert told["ops"]["op.determinism"] == 1
    # 50 tokens in and 5 out for each answer, at 1 and 2 dollars a million.
    assert told["cost_usd"] == pytest.approx(16 * 60e-6)
    assert told["ops"]["op.cost_per_pass"] == pytest.approx(60e-6)
    assert [row.measured.weights for row in registry.checks("far")] == [f"openai:{server.url}:big-1"]
    suite = ET.parse(tmp_path / "report.xml").getroot()[0]
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("5", "0")


def test_a_finished_check_asks_nobody_again_in_its_week(oracle: Start, configured: Configure) -> None:
    server = oracle("--week", WEEK)
    configured(server)
    assert pyagent(*CHECK).code == 0
    before = asked(server)
    again = pyagent(*CHECK)
    assert (again.code, asked(server)) == (0, before)
    assert "measured earlier this week" in again.err
    assert pyagent(*CHECK, "--again").code == 0
    assert sum(asked(server).values()) == 2 * sum(before.values())


def test_an_endpoint_that_dies_in_the_middle_costs_no_answer(oracle: Start, configured: Configure) -> None:
    first = oracle("--week", WEEK, "--die-after", "14")
    configured(first)
    died = pyagent(*CHECK)
    assert died.code == 69, died.err
    assert "hint: " in died.err
    second = oracle("--week", WEEK, "--port", str(first.port))
    done = pyagent(*CHECK, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)[0]["answers"] == 16
    counts = asked(second)
    fresh = [
        text for text in counts if text not in QUESTIONS and not text.startswith(("Tell a", "Explain", "Describe"))
    ]
    # Fourteen answers went to six questions of stage 0 and eight items; those are asked again only for sameness.
    assert 8 <= sum(counts[text] for text in fresh) <= 8 + 4 + 4


def test_a_slow_answer_is_an_error_of_the_service_and_not_of_the_model(
    oracle: Start, configured: Configure, registry: Registry
) -> None:
    server = oracle("--week", WEEK, "--slow-every", "9", "--slow", "4")
    configured(server)
    done = pyagent(*CHECK, "--timeout", "2", "--json")
    assert done.code == 0, done.err
    (told,) = json.loads(done.out)
    assert 0 < told["ops"]["op.error_rate"] < 0.5
    assert all(row["solved"] == 1.0 for row in told["dimensions"].values())


def test_an_endpoint_that_never_answers_in_time_is_not_scored(oracle: Start, configured: Configure) -> None:
    server = oracle("--week", WEEK, "--slow-every", "1", "--slow", "5")
    configured(server)
    done = pyagent(*CHECK, "--timeout", "0.3")
    assert done.code in (4, 69)
    assert "SOLVED" not in done.out or "invalid" in done.out


def test_another_models_name_on_the_answers_is_an_alert(
    oracle: Start, configured: Configure, registry: Registry
) -> None:
    server = oracle("--week", WEEK, "--served", "small-2")
    configured(server)
    done = pyagent(*CHECK)
    assert done.code == 0, done.err
    assert "'small-2' answered" in done.err
    assert [alert.kind for alert in registry.alerts("far")] == ["other_model"]


def test_a_dated_version_of_the_model_is_the_model(oracle: Start, configured: Configure, registry: Registry) -> None:
    configured(oracle("--week", WEEK, "--served", "vendor/big-1-2026-11-01"))
    assert pyagent(*CHECK).code == 0
    assert registry.alerts("far") == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--say", ""), "empty answers"),
        (("--say", "I am sorry."), "the same answer to every question"),
        (("--echo",), "repeats the question"),
    ],
)
def test_a_broken_set_up_is_invalid_and_never_scored(
    oracle: Start, configured: Configure, registry: Registry, options: tuple[str, ...], reason: str
) -> None:
    server = oracle("--week", WEEK, *options)
    configured(server)
    done = pyagent(*CHECK)
    assert done.code == 4
    assert reason in done.err
    assert registry.cells("far") == []
    (row,) = registry.checks("far")
    assert (row.status, row.answered) == ("invalid", 0)
    assert set(asked(server)) == set(QUESTIONS)


def test_two_checks_of_one_model_at_once_are_one(oracle: Start, configured: Configure) -> None:
    server = oracle("--week", WEEK, "--slow-every", "1", "--slow", "0.5")
    configured(server)
    first = start_pyagent(*CHECK)
    while not sum(asked(server).values()):
        time.sleep(0.05)
    second = pyagent(*CHECK)
    assert second.code == 75
    assert f"checked by process {first.pid}" in second.err
    _, err = first.communicate(timeout=120)
    assert first.returncode == 0, err


def test_a_budget_is_kept_and_the_rest_is_asked_when_it_is_raised(
    oracle: Start, configured: Configure, registry: Registry
) -> None:
    server = oracle("--week", WEEK)
    configured(server)
    stopped = pyagent(*CHECK, "--budget-usd", "0.0015")
    assert stopped.code == 3, stopped.err
    (row,) = registry.checks("far")
    assert row.status == "partial"
    assert (row.cost_usd or 0) <= 0.0015
    assert pyagent(*CHECK, "--budget-usd", "1").code == 0
    assert registry.checks("far")[0].answered == 16


def test_a_budget_needs_a_price_that_is_known(oracle: Start, configured: Configure) -> None:
    configured(oracle("--week", WEEK), more="")
    refused = pyagent(*CHECK, "--budget-usd", "1")
    assert refused.code == 78
    assert "price of far" in refused.err
    done = pyagent(*CHECK, "--json")
    (told,) = json.loads(done.out)
    assert told["cost_usd"] is None
    assert "op.cost_per_pass" not in told["ops"]


def test_a_model_that_got_worse_stops_a_ci_job(oracle: Start, configured: Configure, registry: Registry) -> None:
    check = ("capability", "check", "far", "--profile", "weekly", "--dims", "know,text,lang,format.json")
    server = oracle("--week", WEEK)
    configured(server)
    assert pyagent(*check, "--fail-on-regression").code == 0
    # A week ago, as the registry sees it.
    registry.file.write(lambda db: db.execute("UPDATE run SET week = '2026-W01'"))
    same = pyagent(*check, "--fail-on-regression")
    assert same.code == 0, same.err
    server.process.kill()
    server.process.wait()
    oracle("--week", WEEK, "--wrong", "0.4", "--port", str(server.port))
    worse = pyagent(*check, "--fail-on-regression", "--again", "--to-the-end")
    assert worse.code == 4, worse.err
    assert "regression: far" in worse.err
    assert registry.checks("far")[0].status == "valid"


def test_a_disaster_is_not_asked_to_its_end_and_is_forgotten_when_it_is_mended(
    oracle: Start, configured: Configure, registry: Registry
) -> None:
    check = ("capability", "check", "far", "--profile", "weekly", "--dims", "know,text")
    server = oracle("--week", WEEK)
    configured(server)
    assert pyagent(*check).code == 0
    registry.file.write(lambda db: db.execute("UPDATE run SET week = '2026-W01'"))
    server.process.kill()
    server.process.wait()
    broken = oracle("--week", WEEK, "--wrong", "0.6", "--port", str(server.port))
    stopped = pyagent(*check)
    assert stopped.code == 4
    for words in ("the check was stopped after", "asked in 2026-W01", "--to-the-end", "regression: far"):
        assert words in stopped.err
    assert sum(asked(broken).values()) < 120, "of 180"
    assert registry.cells("far", WEEK) == []
    assert [alert.kind for alert in registry.alerts("far", unseen=True)] == ["stopped"]
    broken.process.kill()
    broken.process.wait()
    oracle("--week", WEEK, "--port", str(server.port))
    mended = pyagent(*check, "--fail-on-regression")
    assert mended.code == 0, mended.err
    assert {cell.n for cell in registry.cells("far", WEEK)} == {60}
    assert registry.alerts("far", unseen=True) == []


def test_age_is_judged_without_asking(oracle: Start, configured: Configure, registry: Registry) -> None:
    server = oracle("--week", WEEK)
    configured(server)
    assert pyagent("capability", "check", "far", "--max-age", "10d").code == 4
    assert pyagent(*CHECK).code == 0
    before = asked(server)
    assert pyagent("capability", "check", "far", "--max-age", "10d").code == 0
    registry.file.write(lambda db: db.execute("UPDATE run SET finished = finished - 11 * 86400"))
    old = pyagent("capability", "check", "far", "--max-age", "10d", "--json")
    assert old.code == 4
    assert json.loads(old.out)[0]["state"] == "stale"
    assert asked(server) == before
