"""The writer: what it says is flushed is there for every other process; what stops it is told to all who wait."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pyagent.errors import Busy, StoreError
from pyagent.store.db import Store, connect
from pyagent.store.lock import RunLock
from pyagent.store.writer import SQL, Put, Writer, write


def event(n: int) -> tuple[object, ...]:
    return ("r", f"t{n}", 0, None, "test.happened", 1.0, "{}")


def test_flushed_means_that_another_connection_sees_it(home: Path) -> None:
    async def story() -> None:
        Store.open(home / "a.db").close()
        writer = Writer(home / "a.db")
        for n in range(500):
            writer.put(Put.EVENT, event(n))
        await writer.flushed()
        with Store.open(home / "a.db") as other:
            assert len(list(other.events("r"))) == 500
        writer.put(Put.EVENT, event(500))
        await writer.close()
        with Store.open(home / "a.db") as other:
            assert [e.task for e in other.events("r", after=500)] == ["t500"]

    asyncio.run(story())


def test_an_attempt_is_settled_also_when_both_come_in_one_batch(home: Path) -> None:
    async def story() -> None:
        Store.open(home / "a.db").close()
        writer = Writer(home / "a.db")
        writer.put(Put.SETTLE, (7, 0.1, 2.0, "r", 0))
        writer.put(Put.RESERVE, ("r", 0, "t", "m", 100, 1.0, 1.0))
        await writer.close()
        with Store.open(home / "a.db") as store:
            assert (store.spent("r").tokens, store.spent("r").usd) == (7, 0.1)

    asyncio.run(story())


def test_many_rows_share_a_statement_and_each_is_written_once(home: Path) -> None:
    """The thread waits for the interpreter's lock after each statement: row by row it falls behind for good."""
    Store.open(home / "a.db").close()
    db, ran = connect(home / "a.db"), list[str]()
    db.set_trace_callback(ran.append)
    for start, count in ((0, 1), (1, 7), (8, 8), (16, 64), (80, 300)):
        write(db, SQL[Put.EVENT], [event(n) for n in range(start, start + count)])
        write(db, SQL[Put.RESERVE], [("r", n, "t", "m", 100, 1.0, 1.0) for n in range(start, start + count)])
        write(db, SQL[Put.SETTLE], [(n, 0.5, 2.0, "r", n) for n in range(start, start + count)])
    assert len(ran) <= 3 * (1 + 7 + 1 + 1 + 4 + 5 + 4)
    db.close()
    with Store.open(home / "a.db") as store:
        assert [e.task for e in store.events("r")] == [f"t{n}" for n in range(380)]
        assert store.spent("r").tokens == sum(range(380))
        assert store.spent("r").attempts == 380


def test_a_callback_for_later_is_called_at_close_at_the_latest(home: Path) -> None:
    async def story() -> None:
        Store.open(home / "a.db").close()
        writer = Writer(home / "a.db")
        writer.later(60, lambda: writer.put(Put.EVENT, event(1)))
        await writer.close()
        with Store.open(home / "a.db") as store:
            assert len(list(store.events("r"))) == 1

    asyncio.run(story())


def test_a_full_disk_is_told_to_all_who_wait_and_what_was_committed_stays(home: Path) -> None:
    async def story() -> None:
        Store.open(home / "a.db").close()
        writer = Writer(home / "a.db")
        writer.put(Put.EVENT, event(1))
        await writer.flush()
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        # No file of this process may grow any more: for SQLite the same as a disk without space.
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
        try:
            writer.put(Put.EVENT, event(2))
            waiting = [writer.flushed(), writer.flush()]
            for done in waiting:
                with pytest.raises(StoreError, match="full or failing") as told:
                    await done
                assert told.value.exit_code == 74
            with pytest.raises(StoreError):
                await writer.flushed()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        with pytest.raises(StoreError):
            await writer.close()
        with Store.open(home / "a.db") as store:
            assert [e.task for e in store.events("r")] == ["t1"]

    asyncio.run(story())


HOLDER = """
import sys, time
from pathlib import Path
from pyagent.store.lock import RunLock
RunLock(Path(sys.argv[1]), "run").acquire()
print("held", flush=True)
time.sleep(60)
"""


def test_a_lock_names_its_holder_and_a_killed_holder_leaves_none(home: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(home)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    lock = RunLock(home, "run")
    with pytest.raises(Busy, match=str(holder.pid)) as busy:
        lock.acquire()
    assert busy.value.exit_code == 75
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    lock.acquire()
    lock.release()
    lock.acquire(wait=1)
    lock.release()
