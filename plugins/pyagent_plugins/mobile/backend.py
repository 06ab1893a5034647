"""What the phone's screens ask for: one Protocol, so that the same app runs in the server and on the phone itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pyagent.errors import PyAgentError
from pyagent_plugins.mobile.shapes import Agent, Card, Deck, Overview, PanelRow, Run, Session, Stats, TaskRow, Wish

# Cards in the hand at once; a phone repaints all of a deck.
MOST_CARDS = 50
MOST_TASKS = 100


class Refusal(PyAgentError):
    """The server said no: ``status`` as HTTP has it (401, 403, 404, 409, 412, 422, 429), 0 where none answers."""

    exit_code = 69

    def __init__(self, status: int, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.status = status


class Backend(Protocol):
    """Every method raises Refusal and nothing else when the server does not do it."""

    async def session(self) -> Session: ...

    async def deck(self, most: int = MOST_CARDS) -> Deck:
        """What waits for a person."""

    async def decide(self, id: str, verb: str, reason: str = "") -> Card:
        """approve, reject, escalate or later: durable when it returns, with effect after 10 s, exactly once."""

    async def undo(self, id: str) -> Card:
        """Within 10 s; after that 409."""

    async def overview(self) -> Overview: ...

    async def agents(self) -> Sequence[Agent]:
        """Who is at work, the longest first."""

    async def stop_all(self) -> int:
        """Stop every run at work; gives how many."""

    async def runs(self) -> Sequence[Run]:
        """The newest first."""

    async def run(self, id: str) -> Run: ...

    async def tasks(self, run: str) -> Sequence[TaskRow]:
        """The tasks that began last, at most `MOST_TASKS`."""

    async def text(self, run: str, task: str) -> str:
        """The answer, or as much of it as there is."""

    async def start(self, wish: Wish) -> Run: ...

    async def steer(self, run: str, verb: str) -> Run:
        """pause, resume or stop."""

    async def stats(self, days: int = 30) -> Stats: ...

    async def models(self) -> Sequence[str]:
        """Names, the default one first."""

    async def panels(self) -> Sequence[PanelRow]: ...

    async def arrange(self, panel: PanelRow, enabled: bool | None = None, order: int | None = None) -> PanelRow:
        """Turn a panel on or off, or move it; 412 when somebody changed it meanwhile."""

    async def sign_out(self) -> None:
        """Give this phone's right back."""

    async def close(self) -> None: ...
