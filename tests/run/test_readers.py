"""The formats of a task file: what is written comes back, and what is broken is said in a line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pyagent.errors import TaskFileError
from pyagent.model import Task
from pyagent.run import readers
from pyagent.run.readers import guess
from pyagent.run.strict import BadLine, parse
from pyagent.run.tasks import TaskIndex

SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: not text.isspace())
PRINTABLE = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


def scan(path: Path, format: str | None = None) -> TaskIndex:
    return TaskIndex.scan(path, lambda task, parents: bytes(32), format, "F")


def read(path: Path, format: str | None = None) -> list[Task]:
    index = scan(path, format)
    tasks = [task for _, task in index.tasks()]
    assert tasks == [index.task(i) for i in range(len(index))]
    return tasks


def attempt(path: Path, format: str | None = None) -> list[Task] | TaskFileError:
    """The tasks, or the one error that a task file may end in."""
    try:
        return read(path, format)
    except TaskFileError as error:
        return error


def refused(path: Path, content: bytes, format: str | None = None) -> list[str]:
    """The bad lines of a file, each without its name; the message when the whole file is refused."""
    path.write_bytes(content)
    with pytest.raises(TaskFileError) as caught:
        scan(path, format)
    assert caught.value.hint
    assert "\n" not in str(caught.value)
    return [problem.removeprefix("F:") for problem in caught.value.problems] or [str(caught.value)]


# -- round trips


@SETTINGS
@given(st.lists(st.tuples(WORDS, st.dictionaries(WORDS, JSON, max_size=3)), min_size=1, max_size=5), st.booleans())
def test_json_lines_come_back(tmp_path: Path, rows: list[tuple[str, dict[str, Any]]], ascii: bool) -> None:
    path = tmp_path / "t.jsonl"
    lines = [json.dumps({"prompt": prompt, "meta": meta}, ensure_ascii=ascii) for prompt, meta in rows]
    path.write_bytes("\n\n".join(lines).encode())
    tasks = read(path)
    assert [(task.prompt, task.meta) for task in tasks] == rows
    assert [task.line for task in tasks] == [2 * i + 1 for i in range(len(rows))]


@SETTINGS
@given(
    st.lists(st.tuples(*[WORDS.filter(lambda text: "\0" not in text)] * 3), min_size=1, max_size=5),
    st.sampled_from(["\n", "\r\n"]),
)
def test_csv_comes_back(tmp_path: Path, rows: list[tuple[str, str, str]], end: str) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(["prompt", "system", "meta.note"])
    writer.writerows(rows)
    path = tmp_path / "t.csv"
    path.write_bytes(text.getvalue().encode())
    assert [(task.prompt, task.system, (task.meta or {})["note"]) for task in read(path)] == rows


@SETTINGS
@given(st.lists(PRINTABLE, min_size=1, max_size=5))
def test_plain_text_comes_back(tmp_path: Path, prompts: list[str]) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes("\r\n".join(prompts).encode())
    assert [task.prompt for task in read(path)] == prompts


@SETTINGS
@given(st.binary(max_size=200), st.sampled_from(["jsonl", "csv", "text", None]))
@example(b'{"prompt":"a"}\n{"prompt":"\xff"}', "jsonl")
@example(b'prompt\n"a', "csv")
@example(b"\xef\xbb\xbf", None)
@example(b"prompt\r\ra\r", "csv")
def test_garbage_is_refused_or_read_but_never_breaks(tmp_path: Path, content: bytes, format: str | None) -> None:
    path = tmp_path / "garbage"
    path.write_bytes(content)
    got = attempt(path, format)
    if isinstance(got, TaskFileError):
        assert got.hint
        assert got.exit_code == 2
    else:
        assert all(task.prompt or task.messages for task in got)


@SETTINGS
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(
                ["id", "prompt", "messages", "schema", "max_tokens", "seed", "after", "stop", "samples", "vote", "x"]
            ),
            JSON,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_json_in_any_field_is_refused_or_read_but_never_breaks(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    got = attempt(path)
    if isinstance(got, TaskFileError):
        assert got.problems
        assert all(problem.startswith("F:") and "\n" not in problem for problem in got.problems)
    else:
        assert len(got) == len(rows)


# -- the formats


def test_a_csv_record_may_span_lines_and_hold_json(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "id,prompt,schema,after,stop,max_tokens,temperature,stream,meta,meta.team\r\n"
        'a,"two\r\nlines, ""quoted""",,,END,64,0.5,TRUE,"{""n"": 1}",red\r\n'
        "\r\n"
        ",,,,,,,,,\r\n"
        'b,{{ results.a }},"{""type"": ""object""}","[""a""]","[""x"",""y""]",64.0,,,,\r\n'
        "c,last,,a,,,,false,,\r\n"
    )
    a, b, c = read(path)
    assert (a.id, a.line, a.prompt, a.stop, a.max_tokens) == ("a", 2, 'two\r\nlines, "quoted"', ("END",), 64)
    assert (a.temperature, a.stream, a.meta) == (0.5, True, {"n": 1, "team": "red"})
    assert (b.line, b.schema, b.after, b.stop, b.max_tokens) == (6, {"type": "object"}, ("a",), ("x", "y"), 64)
    assert (c.line, c.after, c.stream, c.meta) == (7, ("a",), False, None)


