"""What the API, the pages and mounted apps stand on: one object over the store, built once by `serve`."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pyagent.errors import PyAgentError
from pyagent.host.app import App
from pyagent.report.ledger import Ledger
from pyagent.run.approvals import Approvals
from pyagent.store.db import RunRow, Store
from pyagent.store.lines import at_work
from pyagent.store.views import Views
from pyagent.web.access import Access
from pyagent.web.audit import Audit
from pyagent.web.database import Database
from pyagent.web.hub import Hub
from pyagent.web.launch import Launcher, Place
from pyagent.web.panels import Panels
from pyagent.web.problems import Problem
from pyagent.web.runs import Runs
from pyagent.web.tail import INTERVAL, Tail
from pyagent.web.topics import topic

T = TypeVar("T")
# Reads that take long are few; sqlite lets the loop go on meanwhile.
THREADS = 4
DAY = 86400.0
# Runs keep waiting for a person while somebody could see that they do.
WATCH_EVERY = 10.0


class Core:
    """Made in `serve`; ``started`` and ``stop`` bracket its life in the event loop."""

    def __init__(self, app: App, note: Callable[[str], None] = lambda text: None) -> None:
        self.app, self.note = app, note
        own = Path(app.data_dir) / "web"
        own.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.own = own
        self._local = threading.local()
        self._threads = ThreadPoolExecutor(THREADS, "pyagent-web")
        self.database = Database(own / "web.db")
        self.access, self.audit = Access(self.database), Audit(self.database)
        self.runs, self.ledger = Runs(), Ledger()
        self.launcher = Launcher(Place(app.cwd, own, Path(app.db_path)))
        self.panels = Panels(app, self.database, note)
        self.tail = Tail(self.views, self.aside)
        self.hub = Hub(lambda name: topic(self, name), lambda: self.tail.seq)
        self._follower: asyncio.Task[None] | None = None
        # The first look makes the file, so that a fresh machine shows empty lists and no error.
        self.views()

    # ---- the store, from any thread

    def store(self) -> Store:
        """This thread's own connection."""
        store: Store | None = getattr(self._local, "store", None)
        if store is None:
            store = self._local.store = Store.open(self.app.db_path)
        return store

    def views(self) -> Views:
        return Views(self.store())

    def approvals(self) -> Approvals:
        return Approvals(self.store())

    async def aside(self, work: Callable[[], T]) -> T:
        """Do ``work`` in a thread: the loop serves others meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    # ---- life

    async def start(self) -> None:
        await self.tail.start()
        self._follower = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        self.hub.close()
        if self._follower is not None:
            self._follower.cancel()
            await asyncio.gather(self._follower, return_exceptions=True)
        with suppress(PyAgentError):
            self.approvals().unwatch("serve")
        self._threads.shutdown(wait=True, cancel_futures=True)
        self.database.close()

    async def _follow(self) -> None:
        watched, told = 0.0, ""
        while True:
            try:
                await self.tail.look()
                await self.hub.tick()
                self.launcher.reap()
                if time.monotonic() >= watched:
                    watched = time.monotonic() + WATCH_EVERY
                    await self.aside(lambda: self.approvals().watch("serve"))
                told = ""
            except Exception as error:
                # A full disk or a locked store passes; the pages must not stay blind after it.
                if str(error) != told:
                    told = str(error)
                    self.note(f"the journal cannot be followed: {error}")
                await asyncio.sleep(1)
            await asyncio.sleep(INTERVAL)

    # ---- runs

    def row(self, id: str) -> RunRow:
        """Raises Problem 404."""
        row = self.views().run(id)
        if row is None:
            raise Problem(404, f"there is no run {id!r}", "see GET /api/v1/runs")
        return row

    def run(self, id: str) -> dict[str, Any]:
        return self.runs.shape(self.views(), self.row(id))

    def steer(self, id: str, verb: str, argument: str = "") -> dict[str, Any]:
        """Tell the process at work on the run: pause, resume, stop, scale. A run without one is resumed anew."""
        row = self.row(id)
        if not at_work(row):
            if verb != "resume":
                raise Problem(409, f"no process works on {row.name}", "resume it first")
            row = self.launcher.resume(self.views(), row)
        else:
            self.store().command(row.id, verb, argument)
        return self.runs.shape(self.views(), self.row(row.id))

    def stop_all(self) -> list[str]:
        """Stop every run at work, whoever started it; gives their ids."""
        stopped = [row.id for row in self.views().working() if at_work(row)]
        for id in stopped:
            self.store().command(id, "stop")
        return stopped

    def agents(self) -> list[dict[str, Any]]:
        """Who is at work now, over all runs, the longest first."""
        views = self.views()
        found = []
        for run, states in list(self.tail.asking.items()):
            row = views.run(run)
            model = row.settings.get("model") if row else None
            for n, at in list(states.began.items()):
                found.append(
                    {"run": run, "task": states.ids[n], "n": n, "model": model, "started": at, "state": "asking"}
                )
        return sorted(found, key=lambda agent: agent["started"])

    # ---- sums

    def overview(self) -> dict[str, Any]:
        views = self.views()
        runs = self.runs.all(views)
        self.ledger.follow(views)
        day = self.ledger.since(time.time() - DAY)
        counts = dict.fromkeys(("running", "paused", "waiting", "finished", "stopped", "dead"), 0)
        for run in runs:
            counts[run["status"]] = counts.get(run["status"], 0) + 1
        return {
            "runs": counts,
            "agents_at_work": sum(states.asking for states in list(self.tail.asking.values())),
            "approvals_waiting": self.approvals().count(),
            "tasks_done_24h": day.tasks,
            "tokens_24h": day.input_tokens + day.output_tokens,
            "cost_usd_24h": round(day.usd, 9),
            "unknown_cost": day.unknown > 0,
            "recent": runs[:8],
        }

    def stats(self, days: int) -> dict[str, Any]:
        """``cache``, ``routing`` and ``capability`` come from the plugins that know them."""
        self.ledger.follow(self.views())
        now = time.time()
        since = now - days * DAY
        given = self.app.plugins.stats(self.app.context)
        return {
            "series": self.ledger.series(since, now),
            "models": self.ledger.rows(since),
            "sources": self.ledger.sources(since),
            "cache": given.get("cache"),
            "routing": given.get("routing", []),
            "capability": given.get("capability", []),
            "more": {key: value for key, value in given.items() if key not in ("cache", "routing", "capability")},
        }
