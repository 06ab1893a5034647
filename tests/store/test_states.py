"""What every view shows of a run, from the journals of real runs: the state of each task, and the run in a list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pyagent.store.db import Store
from pyagent.store.lines import Lines
from pyagent.store.states import NAMES, States
from pyagent.store.views import Views
from tests.program import Server, pyagent, start_pyagent, until, write_tasks


def test_each_state_and_each_sum_is_read_from_the_journal(
    tmp_path: Path, home: Path, serve: Callable[..., Server]
) -> None:
    url = serve("--echo").url
    asked = {"prompt": "green"}
    write_tasks(
        tmp_path / "t.jsonl",
        {"id": "first", **asked},
        {"id": "again", **asked},
        {"id": "ask", "prompt": "red", "approve": True},
        {"id": "bad", "prompt": "no", "schema": {"type": "integer"}},
        {"id": "never", "prompt": "x", "after": ["bad"]},
    )
    words = ["swarm", "run", "t.jsonl", "-m", "m", "--base-url", url, "--run", "r", "--repairs", "0", "-j", "1"]
    assert pyagent(*words, cwd=tmp_path).code == 5
    with Store.open(home / "pyagent.db") as store:
        views, lines = Views(store), Lines()
        (line,) = lines.all(views)
        states = States.load(views, line.row.id)
        said = {id: NAMES[states.at(n)] for n, id in enumerate(states.ids)}
        assert said == {"first": "ok", "again": "reused", "ask": "waiting", "bad": "failed", "never": "skipped"}
        assert (sum(states.counts()), len(states.whole()), states.total) == (5, 5, 5)
        assert (states.id(9), states.at(9), states.number("nobody")) == ("", 0, None)
        assert (line.status, line.waiting, line.alive, line.done) == ("waiting", 1, False, 4)
        # What was read already changes nothing; of an ended run nothing is added up again.
        assert states.fold(views.states(line.row.id)) == {}
        assert lines.of(views, line.row) == line


def test_a_killed_run_is_dead_and_what_it_asked_is_queued(
    tmp_path: Path, home: Path, serve: Callable[..., Server]
) -> None:
    write_tasks(tmp_path / "t.jsonl", *({"id": str(n), "prompt": f"say {n}"} for n in range(20)))
    url = serve("--echo", "--latency", "30").url
    process = start_pyagent("swarm", "run", "t.jsonl", "-m", "m", "--base-url", url, "--run", "r", cwd=tmp_path)
    with Store.open(home / "pyagent.db") as store:
        views, lines = Views(store), Lines()
        until(lambda: (row := views.run("r")) and States.load(views, row.id).asking)
        (line,) = lines.all(views)
        assert (line.status, line.alive) == ("running", True)
        states = States.load(views, line.row.id)
        process.kill()
        process.communicate()
        (line,) = lines.all(views)
        assert (line.status, line.alive) == ("dead", False)
        assert set(states.lost().values()) == {0}
        assert States.load(views, line.row.id).counts() == [20, 0, 0, 0, 0, 0, 0]
