"""The cache's sums for whoever looks on: read from the file as it lies, without opening the cache.

Opening it loads the embedder and the index, which takes a second; a page asks every few seconds.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any


def glance(folder: Path) -> dict[str, Any] | None:
    """Entries, hits, what they saved; None where nothing was kept yet or the file cannot be read now."""
    path = folder / "cache.db"
    if not path.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=1)) as db:
            entries, size = db.execute("SELECT entries, bytes FROM total").fetchone()
            tallies = dict(db.execute("SELECT name, value FROM tally"))
    except (sqlite3.Error, TypeError):
        return None
    hits = {name: int(tallies.get(f"hit.{name}", 0)) for name in ("exact", "semantic")}
    hits["coalesced"] = int(tallies.get("coalesced", 0))
    asked = sum(hits.values()) + int(tallies.get("computed", 0))
    return {
        "entries": entries,
        "bytes": size,
        "hits": hits,
        "computed": int(tallies.get("computed", 0)),
        "hit_rate": round(sum(hits.values()) / asked, 4) if asked else None,
        "saved_tokens": int(tallies.get("saved.tokens", 0)),
        "saved_usd": round(tallies.get("saved.usd", 0.0), 6),
        "misses": {name[5:]: int(count) for name, count in tallies.items() if name.startswith("miss.")},
    }
