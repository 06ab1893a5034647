"""Works through a task file with a swarm of agents: each takes the next task that is ready, until none is left."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

from pyagent.errors import ApprovalsPending, EngineError, PyAgentError, StoreError
from pyagent.event import Event
from pyagent.model import Result, Status, Task
from pyagent.run.approvals import Waits
from pyagent.run.gate import Gate
from pyagent.run.journal import Journal
from pyagent.run.pipeline import Job, Proceed, Spans
from pyagent.run.plan import Plan
from pyagent.run.stream import Stream
from pyagent.run.tally import Tally
from pyagent.run.tasks import TaskIndex

Deliver = Callable[[int, Result], None]
# Results that wait for their commit: so many a kill may make the user pay for twice, and memory must hold.
BEHIND = 256


class Runner:
    """One process's work on a run.

    ``mine`` are the indices of the tasks to do, ``width`` how many at once. ``deliver`` gets each Result after
    its commit. A task whose ``after`` has failed is skipped. What stops the run early is in ``stopped``.

    A task that waits for a person stands in ``waiting`` (index: approvals) and holds no agent; `wake` brings it
    back. When only such tasks are left, ``gate`` says whether the run stays.
    """

    def __init__(
        self,
        index: TaskIndex,
        mine: Sequence[int],
        plan: Plan,
        way: Proceed,
        journal: Journal,
        deliver: Deliver,
        width: int,
        tally: Tally | None = None,
        stream: Callable[[Task], Stream | None] = lambda task: None,
        fail_fast: bool = False,
        dry: bool = False,
        gate: Gate | None = None,
    ) -> None:
        self._index, self._mine, self._plan, self._way = index, mine, plan, way
        self._journal, self._deliver, self._stream = journal, deliver, stream
        self._fail_fast, self._dry, self._gate = fail_fast, dry, gate
        self.tally = tally or Tally(len(mine))
        self.stopped: BaseException | None = None
        self._target = width
        self._agents: set[asyncio.Task[None]] = set()
        # Who answers which task, and those that a person gave up.
        self._at: dict[str, asyncio.Task[Any] | None] = {}
        self._dropped: set[str] = set()
        self._source: Iterator[tuple[int, Task]] = iter(())
        self._ready: deque[int] = deque()
        self._parked: dict[int, int] = {}
        self.waiting: dict[int, tuple[str, ...]] = {}
        self._streams: dict[int, Stream | None] = {}
        self._busy = 0
        # Results that tasks still to come will ask for, and how many will.
        self._kept: dict[int, Result] = {}
        self._readers: dict[int, int] = {}
        self._done: list[tuple[int, Result]] = []
        # Whether the file may still have tasks that nobody has looked at.
        self._left = True
        self._over = False
        self._some_done = asyncio.Event()
        self._changed = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()

    async def run(self) -> None:
        """Until every task is done or something stops the run. What is done by then is committed and delivered."""
        self._source = self._index.tasks(self._mine)
        delivery = asyncio.create_task(self._deliver_committed())
        try:
            self.resize(self._target)
            while self._agents:
                ended, _ = await asyncio.wait(self._agents, return_when=asyncio.FIRST_COMPLETED)
                self._agents -= ended
                for agent in ended:
                    if not agent.cancelled() and (error := agent.exception()) is not None:
                        self.stop(error, cancel=True)
        finally:
            self._agents.clear()
            self._over = True
            self._some_done.set()
            await delivery

    def stop(self, reason: BaseException, cancel: bool = False) -> None:
        """Take no more tasks; with ``cancel`` also give up the calls in flight. The first reason is kept."""
        self.stopped = self.stopped or reason
        self._open.set()
        self._changed.set()
        if cancel:
            for agent in self._agents:
                agent.cancel()

    def pause(self) -> None:
        """Take no more tasks until ``resume``; calls in flight go on."""
        self._open.clear()

    def resume(self) -> None:
        self._open.set()

    def resize(self, width: int) -> None:
        """Have ``width`` agents at work; surplus ones end with their task."""
        self._target = max(1, width)
        while len(self._agents) < self._target and self.stopped is None:
            self._agents.add(asyncio.create_task(self._work()))

    def drop(self, tasks: Iterable[str]) -> None:
        """Give up these tasks, by id, where they are at work; each fails as stopped, and the run goes on."""
        for id in tasks:
            agent = self._at.get(id)
            if agent is not None and id not in self._dropped:
                self._dropped.add(id)
                agent.cancel()

    @property
    def at_work(self) -> int:
        return len(self._agents)

    @property
    def only_people(self) -> bool:
        """Whether nothing is left to do but to wait for persons."""
        return bool(self.waiting) and not (self._busy or self._ready or self._left)

    def wake(self, names: Collection[tuple[str, int]]) -> None:
        """Bring back the tasks, by key and number, whose persons have decided."""
        for index in [i for i in self.waiting if (self._index.key(i), self._index.nth(i)) in names]:
            if not self._held(index, self._index.task(index)):
                del self.waiting[index]
                self._ready.append(index)
        self.tally.waiting = len(self.waiting)
        # The agents that had nothing to do are gone.
        self.resize(self._target)
        self.look()

    def look(self) -> None:
        """Let the agents that wait see whether there is something to do, or nothing to wait for."""
        self._changed.set()

    async def _work(self) -> None:
        me = asyncio.current_task()
        while (ready := await self._next()) is not None:
            index, task = ready
            self._busy += 1
            self._at[task.id] = me
            try:
                result = await self._answer(index, task)
            except asyncio.CancelledError:
                if task.id not in self._dropped or self.stopped is not None or me is None:
                    raise
                me.uncancel()
                self._finish(index, self._unasked(index, task, "failed", "stopped by a person"))
            except Waits as waits:
                self._wait(index, waits.ids)
            except PyAgentError as error:
                # A budget lets the calls that it has already granted come home; a broken store ends everything.
                self.stop(error, cancel=isinstance(error, StoreError))
                return
            else:
                self._finish(index, result)
            finally:
                self._busy -= 1
                self._at.pop(task.id, None)
                self._dropped.discard(task.id)
            if len(self._done) >= BEHIND:
                await self._journal.writer.flushed()
            # A stored answer takes no time: let the others, and the signals, have their turn.
            await asyncio.sleep(0)
            if len(self._agents) > self._target and me in self._agents:
                self._agents.discard(me)
                return

    async def _next(self) -> tuple[int, Task] | None:
        while self.stopped is None:
            if not self._open.is_set():
                await self._open.wait()
                continue
            if self._ready:
                index = self._ready.popleft()
                return index, self._index.task(index)
            for index, task in self._source:
                missing = sum(parent not in self._kept for parent in self._index.parents(index))
                if missing:
                    self._parked[index] = missing
                elif held := self._held(index, task):
                    self._wait(index, held)
                else:
                    return index, task
            self._left = False
            if self._ready:
                continue
            if self.only_people and not (self._gate and self._gate.stays()):
                self.stop(pending(len(self.waiting)))
                return None
            if not self._parked and not self.waiting:
                return None
            self._changed.clear()
            await self._changed.wait()
        return None

    async def _answer(self, index: int, task: Task) -> Result:
        parents = {self._index_id(parent): self._kept[parent] for parent in self._index.parents(index)}
        key, nth = self._index.key(index), self._index.nth(index)
        broken = [f"{id} is {parent.status}" for id, parent in parents.items() if parent.status != "ok"]
        if broken:
            return self._unasked(index, task, "skipped", f"not asked: {', '.join(broken)}")
        ask = self._plan.ask(task)
        # A dry run has no outputs to fill in.
        outputs: dict[str, Any] = {} if self._dry else {id: parent.output for id, parent in parents.items()}
        try:
            request = self._plan.fill(ask, outputs)
        except EngineError as error:
            return self._unasked(index, task, "failed", str(error))
        # A task that has waited goes on in its stream: what follows replaces what was shown.
        stream = self._streams.pop(index) if index in self._streams else self._stream(task)
        job = Job(
            run=self._journal.run,
            task=task,
            key=key,
            nth=nth,
            model=ask.model,
            request=request,
            emit_event=self._journal.emit,
            spans=Spans(),
            agent=ask.agent,
            stream=stream,
            dry=self._dry,
            scope=self._plan.scope(ask),
            pure=ask.pure,
            folder=str(self._plan.folder),
            among=ask.among,
        )
        try:
            return await self._way(job)
        except Waits:
            self._streams[index] = stream
            raise

    def _held(self, index: int, task: Task) -> tuple[str, ...]:
        """The approvals, asked by an earlier process, that keep a task from being begun."""
        return () if self._gate is None else self._gate.held(task, self._index.key(index), self._index.nth(index))

    def _wait(self, index: int, ids: tuple[str, ...]) -> None:
        self.waiting[index] = ids
        self.tally.waiting = len(self.waiting)
        self._changed.set()

    def _unasked(self, index: int, task: Task, status: Status, error: str) -> Result:
        """The Result of a task that cannot be asked because of the tasks before it."""
        result = Result(task.id, status, attempts=0, cost_usd=0.0, error=error)
        if not self._dry:
            # Whoever looks on sees events: without this one the task would seem to wait for ever.
            told = {"status": status, "error": error}
            self._journal.emit(Event("task.unasked", self._journal.run, task.id, data=told))
            self._journal.commit(self._index.key(index), self._index.nth(index), task.line, result)
        return result

    def _index_id(self, index: int) -> str:
        return self._kept[index].id

    def _finish(self, index: int, result: Result) -> None:
        self.tally.add(result, result.known)
        self._done.append((index, result))
        self._some_done.set()
        children = self._index.children(index)
        if children:
            self._kept[index], self._readers[index] = result, len(children)
        for child in children:
            if child in self._parked:
                self._parked[child] -= 1
                if not self._parked[child]:
                    del self._parked[child]
                    self._ready.append(child)
        for parent in self._index.parents(index):
            self._readers[parent] -= 1
            if not self._readers[parent]:
                del self._readers[parent], self._kept[parent]
        # Also when nothing got ready: an agent that waits must see that nothing is left to wait for.
        self._changed.set()
        if self._fail_fast and result.status == "failed":
            self.stop(FailedFast(f"task {result.id} failed: {result.error}"))

    async def _deliver_committed(self) -> None:
        while not self._over or self._done:
            await self._some_done.wait()
            self._some_done.clear()
            batch, self._done = self._done, []
            try:
                await self._journal.writer.flushed()
                for index, result in batch:
                    self._deliver(index, result)
            except (PyAgentError, OSError) as error:
                self.stop(error, cancel=True)


def pending(count: int) -> ApprovalsPending:
    """What ends a run in which only approvals are left."""
    tasks = "1 task waits" if count == 1 else f"{count} tasks wait"
    return ApprovalsPending(
        f"{tasks} for a person", "decide with `pyagent swarm approve`, then run the same command again to go on"
    )


class FailedFast(PyAgentError):
    """A task failed in a run with --fail-fast."""

    exit_code = 1
