"""`pyagent route`: who gets a prompt and why, and one line for whatever is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pyagent.host.app import DEFAULT_MODEL
from tests.capability.route.fleet import configure, measure, registry_path
from tests.program import pyagent

NOWHERE = "http://127.0.0.1:9/v1"


@pytest.fixture
def fleet(home: Path) -> None:
    configure(home, {"cheap": (NOWHERE, 1.0, 'can = ["tools", "json"]'), "dear": (NOWHERE, 30.0, 'can = ["image"]')})


def test_the_name_alone_is_for_scripts_and_explain_tells_why(fleet: None) -> None:
    measure({DEFAULT_MODEL: 0.05, "cheap": 0.9, "dear": 0.92})
    assert pyagent("route", "What is the capital of Peru?").out == "cheap\n"
    told = pyagent("route", "What is the capital of Peru?", "--explain").out
    for word in ("the cheapest", "know.general", "MODEL", "dear", "$0."):
        assert word in told
    line = json.loads(pyagent("--json", "route", "Translate to French: good morning.", "--explain").out)
    assert line["model"] == "cheap"
    assert 0 < line["bound"] < line["probability"] < 1
    assert [row["model"] for row in line["candidates"]] == [DEFAULT_MODEL, "cheap", "dear"]
    assert line["needs"]["dims"][0]["dim"] == "lang.multi"


def test_quality_and_needs_move_the_choice(fleet: None) -> None:
    measure({DEFAULT_MODEL: 0.05, "cheap": 0.6, "dear": 0.95})
    ask = ("route", "Prove that the sum of two odd numbers is even.")
    assert pyagent(*ask).out == "dear\n"
    assert pyagent(*ask, "--quality", "0.3").out == "cheap\n"
    assert pyagent(*ask, "--quality", "0").out == f"{DEFAULT_MODEL}\n"
    assert pyagent("route", "Say hi.", "--needs", '{"modality": "image"}').out == "dear\n"
    assert pyagent(*ask, "--models", "cheap").out == "cheap\n"


def test_what_nobody_has_ends_with_four(fleet: None) -> None:
    ended = pyagent("route", "Say hi.", "--needs", '{"modality": "audio"}')
    assert ended.code == 4
    assert "audio input" in ended.err
    as_json = pyagent("--json", "route", "x", "--needs", '{"context": 99000000, "local": true}')
    assert json.loads(as_json.err)["code"] == 4


def test_an_unmeasured_machine_says_so(home: Path) -> None:
    ended = pyagent("route", "Say hi.")
    assert (ended.code, ended.out) == (0, f"{DEFAULT_MODEL}\n")
    assert "was measured" in ended.err
    assert not registry_path().exists(), "to ask who would answer writes nothing"
    assert json.loads(pyagent("--json", "route", "Say hi.").out)["probability"] is None


@pytest.mark.parametrize(
    ("args", "code"),
    [((), 2), (("",), 2), (("x", "--quality", "2"), 2), (("x", "--models", "nobody"), 4), (("@/nowhere",), 2)],
)
def test_rubbish_gets_one_line(args: tuple[str, ...], code: int) -> None:
    ended = pyagent("route", *args)
    assert ended.code == code
    assert "Traceback" not in ended.err


def test_a_torn_registry_is_one_line(home: Path) -> None:
    registry_path().parent.mkdir(parents=True, exist_ok=True)
    registry_path().write_bytes(b"this is no database" * 100)
    ended = pyagent("route", "Say hi.")
    assert ended.code == 74
    assert "Traceback" not in ended.err
