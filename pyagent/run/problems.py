"""All bad lines of a task file at once, because one a run would make a person run it twenty times."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable

from pyagent.errors import TaskFileError

SHOWN = 100


class Problems:
    """Keeps the first SHOWN faults by line, and counts the bad lines"""

    def __init__(self, name: str) -> None:
        self._name = name
        self._first: list[tuple[int, str]] = []
        self._count = 0

    def __bool__(self) -> bool:
        return bool(self._first)

    def keeps(self, line: int) -> bool:
        """Whether a fault in this line would be among the first."""
        return len(self._first) < SHOWN or line < self._first[-1][0]

    def add(self, line: int, what: str | Callable[[], str]) -> None:
        """Count a fault; its text is only made where it is kept."""
        self._count += 1
        if self.keeps(line):
            insort(self._first, (line, what if isinstance(what, str) else what()))
            del self._first[SHOWN:]

    def error(self) -> TaskFileError:
        """``file:line: what`` for each that is kept; the message counts them all."""
        shown = [f"{self._name}:{line}: {what}" for line, what in self._first]
        if self._count == 1:
            message = f"{self._name} has a bad line"
        else:
            message = f"{self._name} has {self._count} bad lines"
        if self._count > SHOWN:
            message = f"{message}: the first {SHOWN} are shown, {self._count - SHOWN} more are not"
        return TaskFileError(message, "Nothing was asked; correct the file and run the same command again.", shown)
