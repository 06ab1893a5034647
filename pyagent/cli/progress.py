"""How a run is going, on stderr: a line that rewrites itself on a terminal, a line every 10 seconds elsewhere."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from typing import TextIO

from pyagent.run.tally import Tally

LIVE, LOGGED = 0.2, 10.0


class Progress:
    """Shows a Tally until ``close``. ``clear`` makes room for a line that somebody else prints to the terminal."""

    def __init__(self, tally: Tally, stream: TextIO | None = None) -> None:
        self._tally = tally
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")
        self._shown = False

    async def show(self) -> None:
        """Print until cancelled."""
        while True:
            await asyncio.sleep(LIVE if self._live else LOGGED)
            self._print()

    def clear(self) -> None:
        if self._shown:
            self._write("\r\x1b[K")
            self._shown = False

    def _print(self) -> None:
        line = describe(self._tally)
        if self._live:
            self._write(f"\r\x1b[K{line[: shutil.get_terminal_size().columns - 1]}")
            self._shown = True
        else:
            self._write(f"{line}\n")

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            # Nobody reads stderr any more; the run does not need it.
            self._live = False


def describe(tally: Tally) -> str:
    """`12/20 done, 1 failed, 3.4/s, 2 s left, 1,204 tokens, $0.0012`"""
    parts = [f"{tally.done}/{tally.total} done"]
    if tally.known:
        parts.append(f"{tally.known} known")
    if tally.failed:
        parts.append(f"{tally.failed} failed")
    if tally.skipped:
        parts.append(f"{tally.skipped} skipped")
    if tally.waiting:
        parts.append(f"{tally.waiting} waiting for a person")
    if tally.rate:
        parts.append(f"{tally.rate:.3g}/s")
    if tally.missing and tally.eta is not None:
        parts.append(f"{duration(tally.eta)} left")
    if tally.usage.total:
        parts.append(f"{tally.usage.total:,} tokens")
    if tally.usd:
        parts.append(f"${tally.usd:.4f}")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """`42 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
