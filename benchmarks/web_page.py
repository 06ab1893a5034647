"""What a person's browser makes of it: sizes, first paint, frames of a busy swarm, a trace of 10,000 spans.

    python benchmarks/web_page.py                  all of it, a minute and a half
    python benchmarks/web_page.py --only swarm --agents 10000 --rate 10000

A real Chromium (headless, drawing in software) opens a real `pyagent serve`, which follows a store that another
process writes as runs do. Frames are counted by requestAnimationFrame; times are the browser's own.
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks.web_server import spent, write
from pyagent.store.db import Store
from pyagent.store.writer import SQL, Put
from tests.web.browser.tab import DIST, browser, missing

FRAMES = """
(milliseconds) => new Promise((done) => {
  const times = [];
  const end = performance.now() + milliseconds;
  const step = (now) => {
    times.push(now);
    if (now < end) requestAnimationFrame(step);
    else {
      const gaps = times.slice(1).map((at, i) => at - times[i]).sort((a, b) => a - b);
      done({
        fps: (times.length - 1) / (times.at(-1) - times[0]) * 1000,
        p95_ms: gaps[Math.floor(gaps.length * 0.95)],
      });
    }
  };
  requestAnimationFrame(step);
})
"""
# Walks the waterfall from top to bottom and back while frames are counted.
SCROLL = """
() => {
  const box = document.querySelector('.waterfall');
  let step = 90;
  const go = () => {
    box.scrollTop += step;
    if (box.scrollTop <= 0 || box.scrollTop >= box.scrollHeight - box.clientHeight - 1) step = -step;
    requestAnimationFrame(go);
  };
  requestAnimationFrame(go);
}
"""
# From the press on a link to the first drawn rows, and to the complete trace.
OPEN = """
(address) => new Promise((done) => {
  const began = performance.now();
  let first = 0;
  location.hash = address;
  const look = () => {
    const rows = document.querySelectorAll('.fall-row').length;
    if (rows > 5 && !first) first = performance.now() - began;
    const count = document.querySelector('.waterfall')?.getAttribute('aria-rowcount');
    if (Number(count) >= SPANS) done({first_rows_ms: first, complete_ms: performance.now() - began});
    else requestAnimationFrame(look);
  };
  look();
})
"""


@contextmanager
def served() -> Iterator[tuple[str, str, str, psutil.Process]]:
    """(url, launch link, path of the store, process) of a server with a store of its own."""
    home = tempfile.mkdtemp(prefix="pyagent-bench-")
    command = [sys.executable, "-m", "pyagent", "--json", "serve", "--port", "0", "--no-open"]
    env = {**os.environ, "PYAGENT_HOME": home}
    server = subprocess.Popen(command, env=env, cwd=home, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        said = json.loads("".join(iter(server.stdout.readline, "}\n")) + "}")
        yield said["url"], said["link"], str(Path(home) / "pyagent.db"), psutil.Process(server.pid)
    finally:
        server.kill()
        server.wait()


def enter(page: Any, link: str) -> None:
    page.goto(link)
    page.locator(".shell main").wait_for()


def sizes() -> dict[str, Any]:
    """Gzipped kB: what is loaded before anything shows, the largest part loaded later, and all of it."""
    packed = {path.name: len(gzip.compress(path.read_bytes(), 9)) / 1000 for path in (DIST / "assets").glob("*.[jc]s*")}
    packed = {name: size for name, size in packed.items() if not name.endswith(".gz")}
    named = re.findall(r"assets/([^\"]+\.(?:js|css))", (DIST / "index.html").read_text())
    later = {name: size for name, size in packed.items() if name not in named}
    largest = max(later, key=lambda name: later[name])
    return {
        "shell_kb": round(sum(packed[name] for name in named), 1),
        "largest_part_kb": [largest, round(later[largest], 1)],
        "all_kb": round(sum(packed.values()), 1),
    }


def paint(chromium: Any, tries: int = 5) -> dict[str, Any]:
    """First contentful paint of a browser that was never there, ms: median and worst of a few."""
    seen, foreign = [], []
    with served() as (url, link, _, _):
        context = chromium.new_context()
        enter(context.new_page(), link)
        cookies = context.cookies()
        for _ in range(tries):
            fresh = chromium.new_context()
            fresh.add_cookies(cookies)
            page = fresh.new_page()
            page.on("request", lambda request: request.url.startswith(url) or foreign.append(request.url))
            page.goto(url)
            page.locator(".figures").wait_for()
            page.wait_for_timeout(300)
            seen.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
            fresh.close()
    return {"first_paint_ms": round(sorted(seen)[tries // 2]), "worst_ms": round(max(seen)), "foreign": foreign}


def swarm(chromium: Any, agents: int, rate: int, seconds: float) -> dict[str, Any]:
    """Frames a second of the grid while so many states change a second, and the server's CPU meanwhile."""
    with served() as (_, link, store, process):
        writer = multiprocessing.Process(target=write, args=(store, agents, rate, seconds + 15))
        writer.start()
        page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
        enter(page, link)
        page.goto(link.partition("#")[0] + "#/swarm")
        page.locator(".grid-view canvas").wait_for()
        page.wait_for_timeout(2000)
        told: dict[str, Any] = {}
        # Frames of nothing are easily had: what was repainted is counted too.
        before = _changes(page)
        busy = spent(process, lambda: told.update(page.evaluate(FRAMES, seconds * 1000))) / seconds
        drawn = (_changes(page) - before) / seconds
        writer.terminate()
        writer.join()
    return {
        "agents": agents,
        "changes_per_second": rate,
        "fps": round(told["fps"], 1),
        "frame_p95_ms": round(told["p95_ms"], 1),
        "cells_repainted_per_second": round(drawn),
        "server_cpu_percent": round(100 * busy, 1),
    }


