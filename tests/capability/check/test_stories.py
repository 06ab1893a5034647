"""Long ways of a check: killed and gone on with, over the end of a week, through PyAgent itself."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pyagent.host.app import App
from pyagent_plugins.capability.check.checker import Checker, week_of
from pyagent_plugins.capability.check.rounds import Rounds
from pyagent_plugins.capability.items.suite import PROFILES
from pyagent_plugins.capability.registry.registry import FILE, Registry
from tests.program import Server, pyagent, start_pyagent

WEEK = week_of(time.time())
Start = Callable[..., Server]
Configure = Callable[..., None]
CHECK = ("capability", "check", "far", "--profile", "smoke", "--dims", "know,text,lang")


def test_a_killed_check_goes_on_where_it_was(oracle: Start, configured: Configure, home: Path) -> None:
    server = oracle("--week", WEEK, "--slow-every", "1", "--slow", "0.4")
    configured(server)
    process = start_pyagent(*CHECK)
    with Registry.open(home / FILE) as registry:
        while not (rows := registry.checks("far")) or rows[0].answered < 5:
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
        process.communicate()
        kept = {outcome.item: outcome.seconds for outcome in registry.outcomes(registry.checks("far")[0].id)}
        done = pyagent(*CHECK, "--json")
        assert done.code == 0, done.err
        now = {outcome.item: outcome.seconds for outcome in registry.outcomes(registry.checks("far")[0].id)}
    assert len(now) == 16
    # The very rows of the killed process: nothing was asked and written again.
    assert kept.items() <= now.items()


def test_a_stopped_check_says_so_and_keeps_what_it_has(oracle: Start, configured: Configure, home: Path) -> None:
    configured(oracle("--week", WEEK, "--slow-every", "1", "--slow", "0.4"))
    process = start_pyagent(*CHECK)
    with Registry.open(home / FILE) as registry:
        while not (rows := registry.checks("far")) or rows[0].answered < 3:
            assert process.poll() is None
            time.sleep(0.05)
    process.terminate()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "what was answered is kept" in err
    assert "Traceback" not in err


def test_a_check_belongs_to_the_week_in_which_it_began(oracle: Start, configured: Configure, home: Path) -> None:
    sunday = datetime(2026, 11, 29, 23, 59, 59, tzinfo=UTC).timestamp()
    configured(oracle("--week", "2026-W48"))
    moments = iter(range(10_000))
    with Registry.open(home / FILE) as registry:
        checker = Checker(registry, PROFILES["smoke"], ["know", "text"], clock=lambda: sunday + next(moments))
        ended = asyncio.run(Rounds(App(), checker).check("far"))
        assert sunday + next(moments) > sunday
        later = Checker(registry, PROFILES["smoke"], ["know", "text"], clock=lambda: sunday + 2)
        assert (ended.week, checker.week, later.week) == ("2026-W48", "2026-W48", "2026-W49")
        assert {cell.week for cell in registry.cells("far")} == {"2026-W48"}
        assert all(cell.solved == 1.0 for cell in ended.cells)


def test_the_week_of_a_moment_is_the_iso_one() -> None:
    assert week_of(datetime(2027, 1, 3, 12, tzinfo=UTC).timestamp()) == "2026-W53"
    assert week_of(datetime(2027, 1, 4, 0, tzinfo=UTC).timestamp()) == "2027-W01"


def test_pyagent_itself_is_measured_through_its_own_pipeline(oracle: Start, configured: Configure) -> None:
    configured(oracle("--week", WEEK, "--wrong", "0.3"))
    dims = ("--profile", "smoke", "--dims", "know,text,tool.select")
    done = pyagent("capability", "check", "self:swarm:far", "far", *dims, "--json")
    assert done.code == 0, done.err
    itself, far = json.loads(done.out)
    assert (itself["model"], far["model"]) == ("self:swarm:far", "far")
    for dim in ("know.general", "text.extract", "text.transform"):
        assert itself["dimensions"][dim]["solved"] == far["dimensions"][dim]["solved"]
    # A task file cannot bring tools of its own.
    assert itself["dimensions"]["tool.select"]["applicable"] is False


def test_fifteen_chosen_items_tell_nearly_what_sixty_do(oracle: Start, configured: Configure, home: Path) -> None:
    monday = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
    configured(oracle("--week", "2026-W48", "--wrong", "0.4"))
    dims = ["know.general", "lang.multi"]
    with Registry.open(home / FILE) as registry:
        few, every = (
            asyncio.run(Rounds(App(), Checker(registry, PROFILES[name], dims, clock=lambda: monday)).check("far"))
            for name in ("adaptive", "weekly")
        )
    assert (few.asked, every.asked) == (30, 120)
    for chosen, whole in zip(few.cells, every.cells, strict=True):
        assert (chosen.dim, chosen.n, whole.n) == (whole.dim, 15, 60)
        assert chosen.low < chosen.solved < chosen.high
        # Within three standard errors of the whole.
        assert abs(chosen.solved - whole.solved) < 3 / 1.96 * (chosen.high - chosen.low) / 2
