"""A run whose tasks wait for a person: it goes on with the rest, loses nothing, and asks nothing twice."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pyagent.run.approvals import Approvals
from pyagent.store.db import Store
from tests.program import Ended, Server, pyagent, servers, start_pyagent, until, write_tasks

CALLER = Path(__file__).resolve().parents[1] / "servers" / "caller.py"
# A plugin whose tool leaves a line each time it runs; a file `slow` makes it hang, a file `fail` makes it fail.
WIPE = """
import asyncio, pathlib
from pyagent.engine.base import Tool, ToolSpec
from pyagent.errors import ToolError
from pyagent.host.hookspecs import hookimpl

PYAGENT_API = 1
HERE = pathlib.Path(__file__).parent
SPEC = ToolSpec("wipe", "Wipe a disk.", {"type": "object", "properties": {"name": {"type": "string"}},
                "required": ["name"], "additionalProperties": False})

async def run(arguments):
    with open(HERE / "wiped", "a") as file:
        print(arguments["name"], file=file)
    while (HERE / "slow").exists():
        await asyncio.sleep(0.05)
    return f"wiped {arguments['name']}"

@hookimpl
def pyagent_tools(context):
    return [Tool(SPEC, run, annotations={"destructiveHint": True})]
"""


class Bench:
    """A folder with a task file, a server, and the words of a person at the shell."""

    def __init__(self, folder: Path, home: Path, url: str) -> None:
        self.folder, self.home, self.url = folder, home, url

    def tasks(self, *tasks: dict[str, Any]) -> Path:
        return write_tasks(self.folder / "tasks.jsonl", *tasks)

    def words(self, *more: str) -> list[str]:
        return ["swarm", "run", "tasks.jsonl", "-m", "m", "--base-url", self.url, "--run", "r", *more]

    def run(self, *more: str) -> Ended:
        return pyagent(*self.words(*more), cwd=self.folder)

    def start(self, *more: str) -> subprocess.Popen[str]:
        return start_pyagent(*self.words(*more), cwd=self.folder)

    def say(self, *words: str) -> Ended:
        return pyagent("swarm", "approve", *words, cwd=self.folder)

    def decide(self, id: str, verb: str = "approve", reason: str = "") -> None:
        """The same without a process of its own: what the words at the shell do is told in stories that use `say`."""
        with Store.open(self.db) as store:
            Approvals(store).decide(id, verb, reason)

    @property
    def db(self) -> Path:
        return self.home / "pyagent.db"

    def waiting(self) -> list[dict[str, Any]]:
        with Store.open(self.db) as store:
            return [each.line() for each in Approvals(store).waiting()]

    def later(self) -> None:
        """Let eleven seconds pass since the decisions."""
        with sqlite3.connect(self.db) as db:
            db.execute("UPDATE approval SET decided = decided - 11, effective = effective - 11")
        db.close()

    def status(self) -> str:
        with Store.open(self.db) as store:
            row = store.run("r")
        return row.status if row else ""

    def events(self, kind: str) -> list[Any]:
        with Store.open(self.db) as store:
            return [event.data for event in store.events("r") if event.kind == kind]


@pytest.fixture
def bench(tmp_path: Path, home: Path, serve: Callable[..., Server]) -> Bench:
    """Against the stub, which echoes the last message."""
    server = serve("--echo", "--keep")
    made = Bench(tmp_path, home, server.url)
    made.count = lambda: server.count()["prompts"]  # type: ignore[attr-defined]
    return made


@pytest.fixture
def wiper(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Bench]]:
    """Against a model that calls the tool `wipe`, which a plugin installed in the folder brings."""
    site = tmp_path / "site"
    info = site / "wipe-0.1.dist-info"
    info.mkdir(parents=True)
    (site / "wipe_plugin.py").write_text(WIPE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wipe\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[pyagent]\nwipe = wipe_plugin\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.setenv("PYAGENT_APPROVALS__TOOLS", "destructiveHint")
    with servers(CALLER) as start:

        def begin(*options: str) -> Bench:
            server = start(*options)
            made = Bench(tmp_path, home, server.url)
            made.count = lambda: server.count()["requests"]  # type: ignore[attr-defined]
            made.wiped = lambda: (site / "wiped").read_text().split() if (site / "wiped").exists() else []  # type: ignore[attr-defined]
            made.site = site  # type: ignore[attr-defined]
            return made

        yield begin


def test_the_rest_goes_on_and_after_the_decisions_the_run_does_too_without_asking_twice(bench: Any) -> None:
    bench.tasks(
        {"id": "a", "prompt": "red"},
        {"id": "b", "prompt": "green", "approve": True},
        {"id": "c", "prompt": "after {{ results.b }}", "after": ["b"]},
        {"id": "d", "prompt": "blue", "approve": True},
        {"id": "e", "prompt": "after {{ results.d }}", "after": ["d"]},
    )
    first = bench.run()
    assert (first.code, [line["id"] for line in first.lines]) == (5, ["a"])
    assert "2 tasks wait for a person" in first.err
    assert "pyagent swarm approve" in first.err
    assert bench.status() == "waiting"
    b, d = bench.waiting()
    assert (b["task"], b["kind"], b["title"], b["detail"], b["risk"]) == ("b", "answer", "green", "green", "low")
    # Nobody has decided: the same again, and nobody is asked anything.
    assert bench.run().code == 5
    assert bench.count() == {"red": 1, "green": 1, "blue": 1}
    assert bench.say(b["id"]).code == 0
    assert bench.say(d["id"], "--reject", "--reason", "too blue").code == 0
    bench.later()
    second = bench.run()
    results = {line["id"]: line for line in second.lines}
    assert second.code == 1
    assert {id: line["status"] for id, line in results.items()} == {
        "a": "ok", "b": "ok", "c": "ok", "d": "failed", "e": "skipped",
    }  # fmt: skip
    assert (results["c"]["output"], results["d"]["error"]) == ("after green", "rejected: too blue")
    assert results["d"]["usage"]["output_tokens"] > 0
    assert bench.count() == {"red": 1, "green": 1, "blue": 1, "after green": 1}
    assert [(data["verb"], data["status"]) for data in bench.events("approval.applied")] == [
        ("approve", "ok"),
        ("reject", "failed"),
    ]
    assert bench.status() == "finished"
    assert sorted(line["id"] for line in bench.run().lines) == ["a", "b", "c", "d", "e"]
    assert sum(bench.count().values()) == 4


def test_a_failed_task_asked_again_waits_again_with_another_answer_on_another_card(bench: Any) -> None:
    bench.tasks({"id": "a", "prompt": "red", "approve": True})
    bench.run()
    first = bench.waiting()[0]["id"]
    bench.decide(first, "reject", "no")
    bench.later()
    assert bench.run().code == 1
    assert bench.run("--rerun", "failed").code == 5
    assert bench.count() == {"red": 2}
    assert bench.waiting()[0]["id"] != first


def test_a_killed_run_keeps_its_drafts_and_decisions(bench: Any) -> None:
    bench.tasks(*({"id": str(n), "prompt": f"p{n}", "approve": True} for n in range(20)))
    process = bench.start("--wait")
    until(lambda: bench.status() == "waiting")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert len(bench.waiting()) == 20
    assert bench.say("--all").code == 0
    bench.later()
    ended = bench.run()
    assert (ended.code, len(ended.lines)) == (0, 20)
    assert set(bench.count().values()) == {1}


def test_a_run_that_is_watched_stays_and_goes_on_when_somebody_decides(bench: Any) -> None:
    bench.tasks({"id": "a", "prompt": "red", "approve": True}, {"id": "b", "prompt": "blue", "approve": True})
    with Store.open(bench.db) as store:
        approvals = Approvals(store)
        approvals.watch("tui")
        process = bench.start()
        until(lambda: bench.status() == "waiting" and approvals.count() == 2)
        approvals.decide(approvals.waiting()[0].id, "approve", by="ada")
        bench.later()
        until(lambda: (store.run("r") or store.runs()[0]).done.get("ok") == 1)
        assert process.poll() is None
        approvals.unwatch("tui")
    out, err = process.communicate(timeout=60)
    # Nobody watches any more, and one is left.
    assert (process.returncode, len(out.splitlines())) == (5, 1)
    assert "1 task waits for a person" in err


def test_a_decision_on_its_way_is_waited_for_and_undo_ends_that(bench: Any) -> None:
    bench.tasks({"id": "a", "prompt": "red", "approve": True})
    bench.run()
    id = bench.waiting()[0]["id"]
    said = bench.say(id)
    assert f"{id} approved, with effect at" in said.out
    process = bench.start()
    until(lambda: bench.status() == "waiting")
    assert bench.say(id, "--undo").out == f"{id} waits again\n"
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (5, "")
    assert bench.count() == {"red": 1}


def test_an_approved_tool_runs_once_and_the_talk_goes_on_where_it_was(wiper: Callable[..., Any]) -> None:
    bench = wiper("--calls", "2")
    bench.tasks({"id": "a", "prompt": "disk", "tools": ["wipe"]})
    assert bench.run().code == 5
    first, second = bench.waiting()
    assert (first["kind"], first["title"], first["risk"]) == ("tool", 'wipe(name="disk-0")', "high")
    assert first["data"]["arguments"] == {"name": "disk-0"}
    # What is of high risk has to be named.
    assert "left out" in bench.say("--all").err
    bench.decide(first["id"])
    bench.later()
    assert bench.run().code == 5
    assert (bench.count(), bench.wiped()) == (1, [])
    bench.decide(second["id"])
    bench.later()
    ended = bench.run()
    assert ended.code == 0, ended.err
    assert ended.lines[0]["output"] == "m: wiped disk-1"
    assert ended.lines[0]["usage"] == {"input_tokens": 40, "output_tokens": 8}
    assert (bench.count(), sorted(bench.wiped())) == (2, ["disk-0", "disk-1"])


def test_a_call_whose_outcome_a_kill_took_is_a_person_s_to_repeat(wiper: Callable[..., Any]) -> None:
    bench = wiper()
    bench.tasks({"id": "a", "prompt": "disk", "tools": ["wipe"]})
    bench.run()
    bench.decide(bench.waiting()[0]["id"])
    bench.later()
    (bench.site / "slow").touch()
    process = bench.start()
    until(lambda: bench.wiped() == ["disk-0"])
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (bench.site / "slow").unlink()
    assert bench.run().code == 5
    again = bench.waiting()[0]
    assert (again["title"], again["risk"]) == ('again: wipe(name="disk-0")', "high")
    assert bench.wiped() == ["disk-0"]
    bench.decide(again["id"], "reject", "once is enough")
    bench.later()
    ended = bench.run()
    assert ended.lines[0]["error"] == "rejected: once is enough"
    assert (bench.wiped(), bench.count()) == (["disk-0"], 1)


def test_a_task_that_may_cost_too_much_is_not_asked_before_a_person_agrees(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bench.folder / "pyagent.toml").write_text(
        f'[providers.p]\nbase_url = "{bench.url}"\n[models.m]\nprovider = "p"\ninput_price = 1\noutput_price = 10\n'
    )
    pyagent("trust", cwd=bench.folder)
    monkeypatch.setenv("PYAGENT_APPROVALS__COST_USD", "0.001")
    bench.tasks({"id": "small", "prompt": "red", "max_tokens": 16}, {"id": "large", "prompt": "blue"})
    words = ["swarm", "run", "tasks.jsonl", "-m", "m", "--run", "r"]
    dry = pyagent("--json", *words, "--dry-run", cwd=bench.folder)
    assert json.loads(dry.out)["waits"]["cost"] == ["large"]
    assert pyagent(*words, cwd=bench.folder).code == 5
    assert bench.count() == {"red": 1}
    asked = bench.waiting()[0]
    assert (asked["kind"], asked["risk"]) == ("cost", "medium")
    assert "up to $0.005" in asked["title"]
    bench.decide(asked["id"])
    bench.later()
    assert pyagent(*words, cwd=bench.folder).code == 0
    assert bench.count() == {"red": 1, "blue": 1}


def test_an_escalated_answer_is_made_by_a_better_model_and_shown_again(
    wiper: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = wiper()
    monkeypatch.setenv("PYAGENT_APPROVALS__ESCALATE_TO", "large")
    (bench.folder / "pyagent.toml").write_text(
        f'[providers.p]\nbase_url = "{bench.url}"\n[models.m]\nprovider = "p"\n[models.large]\nprovider = "p"\n'
    )
    pyagent("trust", cwd=bench.folder)
    words = ["swarm", "run", "tasks.jsonl", "-m", "m", "--run", "r"]
    bench.tasks({"id": "a", "prompt": "red", "approve": True})
    assert pyagent(*words, cwd=bench.folder).code == 5
    bench.say(bench.waiting()[0]["id"], "--escalate")
    bench.later()
    assert pyagent(*words, cwd=bench.folder).code == 5
    again = bench.waiting()[0]
    assert (again["detail"], again["data"]["model"]) == ("large: red", "large")
    # Nobody is better than the better one: an administrator has to look.
    bench.decide(again["id"], "escalate")
    bench.later()
    assert pyagent(*words, cwd=bench.folder).code == 5
    last = bench.waiting()[0]
    assert (last["id"], last["admin"], last["risk"]) == (again["id"], True, "high")
    bench.decide(last["id"])
    bench.later()
    ended = pyagent(*words, cwd=bench.folder)
    assert (ended.code, ended.lines[0]["model"], ended.lines[0]["output"]) == (0, "large", "large: red")
    assert bench.count() == 2


def test_fail_fast_and_a_budget_end_a_run_that_has_approvals(bench: Any) -> None:
    bench.tasks(
        {"id": "a", "prompt": "red", "approve": True},
        {"id": "b", "prompt": "blue", "schema": {"type": "integer"}},
    )
    ended = bench.run("--fail-fast", "--repairs", "0")
    assert ended.code == 1
    assert "task b failed" in ended.err
    assert [each["task"] for each in bench.waiting()] == ["a"]
    bench.tasks({"id": "a", "prompt": "red", "approve": True}, {"id": "c", "prompt": "green"})
    assert bench.run("--max-tokens", "40").code == 3
    assert [each["task"] for each in bench.waiting()] == ["a"]


def test_an_edited_file_takes_its_questions_back(bench: Any) -> None:
    bench.tasks({"id": "a", "prompt": "red", "approve": True}, {"id": "b", "prompt": "blue", "approve": True})
    bench.run()
    # One task is gone, the other needs nobody any more: its answer is there already.
    bench.tasks({"id": "a", "prompt": "red"})
    ended = bench.run()
    assert (ended.code, ended.lines[0]["output"]) == (0, "red")
    assert bench.waiting() == []
    assert bench.count() == {"red": 1, "blue": 1}


def test_each_shard_waits_for_its_own(bench: Any) -> None:
    bench.tasks(*({"id": str(n), "prompt": f"p{n}", "approve": True} for n in range(4)))
    words = ["swarm", "run", "tasks.jsonl", "-m", "m", "--base-url", bench.url]
    assert pyagent(*words, "--shard", "1/2", cwd=bench.folder).code == 5
    assert pyagent(*words, "--shard", "2/2", cwd=bench.folder).code == 5
    with Store.open(bench.db) as store:
        runs = [row.id for row in store.runs()]
        assert [Approvals(store).count(run) for run in runs] == [2, 2]


def test_a_dry_run_names_what_will_wait(wiper: Callable[..., Any]) -> None:
    bench = wiper()
    bench.tasks({"id": "a", "prompt": "red", "approve": True}, {"id": "b", "prompt": "disk", "tools": ["wipe"]})
    ended = bench.run("--dry-run")
    assert "1 will wait for a person with their answer: a" in ended.out
    assert "1 will wait for a person when they call a tool that needs one: b" in ended.out
    assert bench.count() == 0


def test_a_task_that_votes_is_told_that_its_calls_cannot_wait(wiper: Callable[..., Any]) -> None:
    bench = wiper()
    bench.tasks({"id": "a", "prompt": "disk", "tools": ["wipe"], "samples": 2, "temperature": 1})
    ended = bench.run()
    assert ended.code == 0
    assert "needs a person's consent" in ended.lines[0]["output"]
    assert bench.wiped() == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--reject", "x"], "--reject needs a reason"),
        (["x", "--later", "--undo"], "--later and --undo do not go together"),
        (["--all", "x"], "--all and ids do not go together"),
        (["x"], "there is no approval 'x'"),
        (["--escalate"], "--escalate needs an id"),
        (["--list", "--run", "nobody"], "nobody"),
    ],
)
def test_wrong_words_get_one_clear_line(words: list[str], told: str) -> None:
    ended = pyagent("swarm", "approve", *words)
    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err
    assert "Traceback" not in ended.err