def test_an_inch_sign_in_a_cell_does_not_swallow_the_next_records(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('prompt,system\nA 5" disk,x\nA 3" disk,y\n')
    assert [task.prompt for task in read(path)] == ['A 5" disk', 'A 3" disk']


@pytest.mark.parametrize(
    ("name", "content", "prompts"),
    [
        ("t.jsonl", b'\xef\xbb\xbf{"prompt": "a"}\r\n\r\n  \r\n{"prompt": "b"}', ["a", "b"]),
        ("t.NDJSON", b'{"prompt": "a"}\n', ["a"]),
        ("t.csv", b"\xef\xbb\xbf\r\nprompt\r\na\r\n", ["a"]),
        ("t.txt", b"\xef\xbb\xbf  a b \r\n\n{b}", ["  a b ", "{b}"]),
        ("stdin", b'\n {"prompt": "a"}\n', ["a"]),
        ("stdin", b"id,prompt\n1,a\n", ["a"]),
        ("stdin", b"prompt\na", ["a"]),
        ("stdin", b"Who, me?\nprompt, system\n", ["Who, me?", "prompt, system"]),
        ("tasks.data", b"\xef\xbb\xbf[1] a\n", ["[1] a"]),
    ],
)
def test_the_format_is_seen_by_name_or_by_the_first_bytes(
    tmp_path: Path, name: str, content: bytes, prompts: list[str]
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert [task.prompt for task in read(path)] == prompts


def test_a_named_format_wins(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("prompt\nplain")
    assert [task.prompt for task in read(path, "text")] == ["prompt", "plain"]
    assert [task.prompt for task in read(path, "csv")] == ["plain"]


def test_guessing_sees_only_known_columns_as_csv() -> None:
    assert guess(b"id,prompt,meta.x\n") == "csv"
    assert guess(b"id,prompt,colour\n") == "text"
    assert guess(b"id,system\n") == "text"
    assert guess(b'"prompt"\n') == "csv"


# -- whole files that cannot be used


@pytest.mark.parametrize("name", ["t.jsonl", "t.csv", "t.txt", "t"])
@pytest.mark.parametrize("content", [b"", b"\n \r\n", b"\xef\xbb\xbf", b"\n" * 100_000])
def test_a_file_without_tasks(tmp_path: Path, name: str, content: bytes) -> None:
    assert refused(tmp_path / name, content)[0] in ("F is empty", "F holds no tasks")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x7fELF\x02\x01\x01\0\0\0", "F is a binary file, not tasks"),
        ('{"prompt": "a"}'.encode("utf-16"), "F is UTF-16"),
        (b"\x1f\x8b\x08\x00", "F is compressed"),
        (b'[{"prompt": "a"}]', "F is one JSON array, not an object a line"),
    ],
)
def test_a_file_of_another_kind(tmp_path: Path, content: bytes, says: str) -> None:
    assert refused(tmp_path / "t.jsonl", content) == [says]


def test_no_file_a_directory_a_device_and_no_permission(tmp_path: Path) -> None:
    (tmp_path / "tasks.jsonl").write_text("x")
    with pytest.raises(TaskFileError, match="F does not exist") as caught:
        scan(tmp_path / "task.jsonl")
    assert "tasks.jsonl?" in caught.value.hint
    with pytest.raises(TaskFileError, match="does not exist"):
        scan(tmp_path / "no" / "task.jsonl")
    with pytest.raises(TaskFileError, match="F is a directory"):
        scan(tmp_path)
    with pytest.raises(TaskFileError, match="not a regular file"):
        scan(Path("/dev/null"))
    with pytest.raises(TaskFileError, match="cannot be read"):
        scan(Path("nul\0byte"))
    with pytest.raises(TaskFileError, match="cannot be read: Not a directory"):
        scan(tmp_path / "tasks.jsonl" / "x")


def test_an_unknown_format_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("x")
    with pytest.raises(Exception, match="no task format 'yaml'") as caught:
        scan(tmp_path / "t", "yaml")
    assert caught.value.exit_code == 2  # type: ignore[attr-defined]


# -- lines that cannot be used


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"prompt": "a"', "1: is not JSON: Expecting ',' delimiter at column 15"),
        (b"[1]", "F is one JSON array, not an object a line"),
        (b"12", "1: must be a JSON object, not 12"),
        (b'{"prompt": "\xff"}', "1: is not UTF-8: byte 0xff at column 13"),
        (b'{"prompt": "a", "meta": {"x": NaN}}', "1: has NaN, which is not JSON"),
        (b'{"prompt": "a", "meta": [-Infinity]}', "1: has -Infinity, which is not JSON"),
        (b'{"prompt": "a", "temperature": 1e999}', "1: has the number 1e999, which is too large"),
        (b'{"prompt": "a", "seed": ' + b"9" * 5000 + b"}", "1: has a number with too many digits"),
        (b'{"prompt": "a", "prompt": "b"}', "1: has the field 'prompt' twice"),
        (b'{"prompt": "a", "meta": {"x": 1, "x": 1}}', "1: has the field 'x' twice"),
        (b'{"prompt": "\\ud800"}', "1: has \\ud800, which is half of a character"),
        (b'{"prompt": "a", "meta": {"\\uDFFF": 1}}', "1: has \\udfff, which is half of a character"),
        (b'{"prompt": "a", "meta": ' + b"[" * 101 + b"]" * 101 + b"}", "1: is nested more than 100 levels deep"),
        (b'{"meta": ' + b"[" * 100_000, "1: is nested more than 100 levels deep"),
        (b'{"a":' * 100_000, "1: is nested more than 100 levels deep"),
    ],
)
def test_a_line_that_is_not_a_json_object(tmp_path: Path, line: bytes, says: str) -> None:
    assert refused(tmp_path / "t.jsonl", line) == [says]


