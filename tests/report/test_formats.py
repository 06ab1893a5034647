"""The shapes of `--format`: what goes in comes out again where the shape can hold it."""

from __future__ import annotations

import csv
import io
import json
from itertools import count, islice

import pytest

from pyagent.errors import UsageError
from pyagent.report.formats import FORMATS, document
from pyagent.report.jsonl import COLUMNS, read
from pyagent.report.table import columns, cut, table
from tests.report.lines import LINES, line


def whole(format, lines=LINES):
    return "".join(document(format, lines))


@pytest.mark.parametrize("format", FORMATS)
def test_every_shape_can_be_written_to_a_file_and_has_something_for_no_results(format):
    whole(format).encode()
    assert whole(format, []) == {"jsonl": "", "json": "[]\n"}.get(format, whole(format, []))


def test_jsonl_and_json_hold_the_lines_as_they_are(tmp_path):
    (tmp_path / "r.jsonl").write_text(whole("jsonl"), encoding="utf-8")
    assert list(read(tmp_path / "r.jsonl")) == LINES
    assert json.loads(whole("json")) == LINES
    assert len(whole("jsonl").splitlines()) == len(LINES)


def test_csv_has_a_record_a_result_with_usage_in_columns():
    records = list(csv.DictReader(io.StringIO(whole("csv"))))
    assert tuple(records[0]) == COLUMNS
    assert [record["id"] for record in records] == [each["id"] for each in LINES]
    assert records[0]["input_tokens"] == "10"
    assert json.loads(records[3]["output"]) == {"answer": 42}
    assert records[4]["output"].endswith("\nsecond line")
    assert records[2]["cost_usd"] == ""


@pytest.mark.parametrize("format", ["jsonl", "json", "csv"])
def test_lines_leave_as_they_come(format):
    endless = (line(str(n)) for n in count())
    pieces = list(islice(document(format, endless), 5))
    assert '"2"' in "".join(pieces) or "\n2," in "".join(pieces)


def test_the_table_is_aligned_as_wide_as_asked_and_cannot_steer_the_terminal():
    rows = "".join(table(LINES, width=80)).splitlines()
    assert len(rows) == 1 + len(LINES)
    assert max(columns(row) for row in rows) <= 100
    status = [next(at for at in range(len(row)) if columns(row[:at]) >= rows[0].index("status")) for row in rows]
    assert [row[at:].split()[0] for row, at in zip(rows, status, strict=True)] == [
        "status", "ok", "failed", "skipped", "ok", "ok"
    ]  # fmt: skip
    assert "\x1b" not in "".join(rows)
    assert "red" in rows[2]


def test_a_wide_character_takes_two_columns():
    assert columns("日本") == 4
    assert columns("e\u0301") == 1
    assert cut("日本語", 5) == "日本…"
    assert cut("abc", 3) == "abc"


def test_a_shape_that_nobody_knows_is_named_with_those_that_are():
    with pytest.raises(UsageError, match="xml") as error:
        whole("xml")
    assert "jsonl" in error.value.hint
    assert list(document("ids", LINES, {"ids": lambda lines: ",".join(each["id"] for each in lines)})) == [
        "a,b,c,d,日本/e"
    ]


def test_a_file_that_is_not_of_results_is_refused_with_its_line(tmp_path):
    (tmp_path / "r.jsonl").write_text(whole("jsonl", LINES[:1]) + '{"id": 1}\n')
    with pytest.raises(UsageError, match=r"r\.jsonl:2"):
        list(read(tmp_path / "r.jsonl"))
