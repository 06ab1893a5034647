"""Three models that really differ, measured by a real check: a prompt goes to the better or to the cheaper one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pyagent.host.app import DEFAULT_MODEL
from tests.capability.models import local_models
from tests.program import Ended, pyagent, write_tasks

pytestmark = pytest.mark.local

# By name: the file, and USD for a million tokens. The worse, the cheaper.
FLEET = {"whole": ("q8", 3.0), "quarter": ("q4", 1.5), "cut": ("cut", 0.5)}
EASY = "What is the capital of Peru?"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the three models after `pyagent capability check` of each."""
    folder = tmp_path_factory.mktemp("fleet")
    files = local_models()
    lines = []
    for name, (file, price) in FLEET.items():
        lines += [f'[models.{name}]\npath = "{files[file]}"\ninput_price = {price}\noutput_price = {price}\n']
    (folder / "config.toml").write_text("".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYAGENT_HOME", str(folder))
        done = pyagent("capability", "check", *FLEET, "--profile", "smoke", "--dims", "know,text", "--json")
    assert done.code == 0, done.err
    assert [row["status"] for row in json.loads(done.out)] == ["valid"] * 3
    return folder


@pytest.fixture(autouse=True)
def at_home(measured: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYAGENT_HOME", str(measured))


def route(prompt: str, quality: float) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(pyagent("--json", "route", prompt, "--quality", str(quality)).out)
    return told


def stated(dim: str) -> dict[str, Any]:
    """The route of a prompt that says itself what it needs."""
    needs = json.dumps({"dims": {dim: 3}})
    told: dict[str, Any] = json.loads(pyagent("--json", "route", "x", "--needs", needs).out)
    return told


def odds(told: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["model"]: row for row in told["candidates"]}


def test_the_table_shows_all_three_with_their_intervals() -> None:
    rows = {row["model"]: row["index"] for row in json.loads(pyagent("--json", "capability", "list").out)}
    assert set(rows) == set(FLEET)
    for index in rows.values():
        assert 0 <= index["low"] <= index["solved"] <= index["high"] <= 1
        assert index["n"] == 12
    # A third of the layers less is much worse, beyond what chance makes of twelve items.
    assert rows["whole"]["low"] > rows["cut"]["solved"]
    assert rows["whole"]["solved"] > rows["quarter"]["solved"] > rows["cut"]["solved"]
    for name in FLEET:
        assert name in pyagent("capability", "show", name).out


def test_much_quality_goes_to_the_better_and_little_to_the_cheaper() -> None:
    strict, lax = route(EASY, 0.95), route(EASY, 0.0)
    assert (strict["model"], lax["model"]) == ("whole", "cut")
    seen = odds(strict)
    assert seen["whole"]["p"] > seen["quarter"]["p"] > seen["cut"]["p"]
    assert seen["whole"]["cost"] > seen["quarter"]["cost"] > seen["cut"]["cost"]
    between = {route(EASY, quality / 20)["model"] for quality in range(6, 18, 2)}
    assert "quarter" in between, "what lies between in price and in ability is chosen in between"


def test_what_was_not_measured_is_trusted_less() -> None:
    assert odds(route(EASY, 0.95))[DEFAULT_MODEL]["lacks"] == ["a measurement"]
    asked, never = (odds(stated(dim))["whole"] for dim in ("know.general", "code.write"))
    assert never["p"] - never["bound"] > asked["p"] - asked["bound"]


def test_a_run_without_a_model_does_just_that(tmp_path: Path) -> None:
    path = write_tasks(tmp_path / "t.jsonl", {"id": "a", "prompt": EASY, "max_tokens": 12})

    def run(quality: str) -> Ended:
        return pyagent("swarm", "run", str(path), "--quality", quality, "--deterministic", "--cache", "off")

    strict, lax = run("0.95"), run("0")
    assert (strict.code, lax.code) == (0, 0), strict.err + lax.err
    assert (strict.lines[0]["model"], lax.lines[0]["model"]) == ("whole", "cut")
    assert strict.lines[0]["cost_usd"] > lax.lines[0]["cost_usd"] > 0
    assert strict.lines[0]["output"] != lax.lines[0]["output"]


def test_the_router_itself_is_measured_and_held_beside_the_best_single_model() -> None:
    done = pyagent("capability", "check", "self:router", "--profile", "smoke", "--dims", "know,text", "--json")
    assert done.code == 0, done.err
    (told,) = json.loads(done.out)
    assert (told["model"], told["status"], told["answers"]) == ("self:router", "valid", 12)
    shown = json.loads(pyagent("--json", "capability", "show", "self:router").out)["beside"]
    assert shown["model"] == "whole"
    assert shown["found"]["n"] == 12
    assert 0 < shown["own"] <= shown["its"]
    # With twelve items of each measured, the better one gets all that matters.
    assert shown["found"]["delta"] == pytest.approx(0.0, abs=0.2)
    assert "beside whole, the best single model" in pyagent("capability", "show", "self:router").out
