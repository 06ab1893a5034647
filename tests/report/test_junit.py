"""The test report: what CI counts, and that nothing a model writes can break it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from pyagent.report.junit import junit, render
from tests.report.lines import LINES, line

# Jenkins' junit-10.xsd in our words: element -> (attributes it may have, those it must have, children it may have).
SCHEMA = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, set(), {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "time", "skipped", "timestamp", "hostname", "id", "package"},
        {"name", "tests", "failures", "errors"},
        {"properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, {"name", "value"}, set()),
    "testcase": ({"name", "time", "classname", "group"}, {"name"}, {"skipped", "failure", "system-out"}),
    "failure": ({"type", "message"}, set(), set()),
    "skipped": ({"type", "message"}, set(), set()),
    "system-out": (set(), set(), set()),
}


def parsed(lines, name="a run"):
    """The report as a tree, checked against the schema."""
    root = ET.fromstring(render(lines, name))
    for element in root.iter():
        may, must, children = SCHEMA[element.tag]
        assert must <= set(element.attrib) <= may, element.tag
        assert {child.tag for child in element} <= children
        assert re.fullmatch(r"\d+\.\d{3}", element.get("time", "0.000"))
    return root


def test_counts_and_cases_are_those_of_the_run():
    suite = parsed(LINES).find("testsuite")
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["5", "1", "0", "1"]
    assert suite.get("time") == "13.750"
    assert [case.get("name") for case in suite.iter("testcase")] == ["a", "b", "c", "d", "日本/e"]
    failures = {case.get("name"): case.find("failure") for case in suite.iter("testcase")}
    assert failures["b"] is not None
    assert "second line" in failures["b"].text
    assert "\n" not in failures["b"].get("message")
    assert [name for name, failure in failures.items() if failure is not None] == ["b"]


def test_model_usage_and_cost_stand_in_suite_and_case():
    suite = parsed(LINES).find("testsuite")
    told = {each.get("name"): each.get("value") for each in suite.find("properties")}
    assert told == {"model": "small, large|x", "input_tokens": "40", "output_tokens": "20", "cost_usd": "unknown"}
    first = suite.find("testcase/system-out").text
    assert "[[PROPERTY|model=small]]" in first
    assert "[[PROPERTY|cost_usd=0.001000]]" in first
    priced = parsed(LINES[:4]).find("testsuite/properties/property[@name='cost_usd']")
    assert priced.get("value") == "0.002000"


@given(st.text(st.characters()), st.text(st.characters(), max_size=30))
def test_no_text_of_a_model_breaks_the_report(text, name):
    root = parsed([line("x", "failed", error=text), line("y", output=text), line("z", "skipped", error=text)], name)
    assert len(root.findall("testsuite/testcase")) == 3


def test_many_cases_wait_on_disk_and_not_in_memory():
    pieces = list(junit(line(str(n), output="x" * 500) for n in range(5000)))
    assert max(map(len, pieces)) <= 1 << 16
    assert ET.fromstring("".join(pieces)).get("tests") == "5000"


def test_a_run_without_tasks_is_a_report_too():
    assert parsed([]).find("testsuite").get("tests") == "0"
