"""The time that entries live by: a wall clock may be set back, and then no answer may live twice.

Cache time never runs backwards, in any process and over restarts. Within one boot of the machine it follows the
boot clock, which nobody can set, from the highest wall time that was ever seen:

- the wall clock is set back: cache time goes on at the pace of the boot clock; nothing revives, nothing is killed;
- it is set forward (or a sleeping virtual machine wakes): cache time follows; answers end early, never late;
- after a reboot it starts at the wall clock or at the last mark, whichever is later.
"""

from __future__ import annotations

import fcntl
import hashlib
import math
import mmap
import os
import time
from collections.abc import Callable
from pathlib import Path

# Counts sleep, too; macOS's CLOCK_MONOTONIC does so by itself.
_BOOT_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
# Four numbers of 8 bytes: cache time minus boot clock, the mark, the name of the boot, one spare.
AHEAD, MARK, BOOT, SIZE = 0, 1, 2, 32


def since_boot() -> float:
    return time.clock_gettime(_BOOT_CLOCK)


class Clock:
    """Cache time, shared by the processes that open the same file: three numbers in a mapped page.

    Each number is one aligned store of 8 bytes, so that no reader sees half of one. ``wall`` and ``boot`` give
    seconds; they are arguments because no test can set a machine's clock.
    """

    def __init__(
        self, file: Path, wall: Callable[[], float] = time.time, boot: Callable[[], float] = since_boot
    ) -> None:
        """Raises OSError when the file cannot be made."""
        self._wall, self._boot = wall, boot
        fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if os.fstat(fd).st_size != SIZE:
                os.pwrite(fd, bytes(SIZE), 0)
                os.ftruncate(fd, SIZE)
            self._map = mmap.mmap(fd, SIZE)
            self._cells = memoryview(self._map).cast("d")
            self._begin()
        finally:
            # The map keeps a copy of the descriptor, and with it the lock.
            fcntl.flock(fd, fcntl.LOCK_UN)
            os.close(fd)

    def now(self) -> float:
        """Seconds since the epoch as the cache counts them: never less than any process was given before."""
        cells, boot = self._cells, self._boot()
        ahead = self._wall() - boot
        if ahead > cells[AHEAD]:
            cells[AHEAD] = ahead
        now = boot + max(ahead, cells[AHEAD])
        # A second: a reboot loses at most so much of what was counted past the wall clock.
        if now > cells[MARK] + 1.0:
            cells[MARK] = now
        return now

    def close(self) -> None:
        self._cells.release()
        self._map.close()

    def _begin(self) -> None:
        """On the first use in a boot, go on from the mark of the last one."""
        cells, name = self._cells, _boot_name()
        mark = cells[MARK] if math.isfinite(cells[MARK]) else 0.0
        if cells[BOOT] != name or not math.isfinite(cells[AHEAD]):
            cells[AHEAD] = max(self._wall(), mark) - self._boot()
        cells[MARK], cells[BOOT] = mark, name


def _boot_name() -> float:
    """A number for this boot of the machine: exact in a double, and never 0."""
    try:
        text = Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:
        # When it booted, as the wall clock says, to ten seconds: after the clock was set it counts as another boot.
        text = str(round(time.time() - since_boot(), -1))
    return float(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest(), "big") + 1)