def _changes(page: Any) -> int:
    """Cells that the canvas has repainted so far."""
    painted: str = page.evaluate("document.querySelector('.grid-view canvas').dataset.painted ?? '0'")
    return int(painted)


def trace(chromium: Any, spans: int) -> dict[str, Any]:
    """A task with so many spans: how soon its waterfall stands, and how it scrolls."""
    with served() as (_, link, store, _):
        record(store, spans)
        page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
        enter(page, link)
        # The panel's code is there, as for a person who comes from the list of tasks.
        page.goto(link.partition("#")[0] + "#/runs/bench")
        page.locator(".row").first.wait_for()
        opened = page.evaluate(OPEN.replace("SPANS", str(spans)), "#/runs/bench/deep")
        nodes = page.evaluate("document.querySelectorAll('*').length")
        page.evaluate(SCROLL)
        told = page.evaluate(FRAMES, 4000)
    return {
        "spans": spans,
        **{name: round(value) for name, value in opened.items()},
        "dom_nodes": nodes,
        "scroll_fps": round(told["fps"], 1),
        "scroll_p95_ms": round(told["p95_ms"], 1),
    }


def record(path: str, spans: int) -> None:
    """One task whose trace has so many spans: calls, each with a tool below it."""
    began = time.time() - 3600
    events: list[tuple[Any, ...]] = [("bench", "deep", 0, None, "task.started", began, "{}")]
    for n in range(1, spans):
        parent = 0 if n % 2 else n - 1
        kind = "call" if n % 2 else "tool"
        opened = {"model": "none"} if kind == "call" else {"name": "read_file", "arguments": {"path": f"notes/{n}.md"}}
        at = began + n * 0.3
        events.append(("bench", "deep", n, parent, f"{kind}.started", at, json.dumps(opened)))
        closed = {"input_tokens": 900, "output_tokens": 40, "cost_usd": 0.0, "status": "ok"}
        events.append(("bench", "deep", n, parent, f"{kind}.finished", at + 0.25, json.dumps(closed)))
    events.append(("bench", "deep", 0, None, "task.finished", began + spans * 0.3, '{"status":"ok"}'))
    body = {"id": "deep", "status": "ok", "output": "done", "usage": {}, "cost_usd": 0.0, "model": "none"}
    with Store.open(path) as store:
        store.begin_run("bench", "bench", "bench.jsonl", ".", ["swarm", "run"], {"model": "none"}, 1)
        with store.write() as db:
            db.executemany(SQL[Put.EVENT], events)
            db.execute(SQL[Put.RESULT], ("bench", bytes(32), 0, "deep", 1, "ok", began, json.dumps(body)))
        store.end_run("bench", "finished", 0, None)


def main() -> None:
    parser = argparse.ArgumentParser(description="What a browser makes of the web pages.")
    parser.add_argument("--only", choices=["sizes", "paint", "swarm", "trace"])
    parser.add_argument("--agents", type=int)
    parser.add_argument("--rate", type=int)
    parser.add_argument("--spans", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=8)
    args = parser.parse_args()
    if reason := missing():
        raise SystemExit(reason)
    wanted = [args.only] if args.only else ["sizes", "paint", "swarm", "trace"]
    loads = [(args.agents, args.rate or args.agents)] if args.agents else [(1000, 1000), (10_000, 10_000)]
    with browser() as chromium:
        if "sizes" in wanted:
            print(json.dumps(sizes()), flush=True)
        if "paint" in wanted:
            print(json.dumps(paint(chromium)), flush=True)
        for agents, rate in loads if "swarm" in wanted else []:
            print(json.dumps(swarm(chromium, agents, rate, args.seconds)), flush=True)
        if "trace" in wanted:
            print(json.dumps(trace(chromium, args.spans)), flush=True)


if __name__ == "__main__":
    main()
