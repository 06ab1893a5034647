"""What persons say is durable at once, exactly once, and can be undone while it has no effect."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pyagent.engine.base import Tool, ToolSpec
from pyagent.errors import UsageError
from pyagent.run.approvals import AlreadyDecided, Approval, Approvals, NoSuchApproval, question
from pyagent.run.policy import Policy, danger_of
from pyagent.store.db import Store


@pytest.fixture
def approvals(tmp_path: Path) -> Approvals:
    return Approvals(Store.open(tmp_path / "pyagent.db"))


def ask(approvals: Approvals, task: str = "t", **more: Any) -> Approval:
    said = {"kind": "answer", "title": task, "detail": "the answer", "risk": "low", **more}
    approval, row = question("run", task, "ab" * 32, int.from_bytes(task.encode(), "big"), **said)
    approvals.ask(row)
    return approval


def later(approvals: Approvals, seconds: float = 11) -> None:
    """Let time pass: what was decided was decided longer ago."""
    with approvals.store.write() as db:
        db.execute("UPDATE approval SET decided = decided - ?, effective = effective - ?", (seconds, seconds))


def kinds(approvals: Approvals) -> list[str]:
    return [event.kind for event in approvals.store.events("run")]


def test_a_decision_is_there_for_the_next_process_and_has_its_effect_ten_seconds_later(approvals: Approvals) -> None:
    asked = ask(approvals)
    said = approvals.decide(asked.id, "approve", by="ada").decision
    assert said is not None
    assert round(said.effective_at - said.at) == 10
    again = Approvals(Store.open(approvals.store.path))
    found = again.get(asked.id)
    assert (found.state, found.decision) == ("approved", said)
    assert again.applicable("run") == []
    assert again.pending("run")
    later(approvals)
    assert [each.id for each in again.applicable("run")] == [asked.id]
    assert kinds(approvals) == ["approval.decided"]


def test_of_many_who_decide_at_once_one_wins_and_the_others_learn_of_it(approvals: Approvals) -> None:
    asked = ask(approvals)
    told: Counter[str] = Counter()
    gate = threading.Barrier(8)

    def decide(verb: str) -> None:
        mine = Approvals(Store.open(approvals.store.path))
        gate.wait()
        try:
            told[mine.decide(asked.id, verb, by=verb).state] += 1
        except AlreadyDecided:
            told["refused"] += 1

    people = [threading.Thread(target=decide, args=(verb,)) for verb in ("approve", "reject") * 4]
    for person in people:
        person.start()
    for person in people:
        person.join()
    # The same word again is no second decision: whoever agrees with the winner is told that it stands.
    assert told in ({"approved": 4, "refused": 4}, {"rejected": 4, "refused": 4})
    assert kinds(approvals) == ["approval.decided"]


def test_undo_restores_the_question_until_the_decision_has_its_effect(approvals: Approvals) -> None:
    asked = ask(approvals)
    for verb in ("approve", "reject", "escalate", "later"):
        approvals.decide(asked.id, verb, "why")
        assert approvals.undo(asked.id, "ada") == approvals.waiting("run")[0]
    assert approvals.get(asked.id) == asked
    with pytest.raises(AlreadyDecided, match="is not decided"):
        approvals.undo(asked.id)
    approvals.decide(asked.id, "reject", "no")
    later(approvals)
    with pytest.raises(AlreadyDecided, match="has taken effect"):
        approvals.undo(asked.id)
    with pytest.raises(AlreadyDecided, match="already rejected"):
        approvals.decide(asked.id, "approve")


def test_what_is_put_off_comes_last_and_can_still_be_decided(approvals: Approvals) -> None:
    first, second = ask(approvals, "a"), ask(approvals, "b")
    approvals.decide(first.id, "later")
    assert [(each.id, each.state) for each in approvals.waiting()] == [(second.id, "waiting"), (first.id, "later")]
    approvals.undo(first.id)
    assert [each.id for each in approvals.waiting()] == [first.id, second.id]
    approvals.decide(first.id, "later")
    assert approvals.decide(first.id, "approve").state == "approved"
    assert approvals.count() == 1


def test_an_escalation_with_nobody_better_goes_to_an_administrator_at_high_risk(approvals: Approvals) -> None:
    asked, better = ask(approvals, "a"), ask(approvals, "b", better="large")
    for each in (asked, better):
        approvals.decide(each.id, "escalate")
    assert approvals.waiting() == []
    later(approvals)
    waiting = approvals.waiting()
    assert [(each.id, each.risk, each.admin, each.decision) for each in waiting] == [(asked.id, "high", True, None)]
    # The other one is the run's to act on.
    assert [each.id for each in approvals.applicable("run")] == [better.id]
    with pytest.raises(AlreadyDecided, match="administrator"):
        approvals.decide(asked.id, "escalate")
    assert approvals.decide(asked.id, "approve").state == "approved"


def test_a_question_is_asked_once_and_a_card_of_an_earlier_one_cannot_decide_it(approvals: Approvals) -> None:
    first = ask(approvals)
    ask(approvals)
    assert [each.id for each in approvals.waiting()] == [first.id]
    approvals.forget("run", None)
    second = ask(approvals)
    assert second.id != first.id
    with pytest.raises(NoSuchApproval):
        approvals.decide(first.id, "approve")


def test_rubbish_gets_one_clear_line(approvals: Approvals) -> None:
    asked = ask(approvals, detail="x" * 50_000)
    assert approvals.get(asked.id).detail.endswith("[cut: the first 16000 of 50000 characters]")
    with pytest.raises(UsageError, match="'yes' is no decision"):
        approvals.decide(asked.id, "yes")
    for id in ("", "%", "zz", "'; DROP TABLE approval; --"):
        with pytest.raises(NoSuchApproval):
            approvals.find(id)
    assert approvals.find(asked.id[:6]).id == asked.id
    said = approvals.decide(asked.id, "reject", " \n" + "y" * 5000 + "\0", by="z" * 999).decision
    assert said is not None
    assert (len(said.reason), len(said.by)) == (2000, 200)


def test_who_watches_is_believed_while_it_lives_and_says_so(approvals: Approvals) -> None:
    assert not approvals.watched()
    approvals.watch("tui")
    assert Approvals(Store.open(approvals.store.path)).watched()
    approvals.unwatch("tui")
    assert not approvals.watched()
    approvals.watch("serve", seconds=-1)
    assert not approvals.watched()
    with approvals.store.write() as db:
        # A pid above the kernel's limit: a server that was killed.
        db.execute("INSERT INTO watcher VALUES (4194305, 'serve', 1e12)")
    assert not approvals.watched()


def tool(name: str = "t", **hints: bool) -> Tool:
    async def run(arguments: Any) -> str:
        return "ok"

    return Tool(ToolSpec(name, name, {"type": "object"}), run, annotations=hints)


READS = {"readOnlyHint": True, "openWorldHint": False}
WRITES = {"destructiveHint": False, "openWorldHint": False}


@pytest.mark.parametrize(
    ("policy", "given", "risk"),
    [
        (Policy(), tool(), None),
        (Policy(tools=("wipe*",)), tool("wipe_disk"), "high"),
        (Policy(tools=("wipe*",)), tool("read"), None),
        (Policy(tools=("*",)), tool(**READS), "low"),
        # What says nothing may do anything: MCP's defaults.
        (Policy(tools=("destructiveHint",)), tool(), "high"),
        (Policy(tools=("destructiveHint",)), tool(readOnlyHint=True, destructiveHint=True), None),
        (Policy(tools=("openWorldHint",)), tool(readOnlyHint=True), "medium"),
        (Policy(tools=("openWorldHint",)), tool(**WRITES), None),
        (Policy(risk="medium"), tool(**WRITES), "medium"),
        (Policy(risk="high"), tool(**WRITES), None),
        (Policy(risk="medium"), tool(**READS), None),
        (Policy(risk="low"), tool(**READS), "low"),
    ],
)
def test_a_tool_needs_a_person_by_its_name_its_hints_or_its_risk(policy: Policy, given: Tool, risk: str | None) -> None:
    assert policy.tool(given) == risk
    assert risk in (None, danger_of(given))


def test_a_cost_needs_a_person_above_the_limit_and_much_above_it_at_high_risk() -> None:
    policy = Policy(cost_usd=0.1)
    assert [policy.cost(usd) for usd in (0.0, 0.1, 0.11, 1.0, 1.1, None)] == [
        None, None, "medium", "medium", "high", "high",
    ]  # fmt: skip
    assert Policy().cost(99.0) is None
