"""The backend inside the server: the same rules as the API, over the server's own core."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pyagent import __version__
from pyagent.errors import PyAgentError
from pyagent.run.approvals import AlreadyDecided, NoSuchApproval
from pyagent.web.access import Principal
from pyagent.web.problems import Problem, understood
from pyagent.web.replies import etag
from pyagent_plugins.mobile.backend import MOST_CARDS, MOST_TASKS, Refusal
from pyagent_plugins.mobile.http import shown
from pyagent_plugins.mobile.shapes import Agent, Card, Deck, Overview, PanelRow, Run, Session, Stats, TaskRow, Wish

if TYPE_CHECKING:
    from pyagent.web.core import Core

T = TypeVar("T")


class InProcess:
    """``who`` gives the caller of the connection that asks. A change is checked and noted as the guard does it."""

    def __init__(self, core: Core, who: Callable[[], Principal]) -> None:
        self._core, self._who = core, who

    async def session(self) -> Session:
        who = self._who()
        return Session(who.name, who.scopes, __version__)

    async def deck(self, most: int = MOST_CARDS) -> Deck:
        waiting = await self._do("read", lambda: self._core.approvals().waiting())
        return Deck(tuple(Card.of(approval.line()) for approval in waiting[:most]), len(waiting))

    async def decide(self, id: str, verb: str, reason: str = "") -> Card:
        who = self._who()

        def work() -> Card:
            deck = self._core.approvals()
            if verb == "approve" and deck.get(id).admin and "admin" not in who.scopes:
                raise Refusal(403, "this was escalated to an administrator", "sign in with the scope admin")
            return Card.of(deck.decide(id, verb, reason, who.name).line())

        return await self._do("approve", work, f"{verb} {id}")

    async def undo(self, id: str) -> Card:
        name = self._who().name
        return await self._do("approve", lambda: Card.of(self._core.approvals().undo(id, name).line()), f"undo {id}")

    async def overview(self) -> Overview:
        return Overview.of(await self._do("read", self._core.overview))

    async def agents(self) -> Sequence[Agent]:
        found = await self._do("read", self._core.agents)
        return [Agent.of(row) for row in found[:100]]

    async def stop_all(self) -> int:
        return len(await self._do("approve", self._core.stop_all, "stop-all"))

    async def runs(self) -> Sequence[Run]:
        rows = await self._do("read", lambda: self._core.runs.all(self._core.views()))
        return [Run.of(row) for row in rows[:100]]

    async def run(self, id: str) -> Run:
        return Run.of(await self._do("read", lambda: self._core.run(id)))

    async def tasks(self, run: str) -> Sequence[TaskRow]:
        from pyagent.web.states import NAMES

        row = await self._do("read", lambda: self._core.row(run))
        states = await self._core.tail.states(row.id)
        numbers = range(len(states.ids))[-MOST_TASKS:]
        ids = [states.ids[n] for n in numbers]
        bodies = await self._do("read", lambda: self._core.views().bodies(row.id, ids))
        known = [{"id": states.ids[n], "state": NAMES[states.at(n)]} for n in reversed(numbers)]
        return [TaskRow.of({**_ended(bodies.get(row["id"])), **row}) for row in known]

    async def text(self, run: str, task: str) -> str:
        def work() -> str:
            views = self._core.views()
            id = self._core.row(run).id
            body = views.bodies(id, [task]).get(task)
            if body is None and not views.tasks_seen(id, task):
                raise Refusal(404, f"there is no task {task!r} in this run, or it has not begun", "wait for it")
            return shown({**_ended(body), "text": "".join(text for _, _, text in views.chunks(id, task))})

        return await self._do("read", work)

    async def start(self, wish: Wish) -> Run:
        from pydantic import ValidationError

        from pyagent.web.api.runs import Wish as Checked

        def work() -> Run:
            try:
                checked = Checked(**wish.body()).model_dump(exclude_none=True)
            except ValidationError as error:
                told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:3])
                raise Refusal(422, told, "correct it and start again") from None
            row = self._core.launcher.start(self._core.views(), checked)
            return Run.of(self._core.runs.shape(self._core.views(), row))

        return await self._do("admin", work, "start a run")

    async def steer(self, run: str, verb: str) -> Run:
        if verb not in ("pause", "resume", "stop"):
            raise Refusal(422, f"{verb!r} is nothing that a run can do", "pause, resume or stop")
        return Run.of(await self._do("approve", lambda: self._core.steer(run, verb), f"{verb} {run}"))

    async def stats(self, days: int = 30) -> Stats:
        return Stats.of(await self._do("read", lambda: self._core.stats(days)))

    async def models(self) -> Sequence[str]:
        from pyagent.host.app import DEFAULT_MODEL

        def work() -> list[str]:
            chosen = self._core.app.settings.get("swarm.model") or DEFAULT_MODEL
            return sorted(self._core.app.models(), key=lambda name: (name != chosen, name))

        return await self._do("read", work)

    async def panels(self) -> Sequence[PanelRow]:
        rows = await self._do("read", self._core.panels.all)
        return [PanelRow.of({**row, "etag": etag(row)}) for row in rows]

    async def arrange(self, panel: PanelRow, enabled: bool | None = None, order: int | None = None) -> PanelRow:
        def work() -> PanelRow:
            now = self._panel(panel.id)
            if etag(now) != panel.etag:
                raise Refusal(412, "it was changed meanwhile", "load it again")
            self._core.panels.arrange(panel.id, enabled, order)
            after = self._panel(panel.id)
            return PanelRow.of({**after, "etag": etag(after)})

        return await self._do("admin", work, f"panel {panel.id}")

    async def sign_out(self) -> None:
        mine = self._who().id
        await self._do("read", lambda: self._core.access.revoke(mine), "sign out")

    async def close(self) -> None:
        """The core is the server's."""

    def _panel(self, id: str) -> dict[str, Any]:
        found = self._core.panels.one(id)
        if found is None:
            raise Refusal(404, f"there is no panel {id!r}", "load the list again")
        return found

    async def _do(self, scope: str, work: Callable[[], T], change: str = "") -> T:
        """Do ``work`` in a thread for a caller who has ``scope`` and is still signed in; a change goes to the audit."""
        who = self._who()
        try:
            answer = await self._core.aside(lambda: self._allowed(who, scope, work))
        except Refusal as refusal:
            self._note(who, change, refusal.status)
            raise
        except (Problem, PyAgentError) as error:
            translated = _refusal(error)
            self._note(who, change, translated.status)
            raise translated from None
        self._note(who, change, 200)
        return answer

    def _allowed(self, who: Principal, scope: str, work: Callable[[], T]) -> T:
        if scope not in who.scopes:
            raise Refusal(403, f"this needs the scope {scope}", "pair again with a link that has it")
        # The connection outlives a revocation until the next message is sent.
        if not any(row.id == who.id for row in self._core.access.rows()):
            raise Refusal(401, "this phone is not signed in any more", "scan a new code from `pyagent serve --phone`")
        return work()

    def _note(self, who: Principal, change: str, status: int) -> None:
        if change:
            self._core.audit.add(who.name, f"phone: {change}", status)


def _ended(body: Any) -> dict[str, Any]:
    """What a task's result says, as far as there is one."""
    return {key: (body or {}).get(key) for key in ("output", "error", "seconds")}


def _refusal(error: Problem | PyAgentError) -> Refusal:
    if isinstance(error, NoSuchApproval):
        return Refusal(404, str(error), "load the deck again")
    if isinstance(error, AlreadyDecided):
        return Refusal(409, str(error), error.hint)
    problem = error if isinstance(error, Problem) else understood(error)
    return Refusal(problem.status, problem.detail, problem.hint)
