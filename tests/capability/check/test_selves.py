"""PyAgent itself as what is measured: its router without anything to route by, its tools, its sandbox."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from pyagent_plugins.capability.check import forbidden
from pyagent_plugins.capability.check.checker import week_of
from pyagent_plugins.capability.check.selves import task_of
from pyagent_plugins.capability.items import sandbox
from pyagent_plugins.capability.items.suite import PROFILES, build, items
from pyagent_plugins.capability.registry.registry import Registry
from tests.program import Server, pyagent

WEEK = week_of(time.time())
Start = Callable[..., Server]
Configure = Callable[..., None]


def test_a_router_that_has_nothing_to_go_by_says_so(oracle: Start, configured: Configure) -> None:
    configured(oracle("--week", WEEK))
    done = pyagent("capability", "check", "self:router")
    assert done.code == 4
    assert "no model was measured" in done.err
    assert "Traceback" not in done.err


def test_the_router_sends_questions_to_whom_it_measured(oracle: Start, configured: Configure) -> None:
    configured(oracle("--week", WEEK))
    dims = ("--profile", "smoke", "--dims", "know,lang", "--json")
    assert pyagent("capability", "check", "far", *dims).code == 0
    (told,) = json.loads(pyagent("capability", "check", "self:router", *dims).out)
    assert {dim: row["solved"] for dim, row in told["dimensions"].items()} == {"know.general": 1.0, "lang.multi": 1.0}
    assert told["cost_usd"] > 0


def test_questions_get_the_tool_that_helps_with_them(oracle: Start, configured: Configure) -> None:
    math = [build(item) for item in items(PROFILES["smoke"], WEEK, ["reason.math"])]
    assert {tuple(task_of("a", question, tools=True)["tools"]) for question in math} == {("calculator",)}
    assert "tools" not in task_of("a", math[0])
    configured(oracle("--week", WEEK))
    done = pyagent(
        "capability", "check", "self:tools:far", "--profile", "smoke", "--dims", "reason.math,know", "--json"
    )
    assert done.code == 0, done.err
    (told,) = json.loads(done.out)
    assert told["dimensions"]["reason.math"]["solved"] == 1.0
    assert told["dimensions"]["know.general"]["applicable"] is False


def test_the_sandbox_refuses_what_no_answer_needs(registry: Registry) -> None:
    told = pyagent("capability", "check", "self:sandbox", "--json")
    assert told.code == 0, told.err
    (ended,) = json.loads(told.out)
    assert ended["ops"] == {"op.refused": 1.0}
    assert ended["answers"] == len(forbidden.PROGRAMS)
    assert pyagent("capability", "show", "self:sandbox").code == 0
    assert registry.alerts("self:sandbox") == []


def test_a_program_that_wants_nothing_forbidden_is_let_through() -> None:
    """The measure itself can fail: what is allowed gets what it wants."""
    (result,) = sandbox.run(f"def act():\n    open('own', 'w').write('x')\n    return {forbidden.GOT!r}\n", "act", [[]])
    assert result == {"value": forbidden.GOT}
