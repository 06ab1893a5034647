"""What goes to stdout is results in one shape; a value cannot steer the terminal."""

from __future__ import annotations

import json

import pytest

from pyagent.cli.output import Output, aligned

ROWS = [{"name": "a", "n": 1, "more": "not shown"}, {"name": "long name", "n": None}]


def test_tables_are_aligned_text_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table(ROWS, ["name", "n"])
    assert capsys.readouterr().out == "NAME       N\na          1\nlong name  -\n"


def test_json_holds_the_columns_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    Output(json=True).table(ROWS, ["name", "n"])
    assert json.loads(capsys.readouterr().out) == [{"name": "a", "n": 1}, {"name": "long name", "n": None}]


def test_no_rows_are_no_lines(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table([], ["name"])
    assert capsys.readouterr().out == ""
    Output(json=True).table([], ["name"])
    assert json.loads(capsys.readouterr().out) == []


def test_a_value_cannot_steer_the_terminal() -> None:
    lines = aligned([{"x": "a\x1b[2Jb\nc"}], ["x"])
    assert lines == ["X", "a [2Jb c"]


def test_notes_go_to_stderr_unless_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    Output().note("seen")
    Output(quiet=True).note("not seen")
    Output().detail("not seen")
    Output(verbose=True).detail("more")
    seen = capsys.readouterr()
    assert (seen.out, seen.err) == ("", "seen\nmore\n")
    Output(json=True).note("said")
    assert json.loads(capsys.readouterr().err) == {"note": "said"}
