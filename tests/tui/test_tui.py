"""The terminal view over real runs of the real program: what is shown is true, and what is pressed happens."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.program import Server, pyagent, start_pyagent, write_tasks

pytest.importorskip("textual", reason="textual is not installed")

from textual.pilot import Pilot
from textual.widgets import DataTable, Input, Sparkline, Static, TabbedContent

from pyagent.run.approvals import Approvals
from pyagent.store.db import Store, alive
from pyagent.store.states import ASKING, FAILED, OK, QUEUED, SKIPPED, WAITING
from pyagent.tui.app import Tui
from pyagent.tui.ask import AskReason, Confirm
from pyagent.tui.grid import Grid
from pyagent.tui.picture import take


class Desk:
    """A folder with a task file, a server, and the view on its runs."""

    def __init__(self, folder: Path, home: Path, url: str) -> None:
        self.folder, self.home, self.url = folder, home, url
        self.started: list[subprocess.Popen[str]] = []

    def words(self, name: str, *more: str) -> list[str]:
        return ["swarm", "run", "tasks.jsonl", "-m", "m", "--base-url", self.url, "--run", name, *more]

    def tasks(self, *tasks: dict[str, Any]) -> None:
        write_tasks(self.folder / "tasks.jsonl", *tasks)

    def run(self, name: str = "r", *more: str) -> int:
        return pyagent(*self.words(name, *more), cwd=self.folder).code

    def start(self, name: str = "r", *more: str) -> subprocess.Popen[str]:
        self.started.append(start_pyagent(*self.words(name, *more), cwd=self.folder))
        return self.started[-1]

    @asynccontextmanager
    async def look(self) -> AsyncIterator[tuple[Tui, Pilot[None]]]:
        with Store.open(self.home / "pyagent.db") as store:
            tui = Tui(store)
            async with tui.run_test(size=(100, 30)) as pilot:
                await pilot.pause()
                yield tui, pilot

    def later(self) -> None:
        """Let eleven seconds pass since the decisions."""
        db = sqlite3.connect(self.home / "pyagent.db")
        with db:
            db.execute("UPDATE approval SET decided = decided - 11, effective = effective - 11")
        db.close()


@pytest.fixture
def desk(tmp_path: Path, home: Path, serve: Callable[..., Server]) -> Any:
    made = Desk(tmp_path, home, serve("--echo", "--latency", "0.05").url)
    yield made
    for process in made.started:
        process.kill()
        process.communicate()


async def until(pilot: Pilot[None], true: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < deadline, f"{what} did not happen"
        await pilot.pause(0.05)
    return value


def shown(tui: Tui, id: str) -> str:
    return str(tui.screen.query_one(id, Static).render())


def rows(tui: Tui, id: str) -> list[list[str]]:
    table: DataTable[str] = tui.query_one(id, DataTable)
    return [[str(cell) for cell in table.get_row_at(n)] for n in range(table.row_count)]


def story(tell: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(tell(), 120))  # type: ignore[arg-type]


def test_a_run_of_another_process_is_seen_live_from_the_list_to_the_words_of_one_agent(desk: Desk) -> None:
    desk.tasks(*({"id": f"t{n}", "prompt": f"say {n}"} for n in range(40)))

    async def tell() -> None:
        process = desk.start("live", "-j", "2")
        async with desk.look() as (tui, pilot):
            await until(pilot, lambda: tui.feed.board is not None, "a run")
            board = tui.feed.board
            assert board is not None
            assert board.total == 40
            # In the making: some are done, some asked, the rest is queued.
            await until(pilot, lambda: board.counts()[OK] and board.counts()[ASKING] and board.counts()[QUEUED], "work")
            assert rows(tui, "#run-table")[0][:2] == ["live", "running"]
            await until(pilot, lambda: process.poll() is not None and board.counts()[OK] == 40, "the end")
            await pilot.press("enter")
            assert tui.query_one(TabbedContent).active == "swarm"
            await until(pilot, lambda: "■ 40 ok" in shown(tui, "#swarm-head"), "40 cells")
            await pilot.press("right", "right", "enter")
            id = board.id(2)
            await until(pilot, lambda: id in shown(tui, "#stream-head"), "the task")
            number = id.removeprefix("t")
            await until(pilot, lambda: f"> say {number}\n\nsay {number}" in shown(tui, "#stream-text"), "its words")
            await pilot.press("5")
            await until(pilot, lambda: rows(tui, "#stats-models"), "statistics")
            assert rows(tui, "#stats-models")[0][:3] == ["m", "40", "0"]
            assert sum(tui.query_one(Sparkline).data or ()) == 40
            await pilot.press("1")
            await until(pilot, lambda: rows(tui, "#run-table")[0][1:3] == ["finished", "40/40"], "the list")

    story(tell)


def test_a_timer_that_fires_while_the_view_closes_finds_nothing_to_paint(desk: Desk) -> None:
    desk.tasks({"id": "a", "prompt": "say a"})
    assert desk.run() == 0

    async def tell() -> None:
        async with desk.look() as (tui, pilot):
            await until(pilot, lambda: rows(tui, "#run-table"), "the run")
            await pilot.press("q")
            await until(pilot, lambda: not tui.is_running, "the end")
        tui._tick()
        tui._paint_front()

    story(tell)


def test_a_person_decides_with_one_key_and_the_run_that_waited_goes_on(desk: Desk) -> None:
    desk.tasks(*({"id": id, "prompt": f"say {id}", "approve": True} for id in ("a", "b", "c")))

    async def tell() -> None:
        Store.open(desk.home / "pyagent.db").close()
        async with desk.look() as (tui, pilot):
            approvals = Approvals(tui.feed.store)
            # The view is open, so the run stays.
            process = desk.start()
            await until(pilot, lambda: len(tui.feed.deck) == 3 and tui.feed.runs[0].status == "waiting", "questions")
            await pilot.press("4")
            await until(pilot, lambda: "say a" in shown(tui, "#deck-text"), "the first question")
            first, second, third = tui.feed.deck
            await pilot.press("a")
            await until(pilot, lambda: approvals.get(first.id).state == "approved", "the approval")
            await until(pilot, lambda: "u takes it back" in shown(tui, "#deck-said"), "the offer to undo")
            await pilot.press("u")
            await until(pilot, lambda: approvals.get(first.id).state == "waiting", "the undoing")
            await pilot.press("a")
            await until(pilot, lambda: approvals.get(first.id).state == "approved", "the approval")
            await pilot.press("r")
            await until(pilot, lambda: isinstance(tui.screen, AskReason), "the question why")
            await pilot.press("enter")
            assert isinstance(tui.screen, AskReason), "a rejection needs a reason"
            tui.screen.query_one(Input).value = "not so"
            await pilot.press("enter")
            await until(pilot, lambda: approvals.get(second.id).state == "rejected", "the rejection")
            await pilot.press("l")
            await until(pilot, lambda: approvals.get(third.id).state == "later", "the delay")
            await pilot.press("e")
            await until(pilot, lambda: approvals.get(third.id).state == "escalated", "the escalation")
            desk.later()
            await until(pilot, lambda: tui.feed.deck and tui.feed.deck[0].admin, "the administrator's turn")
            # Escalated without a better model it is of high risk: one key does not approve it.
            await pilot.press("a")
            await until(pilot, lambda: isinstance(tui.screen, Confirm), "the second question")
            await pilot.press("n")
            await pilot.pause()
            assert approvals.get(third.id).open
            await pilot.press("a")
            await until(pilot, lambda: isinstance(tui.screen, Confirm), "the second question")
            await pilot.press("y")
            await until(pilot, lambda: approvals.get(third.id).state == "approved", "the approval")
            desk.later()
            await until(pilot, lambda: process.poll() is not None, "the end")
            await until(pilot, lambda: tui.feed.board and tui.feed.board.counts()[OK] == 2, "two good ones")
            assert tui.feed.board is not None
            assert tui.feed.board.counts()[FAILED] == 1
        assert not Approvals(Store.open(desk.home / "pyagent.db")).watched()

    story(tell)


def test_pause_go_on_and_stop_all_reach_the_processes(desk: Desk) -> None:
    desk.tasks(*({"id": str(n), "prompt": f"say {n}"} for n in range(400)))

    async def tell() -> None:
        one, two = desk.start("one", "-j", "1"), desk.start("two", "-j", "1")
        async with desk.look() as (tui, pilot):
            await until(pilot, lambda: sum(line.alive for line in tui.feed.runs) == 2, "two runs")
            chosen = tui.current
            assert chosen is not None
            await pilot.press("p")
            await until(pilot, lambda: tui.current and tui.current.status == "paused", "the pause")
            board = tui.feed.board
            await until(pilot, lambda: board and board.counts()[ASKING] == 0, "the calls in flight")
            await pilot.press("g")
            await until(pilot, lambda: tui.current and tui.current.status == "running", "the going on")
            await pilot.press("S")
            await until(pilot, lambda: isinstance(tui.screen, Confirm), "the question")
            await pilot.press("y")
            await until(pilot, lambda: one.poll() is not None and two.poll() is not None, "the end of both")
            await until(pilot, lambda: {line.status for line in tui.feed.runs} == {"stopped"}, "the list")
            assert one.returncode == two.returncode == 143

    story(tell)


def test_the_run_that_a_person_chose_stays_chosen_when_the_list_is_painted_anew(desk: Desk) -> None:
    desk.tasks({"id": "a", "prompt": "say a"})
    assert desk.run("one") == desk.run("two") == 0

    async def tell() -> None:
        async with desk.look() as (tui, pilot):
            await pilot.press("down")
            await until(pilot, lambda: tui.current and tui.current.row.name == "one", "the choice")
            board = tui.feed.board
            assert desk.run("three") == 0
            await until(pilot, lambda: len(rows(tui, "#run-table")) == 3, "the third run")
            await pilot.pause()
            # Not even for a moment: a key would have reached another run, and its journal been read again.
            assert tui.feed.board is board

    story(tell)


def test_a_run_that_ended_is_begun_again_by_its_own_command(desk: Desk) -> None:
    desk.tasks(
        {"id": "a", "prompt": "say a", "approve": True}, {"id": "b", "prompt": "say {{ results.a }}", "after": "a"}
    )
    assert desk.run() == 5

    async def tell() -> None:
        async with desk.look() as (tui, pilot):
            await until(pilot, lambda: len(tui.feed.deck) == 1, "the question")
            await pilot.press("4", "a")
            await until(pilot, lambda: not tui.feed.deck, "the decision")
            desk.later()
            await pilot.press("g")
            await until(pilot, lambda: tui.current and tui.current.status == "finished", "the end")
            assert tui.feed.text("r", "b") == "say say a"
            assert not alive(tui.feed.runs[0].row.pid)

    story(tell)


def test_an_empty_store_a_hostile_answer_and_a_narrow_terminal_are_shown_as_they_are(desk: Desk) -> None:
    Store.open(desk.home / "pyagent.db").close()

    async def empty() -> None:
        async with desk.look() as (tui, pilot):
            assert "No runs yet" in shown(tui, "#run-reason")
            for key in ("2", "3", "4", "5", "a", "u", "p", "g", "s", "S", "1"):
                await pilot.press(key)
            await pilot.pause()
            assert tui.is_running

    story(empty)
    desk.tasks({"id": "[red]x", "prompt": "[b]bold[/] \x1b[31mred\x1b]0;title\x07 [/nope]", "approve": True})
    assert desk.run() == 5

    async def hostile() -> None:
        async with desk.look() as (tui, pilot):
            await pilot.resize_terminal(24, 8)
            await pilot.press("4")
            await until(pilot, lambda: "[b]bold[/] red [/nope]" in shown(tui, "#deck-text"), "the text as it is")
            assert "\x1b" not in shown(tui, "#deck-text")
            assert rows(tui, "#deck-table")[0][2] == "[red]x"

    story(hostile)


def test_what_a_killed_process_was_asking_is_queued_and_the_run_is_dead(desk: Desk) -> None:
    desk.tasks(*({"id": str(n), "prompt": f"say {n}"} for n in range(200)))

    async def tell() -> None:
        process = desk.start("r", "-j", "1")
        async with desk.look() as (tui, pilot):
            await until(pilot, lambda: tui.feed.board and tui.feed.board.counts()[ASKING], "work")
            process.kill()
            process.wait()
            await until(pilot, lambda: tui.feed.runs[0].status == "dead", "the death")
            board = tui.feed.board
            assert board is not None
            assert board.counts()[ASKING] == 0
            assert sum(board.counts()) == 200

    story(tell)


def test_the_grid_shows_each_state_with_a_form_and_the_table_the_same(desk: Desk) -> None:
    desk.tasks(
        {"id": "ok", "prompt": "fine"},
        {"id": "wait", "prompt": "wait", "approve": True},
        {"id": "bad", "prompt": "no", "schema": {"type": "integer"}},
        {"id": "skip", "prompt": "x", "after": ["bad"]},
    )
    assert desk.run("r", "--repairs", "0") == 5

    async def tell() -> None:
        async with desk.look() as (tui, pilot):
            await pilot.press("2")
            await until(pilot, lambda: "? 1 waiting for a person" in shown(tui, "#swarm-head"), "the head")
            board = tui.feed.board
            assert board is not None
            assert (board.counts()[OK], board.counts()[WAITING], board.counts()[FAILED]) == (1, 1, 1)
            assert board.counts()[SKIPPED] + board.counts()[QUEUED] == 1
            cells = tui.query_one(Grid).render_line(0).text.split()
            assert sorted(cells[:3]) == sorted("■?x")
            await pilot.press("t")
            await until(pilot, lambda: rows(tui, "#swarm-table"), "the table")
            assert ["ok", "ok"] in [row[1:] for row in rows(tui, "#swarm-table")]

    story(tell)


def test_pictures_for_the_docs_need_no_terminal(desk: Desk, tmp_path: Path) -> None:
    desk.tasks({"id": "a", "prompt": "say a", "approve": True})
    assert desk.run() == 5
    with Store.open(desk.home / "pyagent.db") as store:
        made = asyncio.run(take(store, tmp_path / "pictures", "r"))
    assert [path.name for path in made] == ["runs.svg", "swarm.svg", "stream.svg", "deck.svg", "stats.svg"]
    assert "Approvals" in made[3].read_text()
    assert "Reject" in made[3].read_text()


def test_without_a_terminal_it_says_what_to_do_instead() -> None:
    ended = pyagent("tui")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines()[0] == "error: pyagent tui needs a terminal"
