"""The phone's numbers, in a real Chromium at a phone's size: the first view, a swipe to its decision, random decks.

    python benchmarks/phone.py --decks 100

Prints the seconds of the first view (from opening /m/ to the first card, signed in: with an empty cache, and again
with a full one), the milliseconds from the end of a swipe to the decision in the core, what the client weighs on the
wire, how many decks were played (a wrong or double decision ends it all with its traceback), and the requests that
left for another host.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pyagent.store.db import Store
from tests.mobile.phone import Phone, chromium, deal, missing, phone, play
from tests.web.server import Served, serving


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--decks", type=int, default=20)
    parser.add_argument("--cards", type=int, default=4, help="in each deck")
    parser.add_argument("--views", type=int, default=3, help="first views, cold and warm")
    options = parser.parse_args()
    if reason := missing():
        print(reason)
        return 1
    home, folder = (Path(tempfile.mkdtemp(prefix="pyagent-phone-")) for _ in range(2))
    os.environ["PYAGENT_HOME"] = str(home)
    with serving(home, folder) as served, served.sign_in() as client, chromium() as browser:
        print(json.dumps({**views(browser, served, client, options.views), **decks(browser, served, client, options)}))
    return 0


def views(browser: Any, served: Served, client: Any, times: int) -> dict[str, Any]:
    """The first view of a phone with an empty cache, and of the same one when it comes back."""
    deal(served.home, 1, seed=999)
    cold, warm, bytes_ = [], [], 0
    for _ in range(times):
        with phone(browser, served.url) as held:
            sign_in(held, client)
            cold.append(view(held))
            bytes_ = max(bytes_, sum(int(each.headers.get("content-length", 0)) for each in held.answers))
            held.page.goto("about:blank")
            warm.append(view(held))
    with Store.open(served.home / "pyagent.db") as store, store.write() as db:
        db.execute("DELETE FROM approval")
    # The very first one also waits for the server to load Flet and to compress the client, once.
    return {
        "first_ever_s": round(cold[0], 2),
        "cold_s": round(statistics.median(cold[1:] or cold), 2),
        "warm_s": round(statistics.median(warm), 2),
        "cold_bytes": bytes_,
    }


def view(held: Phone) -> float:
    began = time.monotonic()
    held.page.goto(f"{held.url}/m/")
    held.semantics()
    while held.top() is None:
        time.sleep(0.01)
    return time.monotonic() - began


def decks(browser: Any, served: Served, client: Any, options: argparse.Namespace) -> dict[str, Any]:
    took: list[float] = []
    with phone(browser, served.url) as held:
        sign_in(held, client)
        held.page.goto(f"{held.url}/m/")
        held.semantics()
        for seed in range(options.decks):
            took += play(held, served.home, seed, options.cards)
            print(f"deck {seed + 1} of {options.decks}", file=sys.stderr)
        foreign = held.foreign
    took.sort()
    return {
        "decks": options.decks,
        "swipes": len(took),
        "swipe_p50_ms": round(statistics.median(took)),
        "swipe_p95_ms": round(took[int(0.95 * (len(took) - 1))]),
        "swipe_max_ms": round(took[-1]),
        "foreign_requests": foreign,
    }


def sign_in(held: Phone, client: Any) -> None:
    cookies = [{"name": name, "value": value, "url": held.url} for name, value in client.cookies.items()]
    held.page.context.add_cookies(cookies)


if __name__ == "__main__":
    raise SystemExit(main())
