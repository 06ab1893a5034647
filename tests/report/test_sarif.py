"""Findings in answers, and the log that code scanners read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyagent.report.findings import Finding, findings
from pyagent.report.sarif import render
from tests.report.lines import LINES, line

ROOT = Path("/work/project")


def log(lines):
    """The log, checked against what SARIF 2.1.0 demands of the parts that we write."""
    made = json.loads(render(lines, "a run", ROOT))
    assert made["version"] == "2.1.0"
    (run,) = made["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert run["tool"]["driver"]["name"]
    assert len(set(rules)) == len(rules)
    for result in run["results"]:
        assert result["message"]["text"]
        assert result["level"] in ("error", "warning", "note", "none")
        assert rules[result["ruleIndex"]] == result["ruleId"]
        place = result["locations"][0]["physicalLocation"]
        assert all(number >= 1 for number in place.get("region", {}).values())
        assert " " not in place["artifactLocation"]["uri"]
    return run


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"file": "src/a.py", "line": 3, "message": "m"}, Finding("src/a.py", "m", 3)),
        (
            {"path": "./a.py", "start_line": 3, "end_line": 5, "msg": "m", "severity": "HIGH", "rule": "R1"},
            Finding("a.py", "m", 3, 5, None, "error", "R1"),
        ),
        (
            {"filename": "a.py", "lineno": "12", "column": 4, "level": "info"},
            Finding("a.py", "finding", 12, None, 4, "note"),
        ),
        ({"file": "src\\a b.py", "lines": "7-9", "title": "t"}, Finding("src/a%20b.py", "t", 7, 9)),
        ({"file": "/work/project/x/a.py:8:2", "message": "m"}, Finding("x/a.py", "m", 8, None, 2)),
        ({"file": "/etc/hosts", "line": 1, "message": "m"}, Finding("file:///etc/hosts", "m", 1)),
        ({"file": "a.py", "line": None, "message": "m", "severity": "low"}, Finding("a.py", "m", None, level="note")),
        ({"startLine": 2, "File": "c:d.py", "message": "m"}, Finding("c%3Ad.py", "m", 2)),
        ('```json\n{"file": "a.py", "line": 2, "message": "m"}\n```', Finding("a.py", "m", 2)),
    ],
)
def test_a_finding_is_known_by_many_keys(answer, expected):
    assert list(findings(answer, ROOT)) == [expected]


@pytest.mark.parametrize(
    "answer",
    ["free text", 42, None, {"path": "/users", "method": "GET"}, {"file": "a.py"}, {"line": 3, "message": "m"}, [], {},
     {"file": "", "line": 1}, {"file": {"name": "a"}, "line": 1}],
)  # fmt: skip
def test_what_names_no_place_is_no_finding(answer):
    assert list(findings(answer, ROOT)) == []


def test_a_list_of_findings_wherever_it_lies():
    each = [{"file": "a.py", "line": n, "message": f"m{n}"} for n in (1, 2)]
    for answer in (each, {"findings": each}, {"summary": "two", "report": {"issues": each}}, json.dumps(each)):
        assert [finding.line for finding in findings(answer, ROOT)] == [1, 2]


def test_the_log_tells_findings_rules_and_failed_tasks():
    first = [{"file": "a.py", "line": 1, "message": "m", "rule": "R1"}, {"file": "b.py", "line": 2, "rule": "R2"}]
    answers = [
        line("t1", output=first),
        line("t2", output={"file": "a.py", "line": 9, "message": "n", "rule": "R1"}),
    ]
    run = log([*answers, *LINES])
    assert [(result["ruleId"], result["ruleIndex"]) for result in run["results"]] == [("R1", 0), ("R2", 1), ("R1", 0)]
    assert [result["properties"]["task"] for result in run["results"]] == ["t1", "t1", "t2"]
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uriBaseId"] == "%SRCROOT%"
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert len(invocation["toolExecutionNotifications"]) == 2
    assert log(answers)["invocations"][0]["executionSuccessful"] is True
    assert log([])["results"] == []


def test_a_finding_keeps_its_fingerprint_when_it_moves():
    def print_of(at):
        (result,) = log([line("t", output={"file": "a.py", "line": at, "message": "m"})])["results"]
        return result["partialFingerprints"]["pyagentFinding/v1"]

    assert print_of(3) == print_of(40)


KEYS = st.sampled_from(["file", "line", "message", "severity", "rule", "x"])
TEXT = st.text(st.characters())
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
    max_leaves=12,
)


@given(JSON)
def test_no_answer_breaks_the_log(answer):
    log([line("t", output=answer)])


def test_a_hostile_nesting_is_left_alone():
    assert list(findings("[" * 100_000, ROOT)) == []
