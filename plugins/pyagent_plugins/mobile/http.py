"""The backend of the app on the phone itself: the server's API with a bearer token."""

from __future__ import annotations

import ssl
import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import httpx

from pyagent_plugins.mobile.backend import MOST_CARDS, MOST_TASKS, Refusal
from pyagent_plugins.mobile.shapes import Agent, Card, Deck, Overview, PanelRow, Run, Session, Stats, TaskRow, Wish

# Seconds. Starting a run reads its whole task file first.
PATIENCE = httpx.Timeout(20, read=120)


class Http:
    """``base_url`` is the server's, ``certificate`` the PEM text of its own certificate where it made one itself."""

    def __init__(self, base_url: str, token: str, certificate: str = "") -> None:
        self._id = ""
        self._client = httpx.AsyncClient(
            base_url=f"{base_url.rstrip('/')}/api/v1",
            headers={"authorization": f"Bearer {token}"},
            verify=trusting(certificate) if certificate else True,
            timeout=PATIENCE,
        )

    async def session(self) -> Session:
        return Session.of(await self._get("/session"))

    async def deck(self, most: int = MOST_CARDS) -> Deck:
        found = await self._get("/approvals", state="waiting", limit=most)
        waiting = len(found["items"])
        if found["next"]:
            waiting = (await self._get("/overview"))["approvals_waiting"]
        return Deck(tuple(Card.of(row) for row in found["items"]), waiting)

    async def decide(self, id: str, verb: str, reason: str = "") -> Card:
        return Card.of(await self._post(f"/approvals/{_part(id)}", {"verb": verb, "reason": reason}))

    async def undo(self, id: str) -> Card:
        return Card.of(await self._post(f"/approvals/{_part(id)}/undo"))

    async def overview(self) -> Overview:
        return Overview.of(await self._get("/overview"))

    async def agents(self) -> Sequence[Agent]:
        return [Agent.of(row) for row in (await self._get("/agents"))["items"]]

    async def stop_all(self) -> int:
        return len((await self._post("/stop-all"))["stopped"])

    async def runs(self) -> Sequence[Run]:
        return [Run.of(row) for row in (await self._get("/runs"))["items"]]

    async def run(self, id: str) -> Run:
        return Run.of(await self._get(f"/runs/{_part(id)}"))

    async def tasks(self, run: str) -> Sequence[TaskRow]:
        path, found = f"/runs/{_part(run)}/tasks", await self._get(f"/runs/{_part(run)}/tasks", limit=2000)
        rows = found["items"]
        while found["next"]:
            found = await self._get(path, limit=2000, cursor=found["next"])
            rows = [*rows[-MOST_TASKS:], *found["items"]]
        return [TaskRow.of(row) for row in reversed(rows[-MOST_TASKS:])]

    async def text(self, run: str, task: str) -> str:
        return shown(await self._get(f"/runs/{_part(run)}/tasks/{_part(task)}"))

    async def start(self, wish: Wish) -> Run:
        return Run.of(await self._post("/runs", wish.body()))

    async def steer(self, run: str, verb: str) -> Run:
        return Run.of(await self._post(f"/runs/{_part(run)}/{verb}"))

    async def stats(self, days: int = 30) -> Stats:
        return Stats.of(await self._get("/stats", days=days))

    async def models(self) -> Sequence[str]:
        rows = (await self._get("/models"))["items"]
        return [row["name"] for row in sorted(rows, key=lambda row: (not row["default"], row["name"]))]

    async def panels(self) -> Sequence[PanelRow]:
        return [PanelRow.of(row) for row in (await self._get("/panels"))["items"]]

    async def arrange(self, panel: PanelRow, enabled: bool | None = None, order: int | None = None) -> PanelRow:
        body = {key: value for key, value in (("enabled", enabled), ("order", order)) if value is not None}
        headers = {"if-match": panel.etag}
        return PanelRow.of(await self._ask("PATCH", f"/panels/{_part(panel.id)}", json=body, headers=headers))

    async def sign_out(self) -> None:
        """A token may not list tokens without the scope admin; then it is only forgotten here."""
        rows = (await self._get("/tokens"))["items"]
        for row in rows:
            if row.get("current"):
                await self._ask("DELETE", f"/tokens/{row['id']}")

    async def close(self) -> None:
        await self._client.aclose()

    async def _get(self, path: str, **params: Any) -> Any:
        return await self._ask("GET", path, params=params)

    async def _post(self, path: str, body: Any = None) -> Any:
        # The key makes a request that is sent twice count once.
        return await self._ask("POST", path, json=body or {}, headers={"idempotency-key": uuid.uuid4().hex})

    async def _ask(self, method: str, path: str, **more: Any) -> Any:
        try:
            answer = await self._client.request(method, path, **more)
        except httpx.HTTPError as error:
            raise Refusal(0, "the server does not answer", str(error) or type(error).__name__) from None
        if answer.is_error:
            raise refused(answer)
        return answer.json() if answer.content else None


def refused(answer: httpx.Response) -> Refusal:
    """What the server said, from its problem+json."""
    try:
        said = answer.json()
        return Refusal(answer.status_code, said["detail"], said.get("hint") or "")
    except (ValueError, KeyError, TypeError):
        return Refusal(answer.status_code, f"the server answers {answer.status_code}")


def shown(task: Any) -> str:
    """The answer of a task's JSON as text: what it came to, else what there is of it."""
    import json

    output = task.get("output")
    if output is None:
        return str(task.get("text") or task.get("error") or "")
    return output if isinstance(output, str) else json.dumps(output, indent=2, ensure_ascii=False)


def trusting(certificate: str) -> ssl.SSLContext:
    """Trust this one certificate and no other, under whatever name the machine has in this network."""
    context = ssl.create_default_context(cadata=certificate)
    context.check_hostname = False
    return context


def _part(text: str) -> str:
    return quote(text, safe="")
