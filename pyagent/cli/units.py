"""Ages and sizes as people write and read them."""

from __future__ import annotations

import re

from pyagent.errors import UsageError

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def seconds(age: str) -> float:
    """Seconds in an age like `30d`, `1.5h` or `2w3d`; raises UsageError."""
    text = age.strip().lower()
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhdw])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise UsageError(f"{age!r} is not an age", "give a number and s, m, h, d or w, like 30d")
    return sum(float(number) * UNITS[unit] for number, unit in parts)


def size(count: float) -> str:
    """Bytes as people read them."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
