"""A task file as an index: every fault before a question, keys parents first, little memory, the same file twice."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pyagent.errors import TaskFileError, UsageError
from pyagent.model import Message, Task, ToolCall
from pyagent.run.fields import FIELDS
from pyagent.run.tasks import TaskIndex

EXAMPLES = Path(__file__).parents[2] / "examples"


def key(task: Task, parents: Sequence[bytes]) -> bytes:
    return hashlib.sha256(b"|".join([(task.prompt or "").encode(), *parents])).digest()


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def bad(path: Path, *rows: Any) -> list[str]:
    with pytest.raises(TaskFileError) as caught:
        TaskIndex.scan(write(path / "t.jsonl", *rows), key, shown_as="F")
    return [problem.removeprefix("F:") for problem in caught.value.problems]


# -- fields


def test_every_field_of_a_task(tmp_path: Path) -> None:
    row = {
        "id": "full",
        "prompt": "Say {{ results.a }}",
        "system": "Be brief.",
        "schema": {"type": "object", "properties": {"x": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"type": "number"}}},
        "model": "small",
        "max_tokens": 64,
        "temperature": 1,
        "seed": 0,
        "stop": ["\n", "END"],
        "after": ["a"],
        "depends_on": ["data.csv", "https://example.org/x", "tool:calc", "v2"],
        "tenant": "red",
        "stream": True,
        "needs": {"context": 8000, "dims": {"code.write": 3}},
        "agent": "clerk",
        "tools": ["calculator"],
        "samples": 5,
        "vote": "first_valid",
        "meta": {"any": [1, None]},
    }
    index = TaskIndex.scan(write(tmp_path / "t.jsonl", {"id": "a", "prompt": "x"}, row), key)
    task = index.task(1)
    assert task.line == 2
    for name in row:
        value = getattr(task, name)
        assert (list(value) if isinstance(value, tuple) else value) == row[name], name
    plain = index.task(0)
    assert plain == Task("a", 1, "x")


def test_messages_in_the_form_of_chat_apis(tmp_path: Path) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    messages = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": ""},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "2", "tool_call_id": "c1"},
    ]
    index = TaskIndex.scan(write(tmp_path / "t.jsonl", {"messages": messages}), key)
    assert index.task(0).id == "1"
    assert index.task(0).messages == (
        Message("system", "s"),
        Message("user", ""),
        Message("assistant", "", (ToolCall("c1", "add", {"a": 1}),)),
        Message("tool", "2", (), "c1"),
    )


def test_null_is_the_same_as_not_said_and_one_text_as_a_list_of_one(tmp_path: Path) -> None:
    row = {"id": None, "prompt": "x", "messages": None, "schema": None, "samples": None, "stop": "END"}
    task = TaskIndex.scan(write(tmp_path / "t.jsonl", row), key).task(0)
    assert task == Task("1", 1, "x", stop=("END",))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"promt": "x"}, "unknown field 'promt'; did you mean 'prompt'?"),
        ({"maxtokens": 5}, "unknown field 'maxtokens'; did you mean 'max_tokens'?"),
        ({"response_format": {}}, "unknown field 'response_format'; did you mean 'schema'?"),
        ({"colour": "red"}, "unknown field 'colour'; your own data belongs in 'meta'"),
        ({"\x1b[31m": 1}, "unknown field '\\x1b[31m'; your own data belongs in 'meta'"),
        ({"messages": [{"role": "user", "content": "x"}]}, "has both 'prompt' and 'messages'; use one"),
        ({"prompt": None}, "has neither 'prompt' nor 'messages'"),
        ({"prompt": " \n"}, "'prompt' is empty"),
        ({"prompt": ["x"]}, "'prompt' must be text, not a list"),
        ({"id": 7}, "'id' must be text, not 7"),
        ({"id": ""}, "'id' is empty"),
        ({"id": "a\nb"}, "'id' must be printable text without blanks around it, not 'a\\nb'"),
        ({"id": "x" * 257}, "'id' has 257 characters; 256 is the most"),
        ({"system": 1}, "'system' must be text, not 1"),
        ({"schema": "object"}, "'schema' must be an object, not 'object'"),
        ({"model": {}}, "'model' must be text, not an object"),
        ({"max_tokens": 0}, "'max_tokens' must be a whole number from 1 to 2147483647, not 0"),
        ({"max_tokens": True}, "'max_tokens' must be a whole number from 1 to 2147483647, not true"),
        ({"max_tokens": 5.0}, "'max_tokens' must be a whole number from 1 to 2147483647, not 5.0"),
        ({"temperature": "0"}, "'temperature' must be a number from 0 to 100, not '0'"),
        ({"temperature": -0.1}, "'temperature' must be a number from 0 to 100, not -0.1"),
        ({"seed": -1}, "'seed' must be a whole number from 0 to 9223372036854775807, not -1"),
        ({"seed": 10**400}, "'seed' must be a whole number from 0 to 9223372036854775807, not a number that large"),
        ({"stop": [1]}, "'stop' must be a list of texts; item 1 is 1"),
        ({"stop": ["a", ""]}, "'stop' must be a list of texts; item 2 is ''"),
        ({"after": {"a": 1}}, "'after' must be a list of texts, not an object"),
        ({"after": ["a", "a"]}, "'after' lists 'a' twice"),
        ({"depends_on": 5}, "'depends_on' must be a list of texts, not 5"),
        ({"tools": [None]}, "'tools' must be a list of texts; item 1 is null"),
        ({"tenant": ""}, "'tenant' is empty"),
        ({"stream": 1}, "'stream' must be true or false, not 1"),
        ({"needs": ["json"]}, "'needs' must be an object, not a list"),
        ({"agent": False}, "'agent' must be text, not false"),
        ({"samples": 1025}, "'samples' must be a whole number from 1 to 1024, not 1025"),
        ({"vote": "best"}, "'vote' must be one of majority, first_valid, longest_agreement, not 'best'"),
        ({"vote": ["majority"]}, "'vote' must be one of majority, first_valid, longest_agreement, not a list"),
        ({"meta": "x"}, "'meta' must be an object, not 'x'"),
        (
            {"prompt": "{{ results.a.x }} {{ results.b }}", "after": ["b"]},
            "quotes {{ results.a.x }}, which 'after' does not list",
        ),
        ({"system": "{{ results.a }}"}, "quotes {{ results.a }}, which 'after' does not list"),
        (
            {"seed": "1", "top_k": 5},
            "'seed' must be a whole number from 0 to 9223372036854775807, not '1'; unknown field",
        ),
    ],
)
def test_a_wrong_field_is_named_with_what_it_must_be(tmp_path: Path, fields: dict[str, Any], says: str) -> None:
    (problem,) = bad(tmp_path, {"id": "b", "prompt": "first"}, {"prompt": "x", **fields})
    assert problem.startswith(f"2: {says}")


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ("hi", "'messages' must be a list of messages, not 'hi'"),
        ([], "'messages' holds nothing to answer: a message of role user is missing"),
        ([{"role": "system", "content": "x"}], "'messages' holds nothing to answer"),
        (["hi"], "'messages' [1] must be an object with role and content, not 'hi'"),
        ([{"role": "User", "content": "x"}], "'messages' [1] has the role 'User'; it must be one of system, user,"),
        ([{"content": "x"}], "'messages' [1] has the role null"),
        ([{"role": ["user"], "content": "x"}], "'messages' [1] has the role a list"),
        ([{"role": "user"}], "'messages' [1] must have text as content, not null"),
        ([{"role": "user", "content": [{"type": "text"}]}], "'messages' [1] must have text as content, not a list"),
        ([{"role": "user", "content": "x", "name": "Al"}], "'messages' [1] has the unknown field 'name'"),
        ([{"role": "tool", "content": "x"}], "'messages' [1] of role tool needs a tool_call_id"),
        (
            [{"role": "user", "content": "x", "tool_call_id": "c"}],
            "'messages' [1] of role user must not have a tool_call",
        ),
        ([{"role": "user", "content": "x", "tool_calls": 5}], "'messages' [1] has tool_calls that are not a list"),
        ([{"role": "assistant", "tool_calls": [{}]}], "'messages' [1] has a tool call that is not"),
        (
            [{"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{"}}]}],
            "'messages' is not JSON",
        ),
        ([{"role": "user", "content": "{{ results.z }}"}], "quotes {{ results.z }}, which 'after' does not list"),
    ],
)
def test_a_wrong_message_is_named_by_its_place(tmp_path: Path, messages: Any, says: str) -> None:
    (problem,) = bad(tmp_path, {"messages": messages})
    assert problem.startswith(f"1: {says}")


def test_a_system_text_is_said_once(tmp_path: Path) -> None:
    row = {"system": "a", "messages": [{"role": "system", "content": "b"}, {"role": "user", "content": "c"}]}
    assert bad(tmp_path, row) == ["1: has both 'system' and a message of role system; use one"]


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"type": "strin"}, "is not a JSON Schema: at type: 'strin' is no type; types are object,"),
        ({"properties": {"a": {"minimum": "1"}}}, "is not a JSON Schema: at properties.a.minimum: '1' is not of type"),
        ({"required": "a"}, "is not a JSON Schema: at required"),
        ({"pattern": "("}, "is not a JSON Schema: at pattern"),
        ({"$ref": "https://example.org/s.json"}, "refers to 'https://example.org/s.json', which is outside of it"),
        ({"items": {"$ref": "#/$defs/no"}}, "refers to '#/$defs/no', which is not in it"),
        ({"$schema": 5}, "has a '$schema' that is not text"),
    ],
)
def test_a_schema_that_is_not_one(tmp_path: Path, schema: dict[str, Any], says: str) -> None:
    problems = bad(tmp_path, {"prompt": "a", "schema": schema}, {"prompt": "b", "schema": schema}, {"prompt": "c"})
    assert len(problems) == 2
    for line, problem in enumerate(problems, 1):
        assert problem.startswith(f"{line}: 'schema' {says}")


def test_schemas_that_look_odd_but_are_sound(tmp_path: Path) -> None:
    schemas: list[dict[str, Any]] = [
        {},
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "definitions": {"a b": {}},
            "$ref": "#/definitions/a%20b",
        },
        {"type": "object", "properties": {"$ref": {"type": "string"}}},
        {"const": {"$ref": "http://example.org"}},
        {"$defs": {"n": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "$ref": "#/$defs/n/anyOf/1"},
    ]
    rows = [{"prompt": str(i), "schema": schema} for i, schema in enumerate(schemas)]
    index = TaskIndex.scan(write(tmp_path / "t.jsonl", *rows), key)
    assert [task.schema for _, task in index.tasks()] == schemas


# -- all bad lines at once


def test_all_bad_lines_come_at_once_in_order_and_the_first_100_of_many(tmp_path: Path) -> None:
    rows = [{"id": f"t{i}", "prompt": "x", "after": ["none"]} if i % 2 else {"id": f"t{i}"} for i in range(300)]
    with pytest.raises(TaskFileError) as caught:
        TaskIndex.scan(write(tmp_path / "t.jsonl", *rows), key)
    problems = caught.value.problems
    assert len(problems) == 100
    assert problems[0] == f"{tmp_path}/t.jsonl:1: has neither 'prompt' nor 'messages'"
    assert problems[1] == f"{tmp_path}/t.jsonl:2: 'after' names 'none', which no task has as its id"
    assert [int(problem.split(":")[1]) for problem in problems] == list(range(1, 101))
    assert "300 bad lines: the first 100 are shown, 200 more are not" in str(caught.value)


def test_ids_that_are_used_twice_name_both_lines(tmp_path: Path) -> None:
    rows = [{"id": "a", "prompt": "x"}, {"prompt": "x"}, {"id": "a", "prompt": "y"}, {"id": "2", "prompt": "z"}]
    assert bad(tmp_path, *rows) == [
        "3: the id 'a' is already that of line 1",
        "4: the id '2' is already that of line 2 (a task without an id has its line's number)",
    ]
    many = [{"id": "a", "prompt": "x"}] * 400
    assert bad(tmp_path, *many)[-1] == "101: the id 'a' is already that of line 100"


def test_an_unknown_parent_comes_with_the_nearest_id(tmp_path: Path) -> None:
    rows = [{"id": "summary", "prompt": "x"}, {"id": "b", "prompt": "y", "after": ["sumary", "b2"]}]
    assert bad(tmp_path, *rows) == [
        "2: 'after' names 'b2', which no task has as its id",
        "2: 'after' names 'sumary', which no task has as its id; did you mean 'summary'?",
    ]


def test_a_bad_line_does_not_make_those_who_wait_for_it_bad(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(
        '{"id": "a", "seed": "x", "prompt": "p"}\n{"prompt": "y", "after": "a"}\n'
        '{"id": "c"\n{"prompt": "z", "after": "c"}\n'
    )
    with pytest.raises(TaskFileError) as caught:
        TaskIndex.scan(path, key, shown_as="F")
    assert [problem.split(" ", 1)[0] for problem in caught.value.problems] == ["F:1:", "F:3:", "F:4:"]
    assert "'c', which no readable line has as its id" in caught.value.problems[2]


def test_cycles_are_named_one_by_one_even_beside_other_faults(tmp_path: Path) -> None:
    def task(id: str, *after: str) -> dict[str, Any]:
        return {"id": id, "prompt": id, "after": list(after)}

    long = [task(f"l{i}", f"l{(i + 1) % 12}") for i in range(12)]
    rows = [task("x", "a"), task("a", "b"), task("b", "c", "z"), task("c", "a"), task("s", "s"), task("z"), *long]
    problems = bad(tmp_path, *rows, {"id": "last"})
    assert problems == [
        "2: 'after' goes in a circle: a -> b -> c -> a",
        "5: 'after' goes in a circle: s -> s",
        "7: 'after' goes in a circle: l0 -> l1 -> l2 -> l3 -> l4 -> l5 -> l6 -> l7 -> (4 more) -> l0",
        "19: has neither 'prompt' nor 'messages'",
    ]


def test_what_the_key_refuses_is_a_fault_of_the_line(tmp_path: Path) -> None:
    def refuse(task: Task, parents: Sequence[bytes]) -> bytes:
        if task.agent:
            raise UsageError(f"there is no agent {task.agent}", "Known are: clerk.")
        return key(task, parents)

    with pytest.raises(TaskFileError) as caught:
        TaskIndex.scan(
            write(tmp_path / "t.jsonl", {"prompt": "x"}, {"prompt": "y", "agent": "z"}), refuse, shown_as="F"
        )
    assert caught.value.problems == ("F:2: there is no agent z; Known are: clerk.",)


# -- the index


def test_keys_come_parents_first_whichever_way_after_points(tmp_path: Path) -> None:
    rows = [
        {"id": "end", "prompt": "e", "after": ["mid", "one"]},
        {"id": "one", "prompt": "o"},
        {"id": "mid", "prompt": "m", "after": ["one", "low"]},
        {"id": "low", "prompt": "l", "after": ["one"]},
    ]
    index = TaskIndex.scan(write(tmp_path / "t.jsonl", *rows), key)
    one = hashlib.sha256(b"o").digest()
    low = hashlib.sha256(b"l|" + one).digest()
    mid = hashlib.sha256(b"|".join([b"m", one, low])).digest()
    end = hashlib.sha256(b"|".join([b"e", mid, one])).digest()
    assert [index.key(i) for i in range(4)] == [each.hex() for each in (end, one, mid, low)]
    assert index.parents(0) == (2, 1)
    assert index.children(1) == (0, 2, 3)
    assert index.children(0) == () == index.parents(1)
    assert [index.index_of(name) for name in ("end", "low", "none")] == [0, 3, None]


def test_equal_keys_are_counted(tmp_path: Path) -> None:
    index = TaskIndex.scan(write(tmp_path / "t.jsonl", *({"prompt": p} for p in "abacaab")), key)
    assert [index.nth(i) for i in range(7)] == [0, 0, 1, 0, 2, 3, 1]
    assert index.duplicates == 4
    assert index.key(0) == index.key(2) != index.key(1)


@pytest.mark.parametrize("name", ["t.jsonl", "t.csv", "t.txt"])
def test_any_task_is_read_again_and_any_selection_in_its_order(tmp_path: Path, name: str) -> None:
    prompts = [f"question {i} é" for i in range(200)]
    path = tmp_path / name
    if name == "t.jsonl":
        path.write_text("\n\n".join(json.dumps({"prompt": prompt}) for prompt in prompts))
    elif name == "t.csv":
        path.write_text("prompt,system\n" + "".join(f'"{prompt}","a\nb"\n' for prompt in prompts))
    else:
        path.write_text("\n".join(prompts))
    index = TaskIndex.scan(path, key)
    assert len(index) == 200
    assert index.path == path
    assert index.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [(i, task.prompt) for i, task in index.tasks()] == list(enumerate(prompts))
    some = [3, 4, 5, 90, 91, 17, 199]
    assert [(i, task.prompt) for i, task in index.tasks(some)] == [(i, prompts[i]) for i in some]
    assert index.task(123).prompt == prompts[123]
    assert index.task(123).line == {"t.jsonl": 247, "t.csv": 248, "t.txt": 124}[name]
    assert index.index_of(str(index.task(123).line)) == 123
    assert list(index.tasks([])) == []


def test_the_second_pass_refuses_a_file_that_changed(tmp_path: Path) -> None:
    rows = [{"prompt": f"question {i}"} for i in range(5)]
    path = write(tmp_path / "t.jsonl", *rows)
    index = TaskIndex.scan(path, key, shown_as="F")
    before, stat = path.read_bytes(), path.stat()
    changes = [
        before.replace(b"question 3", b"question 9"),  # the same size
        before + b'{"prompt": "one more"}\n',
        before[:-30],
        b"",
    ]
    for content in changes:
        path.write_bytes(content)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        with pytest.raises(TaskFileError, match="F changed while it was being read"):
            list(index.tasks())
        with pytest.raises(TaskFileError, match="changed"):
            index.task(3)
    path.unlink()
    with pytest.raises(TaskFileError, match="changed"):
        index.task(0)
    path.write_bytes(before)
    assert len(list(index.tasks())) == 5


def test_shards_cover_the_file_are_about_equal_and_keep_what_waits_together(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = []
    for group in range(10):
        size = 1 + group % 4
        rows += [{"id": f"{group}-{i}", "prompt": "m"} for i in range(size)]
        rows.append({"prompt": "r", "after": [f"{group}-{i}" for i in range(size)]})
    rows += [{"prompt": "single"} for _ in range(7)]
    index = TaskIndex.scan(write(tmp_path / "t.jsonl", *rows), key)
    shards = [list(index.shard(i, 4)) for i in (1, 2, 3, 4)]
    assert sorted(i for shard in shards for i in shard) == list(range(len(rows)))
    assert max(map(len, shards)) - min(map(len, shards)) <= 1
    for shard in shards:
        assert shard == sorted(shard)
        for i in shard:
            assert set(index.parents(i)) <= set(shard)
    again = TaskIndex.scan(index.path, key)
    assert [list(again.shard(i, 4)) for i in (1, 2, 3, 4)] == shards
    assert list(index.shard(1, 1)) == list(range(len(rows)))
    assert [len(index.shard(i, 100)) for i in range(1, 101)].count(0) == 100 - 17


@pytest.mark.parametrize("kind", ["plain", "above", "below", "same"])
def test_an_index_of_many_tasks_stays_under_300_bytes_a_task(tmp_path: Path, kind: str) -> None:
    n = 8_000
    path = tmp_path / "t.jsonl"
    with path.open("w") as file:
        for i in range(n):
            row: dict[str, Any] = {"id": f"task-{i}", "prompt": "same" if kind == "same" else f"question {i}"}
            if kind == "above" and i:
                row["after"] = [f"task-{i - 1}"]
            if kind == "below" and i < n - 1:
                row["after"] = [f"task-{i + 1}"]
            file.write(json.dumps(row) + "\n")
    TaskIndex.scan(path, key)  # what is imported or cached once is no part of a task
    tracemalloc.start()
    index = TaskIndex.scan(path, key)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The reader's block of 1 MB is there once, however many tasks there are.
    assert (peak - (1 << 20)) / n < 300
    assert kept / n < 200
    assert len(index) == n
    assert index.duplicates == (n - 1 if kind == "same" else 0)


@pytest.mark.parametrize(
    ("name", "tasks"),
    [("tickets.jsonl", 16), ("mapreduce.jsonl", 6), ("samples.jsonl", 6), ("prompts.txt", 6), ("questions.csv", 6)],
)
def test_the_examples_are_right(name: str, tasks: int) -> None:
    def whole(task: Task, parents: Sequence[bytes]) -> bytes:
        return hashlib.sha256(repr((task.prompt, task.messages, task.schema, parents)).encode()).digest()

    index = TaskIndex.scan(EXAMPLES / name, whole)
    assert len(index) == tasks
    assert index.duplicates == 0


def test_the_files_in_the_docs_are_right(tmp_path: Path) -> None:
    text = (EXAMPLES.parent / "docs" / "tasks.md").read_text()
    blocks = re.findall(r"^```(jsonl|csv)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 3
    for format, block in blocks:
        path = tmp_path / f"t.{format}"
        path.write_text(block)
        assert len(TaskIndex.scan(path, key)) >= 2
    # Every field has its row.
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(FIELDS)
