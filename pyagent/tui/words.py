"""Numbers as a person reads them in a narrow column."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from pyagent.report.text import money, one_line
from pyagent.store.states import NAMES

# What a task is doing, by its state.
DOING = tuple("waiting for a person" if name == "waiting" else name for name in NAMES)


def cell(value: Any, most: int | None = None) -> Text:
    """A stranger's text for a table: on one line, and never read as markup."""
    return Text(one_line(value, most))


def duration(seconds: float) -> str:
    """`42 s`, `3 min`, `2 h`, `5 d`."""
    for most, size, unit in ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h")):
        if seconds < most:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds // 86400)} d"


def cost(usd: float, unknown: int) -> str:
    """USD; what has no price is said, not counted as nothing."""
    if not unknown:
        return money(usd)
    return f"{money(usd)} + unknown" if usd else "unknown"


def count(number: int, one: str, many: str = "") -> str:
    """`1 run`, `3 runs`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
