"""Runs what recurs, so that a week that was missed is caught up once and none is run twice.

APScheduler keeps the next time of every job in a file, and fires what is due when it starts again. Three of its
defaults would lose a week: a grace of one second for a late start, one run for each missed one, and an added job
that forgets the time it was due at.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pyagent.errors import Busy, ConfigError, Interrupted, UsageError
from pyagent.host.calendar import When
from pyagent.host.chore import Ended, last, perform
from pyagent.host.hookspecs import ScheduledJob
from pyagent.store.lock import RunLock

# A fleet that asks the same provider must not do so in the same second.
JITTER = 900


@dataclass(frozen=True, slots=True)
class Planned:
    """A job with its next time (None: nothing serves the schedule yet) and how it ended last."""

    job: ScheduledJob
    next: datetime | None
    last: Ended | None


class Schedule:
    """The jobs of one user; ``folder`` keeps the next times, the record and the logs.

    Only one process serves it at a time; others may list it and run a job now.
    """

    def __init__(self, jobs: Sequence[ScheduledJob], folder: Path, cwd: Path) -> None:
        self.jobs = {job.name: job for job in jobs}
        self._folder, self._cwd = folder, cwd

    def list(self) -> list[Planned]:
        """Every job by name. Next times are known once the schedule was served."""
        due = self._due()
        return [Planned(job, due.get(name), last(self._folder, name)) for name, job in sorted(self.jobs.items())]

    def run_now(self, name: str) -> int:
        """Run a job here and now and give its exit code. Raises UsageError for an unknown name, Busy (75)."""
        job = self.jobs.get(name)
        if job is None:
            raise UsageError(f"no job {name!r}", f"known: {', '.join(sorted(self.jobs)) or 'none'}")
        return perform(name, job.argv, str(self._folder), str(self._cwd))

    def serve(self, jitter: int = JITTER) -> None:
        """Run jobs when they are due until SIGINT or SIGTERM, which raises Interrupted once the jobs have ended.

        Raises Busy (75) when another process serves, ConfigError (78) without APScheduler.
        """
        lock = RunLock(self._folder / "locks", "schedule")
        try:
            lock.acquire()
        except Busy as error:
            raise Busy("another process serves the schedule", "one is enough; see `pyagent schedule list`") from error
        try:
            scheduler = self._scheduler()
            scheduler.start(paused=True)
            self._settle(scheduler, jitter)
            scheduler.resume()
            number = _wait()
            scheduler.shutdown()
        finally:
            lock.release()
        raise Interrupted(
            f"stopped by {signal.Signals(number).name}", "what is due then runs at the next start", number
        )

    def _scheduler(self) -> Any:
        try:
            from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
            from apscheduler.schedulers.background import BackgroundScheduler
        except ImportError as error:
            raise ConfigError(
                f"the schedule needs APScheduler with SQLAlchemy ({error.name} is missing)",
                "install it with: pip install 'pyagent-swarm[schedule]'",
            ) from error
        return BackgroundScheduler(
            jobstores={"default": SQLAlchemyJobStore(url=f"sqlite:///{self._folder / 'schedule.db'}")},
            # None: however late the start is, what was due is done; coalesce: once.
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
        )

    def _settle(self, scheduler: Any, jitter: int) -> None:
        """Make the stored jobs those that there are; one that did not change keeps the time it was due at."""
        from apscheduler.triggers.cron import CronTrigger

        stored = {job.id: job for job in scheduler.get_jobs()}
        for name in stored.keys() - self.jobs.keys():
            scheduler.remove_job(name)
        for name, job in self.jobs.items():
            arguments = [name, list(job.argv), str(self._folder), str(self._cwd), str(job.when)]
            known = stored.get(name)
            if known is not None and known.args[4] == str(job.when):
                scheduler.modify_job(name, args=arguments)
                continue
            trigger = CronTrigger(**job.when.fields, jitter=jitter or None)
            scheduler.add_job(
                "pyagent.host.schedule:fire", trigger, args=arguments, id=name, name=job.help, replace_existing=True
            )

    def _due(self) -> dict[str, datetime]:
        """The next times as they stand in the file; empty before it was served."""
        import sqlite3
        from contextlib import closing

        path = self._folder / "schedule.db"
        if not path.exists():
            return {}
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            try:
                rows = db.execute("SELECT id, next_run_time FROM apscheduler_jobs WHERE next_run_time IS NOT NULL")
                return {name: datetime.fromtimestamp(at).astimezone() for name, at in rows}
            except sqlite3.OperationalError:
                return {}


def fire(name: str, argv: Sequence[str], folder: str, cwd: str, when: str) -> int:
    """What APScheduler calls; ``when`` tells whether the stored time is still the one that is wanted."""
    try:
        return perform(name, argv, folder, cwd)
    except Busy:
        # Somebody runs it by hand at this moment: the week has its run.
        return 0


def _wait() -> int:
    """Sleep until SIGINT or SIGTERM and give its number; a second one ends the process at once."""
    told, numbers = threading.Event(), [signal.SIGTERM]

    def stop(number: int, frame: Any) -> None:
        if told.is_set():
            os._exit(128 + number)
        numbers[0] = signal.Signals(number)
        told.set()

    # They stay for the second signal, while jobs end: SIGINT's default would raise in between.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    # In short pieces: a signal wakes the interpreter, not a wait without an end on every platform.
    while not told.wait(1.0):
        pass
    return numbers[0]


def unit(job: ScheduledJob, shape: str) -> str:
    """The job for somebody else's scheduler: a ``cron`` line, a ``systemd`` timer or a ``github`` workflow."""
    command = " ".join(["pyagent", *job.argv])
    return {"cron": _cron, "systemd": _systemd, "github": _github}[shape](job.name, job.help, command, job.when)


def _cron(name: str, help: str, command: str, when: When) -> str:
    return f"# {help}\n{when.cron} {command}\n"


def _systemd(name: str, help: str, command: str, when: When) -> str:
    return f"""# ~/.config/systemd/user/pyagent-{name}.service
[Unit]
Description={help}

[Service]
Type=oneshot
ExecStart=%h/.local/bin/{command}

# ~/.config/systemd/user/pyagent-{name}.timer
[Unit]
Description={help}

[Timer]
OnCalendar={when.systemd}
Persistent=true
RandomizedDelaySec={JITTER}

[Install]
WantedBy=timers.target

# then: systemctl --user enable --now pyagent-{name}.timer
"""


def _github(name: str, help: str, command: str, when: When) -> str:
    return f"""# .github/workflows/{name}.yml
# GitHub counts in UTC, and starts scheduled work late or not at all under load:
# a check with --max-age says so.
name: {help}
on:
  schedule:
    - cron: "{when.cron}"
  workflow_dispatch:
jobs:
  {name}:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: pip install "pyagent-swarm[all,capability]"
      - uses: actions/cache@v4
        with:
          path: .pyagent
          key: pyagent-${{{{ github.run_id }}}}
          restore-keys: pyagent-
      - run: {command}
        env:
          PYAGENT_HOME: ${{{{ github.workspace }}}}/.pyagent
"""
