"""Lets several runs on one machine share its cores without oversubscribing them: two engines on one core are
slower together than one after the other.

A lease is a lock on ``core-N.lock`` in the data folder; a run that wants cores says so in a claim file that it
holds locked. The kernel drops both kinds of lock when a process dies, so nothing needs repair after a kill.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pyagent.errors import ConfigError, StoreError

# More runs than cores take turns of this length; a turn ends when the worker's requests are done.
TURN = 30.0
QUOTA = Path("/sys/fs/cgroup/cpu.max")


def core_count() -> int:
    """The cores that this process may use: affinity, the container's quota, and PYAGENT_CORES, which only lowers."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cores = max(1, min(cores, _quota() or cores))
    wish = os.environ.get("PYAGENT_CORES", "")
    if not wish:
        return cores
    if not wish.isdecimal() or int(wish) < 1:
        raise ConfigError(f"PYAGENT_CORES is {wish!r}", "Set it to a whole number from 1 upwards, or unset it.")
    return min(cores, int(wish))


def _quota() -> int | None:
    with suppress(OSError, ValueError):
        quota, period = QUOTA.read_text().split()
        return max(1, int(quota) // int(period))
    return None


@dataclass(frozen=True, slots=True)
class Claim:
    """What one run has and wants, in cores."""

    name: str
    have: int
    want: int


def shares(claims: Sequence[Claim], cores: int, turn: int) -> dict[str, int]:
    """The fair number of cores of each claim: one each in turn until all are dealt or nobody wants more.

    Oldest first; with more claims than cores ``turn`` says whose turn it is to be first.
    """
    order = sorted((claim for claim in claims if claim.want > 0), key=lambda claim: claim.name)
    if len(order) > cores:
        first = turn * cores % len(order)
        order = order[first:] + order[:first]
    dealt = {claim.name: 0 for claim in claims}
    while cores > 0 and any(dealt[claim.name] < claim.want for claim in order):
        for claim in order:
            if cores > 0 and dealt[claim.name] < claim.want:
                dealt[claim.name] += 1
                cores -= 1
    return dealt


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to keep one core busy; ends with ``give`` or with the process."""

    core: int
    file: int


class Leases:
    """One run's view of the cores of the machine. Every call is a few file operations (about 0.1 ms), none waits."""

    def __init__(self, home: Path, cores: int | None = None) -> None:
        self.cores = core_count() if cores is None else cores
        self._folder = home / "leases"
        self._claim: tuple[Path, int] | None = None
        self._wanted = 0
        self._held: list[Lease] = []

    @property
    def held(self) -> int:
        return len(self._held)

    def want(self, number: int) -> None:
        """Say how many cores this run could use now; others see it. 0 withdraws the claim."""
        number = min(number, self.cores)
        if number != self._wanted:
            self._wanted = number
            self._announce()

    def take(self) -> Lease | None:
        """One more core, if a fair share allows it and one is free."""
        if self.held >= self._wanted or self.held >= self._shares().get(self._name, 0):
            return None
        # From the top: a run that may use fewer cores looks for the low ones only.
        for core in reversed(range(self.cores)):
            file = self._lock(self._folder / f"core-{core}.lock")
            if file is not None:
                lease = Lease(core, file)
                self._held.append(lease)
                self._announce()
                return lease
        return None

    def surplus(self) -> bool:
        """Whether one lease should go back, because this run has more than its share and another less."""
        others = self._others()
        dealt = self._shares(others)
        hungry = any(claim.have < dealt[claim.name] for claim in others)
        return hungry and self.held > dealt.get(self._name, 0)

    def give(self, lease: Lease) -> None:
        """Give a lease back."""
        self._held.remove(lease)
        os.close(lease.file)
        self._announce()

    def close(self) -> None:
        """Give everything back."""
        self._wanted = 0
        while self._held:
            os.close(self._held.pop().file)
        self._withdraw()

    @property
    def _name(self) -> str:
        return self._claim[0].name if self._claim else ""

    def _shares(self, others: list[Claim] | None = None) -> dict[str, int]:
        mine = [Claim(self._name, self.held, self._wanted)] if self._claim else []
        return shares([*(self._others() if others is None else others), *mine], self.cores, int(time.time() / TURN))

    def _announce(self) -> None:
        if not self._wanted and not self._held:
            self._withdraw()
            return
        if self._claim is None:
            self._claim = self._register()
        # One write of fixed length: a reader never sees half of it.
        os.pwrite(self._claim[1], b"%6d %6d\n" % (self.held, self._wanted), 0)

    def _register(self) -> tuple[Path, int]:
        # Locked under another name first: an unlocked claim counts as a dead run's and is swept away.
        path = self._folder / f"claim-{time.time_ns():020d}-{os.getpid()}"
        hidden = path.with_name(f".{path.name}")
        file = self._lock(hidden)
        assert file is not None
        os.pwrite(file, b"%6d %6d\n" % (0, 0), 0)
        hidden.rename(path)
        return path, file

    def _withdraw(self) -> None:
        if self._claim:
            path, file = self._claim
            self._claim = None
            path.unlink(missing_ok=True)
            os.close(file)

    def _others(self) -> list[Claim]:
        paths = [path for path in self._folder.glob("claim-*") if path.name != self._name]
        return [claim for claim in map(_read, paths) if claim is not None]

    def _lock(self, path: Path) -> int | None:
        """Open and lock a file; None when somebody else holds it."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                f"the cores cannot be leased in {self._folder}: {error.strerror}",
                "Set PYAGENT_HOME to a folder that can be written.",
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return None
        return file


def _read(path: Path) -> Claim | None:
    """Another run's claim, or None (and the file swept away) when that run is dead."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        have, want = os.read(file, 14).split()
        return Claim(path.name, int(have), int(want))
    else:
        path.unlink(missing_ok=True)
        return None
    finally:
        os.close(file)
