"""What watching costs: the server's CPU and the delay from a change in the store to a page, with no browser.

    python benchmarks/web_server.py                     1,000 agents, 1,000 changes a second, 4 pages
    python benchmarks/web_server.py --agents 10000 --rate 10000

A process writes events and results into a store as runs do (one commit each 50 ms), a real `pyagent serve` follows,
and pages read its event stream over HTTP. CPU is that of the server's process; the delay is from the newest event
of a delta to its arrival.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil

from pyagent.store.db import Store
from pyagent.store.writer import SQL, Put

COMMIT = 0.05


def write(path: str, agents: int, rate: int, seconds: float) -> None:
    """A run that changes ``rate`` states a second: each agent begins and ends tasks in turn."""
    with Store.open(path) as store:
        store.begin_run("bench", "bench", "bench.jsonl", ".", ["swarm", "run"], {"model": "none"}, agents)
        began, done = time.time(), 0
        while (now := time.time()) < began + seconds:
            due = int((now - began) * rate)
            with store.write() as db:
                events, results = [], []
                for n in range(done, due):
                    task, working = f"t{n % agents}", (n // agents) % 2 == 0
                    kind = "task.started" if working else "task.finished"
                    data = "{}" if working else '{"status":"ok","source":"computed"}'
                    events.append(("bench", task, 0, None, kind, time.time(), data))
                    if not working:
                        body = {"usage": {"input_tokens": 40, "output_tokens": 8}, "cost_usd": 0.0, "model": "none"}
                        key = (n % agents).to_bytes(32, "big")
                        results.append(("bench", key, 0, task, n, "ok", now, json.dumps(body)))
                db.executemany(SQL[Put.EVENT], events)
                db.executemany(SQL[Put.RESULT], results)
            done = due
            time.sleep(COMMIT)
        store.end_run("bench", "finished", 0, None)


async def page(url: str, cookies: Any, until: float, deltas: list[tuple[int, float]], sizes: list[int]) -> None:
    topics = "/api/v1/events?topics=overview,runs,agents:bench"
    client = httpx.AsyncClient(base_url=url, cookies=cookies, timeout=None)
    async with client, client.stream("GET", topics) as stream:
        async for line in stream.aiter_lines():
            sizes.append(len(line))
            if line.startswith('data: {"topic":"agents'):
                deltas.append((json.loads(line[6:])["seq"], time.time()))
            if time.time() > until:
                return


def measure(args: argparse.Namespace) -> dict[str, Any]:
    home = tempfile.mkdtemp(prefix="pyagent-bench-")
    env = {**os.environ, "PYAGENT_HOME": home}
    command = [sys.executable, "-m", "pyagent", "--json", "serve", "--port", "0", "--no-open"]
    server = subprocess.Popen(command, env=env, cwd=home, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        said = json.loads("".join(iter(server.stdout.readline, "}\n")) + "}")
        return watched(args, said, psutil.Process(server.pid), str(Path(home) / "pyagent.db"))
    finally:
        server.kill()


def watched(args: argparse.Namespace, said: Any, server: psutil.Process, store: str) -> dict[str, Any]:
    url, token = said["url"], said["link"].partition("#token=")[2]
    signed = httpx.post(f"{url}/api/v1/session", json={"token": token}, headers={"origin": url})
    idle = spent(server, lambda: time.sleep(3)) / 3
    writer = multiprocessing.Process(target=write, args=(store, args.agents, args.rate, args.seconds + 3))
    writer.start()
    time.sleep(2)
    deltas: list[tuple[int, float]] = []
    sizes: list[int] = []

    async def pages() -> None:
        end = time.time() + args.seconds
        await asyncio.gather(*(page(url, signed.cookies, end, deltas, sizes) for _ in range(args.pages)))

    busy = spent(server, lambda: asyncio.run(pages())) / args.seconds
    writer.join()
    with httpx.Client(base_url=url, cookies=signed.cookies) as client:
        request = spent(server, lambda: [client.get("/api/v1/session") for _ in range(200)]) / 200
    return {
        "agents": args.agents,
        "changes_per_second": args.rate,
        "pages": args.pages,
        "server_cpu_percent": round(100 * busy, 1),
        "idle_cpu_percent": round(100 * idle, 2),
        "deltas_per_second_and_page": round(len(deltas) / args.pages / args.seconds, 1),
        "kilobytes_per_second_and_page": round(sum(sizes) / args.pages / args.seconds / 1000, 1),
        "delay_ms": delays(store, deltas),
        "server_rss_mb": round(server.memory_info().rss / 1e6),
        "cpu_ms_a_request": round(1000 * request, 2),
    }


def spent(process: psutil.Process, work: Callable[[], Any]) -> float:
    """CPU seconds of the process while ``work`` is done."""
    before = process.cpu_times()
    work()
    after = process.cpu_times()
    return float(after.user + after.system - before.user - before.system)


def delays(store: str, deltas: list[tuple[int, float]]) -> dict[str, float]:
    """From the newest event of a delta to its arrival, in ms. An event itself waits up to 50 ms for its commit."""
    with Store.open(store) as opened:
        at = dict(opened.read("SELECT seq, at FROM event"))
    waits = sorted(1000 * (arrived - at[seq]) for seq, arrived in deltas[1:] if seq in at)
    return {name: round(waits[int(share * (len(waits) - 1))], 1) for name, share in (("p50", 0.5), ("p95", 0.95))}


def main() -> None:
    parser = argparse.ArgumentParser(description="What watching costs the server.")
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--pages", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=10)
    print(json.dumps(measure(parser.parse_args()), indent=2))


if __name__ == "__main__":
    main()