def test_a_whole_character_by_escapes_and_brackets_in_text_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"prompt": "\\ud83d\\ude00 ' + "[" * 5000 + '"}\n')
    assert read(path)[0].prompt == "😀 " + "[" * 5000


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            "id,promt\n1,a",
            ["1: unknown column 'promt'; did you mean 'prompt'?; there is no column 'prompt' or 'messages'"],
        ),
        ("prompt,colour\na,b", ["1: unknown column 'colour'; your own data belongs in a column 'meta.colour'"]),
        ("prompt,prompt\na,b", ["1: the column 'prompt' is there twice"]),
        ("prompt,system\na\nb,c,d\ne,f", ["2: has 1 cell; the header has 2", "3: has 3 cells; the header has 2"]),
        ('prompt,system\n"a" b,c\nd,e', ["2: is not CSV: ',' expected after '\"'"]),
        ('prompt\na\n"b\nc\n', ["3: is not CSV: a quote that opens here is never closed"]),
        ("prompt\ra\rb\n", ["1: is not CSV: a carriage return outside of quotes has no line feed"]),
        (
            "prompt,schema\na,{",
            ["2: 'schema' is not JSON: Expecting property name enclosed in double quotes at column 2"],
        ),
        ("prompt,seed,stream\na,1.5,yes", ["2: 'seed' must be a whole number from 0 to 9223372036854775807, not 1.5"]),
        ("prompt,samples\na,x", ["2: 'samples' must be a whole number from 1 to 1024, not 'x'"]),
    ],
)
def test_a_csv_that_is_wrong(tmp_path: Path, content: str, says: list[str]) -> None:
    found = refused(tmp_path / "t.csv", content.encode())
    assert [problem.split("; 'stream'")[0] for problem in found] == says


def test_invalid_utf8_is_named_by_line_in_every_format(tmp_path: Path) -> None:
    assert refused(tmp_path / "t.txt", b"a\nb\n\xc3(\n") == ["3: is not UTF-8: byte 0xc3 at column 1"]
    csv = b'prompt\na\n"b\n\nc\xe9"\nd\n'
    assert refused(tmp_path / "t.csv", csv) == ["3: is not UTF-8: byte 0xe9 at column 2, 2 lines further down"]
    assert refused(tmp_path / "u.csv", b"pr\xffompt\na") == ["1: is not UTF-8: byte 0xff at column 3"]


# -- long lines


@pytest.mark.parametrize("name", ["t.jsonl", "t.csv", "t.txt"])
def test_a_line_of_ten_megabytes_is_a_task(tmp_path: Path, name: str) -> None:
    prompt = "a [b] {c} " * 1_000_000
    head, tail = {"t.jsonl": ('{"prompt": "', '"}'), "t.csv": ("prompt\n", ""), "t.txt": ("", "")}[name]
    path = tmp_path / name
    path.write_text(f"{head}{prompt}{tail}\n")
    assert [task.prompt for task in read(path)] == [prompt]


@pytest.mark.parametrize("start", [b'{"prompt": "', b"", b'"'])
def test_a_line_over_the_limit_is_refused_and_the_next_is_read(
    tmp_path: Path, start: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The limit is 64 MB; lowered, so that the test writes little.
    monkeypatch.setattr(readers, "LONGEST", 1 << 20)
    long = start + b"x" * (3 << 20)
    if start == b"":
        assert refused(tmp_path / "t.csv", b"prompt\n" + long + b"\nb\n") == ["2: is longer than 1 MB"]
        assert refused(tmp_path / "t.txt", long + b"\nb\n\0\n") == ["1: is longer than 1 MB", "3: holds a NUL byte"]
    elif start == b'"':
        found = refused(tmp_path / "t.csv", b'prompt\n"' + (b"x" * 4095 + b"\n") * 512)
        assert found[0] == "2: is longer than 1 MB"
    else:
        assert refused(tmp_path / "t.jsonl", long + b"\n{}\n")[0] == "1: is longer than 1 MB"
        assert refused(tmp_path / "t.jsonl", long + b"\n{}\n")[1].startswith("2: has neither")


def test_strict_json_says_where_in_many_lines() -> None:
    with pytest.raises(BadLine, match="at line 2, column 3"):
        parse('{"a": 1,\n  b}')
