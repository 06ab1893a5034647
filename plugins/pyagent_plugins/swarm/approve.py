"""`pyagent swarm approve`: what waits for a person, and what the person says to it."""

from __future__ import annotations

import getpass
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyagent.cli import context
from pyagent.cli.output import Output
from pyagent.cli.trace import found
from pyagent.errors import UsageError
from pyagent.report.text import one_line, plain
from pyagent.store.db import Store

if TYPE_CHECKING:
    from pyagent.run.approvals import Approval, Approvals

COLUMNS = ("id", "run", "task", "kind", "risk", "state", "age", "title")


def approve(
    ctx: typer.Context,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help="What to decide about, or how its id starts.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show what waits; with an id, all of it.")] = False,
    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="Only what this run asks.")] = None,
    all_: Annotated[
        bool, typer.Option("--all", help="All that waits and is not of high risk, instead of ids.")
    ] = False,
    reject: Annotated[bool, typer.Option("--reject", help="Let the task fail, with --reason.")] = False,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Why; the task's error says it.")
    ] = None,
    escalate: Annotated[bool, typer.Option("--escalate", help="Ask a better model, or else an administrator.")] = False,
    later: Annotated[bool, typer.Option("--later", help="Put it at the end.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take a decision back, within 10 seconds.")] = False,
    decided: Annotated[bool, typer.Option("--decided", help="With --list: what was decided.")] = False,
) -> None:
    """Approve what waits for a person; without an id, show what does.

    A decision takes effect after 10 seconds, in which it can be undone. A run that has ended goes on when the same
    command is run again, or with `swarm resume`.
    """
    from pyagent.run.approvals import Approvals

    out = context.output(ctx)
    verb = _verb(reject, escalate, later, undo, reason)
    with Store.open(context.app(ctx).db_path) as store:
        approvals = Approvals(store)
        of = found(store, run).id if run else None
        names = {row.id: row.name for row in store.runs()}
        if list_ or decided or not (ids or all_):
            if verb != "approve":
                raise UsageError(f"--{verb} needs an id", "`pyagent swarm approve --list` shows what waits")
            _show(out, approvals, ids or [], of, decided, names)
            return
        chosen = _chosen(out, approvals, ids or [], all_, of)
        done = [_say(approvals, approval, verb, reason or "") for approval in chosen]
        _told(out, done, names)


def _verb(reject: bool, escalate: bool, later: bool, undo: bool, reason: str | None) -> str:
    said = {"reject": reject, "escalate": escalate, "later": later, "undo": undo}
    verbs = [verb for verb, wanted in said.items() if wanted]
    if len(verbs) > 1:
        raise UsageError(f"--{verbs[0]} and --{verbs[1]} do not go together", "say one of them")
    verb = verbs[0] if verbs else "approve"
    if verb == "reject" and not (reason or "").strip():
        raise UsageError("--reject needs a reason", 'add --reason "..."; the task fails with it')
    return verb


def _chosen(out: Output, approvals: Approvals, ids: list[str], all_: bool, run: str | None) -> list[Approval]:
    """The approvals that are meant. One of high risk, or for an administrator, has to be named."""
    if not all_:
        return [approvals.find(id) for id in dict.fromkeys(ids)]
    if ids:
        raise UsageError("--all and ids do not go together", "name what you mean, or say --all")
    waiting = approvals.waiting(run)
    chosen = [each for each in waiting if each.risk != "high" and not each.admin]
    if left := [each.id for each in waiting if each not in chosen]:
        out.note(f"left out, for their high risk: {', '.join(left)}; name them to decide about them")
    return chosen


def _say(approvals: Approvals, approval: Approval, verb: str, reason: str) -> Approval:
    by = _me()
    return approvals.undo(approval.id, by) if verb == "undo" else approvals.decide(approval.id, verb, reason, by)


def _me() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def _show(
    out: Output, approvals: Approvals, ids: list[str], run: str | None, decided: bool, names: dict[str, str]
) -> None:
    if ids:
        rows = [approvals.find(id) for id in ids]
    else:
        rows = approvals.decided(run) if decided else approvals.waiting(run)
    if out.json:
        out.emit([each.line() for each in rows])
    elif ids:
        for each in rows:
            _whole(out, each, names)
    elif not rows:
        out.note("nothing was decided yet" if decided else "nothing waits for a person")
    else:
        out.table([_row(each, names) for each in rows], COLUMNS)


def _row(approval: Approval, names: dict[str, str]) -> dict[str, Any]:
    state = f"{approval.state}, admin" if approval.admin else approval.state
    age = _ago(approval.created)
    facts = {key: one_line(getattr(approval, key)) for key in ("id", "task", "kind", "risk", "title")}
    return {**facts, "run": names.get(approval.run, approval.run), "state": state, "age": age}


def _whole(out: Output, approval: Approval, names: dict[str, str]) -> None:
    for name, value in _row(approval, names).items():
        out.print(f"{name:<9} {value}")
    for name, value in approval.data.items():
        if value not in (None, "", {}):
            out.print(f"{name:<9} {one_line(value)}")
    if approval.decision is not None:
        out.print(
            f"decided   {approval.decision.verb} by {approval.decision.by or '?'}: {one_line(approval.decision.reason)}"
        )
    out.print(f"\n{plain(approval.detail)}")


def _told(out: Output, done: list[Approval], names: dict[str, str]) -> None:
    if out.json:
        out.emit([each.line() for each in done])
        return
    for each in done:
        if each.decision is None:
            out.print(f"{each.id} waits again")
            continue
        at = time.strftime("%H:%M:%S", time.localtime(each.decision.effective_at))
        out.print(f"{each.id} {each.state}, with effect at {at}; until then: pyagent swarm approve {each.id} --undo")


def _ago(at: float) -> str:
    from pyagent.cli.progress import duration

    return duration(max(0.0, time.time() - at))
