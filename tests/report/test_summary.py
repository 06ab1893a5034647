"""The page of a CI job: right sums, and text that stays text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pyagent.model import Usage
from pyagent.report.summary import FAILURES, escaped, render
from tests.report.lines import LINES, line


def cells(page, first):
    """The cells of the table row that begins with ``first``."""
    row = next(row for row in page.splitlines() if row.startswith(f"| {first} |"))
    return [cell.strip() for cell in row.strip("|").split(" | ")]


def test_the_page_says_how_it_went_and_what_it_cost():
    page = render(LINES, "tickets")
    assert page.startswith("## ❌ tickets: 3 of 5 tasks ok")
    assert cells(page, "3") == ["3", "1", "1", "40", "20", "$0.0020, and 1 of 5 with no known price"]
    assert cells(page, "small")[:5] == ["small", "3", "1", "30", "15"]
    assert cells(page, r"large\|x")[-1] == "unknown"
    assert "paid for again: 1 (1 exact)" in page
    assert page.index("### Slowest") < page.index("| b | 9.25 | small |")
    assert "second line" in cells(page, "b")[-1] or "second line" in page


def test_a_good_run_has_no_list_of_failures():
    page = render([line("a"), line("b", usage=Usage(1_000_000, 2))], "r")
    assert page.startswith("## ✅ r: 2 of 2")
    assert "### Failed" not in page
    assert "1,000,010" in page
    assert render([], "r").startswith("## ✅ r: 0 of 0")


def test_many_failures_are_counted_and_only_the_first_are_told():
    page = render((line(str(n), "failed", error="x" * 5000) for n in range(3000)), "r")
    assert page.count("xxx…") == FAILURES
    assert f"and {3000 - FAILURES} more." in page
    assert len(page) < 20_000


@given(st.text(st.characters()))
def test_a_text_stays_in_its_cell(text):
    made = escaped(text)
    assert "\n" not in made
    assert "<" not in made
    for mark in "|`*_[]@#":
        assert made.count(mark) == made.count(f"\\{mark}")
