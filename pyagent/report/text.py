"""What a model wrote is a stranger's text: made harmless here before it enters a terminal, XML or Markdown."""

from __future__ import annotations

import json
import re
from typing import Any

# Colours and cursor movements, then whatever XML 1.0 cannot hold, escaped or not (section 2.2).
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def plain(value: Any) -> str:
    """``value`` as text without terminal sequences, control characters and half surrogate pairs."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return _NOT_XML.sub("", _ANSI.sub("", text))


def one_line(value: Any, most: int | None = None) -> str:
    """``plain`` with every run of white space as one space, cut to ``most`` characters."""
    text = " ".join(plain(value).split())
    return text if most is None or len(text) <= most else text[: max(0, most - 1)] + "…"


def money(usd: float | None) -> str:
    """USD with as many digits as say something."""
    if usd is None:
        return "unknown"
    return "$0" if usd == 0 else f"${usd:,.2f}" if usd >= 1 else f"${usd:.4f}" if usd >= 0.0001 else f"${usd:.2g}"
