"""Querying JSON: a few values out of a file or a text, by JMESPath."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from pyagent.errors import ToolError
from pyagent_plugins.tools.files import Folders
from pyagent_plugins.tools.query import query_json

ORDERS = {"orders": [{"id": 1, "status": "open", "sum": 9.5}, {"id": 2, "status": "paid", "sum": 3}]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "orders.json").write_text(json.dumps(ORDERS))
    (tmp_path / "broken.json").write_text("{")
    return tmp_path


def ask(folder: Path, **arguments: str) -> Any:
    return asyncio.run(query_json(Folders([str(folder)])).run(arguments))


def test_a_file_is_asked(folder: Path) -> None:
    assert ask(folder, path="orders.json", query="orders[?status=='open'].id") == [1]
    assert ask(folder, path="orders.json", query="sum(orders[].sum)") == 12.5
    assert ask(folder, path="orders.json", query="max_by(orders, &sum).status") == "open"
    assert ask(folder, path="orders.json", query="customers[0].name") is None


def test_text_is_asked(folder: Path) -> None:
    assert ask(folder, json='{"a": {"b": [1, 2]}}', query="a.b[-1]") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"query": "a"}, "give either path or json"),
        ({"query": "a", "path": "orders.json", "json": "{}"}, "give either path or json"),
        ({"query": "a b", "json": "{}"}, "is not a JMESPath query"),
        ({"query": "", "json": "{}"}, "is not a JMESPath query"),
        ({"query": "nope(@)", "json": "{}"}, "is not a JMESPath query"),
        ({"query": "length(a)", "json": '{"a": 1}'}, "is not a JMESPath query"),
        ({"query": "!" * 900 + "a", "json": "{}"}, "nested too deeply"),
        ({"query": "a" * 1001, "json": "{}"}, "more than 1000"),
        ({"query": "a", "json": "{"}, "the JSON text is not JSON"),
        ({"query": "a", "json": "[" * 100_000}, "nested too deeply"),
        ({"query": "a", "path": "broken.json"}, "broken.json is not JSON"),
        ({"query": "a", "path": "../x.json"}, "not below an allowed folder"),
        ({"query": "a", "path": "missing.json"}, "there is no file"),
    ],
)
def test_what_cannot_be_asked_is_told_in_one_line(folder: Path, arguments: dict[str, str], said: str) -> None:
    with pytest.raises(ToolError) as caught:
        ask(folder, **arguments)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_answer_from_a_file_depends_on_it(folder: Path) -> None:
    reads = query_json(Folders([str(folder)])).reads
    assert reads is not None
    assert list(reads({"path": "orders.json", "query": "a"})) == [str(folder / "orders.json")]
    assert list(reads({"json": "{}", "query": "a"})) == []
