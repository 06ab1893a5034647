"""What recurs: words for times that no scheduler misreads, a week that was missed, one server at a time."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pyagent.errors import Busy, UsageError
from pyagent.host.calendar import DAYS, When
from pyagent.host.chore import last, perform
from pyagent.host.hookspecs import ScheduledJob
from pyagent.host.schedule import Schedule, unit

pytest.importorskip("apscheduler", reason="the extra `schedule` is not installed")
pytest.importorskip("sqlalchemy", reason="the extra `schedule` is not installed")

# Serves one job that writes a line each time it runs; the jobs' command is replaced by a small program.
SERVER = """
import sys
from pathlib import Path
from pyagent.host.hookspecs import ScheduledJob
from pyagent.host.schedule import Schedule
folder, at = Path(sys.argv[1]), sys.argv[2]
Schedule([ScheduledJob("weekly", ("--version",), at, "A test")], folder, folder).serve(jitter=0)
"""


def job(at: str = "mon 03:17", *argv: str) -> ScheduledJob:
    return ScheduledJob("weekly", argv or ("--version",), at, "A test")


@pytest.mark.parametrize("text", ["mon 03:17", "daily 23:59", "hourly :05", "sun 00:00"])
def test_a_time_reads_back_as_it_was_said(text: str) -> None:
    assert str(When.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "1 03:17", "mon", "mon 24:00", "mon 03:60", "hourly", "hourly 03:17", "moon 03:17"]
)
def test_words_that_are_no_time_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        When.parse(text)


def test_long_names_and_capitals_are_understood() -> None:
    assert When.parse("Monday 3:17") == When("mon", 3, 17)
    assert When.parse("03:17") == When(None, 3, 17)


@pytest.mark.parametrize("day", DAYS)
def test_every_day_fires_on_its_day(day: str) -> None:
    from apscheduler.triggers.cron import CronTrigger

    trigger = CronTrigger(**When.parse(f"{day} 03:17").fields)
    fires = trigger.get_next_fire_time(None, datetime.now(trigger.timezone))
    assert fires is not None
    assert DAYS[fires.weekday()] == day
    assert (fires.hour, fires.minute) == (3, 17)


def test_other_schedulers_get_the_same_time() -> None:
    assert When.parse("mon 03:17").cron == "17 3 * * mon"
    assert When.parse("mon 03:17").systemd == "Mon *-*-* 03:17:00"
    assert When.parse("hourly :05").cron == "5 * * * *"
    weekly = job("mon 03:17", "capability", "check")
    assert "17 3 * * mon pyagent capability check" in unit(weekly, "cron")
    assert "Persistent=true" in unit(weekly, "systemd")
    assert '- cron: "17 3 * * mon"' in unit(weekly, "github")


def test_a_job_runs_in_its_own_process_and_is_recorded(tmp_path: Path) -> None:
    assert Schedule([job()], tmp_path, tmp_path).run_now("weekly") == 0
    ended = last(tmp_path, "weekly")
    assert ended is not None
    assert ended.exit_code == 0
    assert "pyagent" in ended.tail


def test_a_job_that_fails_keeps_its_exit_code_and_its_words(tmp_path: Path) -> None:
    assert Schedule([job("mon 03:17", "no-such-command")], tmp_path, tmp_path).run_now("weekly") == 2
    ended = last(tmp_path, "weekly")
    assert ended is not None
    assert ended.exit_code == 2
    assert "no-such-command" in ended.tail


def test_an_unknown_job_is_named_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        Schedule([job()], tmp_path, tmp_path).run_now("monthly")
    assert "weekly" in error.value.hint


def test_the_same_job_does_not_run_twice_at_once(tmp_path: Path) -> None:
    from pyagent.store.lock import RunLock

    held = RunLock(tmp_path / "locks", "job-weekly")
    held.acquire()
    with pytest.raises(Busy):
        perform("weekly", ["--version"], str(tmp_path), str(tmp_path))
    held.release()
    assert perform("weekly", ["--version"], str(tmp_path), str(tmp_path)) == 0


def test_a_missed_week_is_caught_up_once(tmp_path: Path) -> None:
    """The scheduler was down over three Mondays: at the next start the job runs once, and then waits for Monday."""
    at = later()
    with serving(tmp_path, at):
        wait_for(lambda: due(tmp_path) is not None)
    assert last(tmp_path, "weekly") is None
    missed = time.time() - timedelta(weeks=3).total_seconds()
    with closing(sqlite3.connect(tmp_path / "schedule.db")) as db, db:
        db.execute("UPDATE apscheduler_jobs SET next_run_time = ?", (missed,))
        _unpickle_aside(db, missed)
    with serving(tmp_path, at):
        wait_for(lambda: (ended := last(tmp_path, "weekly")) is not None and ended.ended is not None)
        wait_for(lambda: (next_run := due(tmp_path)) is not None and next_run > time.time())
        time.sleep(1.5)
    assert runs(tmp_path) == 1


def test_a_restart_keeps_the_time_that_was_due(tmp_path: Path) -> None:
    at = later()
    with serving(tmp_path, at):
        wait_for(lambda: due(tmp_path) is not None)
    before = due(tmp_path)
    with serving(tmp_path, at):
        pass
    assert due(tmp_path) == before
    with serving(tmp_path, "daily 04:44" if at != "daily 04:44" else "daily 05:55"):
        wait_for(lambda: due(tmp_path) != before)


def test_only_one_process_serves(tmp_path: Path) -> None:
    with serving(tmp_path, later()), pytest.raises(Busy):
        Schedule([job()], tmp_path, tmp_path).serve()


def test_ctrl_c_ends_the_server_with_one_line(tmp_path: Path) -> None:
    environment = {**os.environ, "PYAGENT_HOME": str(tmp_path)}
    server = subprocess.Popen(
        [sys.executable, "-m", "pyagent", "schedule", "serve"], env=environment, stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: (tmp_path / "schedule" / "locks" / "schedule.lock").exists())
    wait_for(lambda: due(tmp_path / "schedule") is not None)
    server.send_signal(signal.SIGINT)
    _, err = server.communicate(timeout=20)
    assert server.returncode == 130
    assert "Traceback" not in err


def test_the_command_lists_the_jobs(tmp_path: Path) -> None:
    environment = {**os.environ, "PYAGENT_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "pyagent", "--json", "schedule", "list"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    rows = json.loads(done.stdout)
    assert "capability-check" in [row["name"] for row in rows]


# ---- helpers


class serving:
    """A process that serves the schedule of ``folder``."""

    def __init__(self, folder: Path, at: str) -> None:
        self._arguments = [sys.executable, "-c", SERVER, str(folder), at]
        self._folder = folder

    def __enter__(self) -> None:
        self._process = subprocess.Popen(self._arguments, stderr=subprocess.DEVNULL)
        pid = str(self._process.pid)
        lock = self._folder / "locks" / "schedule.lock"
        wait_for(lambda: lock.exists() and lock.read_text() == pid and due(self._folder) is not None)

    def __exit__(self, *exc: object) -> None:
        self._process.terminate()
        self._process.wait(20)


def later() -> str:
    """A time that is not due while a test runs."""
    return f"daily {(datetime.now() + timedelta(hours=5)):%H:%M}"


def due(folder: Path) -> float | None:
    try:
        with closing(sqlite3.connect(f"file:{folder / 'schedule.db'}?mode=ro", uri=True)) as db:
            row = db.execute("SELECT next_run_time FROM apscheduler_jobs").fetchone()
    except sqlite3.OperationalError:
        return None
    return None if row is None else float(row[0])


def runs(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "schedule.db")) as db:
        return int(db.execute("SELECT count(*) FROM ended").fetchone()[0])


def _unpickle_aside(db: sqlite3.Connection, at: float) -> None:
    """The stored job holds its next time twice; both say that three weeks have passed."""
    import pickle

    (state,) = db.execute("SELECT job_state FROM apscheduler_jobs").fetchone()
    job = pickle.loads(state)
    job["next_run_time"] = datetime.fromtimestamp(at, job["next_run_time"].tzinfo)
    db.execute("UPDATE apscheduler_jobs SET job_state = ?", (pickle.dumps(job),))


def wait_for(happened: object, seconds: float = 20.0) -> None:
    assert callable(happened)
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)
