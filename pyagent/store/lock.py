"""One process works on a run at a time: a lock that a killed process cannot leave behind."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from pyagent.errors import Busy, StoreError

POLL = 0.2


class RunLock:
    """An advisory `flock` on ``FOLDER/NAME.lock``; the kernel frees it when the process ends, however it ends."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"{name}.lock"
        self._fd: int | None = None

    def acquire(self, wait: float = 0.0) -> None:
        """Take the lock; wait up to ``wait`` seconds (``inf``: for ever). Raises Busy with the holder's pid."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                f"{self.path} cannot be written ({error.strerror})", "set PYAGENT_HOME to a writable folder"
            ) from None
        deadline = time.monotonic() + wait
        while not _try(fd):
            if time.monotonic() >= deadline:
                holder = os.pread(fd, 32, 0).decode(errors="replace").strip()
                os.close(fd)
                raise Busy(
                    f"run {self.path.stem} is held by process {holder or 'unknown'}",
                    "wait for it, pass --wait, or stop it with `pyagent swarm stop`",
                )
            time.sleep(POLL)
        os.ftruncate(fd, 0)
        os.pwrite(fd, str(os.getpid()).encode(), 0)
        self._fd = fd

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _try(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
